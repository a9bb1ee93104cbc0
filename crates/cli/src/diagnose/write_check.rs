//! The checks that would have caught what was diagnosed.

use std::collections::HashSet;
use std::path::Path;

use albatross_check::{Check, Cpu, ErrorRate, File, Latency, Share, Statuses, Times};
use albatross_diagnose::{Diagnosis, Incident, Kind};
use anyhow::{Context, Result};

use crate::exit::UsageError;
use crate::show::safe;

/// Maximum CPU above which requests wait for it, percent, and for how many minutes it may be there: a deploy takes as long.
const CPU: Cpu = Cpu { max: 95.0, minutes: 5, resource: None };
/// No error rate is asked to stay below one in ten thousand: any service has as many.
const LEAST_RATE: f64 = 0.0001;
/// What `check` counts as errors unless told otherwise.
const USUAL_ERRORS: fn(&str) -> bool = |status| status.starts_with('5') || status == "460";

/// Says so if they cannot be written there, before anything else is done.
pub(super) fn test_place(path: &Path) -> Result<(), UsageError> {
    let name = safe(&path.to_string_lossy());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.is_none_or(Path::is_dir) {
        _ if path.symlink_metadata().is_ok() => Err(UsageError(format!(
            "{name} is there already, and may have been edited: give --write-check another name"
        ))),
        true => Ok(()),
        false => Err(UsageError(format!("--write-check {name}: there is no such folder"))),
    }
}

/// Writes them; never over another file, which may have been edited.
pub(super) fn write(diagnosis: &Diagnosis, path: &Path) -> Result<()> {
    // What happens again is caught by the same checks.
    let mut known = HashSet::new();
    let first = diagnosis.incidents.iter().filter(|incident| {
        incident.causes.first().is_some_and(|cause| known.insert((cause.cause, &cause.route, &cause.target)))
    });
    let checks = first.flat_map(checks).collect();
    let text = File { checks, ..File::default() }.to_toml()?;
    let file =
        std::fs::File::create_new(path).with_context(|| format!("cannot make {}", safe(&path.to_string_lossy())))?;
    std::io::Write::write_all(&mut &file, text.as_bytes())?;
    Ok(())
}

fn checks(incident: &Incident) -> Vec<Check> {
    let Some(cause) = incident.causes.first() else { return Vec::new() };
    let name =
        |what: &str| Some(format!("{what} ({}, {})", label(cause.cause), incident.start.format("%Y-%m-%d %H:%M")));
    let scoped = Check {
        note: Some(cause.summary.clone()),
        route: cause.route.as_deref().and_then(|route| route.parse().ok()),
        target: cause.target.as_deref().and_then(|target| target.parse().ok()),
        ..Check::default()
    };
    let mut checks = Vec::new();
    if let Some(max) = rate(incident) {
        let error_rate = Some(ErrorRate { max: Some(max), ..ErrorRate::default() });
        // Where a CPU is exhausted all routes fail, whichever is guilty.
        let scope = if cause.cause == Kind::CpuBoundEndpoint {
            Check { note: scoped.note.clone(), ..Check::default() }
        } else {
            scoped.clone()
        };
        checks.push(Check { name: name("failed requests"), errors: errors(incident), error_rate, ..scope });
    }
    if incident.slow > 0 && cause.route.is_some() {
        let p99 = Some(Latency { max_increase: Some(Times(1.0)), ..Latency::default() });
        checks.push(Check { name: name("slow requests"), p99, ..scoped.clone() });
    }
    if cause.cause == Kind::CpuBoundEndpoint && incident.cpu.is_some() {
        let note = scoped.note.clone();
        checks.push(Check { name: name("maximum CPU"), note, cpu_maximum: Some(CPU), ..Check::default() });
    }
    if cause.cause == Kind::TimeoutLimit {
        checks.push(Check { name: name("a limit"), no_new_timeout_wall: true, ..scoped });
    }
    checks
}

fn label(kind: Kind) -> String {
    serde_json::to_value(kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Between what is usual and what was: as many times over the one as under the other.
fn rate(incident: &Incident) -> Option<Share> {
    if incident.requests == 0 || incident.errors == 0 {
        return None;
    }
    let requests = incident.requests as f64;
    let (was, usual) = (incident.errors as f64 / requests, (incident.expected_errors / requests).max(LEAST_RATE));
    let between = (was * usual).sqrt();
    // Two digits are enough for a budget.
    let digits = 10f64.powf(1.0 - between.log10().floor());
    (was > 2.0 * usual).then(|| Share((between * digits).round() / digits))
}

/// The statuses that failed, where `check` does not count them by itself.
fn errors(incident: &Incident) -> Option<Statuses> {
    let unusual = incident.statuses.keys().any(|status| !USUAL_ERRORS(status));
    let all: Vec<&str> = incident.statuses.keys().map(String::as_str).collect();
    if unusual { all.join(",").parse().ok() } else { None }
}
