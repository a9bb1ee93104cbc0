//! `albatross ingest`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use albatross_formats::{RULES_VERSION, Routes, Skip};
use albatross_ingest::{Event, Options, Summary, Window};
use albatross_lake::Lake;
use albatross_query::{Clock, TIME_FORMS, parse_time};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Ingest;
use crate::exit::{Exit, UsageError};
use crate::s3::S3Args;
use crate::show::{count, plural, safe, size};
use crate::{logs, maintain};

/// Together with the buffers it stays below this per thread.
const MEMORY_PER_THREAD: usize = 200_000_000;

pub(crate) fn run(lake: &str, s3: &S3Args, args: &Ingest) -> Result<Exit> {
    let started = Instant::now();
    let (routes, route_rules) = routes(args.routes.as_deref())?;
    let threads = args.threads.map_or_else(cores, usize::from);
    let options = Options {
        inputs: args.inputs.clone(),
        window: window(args)?,
        s3: s3.s3(),
        threads,
        memory_per_thread: args.memory.map_or(MEMORY_PER_THREAD, |all| all as usize / threads),
        max_rejects: args.max_rejects,
        shard: args.shard,
        format: args.format,
        settings: args.reading.settings(args.tz, routes),
        route_rules,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let lake_at = runtime
        .block_on(Lake::open_or_create_with(lake, &options.s3))
        .with_context(|| format!("the lake at {}", safe(lake)))?;

    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(stop_on_signal(Arc::clone(&stop), "complete files are being committed"));
    let progress = Progress::new(!args.quiet);
    let result = albatross_ingest::ingest(runtime.handle(), &lake_at, &options, &stop, &|event| progress.event(event));
    progress.end();
    let summary = result.with_context(|| {
        let rows = progress.committed.load(Ordering::Relaxed);
        format!("ingest stopped; {} had been committed and stay, run it again to go on", plural(rows, "row"))
    })?;
    report(&summary, args.quiet, started.elapsed());
    Ok(match summary.failures.len() as u64 + summary.left {
        0 if args.maintain => maintain::run_on(&runtime, &lake_at, &Default::default(), &stop, args.quiet)?,
        0 => Exit::Fine,
        _ if summary.ingested_files() + summary.already == 0 => Exit::Failed,
        _ => Exit::Partial,
    })
}

fn window(args: &Ingest) -> Result<Window> {
    let clock = Clock::system(args.tz);
    let (from, to) = (time_argument("from", &args.from, &clock)?, time_argument("to", &args.to, &clock)?);
    if from.is_some() && to.is_some() && from >= to {
        return Err(UsageError("--from must be before --to".into()).into());
    }
    Ok(Window { from, to })
}

/// The value of `--from` or `--to`.
pub(crate) fn time_argument(
    name: &str,
    text: &Option<String>,
    clock: &Clock,
) -> Result<Option<DateTime<Utc>>, UsageError> {
    let Some(text) = text else { return Ok(None) };
    let problem = || UsageError(format!("--{name} `{}` is no time; give one such as {TIME_FORMS}", safe(text)));
    parse_time(text, clock).map(Some).ok_or_else(problem)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The user's rules, and the name under which the ledger keeps them: the built-in version, and a checksum of the file.
pub(crate) fn routes(file: Option<&Path>) -> Result<(Routes, String)> {
    let Some(path) = file else { return Ok((Routes::default(), RULES_VERSION.to_string())) };
    let name = safe(&path.to_string_lossy());
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the routes file {name}"))?;
    let routes = Routes::parse(&text).map_err(|e| UsageError(format!("{name}: {e}")))?;
    let rules = format!("{RULES_VERSION}+{}", routes.checksum());
    Ok((routes, rules))
}

/// The first signal ends the run cleanly, the second at once.
pub(crate) async fn stop_on_signal(stop: Arc<AtomicBool>, meanwhile: &'static str) {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::pin!(terminate);
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = &mut terminate => {}
    }
    stop.store(true, Ordering::Relaxed);
    tracing::warn!("stopping: {meanwhile} (once more to stop at once)");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
    std::process::exit(130);
}

/// A bar on a terminal. Failures are told as they come, by the log.
struct Progress {
    bar: ProgressBar,
    committed: AtomicU64,
}

impl Progress {
    fn new(wanted: bool) -> Progress {
        let bar = if wanted && std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {msg}") {
            bar.set_style(style);
        }
        logs::keep_clear_of(&bar);
        Progress { bar, committed: AtomicU64::new(0) }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Start { bytes, .. } => {
                self.bar.set_length(bytes);
                self.bar.enable_steady_tick(Duration::from_millis(200));
            }
            Event::Read { bytes } => self.bar.inc(bytes),
            Event::Committed { rows, .. } => {
                let rows = self.committed.fetch_add(rows, Ordering::Relaxed) + rows;
                self.bar.set_message(format!("{} committed", plural(rows, "row")));
            }
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn report(summary: &Summary, quiet: bool, time: Duration) {
    for (source, warning) in &summary.warnings {
        tracing::warn!(source = source.as_str(), warning = warning.as_str(), "source has something odd");
    }
    let counts = &summary.counts;
    let new = summary.ingested_files();
    tracing::info!(
        target: logs::TOLD,
        found = summary.found,
        ingested = new,
        already = summary.already,
        failed = summary.failures.len() as u64,
        left = summary.left,
        lines = counts.lines,
        rows = counts.rows,
        rejects = counts.rejects,
        skipped = counts.skipped(),
        bytes = summary.bytes,
        lake_bytes = summary.lake_bytes,
        commits = summary.commits,
        ms = time.as_millis() as u64,
        "ingest finished"
    );
    if quiet || !logs::for_people() {
        return;
    }
    if new == 0 && summary.failures.is_empty() && summary.left == 0 {
        match summary.found {
            0 => eprintln!("nothing to ingest: no files found"),
            found => eprintln!("nothing new: {} in the lake already", are(found, "file")),
        }
        return;
    }
    if new > 0 {
        let formats: Vec<String> =
            summary.ingested.iter().map(|(name, files)| format!("{} {name}", count(*files))).collect();
        eprintln!(
            "ingested {} ({}): {} from {} in {:.1} s; {} in the lake",
            plural(new, "file"),
            formats.join(", "),
            plural(counts.rows, "row"),
            size(summary.bytes),
            time.as_secs_f64(),
            size(summary.lake_bytes),
        );
    }
    if counts.rejects > 0 {
        eprintln!("  {} could not be read: albatross query rejects_by_reason", plural(counts.rejects, "line"));
    }
    for skip in Skip::ALL {
        if counts.skipped_as(skip) > 0 {
            eprintln!("  skipped {}", plural(counts.skipped_as(skip), skip.describe()));
        }
    }
    if summary.already > 0 {
        eprintln!("  {} in the lake already", are(summary.already, "file"));
    }
    if !summary.failures.is_empty() {
        eprintln!(
            "  {} not ingested, see above; nothing of them is in the lake",
            are(summary.failures.len() as u64, "input")
        );
    }
    if summary.left > 0 {
        eprintln!("  interrupted: {} left for the next run", are(summary.left, "file"));
    }
}

/// `1 file is`, `2 files are`
fn are(n: u64, what: &str) -> String {
    format!("{} {}", plural(n, what), if n == 1 { "is" } else { "are" })
}
