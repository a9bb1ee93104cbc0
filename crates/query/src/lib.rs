//! Questions to a lake: SQL, a catalogue of named queries, and their answers in many formats.
//!
//! [`Session`] is DataFusion over the tables of a lake, read-only. [`Catalogue`] holds the queries that have a name,
//! each an SQL file with a header that declares its parameters and columns (`queries/README.md`). [`write`] renders
//! an answer while it streams.
//!
//! No user functions are needed by a plan unless its statement calls one of Athena's (`albatross-athena`), and a scan is a
//! plain Parquet scan: plans can run elsewhere.

mod catalogue;
mod header;
mod params;
mod time;
mod bind;
mod statements;
mod session;
mod schema;
mod views;
mod athena;
mod table;
mod stats;
mod output;
pub mod compare;
mod names;
mod fault;
mod error;

pub use catalogue::Catalogue;
pub use datafusion::execution::SendableRecordBatchStream;
pub use error::{Error, Result};
pub use fault::{Fault, Place};
pub use header::{Column, Query};
pub use names::nearest;
pub use output::{Format, Options, Written, escaped, rows, visible, write};
pub use params::{Kind, Param};
pub use session::{Answer, Session};
pub use statements::{Piece, Script};
pub use table::with_string_views;
pub use time::{Clock, TIME_FORMS, parse_duration, parse_time};
