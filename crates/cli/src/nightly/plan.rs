//! `albatross nightly --dry-run`.

use std::io::Write;

use albatross_lake::Lake;
use anyhow::Result;

use super::{Night, cpu, webhook};
use crate::exit::{self, Exit};
use crate::show::{plural, safe, size};

/// Files that are listed by name.
const NAMED: usize = 20;

/// Says what the night would do, on stdout. Nothing is changed.
pub(super) fn tell(night: &Night<'_>) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let (runtime, config) = (&night.runtime, night.config);
    let day = &night.day;
    writeln!(out, "day {}: {} to {}", day.date, super::iso(day.from), super::iso(day.to))?;
    let lake = match runtime.block_on(Lake::open_with(night.lake, &night.s3)) {
        Ok(lake) => Some(lake),
        Err(albatross_lake::Error::NotALake { .. }) if !config.ingest.inputs.is_empty() => {
            writeln!(out, "lake {}: would be made", safe(night.lake))?;
            None
        }
        Err(error) => return Err(night.unopened(error)),
    };
    let mut exit = Exit::Fine;
    if !config.ingest.inputs.is_empty() {
        let planned = albatross_ingest::plan(runtime.handle(), lake.as_ref(), &night.ingest_options()?)?;
        let new = plural(planned.files.len() as u64, "new file");
        writeln!(out, "ingest: {new} of {}, {} in the lake already", size(planned.bytes), planned.already)?;
        for file in planned.files.iter().take(NAMED) {
            writeln!(out, "  {}", safe(file))?;
        }
        if planned.files.len() > NAMED {
            writeln!(out, "  and {} more", planned.files.len() - NAMED)?;
        }
        if !planned.failures.is_empty() {
            exit = Exit::Partial;
        }
    }
    if !config.cloudwatch.is_empty() {
        match &lake {
            Some(lake) => {
                let wanted = runtime.block_on(cpu::wanted(&night.s3, lake, &config.cloudwatch, night.clock.now))?;
                let (metrics, hours, calls) = wanted.size();
                let calls = plural(calls as u64, "call");
                writeln!(
                    out,
                    "cpu: {} of {}, {calls} of GetMetricData or more",
                    plural(hours as u64, "hour"),
                    plural(metrics as u64, "metric")
                )?;
            }
            None => writeln!(out, "cpu: from the first request on")?,
        }
    }
    if let (true, Some(lake)) = (config.nightly.maintain, &lake) {
        let options = albatross_ingest::maintain::Options { dry_run: true, ..night.maintain_options()? };
        let summary = albatross_ingest::maintain::maintain(runtime.handle(), lake, &options, &night.stop, &|_| {})?;
        let files: u64 = summary.compacted.iter().map(|done| done.files_before).sum();
        writeln!(
            out,
            "maintain: {} would be merged, {} dropped, {} deleted (before the ingest)",
            plural(files, "file"),
            plural(summary.dropped.days, "day"),
            plural(summary.deleted_files, "dead file")
        )?;
    }
    let mut try_out = |source: &str, tried: Result<()>| {
        if let Err(error) = tried {
            tracing::warn!(source = safe(source), reason = exit::chain(&error), "would fail");
            exit = exit.max(exit::of(&error));
        }
    };
    let (catalogue, queries) = night.queries()?;
    for name in &queries {
        try_out(name, catalogue.get(name).map(drop).map_err(Into::into));
    }
    for path in &config.nightly.checks {
        try_out(path, night.check_file(path).map(drop));
    }
    if let Some(hook) = &config.webhook {
        try_out("webhook", webhook::address(hook).map(drop));
    }
    writeln!(
        out,
        "folder {}: diagnosis.json{}, {} in csv/, {} in checks/, nightly.json",
        safe(&night.out.join(day.date.to_string()).to_string_lossy()),
        if config.nightly.report { ", report.html, report.md" } else { "" },
        plural(queries.len() as u64, "file"),
        plural(config.nightly.checks.len() as u64, "file"),
    )?;
    if config.webhook.is_some() {
        let pending = if night.out.exists() { webhook::pending(&night.out, night.clock.now)?.len() } else { 0 };
        writeln!(
            out,
            "webhook: {} from earlier nights, then the findings of {}",
            plural(pending as u64, "message"),
            day.date
        )?;
    }
    out.flush()?;
    Ok(exit)
}
