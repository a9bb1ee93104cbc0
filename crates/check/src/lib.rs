//! Budgets and expectations in a file, held against a lake. `docs/check.md` describes the file.
//!
//! A budget has three outcomes: it is kept, it is failed, or there is no verdict, because what was seen could well be chance. Nothing
//! fails by chance more often than the file allows.

mod file;
mod value;
mod read;
mod statistics;
mod durations;
mod run;
mod report;

pub use file::{Check, Cpu, Defaults, ErrorRate, File, Latency, Requests};
pub use read::Fault;
pub use report::{Outcome, Report, Verdict};
pub use run::{Error, run};
pub use value::{Length, Route, Share, Statuses, Target, Times};
