//! A deterministic simulator of a service behind an Application Load Balancer: access logs with AWS's layout, the CPU
//! answer of CloudWatch, and the truth beside them. For tests, benchmarks and `sample-data`; not shipped.
//!
//! The same scenario, run and release give the same bytes on every machine. Memory: one open file per balancer node
//! (5 minutes of text) plus requests in flight; [`generate`] keeps everything, [`generate_to`] and [`generate_into`] do not.
//!
//! Readers are judged by what they find in the logs: they must never look at [`Truth`].

// What is simulated.
mod scenario;
mod scenarios;

// The simulation.
mod cpu;
mod engine;
mod request;
mod traffic;

// Who asks, and for what.
mod agents;
mod clients;
mod urls;

// What is written.
mod damage;
mod journal;
mod line;
mod metrics;
mod output;
mod truth;

mod dice;

pub use journal::LogFile;
pub use line::FIELD_COUNTS;
pub use output::{Outcome, Simulation, generate, generate_into, generate_to};
pub use scenario::Scenario;
pub use truth::{Crash, Incident, Truth};

use chrono::{DateTime, Utc};

/// What to simulate of a scenario. [`Run::new`] has the defaults.
#[derive(Debug, Clone)]
pub struct Run {
    pub seed: u64,
    /// First instant; best a whole 5 minutes, as files end there.
    pub start: DateTime<Utc>,
    pub minutes: u32,
    /// Requests per second where the scenario's day is at its height (its daily curve at 1).
    /// `None`: the scenario's own. The number of targets follows, so that the story stays the same.
    pub rate: Option<f64>,
    /// `None`: as many as the rate needs.
    pub targets: Option<usize>,
    /// Fields per line, one of [`FIELD_COUNTS`].
    pub fields: usize,
    /// Ends the run after so many lines.
    pub stop_after: Option<u64>,
    /// Damages a few lines at the end of the run and puts them into a file of their own.
    pub damage: bool,
}

impl Run {
    /// 36 fields, the scenario's own rate and targets, nothing damaged.
    pub fn new(seed: u64, start: DateTime<Utc>, minutes: u32) -> Run {
        Run {
            seed,
            start,
            minutes,
            rate: None,
            targets: None,
            fields: FIELD_COUNTS[0],
            stop_after: None,
            damage: false,
        }
    }
}
