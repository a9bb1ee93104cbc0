//! The report of a time: what happened, why, and how that compares with earlier.
//!
//! [`gather`] asks a lake with the queries of the catalogue and [`albatross_diagnose`]; [`Report`] is all that is known then, as data (its JSON
//! is described in `docs/report.md`). `document` puts it in words, tables and charts once, and [`html`] and [`markdown`] render that.
//! Nothing is printed, and no file is written.
//!
//! Every text may come from a log and is hostile: renderers escape all of them, and make what acts on a screen visible.
//!
//! Memory: the rows of the answers, a few hundred each, and what a diagnosis holds.

mod model;
mod gather;
mod compare;
mod verdict;
mod words;
mod document;
mod html;
mod markdown;

pub use albatross_diagnose::Window;
pub use gather::gather;
pub use html::html;
pub use markdown::markdown;
pub use model::*;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Query(#[from] albatross_query::Error),

    #[error(transparent)]
    Diagnose(#[from] albatross_diagnose::Error),
}

pub type Result<T> = std::result::Result<T, Error>;
