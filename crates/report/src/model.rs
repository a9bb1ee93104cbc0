//! What a report says. This is the JSON of `albatross report --format json`, described in `docs/report.md`.
//!
//! Rows of queries have the columns that `queries/README.md` lists for them. Times are RFC 3339 in UTC.

use albatross_diagnose::{Diagnosis, Span};
use serde::{Deserialize, Serialize};

/// Rises when a field changes its meaning or goes away; new fields may come without.
pub const VERSION: u32 = 1;

/// What counts as an error in the whole report: server errors, and clients that gave up.
pub const ERRORS: &str = albatross_query::compare::ERRORS;

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub version: u32,
    pub made_at: String,
    /// The time that was asked for.
    pub asked: Span,
    /// `2026-11-19`, if that is exactly this day in `zone`.
    pub day: Option<String>,
    /// Zone in which days were meant.
    pub zone: String,
    /// What of that time the lake reaches to; all figures are about this.
    pub window: Span,
    /// First and last moment of the logs in the lake; `None` if it is empty.
    pub lake: Option<Span>,
    pub verdict: Verdict,
    pub totals: Totals,
    pub slots: Slots,
    pub diagnosis: Diagnosis,
    /// With the day before and the same day of the week before, or with the time before.
    pub comparisons: Vec<Comparison>,
    /// Rows of `status_mix`.
    pub statuses: Vec<Status>,
    /// Rows of `slow_endpoints`, those that keep targets busiest first.
    pub endpoints: Vec<Endpoint>,
    /// Rows of `errors_by_cause`.
    pub causes: Vec<Cause>,
    /// Rows of `errors_by_target`, most errors first.
    pub targets: Vec<Target>,
    /// Rows of `top_clients`.
    pub clients: Vec<Client>,
    /// Rows of `coverage`, most missing first.
    pub coverage: Vec<Coverage>,
    /// Rows of `coverage_gaps`.
    pub gaps: Vec<Gap>,
    /// Rows of `rejects_by_reason`.
    pub rejects: Vec<Reject>,
}

/// The whole report in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub state: State,
    pub text: String,
    /// What else should be known at once.
    pub also: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Incidents,
    Quiet,
    /// There are no requests.
    Empty,
}

/// Sums of a window, without WebSocket connections. Durations in seconds, `None` without any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    pub requests: u64,
    /// Answered with 5xx, or 460: the client gave up.
    pub errors: u64,
    /// Answered with 4xx.
    pub client_errors: u64,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    /// Arrival of the first and the last request.
    pub first: Option<String>,
    pub last: Option<String>,
}

impl Totals {
    /// 0 to 1; `None` without requests.
    pub fn error_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }
}

/// The window in slots of equal length, one value for each in every list; `None` where there is nothing to measure.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Slots {
    /// Unix seconds of the first.
    pub start: i64,
    pub seconds: i64,
    pub requests: Vec<u64>,
    pub errors: Vec<u64>,
    /// Seconds.
    pub p50: Vec<Option<f64>>,
    pub p90: Vec<Option<f64>>,
    pub p99: Vec<Option<f64>>,
    /// Percent: the average of all resources, and the hottest one's maximum.
    pub cpu_average: Vec<Option<f64>>,
    pub cpu_maximum: Vec<Option<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    DayBefore,
    WeekBefore,
    /// The same length, directly before.
    Before,
}

/// The report's window against an earlier one.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub against: Against,
    pub window: Span,
    /// `None` if the lake has nothing of that time.
    pub totals: Option<Totals>,
    /// The lake begins only then, within that time.
    pub only_from: Option<String>,
    /// What changed most, by errors and by the targets' time.
    pub routes: Vec<RouteChange>,
}

/// Durations in seconds; requests 0 where the route is new or gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteChange {
    pub method: Option<String>,
    pub route: Option<String>,
    pub requests: u64,
    pub requests_before: u64,
    pub errors: u64,
    pub errors_before: u64,
    pub p50: Option<f64>,
    pub p50_before: Option<f64>,
    pub p99: Option<f64>,
    pub p99_before: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub status: Option<u16>,
    pub target_status: Option<u16>,
    pub answered_by: Option<String>,
    pub requests: u64,
    pub share: f64,
    pub p50: Option<f64>,
    pub first_seen: Option<String>,
    pub last_seen: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub method: Option<String>,
    pub route: Option<String>,
    pub requests: u64,
    pub errors: u64,
    pub error_rate: f64,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
    pub target_time: Option<f64>,
    pub target_time_share: Option<f64>,
    pub bytes: Option<u64>,
    pub seconds_per_mb: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    pub cause: String,
    pub answered_by: Option<String>,
    pub requests: u64,
    pub share: f64,
    pub statuses: Option<String>,
    pub routes: u64,
    pub targets: u64,
    pub clients: u64,
    pub p50: Option<f64>,
    pub first_seen: Option<String>,
    pub last_seen: Option<String>,
    pub meaning: Option<String>,
    pub what_to_check: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub target: Option<String>,
    pub requests: u64,
    pub errors: u64,
    pub error_rate: f64,
    pub error_share: Option<f64>,
    pub by_load_balancer: u64,
    pub by_target: u64,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub first_seen: Option<String>,
    pub last_seen: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    pub client: Option<String>,
    pub requests: u64,
    pub share: f64,
    pub errors: u64,
    pub error_rate: f64,
    pub bytes: Option<u64>,
    pub routes: Option<u64>,
    pub agents: Option<u64>,
    pub an_agent: Option<String>,
    pub first_seen: Option<String>,
    pub last_seen: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    pub elb: Option<String>,
    pub node_ip: Option<String>,
    pub first_slot: Option<String>,
    pub last_slot: Option<String>,
    pub expected: u64,
    pub seen: u64,
    pub missing: u64,
    pub share: Option<f64>,
    pub files: Option<u64>,
    pub rows: Option<u64>,
    pub rejects: Option<u64>,
    pub late: Option<u64>,
    pub alone: Option<u64>,
    pub away: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    pub elb: Option<String>,
    pub node_ip: Option<String>,
    pub state: String,
    pub start: Option<String>,
    pub end: Option<String>,
    pub slots: u64,
    pub alone: Option<u64>,
    pub ingested_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reject {
    pub reason: String,
    pub format: Option<String>,
    pub rejects: u64,
    pub share: f64,
    pub files: u64,
    pub a_file: Option<String>,
    pub a_line: Option<u64>,
    pub a_detail: Option<String>,
    pub a_raw: Option<String>,
}
