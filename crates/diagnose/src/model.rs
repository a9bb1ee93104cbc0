//! What a diagnosis says. This is the JSON of `albatross diagnose --format json`, described in `docs/diagnose.md`.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// Rises when a field changes its meaning or goes away; new fields may come without.
pub const VERSION: u32 = 1;

/// All that was found in a window.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    pub version: u32,
    pub window: Span,
    pub coverage: Coverage,
    /// In order of time.
    pub incidents: Vec<Incident>,
    pub notes: Vec<Note>,
    /// CPU over the whole window; `None` without CPU data.
    pub cpu: Option<Cpu>,
    /// Limits that durations pile up at, the largest pile first.
    pub walls: Vec<Wall>,
    /// Routes whose latency grows from day to day, the fastest first.
    pub growth: Vec<Growth>,
}

/// `end` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    #[serde(serialize_with = "time")]
    pub start: DateTime<Utc>,
    #[serde(serialize_with = "time")]
    pub end: DateTime<Utc>,
}

/// What the answer rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Coverage {
    /// Requests in the window; WebSocket connections are none.
    pub requests: u64,
    /// Arrival of the first and last one, to a slot.
    pub requests_from: Option<String>,
    pub requests_to: Option<String>,
    /// Length of the slots in which requests were counted.
    pub slot_s: i64,
    /// Slots without any request between the first and the last.
    pub empty_slots: u64,
    /// Slots with CPU data.
    pub cpu_slots: u64,
    /// Lines of all sources that could not be read.
    pub rejects: u64,
}

/// A time in which requests failed, or were slow, beyond what its traffic explains.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    #[serde(serialize_with = "time")]
    pub start: DateTime<Utc>,
    #[serde(serialize_with = "time")]
    pub end: DateTime<Utc>,
    pub requests: u64,
    pub errors: u64,
    /// Errors that so many requests have in quiet times; NaN, in JSON null, if no time is quiet.
    pub expected_errors: f64,
    /// Errors by status; 0 is the status 000.
    pub statuses: BTreeMap<String, u64>,
    /// Errors by `answered_by`.
    pub answered_by: BTreeMap<String, u64>,
    /// Requests that took much longer than is usual for their route.
    pub slow: u64,
    /// The likeliest first.
    pub causes: Vec<Cause>,
    /// `None` without CPU data.
    pub cpu: Option<Cpu>,
}

impl Incident {
    /// Errors that so many requests have in quiet times, if any time is quiet.
    pub fn usual_errors(&self) -> Option<f64> {
        Some(self.expected_errors).filter(|usual| !usual.is_nan())
    }
}

/// Kinds of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    CpuBoundEndpoint,
    KeepaliveRace,
    BadTarget,
    Deploy,
    TimeoutLimit,
    SlowDependency,
    ClientGaveUp,
    BodyTooLarge,
    LambdaError,
    ApplicationError,
    NoTargets,
    Unknown,
}

/// A cause that explains an incident.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    pub cause: Kind,
    /// 0 to 1: how well what is seen fits the kind. Not a probability; those of an incident need not add up to 1.
    pub confidence: f64,
    /// `METHOD /template`, if it is about one.
    pub route: Option<String>,
    /// `ip:port`, if it is about one.
    pub target: Option<String>,
    /// Seconds, if it is about a limit.
    pub limit_s: Option<f64>,
    /// Address, if it is about one.
    pub client: Option<String>,
    /// The cause in a sentence.
    pub summary: String,
    /// What speaks for it, as counts.
    pub evidence: Vec<String>,
    pub against: Vec<String>,
    /// What to look at next.
    pub check: Vec<String>,
}

impl Cause {
    /// Whether it is the same that happens again: kind, route and target. What is unknown is like nothing.
    pub fn is_like(&self, other: &Cause) -> bool {
        self.cause != Kind::Unknown
            && (self.cause, &self.route, &self.target) == (other.cause, &other.route, &other.target)
    }
}

/// What is no incident but should be known.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    pub kind: NoteKind,
    pub text: String,
    pub start: Option<String>,
    pub end: Option<String>,
    pub client: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    Scanner,
    TrafficSurge,
    BackgroundErrors,
}

/// CPU and what moved with it. Percent; correlations -1 to 1, `None` if one side never changes or there are too few minutes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cpu {
    /// Slots with CPU data.
    pub slots: u64,
    pub highest_average: Option<f64>,
    pub highest_maximum: Option<f64>,
    /// An alarm on the average, and one on the maximum: first and last slot above its line.
    pub average_alarm: Alarm,
    pub maximum_alarm: Alarm,
    pub correlations: Vec<Correlation>,
    /// The sentence that matters.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alarm {
    /// Percent.
    pub above: f64,
    /// Slots above it.
    pub slots: u64,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// Of slots whose CPU was taken `lag_slots` earlier than the requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correlation {
    pub lag_slots: i64,
    pub errors_vs_average: Option<f64>,
    pub errors_vs_maximum: Option<f64>,
    pub latency_vs_average: Option<f64>,
    pub latency_vs_maximum: Option<f64>,
}

/// A limit that requests ran into.
#[derive(Debug, Clone, Serialize)]
pub struct Wall {
    pub limit_s: f64,
    pub route: String,
    /// Requests that ended at the limit.
    pub requests: u64,
    /// Of the route's requests in the window.
    pub share: f64,
    pub failed: u64,
    /// Failed requests that a target had begun on: the work may be done all the same.
    pub may_have_succeeded: u64,
    /// Clients that failed there, and those that asked for the same again within two minutes.
    pub clients: u64,
    pub clients_tried_again: u64,
    pub statuses: BTreeMap<String, u64>,
}

/// A route that gets slower.
#[derive(Debug, Clone, Serialize)]
pub struct Growth {
    pub route: String,
    pub days: u64,
    /// Median duration, seconds, on the first and last day.
    pub first_p50: f64,
    pub last_p50: f64,
    /// Factor per day.
    pub per_day: f64,
    pub text: String,
}

fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&iso(*time))
}

/// RFC 3339 in UTC.
pub(crate) fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
