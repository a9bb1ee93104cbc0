//! What really happened in a run: for tests of the readers, never for the readers.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The true story of a run, as counted where it happened. All counts are of lines that were written, before any was damaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    pub scenario: &'static str,
    pub seed: u64,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// Lines of all files.
    pub lines: u64,
    /// Answers with a status of 500 and above.
    pub errors: u64,
    pub by_status: BTreeMap<u16, u64>,
    /// Codes as in the lake's column `cause`.
    pub by_cause: BTreeMap<&'static str, u64>,
    /// `METHOD /template`.
    pub guilty_route: Option<&'static str>,
    /// Restarts of targets, in order of time.
    pub crashes: Vec<Crash>,
    /// Crashes that belong together: no more than 8 minutes apart.
    pub incidents: Vec<Incident>,
    /// (average, maximum) CPU of the service in percent, per minute from `start`.
    pub cpu: Vec<(f64, f64)>,
    /// Lines damaged on purpose: key of the file and 1-based line numbers.
    pub damaged_lines: Option<(String, Vec<u64>)>,
}

/// A target's workers were killed with all they were working on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    pub time: DateTime<Utc>,
    /// `ip:port`
    pub target: String,
    /// Requests that got a 502.
    pub lost: u64,
    /// Arrival of the first of them.
    pub first_lost: DateTime<Utc>,
}

/// A run of crashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Arrival of the first lost request.
    pub start: DateTime<Utc>,
    /// The last crash.
    pub end: DateTime<Utc>,
    pub crashes: u64,
    pub lost: u64,
}

impl Truth {
    pub fn to_json(&self) -> Value {
        json!({
            "scenario": self.scenario,
            "seed": self.seed,
            "start": self.start.to_rfc3339(),
            "end": self.end.to_rfc3339(),
            "lines": self.lines,
            "errors": self.errors,
            "by_status": self.by_status.iter().map(|(status, n)| (status.to_string(), *n)).collect::<BTreeMap<_, _>>(),
            "by_cause": self.by_cause,
            "guilty_route": self.guilty_route,
            "incidents": self.incidents.iter().map(|i| json!({
                "start": i.start.to_rfc3339(),
                "end": i.end.to_rfc3339(),
                "crashes": i.crashes,
                "lost": i.lost,
            })).collect::<Vec<_>>(),
            "crashes": self.crashes.iter().map(|c| json!({
                "time": c.time.to_rfc3339(),
                "target": c.target,
                "lost": c.lost,
            })).collect::<Vec<_>>(),
            "cpu": {
                "highest_average": self.cpu.iter().map(|c| c.0).fold(0.0, f64::max),
                "minutes": self.cpu.len(),
                "minutes_with_maximum_100": self.cpu.iter().filter(|c| c.1 >= 100.0).count(),
            },
            "damaged_lines": self.damaged_lines.as_ref().map(|(key, lines)| json!({ "key": key, "lines": lines })),
        })
    }
}

/// Joins crashes that are no more than 8 minutes apart.
pub(crate) fn incidents(crashes: &[Crash]) -> Vec<Incident> {
    let mut incidents: Vec<Incident> = Vec::new();
    for crash in crashes {
        match incidents.last_mut() {
            Some(last) if crash.time - last.end <= TimeDelta::minutes(8) => {
                last.end = crash.time;
                last.crashes += 1;
                last.lost += crash.lost;
            }
            _ => incidents.push(Incident { start: crash.first_lost, end: crash.time, crashes: 1, lost: crash.lost }),
        }
    }
    incidents
}
