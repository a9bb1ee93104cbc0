//! What came out.

use chrono::{DateTime, Utc};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The budget is kept.
    Ok,
    /// It is not, and that is more than chance.
    Failed,
    /// Too little was seen to tell.
    NoVerdict,
    /// The lake could not be asked: the query of a `no_rows` is wrong, or failed.
    Error,
}

/// What came out for one budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Name of the check, else what it is about. A text from outside, as is [`Verdict::text`].
    pub check: String,
    /// Its place in the file, from 1.
    pub number: usize,
    /// Key of the budget, such as `p99.max`; empty if it could not be asked for.
    pub budget: &'static str,
    pub outcome: Outcome,
    /// What was seen: a share, seconds, requests, percent, or rows. `None` if there is nothing.
    pub observed: Option<f64>,
    /// What is allowed, in the same unit.
    pub limit: Option<f64>,
    /// Requests looked at; for `cpu_maximum.max` minutes. `None` for `no_rows`.
    pub requests: Option<u64>,
    /// A sentence with the numbers.
    pub text: String,
}

/// What came out for all of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of this form; fields may be added to it.
    pub version: u32,
    /// Half open, UTC.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub ok: usize,
    pub failed: usize,
    pub no_verdict: usize,
    pub errors: usize,
    /// In the order of the file.
    pub verdicts: Vec<Verdict>,
}

impl Report {
    pub(crate) fn new((from, to): (DateTime<Utc>, DateTime<Utc>), verdicts: Vec<Verdict>) -> Report {
        let count = |outcome| verdicts.iter().filter(|verdict| verdict.outcome == outcome).count();
        let (ok, failed, no_verdict) = (count(Outcome::Ok), count(Outcome::Failed), count(Outcome::NoVerdict));
        Report { version: 1, from, to, ok, failed, no_verdict, errors: count(Outcome::Error), verdicts }
    }
}
