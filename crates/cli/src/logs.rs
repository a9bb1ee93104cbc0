//! Logs: what happened to which object, for those who look for a fault.
//!
//! The libraries tell what happens as `tracing` events. On stderr their warnings are plain lines (`albatross: ...`), so that the mail of a
//! cron job reads well. `-v` makes stderr a log, `--log-file` keeps the log apart; each event is a line of each, once.

mod event;
mod file;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use clap::{ArgAction, Args, ValueEnum};
use indicatif::ProgressBar;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{FilterExt, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::exit::UsageError;
use crate::show::safe;
use event::Style;
use file::LogFile;

/// Which events are logged, as `debug` or `albatross_s3=debug,aws_config=info`.
const FILTER: &str = "ALBATROSS_LOG";
/// Our crates: `albatross`, `albatross_ingest` and so on.
const OURS: &str = "albatross";
/// Events that stderr tells people in other words.
pub(crate) const TOLD: &str = "albatross::told";

#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Logs")]
pub(crate) struct LogArgs {
    /// Log what happens to each file; -vv: to each line that cannot be read, too.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
    /// Form of the log.
    #[arg(long, value_name = "text|json", value_enum, hide_possible_values = true, global = true)]
    log_format: Option<LogFormat>,
    /// Log to this file rather than to stderr; at 16 MiB it becomes FILE.1, and so on up to FILE.5.
    #[arg(long, value_name = "FILE", global = true)]
    log_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl LogArgs {
    /// What is missing here is taken from `other`.
    pub(crate) fn or(self, other: &LogArgs) -> LogArgs {
        LogArgs {
            verbose: self.verbose.max(other.verbose),
            log_format: self.log_format.or(other.log_format),
            log_file: self.log_file.or_else(|| other.log_file.clone()),
        }
    }
}

/// Whether stderr tells people what was done; if not, each of its lines is JSON.
static FOR_PEOPLE: OnceLock<bool> = OnceLock::new();

pub(crate) fn for_people() -> bool {
    *FOR_PEOPLE.get().unwrap_or(&true)
}

/// The bar on the terminal, if there is one: lines must not be written into it.
static BAR: OnceLock<ProgressBar> = OnceLock::new();

pub(crate) fn keep_clear_of(bar: &ProgressBar) {
    let _ = BAR.set(bar.clone());
}

/// Begins logging. Only the first call does anything. `quiet`: stderr says only what went wrong.
pub(crate) fn start(args: &LogArgs, quiet: bool) -> Result<()> {
    let given = std::env::var(FILTER).ok().filter(|filter| !filter.trim().is_empty());
    let own = match &given {
        Some(filter) => filter.parse().map_err(|error| UsageError(format!("{FILTER}={}: {error}", safe(filter))))?,
        None => Targets::new(),
    };
    let level = match args.verbose {
        // A file of warnings alone would not be asked for.
        0 if args.log_file.is_some() => LevelFilter::INFO,
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let style = if args.log_format == Some(LogFormat::Json) { Style::Json } else { Style::Text };
    let ours = |level| Targets::new().with_target(OURS, level);
    let log = || ours(level).with_target(TOLD, level.max(LevelFilter::INFO)).or(own.clone());
    let stderr = |style| Sink { style, quiet, file: None };
    let (people, file) = match &args.log_file {
        Some(path) => {
            let file = LogFile::open(path, file::MAX_BYTES)
                .with_context(|| format!("cannot write the log {}", safe(&path.to_string_lossy())))?;
            let file = Sink { style, quiet: false, file: Some(Mutex::new(file)) };
            let plain = stderr(Style::Plain).with_filter(ours(LevelFilter::WARN));
            (true, vec![plain.boxed(), file.with_filter(log()).boxed()])
        }
        None if style == Style::Text && args.verbose == 0 && given.is_none() => {
            (true, vec![stderr(Style::Plain).with_filter(ours(LevelFilter::WARN)).boxed()])
        }
        None => (style != Style::Json, vec![stderr(style).with_filter(log()).boxed()]),
    };
    // A second call, for what went wrong before the options were known, finds it done.
    if tracing::subscriber::set_global_default(tracing_subscriber::registry().with(file)).is_ok() {
        let _ = FOR_PEOPLE.set(people);
    }
    Ok(())
}

/// Where lines go.
struct Sink {
    style: Style,
    quiet: bool,
    /// Else stderr.
    file: Option<Mutex<LogFile>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Sink {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let told = event.metadata().target() == TOLD;
        if told && self.file.is_none() && (self.quiet || self.style != Style::Json) {
            return;
        }
        let line = event::line(event, self.style);
        // There is nobody left to tell that a line could not be written.
        let _ = match &self.file {
            Some(file) => file.lock().unwrap_or_else(PoisonError::into_inner).write(line.as_bytes()),
            None => match BAR.get() {
                Some(bar) => bar.suspend(|| io::stderr().lock().write_all(line.as_bytes())),
                None => io::stderr().lock().write_all(line.as_bytes()),
            },
        };
    }
}
