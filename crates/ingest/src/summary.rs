//! What an ingest run did, for the caller to show.

use std::collections::BTreeMap;

use albatross_formats::{Counts, Format};

/// A source that was not ingested, or an input that could not be listed. Nothing of it is in the lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub source: String,
    pub reason: String,
}

impl Failure {
    pub(crate) fn new(source: &str, reason: impl Into<String>) -> Failure {
        Failure { source: source.to_string(), reason: reason.into() }
    }

    /// A warning, which is how the user learns of it while the run goes on.
    pub(crate) fn tell(&self) {
        tracing::warn!(source = self.source.as_str(), reason = self.reason.as_str(), "source failed");
    }
}

/// Totals of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Sources found.
    pub found: u64,
    /// Of these, already in the lake.
    pub already: u64,
    /// Of these, ingested now, by format name.
    pub ingested: BTreeMap<&'static str, u64>,
    /// Of these, failed; and inputs that could not be listed.
    pub failures: Vec<Failure>,
    /// Of these, left for the next run because the run was interrupted.
    pub left: u64,
    /// Lines of what was ingested now.
    pub counts: Counts,
    /// Bytes read, as stored.
    pub bytes: u64,
    /// Bytes of the Parquet files written.
    pub lake_bytes: u64,
    /// Delta transactions on the tables of rows.
    pub commits: u64,
    /// Warnings about metrics files and the like: source and text.
    pub warnings: Vec<(String, String)>,
}

impl Summary {
    pub fn ingested_files(&self) -> u64 {
        self.ingested.values().sum()
    }

    pub(crate) fn add(&mut self, format: Format, counts: &Counts, bytes: u64) {
        *self.ingested.entry(format.name()).or_default() += 1;
        self.counts.add(counts);
        self.bytes += bytes;
    }
}

/// What a run would do.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    /// New ones, by their names.
    pub files: Vec<String>,
    /// Of these, as stored.
    pub bytes: u64,
    pub already: u64,
    /// Inputs that could not be listed, and sources that would be refused.
    pub failures: Vec<Failure>,
}

/// Progress, called from any thread.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// Listing is done: sources to read and their bytes.
    Start { files: u64, bytes: u64, already: u64 },
    /// Stored bytes that were read.
    Read { bytes: u64 },
    /// A batch is in the lake.
    Committed { files: u64, rows: u64 },
}
