//! `albatross maintain`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use albatross_ingest::maintain::{Compacted, Event, Options, Summary, maintain};
use albatross_lake::Lake;
use anyhow::{Context, Result};
use chrono::TimeDelta;
use tokio::runtime::Runtime;

use crate::args::Maintain;
use crate::exit::{Exit, UsageError};
use crate::ingest::stop_on_signal;
use crate::logs;
use crate::s3::S3Args;
use crate::show::{count, plural, size};

pub(crate) fn run(lake: &str, s3: &S3Args, args: &Maintain) -> Result<Exit> {
    let options = validated(Options {
        small: args.small,
        target: args.target,
        retain_days: args.retain,
        grace: args.grace,
        dry_run: args.dry_run,
        ..Options::default()
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let lake_at = runtime.block_on(Lake::open_with(lake, &s3.s3()))?;
    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(stop_on_signal(Arc::clone(&stop), "the day in hand is left as it was"));
    run_on(&runtime, &lake_at, &options, &stop, args.quiet)
}

/// Options that go together.
pub(crate) fn validated(options: Options) -> Result<Options> {
    if options.target < 2 * options.small {
        return Err(UsageError(
            "--target must be at least twice --small, or what was merged would be small again".into(),
        )
        .into());
    }
    if options.grace > TimeDelta::days(7) {
        return Err(UsageError("--grace can be 7d at most: the log forgets removals after that".into()).into());
    }
    Ok(options)
}

/// Also after an ingest.
pub(crate) fn run_on(
    runtime: &Runtime,
    lake: &Lake,
    options: &Options,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Exit> {
    let started = Instant::now();
    let on_event = |event: Event<'_>| {
        if let Event::Failed(failure) = event {
            tracing::warn!(source = failure.source, reason = failure.reason, "file left as found");
        }
    };
    let summary = maintain(runtime.handle(), lake, options, stop, &on_event)
        .context("maintenance stopped; nothing is lost, run it again to go on")?;
    if !quiet && logs::for_people() {
        report(&summary, options, started.elapsed());
    }
    Ok(if summary.failures.is_empty() && !summary.stopped { Exit::Fine } else { Exit::Partial })
}

fn report(summary: &Summary, options: &Options, time: Duration) {
    let would = if options.dry_run { "would be " } else { "" };
    let sum = |of: fn(&Compacted) -> u64| summary.compacted.iter().map(of).sum::<u64>();
    let mut nothing = true;
    let mut say = |text: String| {
        nothing = false;
        eprintln!("{text}");
    };
    if !summary.compacted.is_empty() {
        let days = summary.compacted.iter().filter(|done| done.day.is_some()).count() as u64;
        let tables = summary.compacted.len() as u64 - days;
        let of: Vec<String> = [(days, "day"), (tables, "table")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| plural(n, what))
            .collect();
        let after = if options.dry_run { String::new() } else { format!(" -> {}", size(sum(|done| done.bytes_after))) };
        say(format!(
            "{would}compacted {}: {} -> {}, {}{after}, in {:.1} s",
            of.join(" and "),
            plural(sum(|done| done.files_before), "file"),
            count(sum(|done| done.files_after)),
            size(sum(|done| done.bytes_before)),
            time.as_secs_f64(),
        ));
    }
    let dropped = &summary.dropped;
    if dropped.files > 0 {
        say(format!(
            "{would}dropped {}: {}, {}, {}",
            plural(dropped.days, "day"),
            plural(dropped.rows, "row"),
            plural(dropped.files, "file"),
            size(dropped.bytes)
        ));
    }
    if summary.deleted_files > 0 {
        let files = plural(summary.deleted_files, "file");
        say(format!("{would}deleted {files} that nothing refers to, {}", size(summary.deleted_bytes)));
    }
    if summary.checkpoints + summary.log_files > 0 {
        let checkpoints = plural(summary.checkpoints, "checkpoint");
        say(format!("log: {checkpoints} written, {} deleted", plural(summary.log_files, "old file")));
    }
    for lost in &summary.lost {
        say(format!("  {lost}: its files were replaced by somebody else meanwhile; left to them"));
    }
    if !summary.failures.is_empty() {
        say(format!("  {} left as found, see above", plural(summary.failures.len() as u64, "file")));
    }
    if summary.stopped {
        say("  interrupted: the rest is left for the next run".to_owned());
    }
    if nothing {
        eprintln!("nothing to do");
    }
}

/// `64MB`, `1.5GB`, `500kB`, or bytes; powers of ten, or of two with an `i` (`64MiB`).
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1e0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024f64,
        "mib" => 1024f64 * 1024.0,
        "gib" => 1024f64 * 1024.0 * 1024.0,
        _ => return Err("give a size such as 64MB or 1GiB".into()),
    };
    match number.parse::<f64>() {
        Ok(n) if n * scale >= 1.0 && n * scale <= 1e15 => Ok((n * scale) as u64),
        _ => Err("give a size such as 64MB or 1GiB".into()),
    }
}

/// `400d`
pub(crate) fn parse_days(text: &str) -> Result<u32, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (1..=36_500).contains(days));
    days.ok_or_else(|| "give a number of days such as 400d".into())
}

/// `7d`, `24h`, `30m`, `90s`
pub(crate) fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    let seconds = |unit: &str| match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    let at = text.len().saturating_sub(1);
    let parts = text.is_ascii().then(|| text.split_at(at));
    let duration = parts.and_then(|(number, unit)| Some(number.parse::<u32>().ok()? as i64 * seconds(unit)?));
    duration.map(TimeDelta::seconds).ok_or_else(|| "give a time such as 24h, 7d, 30m or 90s".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        for (text, size) in
            [("64MB", 64_000_000), ("1.5GB", 1_500_000_000), ("1MiB", 1 << 20), ("10", 10), ("2 kb", 2000)]
        {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "MB", "0", "-1MB", "1.2.3MB", "12 parsec", "1e30GB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!((parse_days("400d"), parse_days("1d")), (Ok(400), Ok(1)));
        assert!(["", "d", "0d", "400", "4w", "-1d"].iter().all(|text| parse_days(text).is_err()));
        assert_eq!(parse_duration("24h"), Ok(TimeDelta::hours(24)));
        assert_eq!(parse_duration("0s"), Ok(TimeDelta::zero()));
        assert!(["", "h", "24", "-1h", "1é", "1.5h"].iter().all(|text| parse_duration(text).is_err()));
    }
}
