//! Reads everything that is in a lake, and checks rows, statistics, ledger and log against each other; also against the sources.
//!
//! What is found is told one by one ([`Finding`]); what could not be checked, and need not be a fault, is counted in [`Summary`].
//!
//! Memory: per source some 200 bytes and one bit per line of it; per file of the lake a batch of rows, and where the lake is in an object
//! store the file.

mod files;
mod ledger;
mod sources;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use albatross_formats::Settings;
use albatross_lake::{Lake, Table};
use albatross_s3::S3;
use tokio::runtime::Handle;

use crate::Error;
use ledger::Ledger;

/// What is to be read besides the lake.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Sources to be read again: `None` none, an empty list all that are in the ledger, else what is behind these inputs.
    pub sources: Option<Vec<String>>,
    pub s3: S3,
    /// As they were when the sources were ingested.
    pub settings: Settings,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A file of the lake (path in its store), a source, or a table.
    pub place: String,
    pub what: String,
}

/// What was looked at.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub files: u64,
    pub bytes: u64,
    pub rows: u64,
    /// Sources whose rows, rejects and lines were counted in the lake.
    pub sources: u64,
    /// Of these, sources that lie wholly or in part before the days that retention has kept: they may have fewer rows than they had.
    pub dropped: u64,
    /// Ledger rows without their id in the log, as interrupted ingests leave them; no reader sees them.
    pub unfinished: u64,
    /// Sources read again, and sources of the ledger that do not exist any more.
    pub read_again: u64,
    pub gone: Vec<String>,
    pub findings: u64,
    pub stopped: bool,
}

/// What the rows of one source are, by its name in `source_file`.
#[derive(Default)]
struct Seen {
    rows: u64,
    /// A bit per line; nothing for metrics, which have no lines.
    lines: Vec<u64>,
    doubled: u64,
    first_doubled: i64,
    rejects: u64,
}

/// No file of a load balancer has lines of a number like this.
const MAX_LINE: i64 = 1 << 36;

impl Seen {
    fn line(&mut self, line: i64) {
        if !(1..MAX_LINE).contains(&line) {
            return; // told with the file
        }
        let (word, bit) = ((line / 64) as usize, 1 << (line % 64));
        if word >= self.lines.len() {
            self.lines.resize(word + 1, 0);
        }
        if self.lines[word] & bit != 0 {
            self.doubled += 1;
            self.first_doubled = line;
        }
        self.lines[word] |= bit;
    }

    fn has(&self, line: i64) -> bool {
        let word = usize::try_from(line / 64).ok().and_then(|word| self.lines.get(word));
        word.is_some_and(|word| word & (1 << (line % 64)) != 0)
    }
}

struct Run<'a> {
    runtime: &'a Handle,
    lake: &'a Lake,
    options: &'a Options,
    stop: &'a AtomicBool,
    on_finding: &'a dyn Fn(&Finding),
    seen: HashMap<String, Seen>,
    summary: Summary,
}

/// Reads every file of every table. An `Err` is a lake that cannot be read at all.
///
/// Blocks; must not be called from an async task. What is committed meanwhile may be told as missing: best run when nobody ingests.
pub fn verify(
    runtime: &Handle,
    lake: &Lake,
    options: &Options,
    stop: &AtomicBool,
    on_finding: &dyn Fn(&Finding),
) -> Result<Summary, Error> {
    let mut run = Run { runtime, lake, options, stop, on_finding, seen: HashMap::new(), summary: Summary::default() };
    // In this order: the ledger is written before the rows, so that of what is committed meanwhile nothing seems to lack in it.
    let mut whole = true;
    for table in Table::of_rows().chain([Table::Rejects]) {
        whole &= run.files(table)?;
    }
    let mut ledger = Ledger::default();
    whole &= run.ledger(&mut ledger)?;
    if !run.stopping() {
        run.compare(&ledger, whole)?;
    }
    if let Some(inputs) = &options.sources
        && !run.stopping()
    {
        run.sources(&ledger, inputs)?;
    }
    run.summary.stopped = run.stopping();
    Ok(run.summary)
}

impl Run<'_> {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn find(&mut self, place: impl Into<String>, what: impl Into<String>) {
        let finding = Finding { place: place.into(), what: what.into() };
        (self.on_finding)(&finding);
        self.summary.findings += 1;
    }
}
