//! The lake: Delta tables on a disk or on S3, and the one crate that knows Delta.
//!
//! A lake is a folder with a table per log family. Parquet files are written by others (crate `ingest`), committed
//! here together with the ids of the source files they came from, and listed here for reading (crate `query`).
//!
//! - **Exactly once.** [`Lake::commit`] checks the ids against version *n* and creates version *n + 1* only if it is
//!   not there. Whoever loses that race reads the winner's commit and checks again. Delta calls these ids `txn`.
//! - **Files are replaced** ([`Lake::replace`]) in the same way: a commit that removes files goes in only right after a version in which they
//!   are active.
//! - **Plain tables.** Reader 1, writer 2, no deletion vectors, no column mapping, timestamps in microseconds UTC:
//!   Athena, Spark, Trino, DuckDB, Polars and ClickHouse read a lake as it stands.
//! - **The log is read here**, not with the library's snapshot: that looks up one `txn` at a time with a replay
//!   each, and replays all files at every commit. Reading is a checkpoint plus the commits after it, kept in memory
//!   and moved forward commit by commit. The library writes the commits' form and the checkpoints; a test compares
//!   our reading with its own.
//! - **On S3 as on a disk**, with conditional writes and nothing else: no lock table. A store that ignores `If-None-Match` is refused.
//!
//! Deliberately absent so far: schema changes.

// What others call.
mod lake;
mod place;
mod table_log;
mod tables;
mod txn;

// Other engines.
pub mod ddl;

// The log.
mod actions;
mod checkpoint;
mod listing;
mod replay;

// The files.
mod durable;
mod file;
mod footer;
mod stats;

mod error;

pub use error::{Error, Result};
pub use file::{DataFile, NewFile};
pub use lake::{Lake, Snapshot};
pub use stats::{ColumnStat, ColumnStats, Value};
pub use table_log::{Change, Commit, DeadFile, LogExtent, Replaced};
pub use tables::{DAY, Table};
pub use txn::TxnId;
