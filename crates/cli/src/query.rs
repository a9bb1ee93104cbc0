//! `albatross query`, `albatross queries`.

use std::collections::BTreeMap;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use albatross_lake::Lake;
use albatross_query::{
    Catalogue, Clock, Format, Kind, Options, Query, SendableRecordBatchStream, Session, Written, write,
};
use anyhow::{Context, Result};
use chrono_tz::Tz;
use clap::{Arg, ArgMatches, Args as _, Command, FromArgMatches};
use tokio::signal::unix::SignalKind;

use crate::args::{NamedQuery, Output, Queries};
use crate::cluster::ClusterArgs;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::logs::{self, LogArgs};
use crate::s3::S3Args;
use crate::show::safe;
use crate::summaries;
use crate::whole::{self, WholeFile};

/// `albatross query NAME ...`: the query's own header says which options there are.
pub(crate) fn named(
    lake: &str,
    s3: &S3Args,
    cluster: &ClusterArgs,
    log: &LogArgs,
    config: &Config,
    args: &NamedQuery,
) -> Result<Exit> {
    if summaries::is_wanted(args) {
        return summaries::run(lake, s3, cluster, log, config, args);
    }
    let own_queries = |rest: &[String]| own_queries(rest).or_else(|| config.queries());
    let Some(name) = args.name.as_deref().filter(|name| !["-h", "--help"].contains(name)) else {
        logs::start(log, false)?;
        return list(&Queries { name: None, queries: own_queries(&args.rest) });
    };
    let catalogue = Catalogue::load(own_queries(&args.rest).as_deref())?;
    let query = catalogue.get(name).inspect_err(|_| {
        let _ = logs::start(log, false); // the error that follows says more
        warn_of_faults(&catalogue);
    })?;
    let matches = command(query, config.zone())
        .get_matches_from(std::iter::once(format!("albatross query {name}")).chain(args.rest.clone()));
    logs::start(&LogArgs::from_arg_matches(&matches)?.or(log), false)?;
    warn_of_faults(&catalogue);
    let lake = matches.get_one::<String>("lake").map_or(lake, String::as_str);
    let zone = *matches.get_one::<Tz>("tz").unwrap_or(&Tz::UTC);
    let given = given(query, &matches);
    let output = Output::from_arg_matches(&matches)?;
    let s3 = S3Args::from_arg_matches(&matches)?.or(s3);
    let cluster = ClusterArgs::from_arg_matches(&matches)?.or(cluster);
    answer(lake, &s3, &cluster, &output, async |session| Ok(session.query(query, &given, &Clock::system(zone)).await?))
}

/// The texts that were given for the parameters of a query.
pub(crate) fn given(query: &Query, matches: &ArgMatches) -> BTreeMap<String, String> {
    ["from", "to"]
        .into_iter()
        .chain(query.params.iter().map(|param| param.name.as_str()))
        .filter_map(|name| Some((name.to_string(), matches.get_one::<String>(name)?.clone())))
        .collect()
}

/// The options of a named query as a command of its own, so that `--help` and errors speak of them.
pub(crate) fn command(query: &Query, zone: Tz) -> Command {
    let option = |id: &str, value: &str, help: String| {
        let long = id.replace('_', "-");
        // People write parameters as the SQL has them, too.
        let aliases = if long == id { None } else { Some(id.to_string()) };
        Arg::new(id.to_string())
            .long(long)
            .visible_aliases(aliases)
            .value_name(value.to_string())
            .allow_hyphen_values(true)
            .help(help)
    };
    let mut command = Command::new(format!("albatross query {}", query.name))
        .about(query.title.clone())
        .long_about(format!("{}\n\n{}", query.title, query.description).trim().to_string())
        .max_term_width(110)
        .next_help_heading("Window")
        .arg(option("from", "TIME", "Begin: 2026-11-19, \"2026-11-19 18:00\", 2026-11-19T18:00:00Z, -2h, yesterday; the whole lake unless given".into()))
        .arg(option("to", "TIME", "End, not included".into()))
        .arg(option("tz", "ZONE", "Zone of times given without one, such as Europe/Berlin".into()).value_parser(parse_zone).default_value(zone.name()))
        .next_help_heading("Parameters");
    for param in &query.params {
        let default = param.default.as_ref().map_or(String::new(), |default| format!(" [default: {default}]"));
        let help = format!("{} ({}: {}){default}", param.help, param.kind.name(), param.allowed());
        let arg = option(&param.name, &param.name.to_uppercase(), help);
        // `--spikes-only` alone means true.
        let is_switch = param.kind == Kind::Boolean;
        command = command.arg(if is_switch {
            arg.num_args(0..=1).allow_hyphen_values(false).default_missing_value("true")
        } else {
            arg
        });
    }
    command = Output::augment_args(command.next_help_heading("Output"))
        .arg(
            Arg::new("lake")
                .long("lake")
                .value_name("FOLDER")
                .help("Folder of the lake, or s3://bucket/prefix")
                .env("ALBATROSS_LAKE"),
        )
        .arg(Arg::new("config").long("config").value_name("FILE").help("Defaults of options"))
        .arg(
            Arg::new("queries")
                .long("queries")
                .value_name("FOLDER")
                .help("Folder of your own queries")
                .env("ALBATROSS_QUERIES"),
        );
    command = LogArgs::augment_args(ClusterArgs::augment_args(S3Args::augment_args(command)));
    command.after_help(format!("Columns:\n{}{}", columns(query), examples(query)))
}

fn columns(query: &Query) -> String {
    let width = query.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
    let line = |column: &albatross_query::Column| {
        let unit = if column.unit.is_empty() { String::new() } else { format!(", {}", column.unit) };
        format!("  {:width$}  {}{unit}: {}\n", column.name, column.data_type, column.help)
    };
    query.columns.iter().map(line).collect()
}

fn examples(query: &Query) -> String {
    if query.examples.is_empty() {
        return String::new();
    }
    format!("\nExamples:\n{}", query.examples.iter().map(|example| format!("  {example}\n")).collect::<String>())
}

/// Needed before the options are known, for they depend on the query.
fn own_queries(rest: &[String]) -> Option<PathBuf> {
    let after = rest.iter().skip_while(|arg| *arg != "--queries").nth(1);
    let joined = rest.iter().find_map(|arg| arg.strip_prefix("--queries="));
    after
        .map(String::as_str)
        .or(joined)
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("ALBATROSS_QUERIES").map(PathBuf::from))
}

pub(crate) fn warn_of_faults(catalogue: &Catalogue) {
    for fault in catalogue.faults() {
        tracing::warn!(warning = %fault, "query cannot be used");
    }
}

pub(crate) fn parse_zone(text: &str) -> Result<Tz, String> {
    Tz::from_str(text).map_err(|_| "no time zone of this name; give one such as UTC or Europe/Berlin".to_string())
}

/// `albatross queries [NAME]`.
pub(crate) fn list(args: &Queries) -> Result<Exit> {
    let catalogue = Catalogue::load(args.queries.as_deref())?;
    warn_of_faults(&catalogue);
    let mut out = std::io::stdout().lock();
    if let Some(name) = &args.name {
        let query = catalogue.get(name)?;
        writeln!(out, "{}\n{}", command(query, Tz::UTC).render_long_help(), query.sql.trim_end())?;
        return Ok(Exit::Fine);
    }
    let width = catalogue.iter().map(|query| query.name.len()).max().unwrap_or(0);
    for query in catalogue.iter() {
        let own = if query.built_in { "" } else { "  (yours)" };
        writeln!(out, "{:width$}  {}{own}", query.name, safe(&query.title))?;
    }
    out.flush()?;
    if std::io::stdout().is_terminal() {
        eprintln!("\nalbatross query NAME answers one, albatross query NAME --help tells its options and columns");
    }
    Ok(Exit::Fine)
}

/// Opens the lake, asks, and writes the answer to where it is wanted.
pub(crate) fn answer(
    lake: &str,
    s3: &S3Args,
    cluster: &ClusterArgs,
    output: &Output,
    ask: impl AsyncFnOnce(&Session) -> Result<SendableRecordBatchStream>,
) -> Result<Exit> {
    whole::end_on(&[SignalKind::terminate(), SignalKind::interrupt()]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let written = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let session = cluster.session(&lake).await?;
        let stream = ask(&session).await?;
        let format = format(output)?;
        let mut options = Options::default();
        match output.file() {
            Some(path) => to_file(path, format, stream).await,
            None => {
                let stdout = std::io::stdout();
                options.terminal = stdout.is_terminal();
                no_parquet(format, options.terminal)?;
                options.width = options.terminal.then(terminal_width).flatten();
                let mut out = BufWriter::new(stdout);
                let written = write(format, stream, &mut out, &options).await?;
                out.flush()?;
                Ok(written)
            }
        }
    })?;
    Ok(if output.fail_on_rows && written.rows > 0 { Exit::Finding } else { Exit::Fine })
}

/// Writes an answer to a file, of which a reader never finds a half.
pub(crate) async fn to_file(path: &Path, format: Format, stream: SendableRecordBatchStream) -> Result<Written> {
    let context = || format!("cannot write {}", safe(&path.to_string_lossy()));
    let mut file = BufWriter::new(WholeFile::create(path).with_context(context)?);
    let written = write(format, stream, &mut file, &Options::default()).await?;
    file.into_inner().map_err(|e| e.into_error()).and_then(WholeFile::finish).with_context(context)?;
    Ok(written)
}

pub(crate) fn no_parquet(format: Format, terminal: bool) -> Result<(), UsageError> {
    match (format, terminal) {
        (Format::Parquet, true) => Err(UsageError("Parquet is not for a terminal: add -o FILE or redirect".into())),
        _ => Ok(()),
    }
}

pub(crate) fn format(output: &Output) -> Result<Format> {
    if let Some(format) = output.format {
        return Ok(format);
    }
    match output.file() {
        Some(path) => match path.extension() {
            Some(extension) => Format::from_str(&extension.to_string_lossy())
                .map_err(|e| UsageError(format!("{e}, or give --format")).into()),
            None => Ok(Format::Csv),
        },
        None => Ok(Format::Table),
    }
}

pub(crate) fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}
