//! From a lake to incidents with causes.
//!
//! [`diagnose`] asks the lake for small counts per minute (`sql/`), finds the times in which requests failed or were slow beyond what
//! their traffic explains (`detect`), gathers what is known of each (`features`), and asks every kind of cause how well that fits it (`causes`).
//! [`Diagnosis`] is the answer; `text` and `markdown` render it. Nothing is printed.
//!
//! Memory: the counts, some hundred bytes for each minute and route. Slots get longer in long windows, so that there are at most 2,880.

mod model;
mod facts;
mod rows;
mod latency;
mod stats;
mod segments;
mod detect;
mod features;
mod causes;
mod cpu;
mod walls;
mod growth;
mod notes;
mod diagnose;
mod text;

pub use diagnose::diagnose;
pub use model::*;
pub use rows::Window;
pub use text::{count, markdown, text};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Query(#[from] albatross_query::Error),

    /// An answer of the lake is not as expected.
    #[error("the diagnosis failed: {0}")]
    Run(String),
}

pub type Result<T> = std::result::Result<T, Error>;
