//! `albatross query NAME... --out FOLDER`: a file of each answer, called after its query.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use albatross_lake::Lake;
use albatross_query::{Catalogue, Clock, Format, Query, Session};
use anyhow::{Context, Result};
use chrono_tz::Tz;
use clap::{Args, Command, FromArgMatches};
use tokio::signal::unix::SignalKind;

use crate::args::NamedQuery;
use crate::cluster::ClusterArgs;
use crate::config::Config;
use crate::exit::{self, Exit, UsageError};
use crate::ingest::time_argument;
use crate::logs::{self, LogArgs};
use crate::query::{to_file, warn_of_faults};
use crate::s3::S3Args;
use crate::show::{plural, safe};
use crate::whole;

/// Write the answers of named queries into a folder, as NAME.csv.
///
/// Each file appears whole or not at all. The columns of each are listed in queries/README.md and do not change their meaning.
#[derive(Args)]
struct Summaries {
    /// Names; `albatross queries` lists them.
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// All queries that need no value.
    #[arg(long)]
    all: bool,
    /// Folder; made if it is missing.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Begin: 2026-11-19, "2026-11-19 18:00", -2h, yesterday; the whole lake unless given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// End, not included.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Zone of times given without one, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone)]
    tz: Option<Tz>,
    /// csv, tsv, json, ndjson, markdown or parquet.
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: Format,
    /// Folder of your own queries.
    #[arg(long, env = "ALBATROSS_QUERIES", value_name = "FOLDER")]
    queries: Option<PathBuf>,
    /// Folder of the lake, or s3://bucket/prefix.
    #[arg(long, env = "ALBATROSS_LAKE", value_name = "FOLDER")]
    lake: Option<String>,
    /// Defaults of options.
    #[arg(id = "config", long, value_name = "FILE")]
    _config: Option<PathBuf>, // read before the options are known
    #[command(flatten)]
    s3: S3Args,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// Whether the options are those of several queries.
pub(crate) fn is_wanted(args: &NamedQuery) -> bool {
    let all = args.name.iter().chain(&args.rest);
    all.take_while(|arg| *arg != "--").any(|arg| arg == "--out" || arg == "--all" || arg.starts_with("--out="))
}

pub(crate) fn run(
    lake: &str,
    s3: &S3Args,
    cluster: &ClusterArgs,
    log: &LogArgs,
    config: &Config,
    args: &NamedQuery,
) -> Result<Exit> {
    let command = Summaries::augment_args(Command::new("albatross query").max_term_width(110));
    let line = ["albatross query"].into_iter().chain(args.name.iter().chain(&args.rest).map(String::as_str));
    let args = Summaries::from_arg_matches(&command.get_matches_from(line)).unwrap_or_else(|error| error.exit());
    logs::start(&args.log.or(log), false)?;
    if args.format == Format::Table {
        return Err(UsageError("a table is for a terminal: take --format csv or another one".into()).into());
    }
    let catalogue = Catalogue::load(args.queries.or_else(|| config.queries()).as_deref())?;
    warn_of_faults(&catalogue);
    let names = if args.all { all(&catalogue) } else { args.names };
    // Of a wrong command line nothing is done.
    names.iter().try_for_each(|name| catalogue.get(name).map(drop))?;
    let clock = Clock::system(args.tz.unwrap_or(config.zone()));
    let ends = (time_argument("from", &args.from, &clock)?, time_argument("to", &args.to, &clock)?);
    if let (Some(from), Some(to)) = ends
        && from >= to
    {
        return Err(UsageError("--to is not after --from".into()).into());
    }
    let given = [("from", args.from), ("to", args.to)];
    let given = given.into_iter().filter_map(|(name, time)| Some((name.to_owned(), time?))).collect();
    whole::end_on(&[SignalKind::terminate(), SignalKind::interrupt()]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let lake = Lake::open_with(args.lake.as_deref().unwrap_or(lake), &args.s3.or(s3).s3()).await?;
        let session = args.cluster.or(cluster).session(&lake).await?;
        std::fs::create_dir_all(&args.out)
            .with_context(|| format!("cannot make {}", safe(&args.out.to_string_lossy())))?;
        anyhow::Ok(write_all(&session, &catalogue, &names, args.format, &given, &clock, &args.out).await)
    })?;
    if logs::for_people() {
        eprintln!("{} in {}", plural(done.files, "file"), safe(&args.out.to_string_lossy()));
    }
    Ok(match (done.failed, done.files) {
        (0, _) => Exit::Fine,
        (_, 0) => done.worst,
        _ => Exit::Partial,
    })
}

/// All queries that can be asked as they are.
pub(crate) fn all(catalogue: &Catalogue) -> Vec<String> {
    let complete = |query: &&Query| query.params.iter().all(|param| param.optional || param.default.is_some());
    catalogue.iter().filter(complete).map(|query| query.name.clone()).collect()
}

/// What was written.
pub(crate) struct Done {
    pub(crate) files: u64,
    pub(crate) failed: u64,
    /// Why one failed.
    pub(crate) worst: Exit,
}

/// Writes the answer of each query as `NAME.csv` (or as `format` has it) into a folder. One that fails, or that there is not, is told, and
/// the others are written.
pub(crate) async fn write_all(
    session: &Session,
    catalogue: &Catalogue,
    names: &[String],
    format: Format,
    given: &BTreeMap<String, String>,
    clock: &Clock,
    out: &Path,
) -> Done {
    let mut done = Done { files: 0, failed: 0, worst: Exit::Fine };
    for name in names {
        let written = async {
            let query = catalogue.get(name)?;
            let path = out.join(format!("{}.{}", query.name, extension(format)));
            to_file(&path, format, session.query(query, given, clock).await?).await
        };
        match written.await {
            Ok(_) => done.files += 1,
            Err(error) => {
                tracing::warn!(source = safe(name), reason = exit::chain(&error), "query failed");
                done.failed += 1;
                done.worst = done.worst.max(exit::of(&error));
            }
        }
    }
    done
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Markdown => "md",
        other => other.name(),
    }
}
