//! `albatross report`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use albatross_formats::{RULES_VERSION, Routes};
use albatross_ingest::{Options, Summary};
use albatross_lake::Lake;
use albatross_query::{Clock, Session, parse_time};
use albatross_report::{Report, Window, gather, html, markdown};
use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use tokio::runtime::Runtime;

use crate::args::{Reading, file};
use crate::cluster::ClusterArgs;
use crate::exit::{Exit, UsageError};
use crate::ingest::{self, INTERRUPTED, MEMORY_PER_THREAD, Progress, cores, time_argument};
use crate::s3::S3Args;
use crate::show::{safe, size};
use crate::whole::WholeFile;
use crate::{diagnose, logs};

/// Write the report of a day, or of another time: one page to mail or to print.
///
/// Incidents with their causes, charts of requests, failures, CPU and latency, what is slow, what failed, and how all that compares with the day
/// before and the same day last week. The page needs nothing but itself (docs/report.md). Given files, reads them into a lake of its own that
/// is gone afterwards, and reports all of them; else the lake.
#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Report on these instead of the lake: files, folders, globs, s3://bucket/prefix, as for ingest.
    #[arg(value_name = "PATH")]
    inputs: Vec<String>,
    /// A day: yesterday, today, 2026-11-19. Without any time, the last day in the lake that is over; of files, all that they hold.
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"])]
    day: Option<String>,
    /// Begin: 2026-11-19, "2026-11-19 18:00", 2026-11-19T18:00:00Z, -2h, yesterday.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// End, not included.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Zone of days, and of times given without one: Europe/Berlin. The report's own times are UTC.
    #[arg(long, value_name = "ZONE", value_parser = crate::query::parse_zone, default_value = "UTC")]
    tz: Tz,
    #[command(flatten)]
    reading: Reading,
    /// What it is; else the file's extension says so (.html, .md, .json), and html without one.
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// Write to this file, whole or not at all; - and unless given, standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit with 1 if there is any incident.
    #[arg(long)]
    fail_on_incident: bool,
    /// Say nothing but what went wrong.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A page for a browser, complete in one file.
    Html,
    /// For a ticket.
    Markdown,
    /// Stable and versioned: docs/report.md.
    Json,
}

pub(crate) fn run(lake: &str, s3: &S3Args, cluster: &ClusterArgs, args: &ReportArgs) -> Result<Exit> {
    let form = form(args)?;
    if file(&args.output).is_none() && form == Form::Html && std::io::stdout().is_terminal() {
        return Err(UsageError("a page is not for a terminal: add -o report.html, or --format markdown".into()).into());
    }
    let clock = Clock::system(args.tz);
    let given = given(args, &clock)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (report, exit) = if args.inputs.is_empty() {
        let lake = runtime.block_on(Lake::open_with(lake, &s3.s3()))?;
        let session = runtime.block_on(cluster.session(&lake))?;
        (runtime.block_on(of_lake(&session, args, given, &clock))?, Exit::Fine)
    } else {
        of_files(&runtime, s3, args, given, &clock)?
    };
    write(&report, form, args)?;
    Ok(if args.fail_on_incident && !report.diagnosis.incidents.is_empty() { Exit::Finding } else { exit })
}

fn form(args: &ReportArgs) -> Result<Form> {
    if let Some(form) = args.format {
        return Ok(form);
    }
    let extension = file(&args.output).and_then(Path::extension).map(|e| e.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        None | Some("html" | "htm") => Ok(Form::Html),
        Some("md" | "markdown") => Ok(Form::Markdown),
        Some("json") => Ok(Form::Json),
        Some(other) => {
            Err(UsageError(format!("a report is .html, .md or .json, not .{}: or give --format", safe(other))).into())
        }
    }
}

async fn of_lake(session: &Session, args: &ReportArgs, given: Option<Window>, clock: &Clock) -> Result<Report> {
    let window = match given {
        Some(window) => window,
        None if args.inputs.is_empty() && args.from.is_none() && args.to.is_none() => last_day(session, clock),
        None => diagnose::window(session, &args.from, &args.to, clock)?,
    };
    Ok(gather(session, window, clock).await?)
}

/// The time that the options say; `None` where the lake must be asked for an end.
fn given(args: &ReportArgs, clock: &Clock) -> Result<Option<Window>> {
    if let Some(text) = &args.day {
        let day = parse_time(text, clock).and_then(|time| day(date(time, clock), clock));
        let problem = || UsageError(format!("--day `{}` is no day: give yesterday, today or 2026-11-19", safe(text)));
        return Ok(Some(day.ok_or_else(problem)?));
    }
    let (from, to) = (time_argument("from", &args.from, clock)?, time_argument("to", &args.to, clock)?);
    match (from, to) {
        (Some(from), Some(to)) if from >= to => Err(UsageError("--to is not after --from".into()).into()),
        (Some(from), Some(to)) => Ok(Some(Window { from, to })),
        _ => Ok(None),
    }
}

/// The last day of the lake that is over: yesterday, if there is something of today already.
fn last_day(session: &Session, clock: &Clock) -> Window {
    let today = date(clock.now, clock);
    let Some((first, last)) = session.span() else {
        return day(today, clock).unwrap_or(Window { from: clock.now, to: clock.now });
    };
    let newest = date(last, clock);
    let last_day = match today.pred_opt() {
        Some(yesterday) if newest >= today && date(first, clock) < today => yesterday,
        _ => newest,
    };
    day(last_day, clock).unwrap_or(Window { from: first, to: last })
}

fn date(time: DateTime<Utc>, clock: &Clock) -> NaiveDate {
    time.with_timezone(&clock.zone).date_naive()
}

/// From midnight to midnight, which need not be 24 hours.
fn day(date: NaiveDate, clock: &Clock) -> Option<Window> {
    let midnight = |date: NaiveDate| parse_time(&date.to_string(), clock);
    Some(Window { from: midnight(date)?, to: midnight(date.succ_opt()?)? })
}

/// Through a lake that is there for this report only.
fn of_files(
    runtime: &Runtime,
    s3: &S3Args,
    args: &ReportArgs,
    given: Option<Window>,
    clock: &Clock,
) -> Result<(Report, Exit)> {
    let folder = tempfile::Builder::new()
        .prefix("albatross-report-")
        .tempdir()
        .context("cannot make a folder for the report's lake (TMPDIR says where)")?;
    runtime.spawn(remove_on_signal(folder.path().to_owned()));
    let lake = runtime.block_on(Lake::open_or_create_with(&folder.path().to_string_lossy(), &s3.s3()))?;
    let summary = ingest(runtime, &lake, s3, args, given, clock)?;
    if summary.ingested_files() == 0 {
        anyhow::bail!("there is nothing to report: no file could be read");
    }
    let exit = if summary.failures.is_empty() { Exit::Fine } else { Exit::Partial };
    let session = runtime.block_on(Session::open(&lake))?;
    Ok((runtime.block_on(of_lake(&session, args, given, clock))?, exit))
}

fn ingest(
    runtime: &Runtime,
    lake: &Lake,
    s3: &S3Args,
    args: &ReportArgs,
    given: Option<Window>,
    clock: &Clock,
) -> Result<Summary> {
    let started = Instant::now();
    // With one end alone, that end.
    let (from, to) = match given {
        Some(window) => (Some(window.from), Some(window.to)),
        None => (time_argument("from", &args.from, clock)?, time_argument("to", &args.to, clock)?),
    };
    let options = Options {
        inputs: args.inputs.clone(),
        window: albatross_ingest::Window { from, to },
        s3: s3.s3(),
        threads: cores(),
        memory_per_thread: MEMORY_PER_THREAD,
        max_rejects: 1.0,
        shard: None,
        format: None,
        settings: args.reading.settings(args.tz, Routes::default()),
        route_rules: RULES_VERSION.to_string(),
    };
    let progress = Progress::new(!args.quiet);
    let stop = AtomicBool::new(false);
    let summary = albatross_ingest::ingest(runtime.handle(), lake, &options, &stop, &|event| progress.event(event));
    progress.end();
    let summary = summary.context("the files cannot be read")?;
    ingest::report(&summary, args.quiet, started.elapsed());
    Ok(summary)
}

/// What was asked for is one whole report: an interrupted one leaves nothing.
async fn remove_on_signal(folder: PathBuf) {
    ingest::signal().await;
    // Threads may still be writing into it.
    for _ in 0..20 {
        if std::fs::remove_dir_all(&folder).is_ok() && !folder.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    std::process::exit(INTERRUPTED);
}

fn write(report: &Report, form: Form, args: &ReportArgs) -> Result<()> {
    let text = match form {
        Form::Html => html(report),
        Form::Markdown => markdown(report),
        Form::Json => serde_json::to_string_pretty(report)? + "\n",
    };
    let Some(path) = file(&args.output) else {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        return Ok(out.flush()?);
    };
    let written = WholeFile::create(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.finish()
    });
    written.with_context(|| format!("cannot write {}", safe(&path.to_string_lossy())))?;
    if !args.quiet && logs::for_people() {
        eprintln!("wrote {} ({})", safe(&path.to_string_lossy()), size(text.len() as u64));
        eprintln!("  {}", safe(&report.verdict.text));
    }
    Ok(())
}
