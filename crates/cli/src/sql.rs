//! `albatross sql`: statements from the command line, from a file or standard input, or in a shell.

mod client;
mod columns;
mod commands;
mod complete;
mod fault;
mod screen;
mod shell;

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::str::FromStr;

use albatross_ingest::Window;
use albatross_query::{Clock, Options, Script, write};
use anyhow::{Context, Result};
use chrono_tz::Tz;
use clap::Args;
use tokio::signal::unix::SignalKind;

use crate::args::{Output, Reading};
use crate::cluster::ClusterArgs;
use crate::exit::{Exit, UsageError};
use crate::ingest::{INTERRUPTED, routes, time_argument};
use crate::query::{self, no_parquet, to_file};
use crate::s3::S3Args;
use crate::show::{count, safe};
use crate::whole;
use client::{Client, Interrupted};

/// Answer SQL, from the lake or from files of logs.
///
/// Without a statement, in a terminal, a shell: \? tells its commands. A quoted path, glob or s3:// address is the table of the logs behind
/// it, read where they are: SELECT count(*) FROM 'logs/**/*.log.gz'; no lake is needed for that. docs/sql.md has more. Read-only.
#[derive(Args)]
pub(crate) struct Sql {
    /// One statement, or several with ; between them; read from standard input if it is - or missing.
    #[arg(value_name = "SQL")]
    statement: Option<String>,
    /// Read the statements from a file.
    #[arg(long, short, value_name = "FILE", conflicts_with = "statement")]
    file: Option<PathBuf>,
    /// Rows of a table that a terminal shows at most, or all.
    #[arg(long, value_name = "N", default_value = "1000")]
    max_rows: Limit,
    /// Folder of your own queries, for the shell.
    #[arg(long, env = "ALBATROSS_QUERIES", value_name = "FOLDER")]
    queries: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    files: FileArgs,
}

/// How files are read that are no lake.
#[derive(Args)]
#[command(next_help_heading = "Log files")]
struct FileArgs {
    /// Leave out files that end before this, by AWS's file names: 2026-11-19, "2026-11-19 18:00", -2h, yesterday.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Leave out files of requests that arrived at this time or later. In S3 only the days that matter are listed.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Zone of times given without one, and of logs that tell local time without saying where: Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = query::parse_zone, default_value = "UTC")]
    tz: Tz,
    #[command(flatten)]
    reading: Reading,
    /// Your own route templates, one a line (/shop/:item/reviews, /static/*); the first that matches wins.
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
}

impl FileArgs {
    fn settings(&self) -> Result<albatross_formats::Settings> {
        Ok(self.reading.settings(self.tz, routes(self.routes.as_deref())?.0))
    }

    fn window(&self) -> Result<Window> {
        let clock = Clock::system(self.tz);
        Ok(Window { from: time_argument("from", &self.from, &clock)?, to: time_argument("to", &self.to, &clock)? })
    }
}

/// A number of rows; `None` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit(Option<u64>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Limit, String> {
        match (text, text.parse()) {
            ("all", _) => Ok(Limit(None)),
            (_, Ok(rows)) if rows > 0 => Ok(Limit(Some(rows))),
            _ => Err("give a number of rows, or all".to_owned()),
        }
    }
}

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, args: &Sql) -> Result<Exit> {
    let without_mark = |text: String| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let script = match (&args.file, args.statement.as_deref()) {
        (Some(path), _) if path.as_os_str() != "-" => {
            let name = safe(&path.to_string_lossy());
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
            Some((without_mark(text), Some(name)))
        }
        (None, Some(statement)) if statement != "-" => Some((statement.to_owned(), None)),
        (None, None) if std::io::stdin().is_terminal() => None,
        _ => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read the statement from standard input")?;
            Some((without_mark(text), None))
        }
    };
    if script.is_none() && !std::io::stdout().is_terminal() {
        let how = "give a statement: albatross sql \"SELECT ...\", -f FILE, or on standard input";
        return Err(UsageError(how.into()).into());
    }
    // Ctrl-C is for the statement (`client::or_interrupt`).
    whole::end_on(&[SignalKind::terminate()]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(Client::open(lake, s3, cluster, args)).and_then(|mut client| match script {
        None => shell::run(&runtime, client, args),
        Some((text, name)) => runtime.block_on(statements(&mut client, &text, name.as_deref(), args)),
    });
    // A file that is still being read for an answer that nobody wants is no reason to wait.
    runtime.shutdown_background();
    exit
}

/// Answers all statements of a text, up to the first that fails.
async fn statements(client: &mut Client, text: &str, name: Option<&str>, args: &Sql) -> Result<Exit> {
    let pieces = Script::parse(text).all();
    let answers = pieces.iter().filter(|piece| has_rows(&piece.sql)).count();
    if pieces.is_empty() {
        return Err(UsageError("there is no statement".into()).into());
    }
    let one = match query::format(&args.output)? {
        _ if args.output.file().is_some() => Some("-o"),
        albatross_query::Format::Parquet => Some("Parquet"),
        albatross_query::Format::Json => Some("JSON"),
        _ => None,
    };
    if let Some(what) = one.filter(|_| answers != 1) {
        return Err(UsageError(format!("{what} takes one answer, and here are {answers}")).into());
    }
    let mut rows = 0;
    let mut answered = false;
    for piece in &pieces {
        let follows = answered;
        answered |= has_rows(&piece.sql);
        match client::or_interrupt(answer(client, &piece.sql, follows, args)).await {
            Ok(more) => rows += more,
            Err(error) if error.is::<Interrupted>() => {
                client.session.cancel().await;
                std::process::exit(INTERRUPTED)
            }
            Err(error) => return fault::tell(error, text, piece.place, name),
        }
    }
    Ok(if args.output.fail_on_rows && rows > 0 { Exit::Finding } else { Exit::Fine })
}

/// Answers one statement to where its answer is wanted. Returns the number of its rows.
async fn answer(client: &mut Client, sql: &str, follows: bool, args: &Sql) -> Result<u64> {
    let format = query::format(&args.output)?;
    let Some(stream) = client.run(sql).await? else { return Ok(0) };
    if (args.files.from.is_some() || args.files.to.is_some()) && !client.reads_files() {
        let how =
            "--from and --to choose log files, and none is read here: write WHERE started_at >= '2026-11-19T18:00:00Z'";
        return Err(UsageError(how.into()).into());
    }
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let written = match args.output.file() {
        Some(path) => to_file(path, format, stream).await?,
        None => {
            no_parquet(format, terminal)?;
            let is_table = format == albatross_query::Format::Table;
            let options = Options {
                terminal,
                width: terminal.then(query::terminal_width).flatten(),
                max_rows: args.max_rows.0.filter(|_| terminal && is_table),
                ..Options::default()
            };
            let mut screen = screen::Screen::new(terminal);
            if follows && is_table {
                writeln!(screen)?;
            }
            let written = write(format, stream, &mut screen, &options).await?;
            screen.finish()?;
            written
        }
    };
    client.tell_bad();
    if written.shown < written.rows {
        let (shown, rows) = (count(written.shown), count(written.rows));
        let least = if written.whole { "" } else { "at least " };
        eprintln!("{shown} of {least}{rows} rows are shown: --max-rows all shows all of them, -o FILE writes them");
    }
    Ok(written.rows)
}

/// Whether a statement answers, rather than changing its session.
fn has_rows(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or_default().to_uppercase();
    !["SET", "RESET", "CREATE", "DROP"].contains(&word.as_str())
}
