//! The committer: what workers wrote becomes visible, many sources per transaction.
//!
//! Each table is a transaction of its own. The ledger's two (`rejects`, `ingested`) come first, each guarded by the same
//! ids; the ids in the tables of rows are the truth. A crash in between leaves ledger rows whose ids are not there: readers
//! do not see them, and the next run does not write them again.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use albatross_lake::{Commit, NewFile, Table, TxnId};
use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::done::Done;
use crate::pool::{Message, Shared};
use crate::source::Source;
use crate::summary::{Event, Summary};
use crate::{Error, ledger};

/// Complete sources and the Parquet files of their rows; nothing of it is committed yet.
pub(crate) struct Batch {
    /// The table of rows.
    pub(crate) table: Table,
    pub(crate) sources: Vec<Done>,
    pub(crate) files: Vec<NewFile>,
}

/// A transaction is made when this much Parquet waits...
const MAX_BYTES: u64 = 64 << 20;
/// ...or when this time has passed: what a crash may cost.
const MAX_WAIT: Duration = Duration::from_secs(30);

pub(crate) struct Committer<'a> {
    shared: &'a Shared<'a>,
    summary: &'a mut Summary,
    waiting: HashMap<Table, Batch>,
    since: Instant,
    /// Sources whose batch lost a race.
    again: Vec<Source>,
}

impl<'a> Committer<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>, summary: &'a mut Summary) -> Committer<'a> {
        Committer { shared, summary, waiting: HashMap::new(), since: Instant::now(), again: Vec::new() }
    }

    /// Commits until the last worker has ended.
    pub(crate) fn run(&mut self, messages: &Receiver<Message>) -> Result<(), Error> {
        loop {
            let message = match messages.recv_timeout(Duration::from_secs(1)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return self.commit_all(),
            };
            match message {
                Some(Message::Batch(batch)) => self.take(batch),
                Some(Message::Failure(failure)) => {
                    failure.tell();
                    self.summary.failures.push(failure);
                }
                Some(Message::Warning(source, text)) => self.summary.warnings.push((source, text)),
                Some(Message::Left) => self.summary.left += 1,
                Some(Message::Fatal(error)) => {
                    // Complete batches of other workers are as good as they were.
                    let _ = self.commit_all();
                    return Err(error);
                }
                None => {}
            }
            let bytes: u64 = self.waiting.values().flat_map(|batch| &batch.files).map(|file| file.size).sum();
            if bytes >= MAX_BYTES || !self.waiting.is_empty() && self.since.elapsed() >= MAX_WAIT {
                self.commit_all()?;
            }
        }
    }

    /// Sources to be read again.
    pub(crate) fn finish(mut self) -> Vec<Source> {
        std::mem::take(&mut self.again)
    }

    fn take(&mut self, batch: Batch) {
        if self.waiting.is_empty() {
            self.since = Instant::now();
        }
        match self.waiting.get_mut(&batch.table) {
            Some(waiting) => {
                waiting.sources.extend(batch.sources);
                waiting.files.extend(batch.files);
            }
            None => drop(self.waiting.insert(batch.table, batch)),
        }
    }

    /// One transaction of each ledger for all tables, then one of each table.
    fn commit_all(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        let all: Vec<&Done> = waiting.values().flat_map(|batch| &batch.sources).collect();
        let with_rejects: Vec<&Done> = all.iter().copied().filter(|done| !done.rejects.is_empty()).collect();
        commit_guarded(self.shared, Table::Rejects, &with_rejects, ledger::rejects)?;
        commit_guarded(self.shared, Table::Ingested, &all, |sources| {
            ledger::ingested(sources, &self.shared.options.route_rules)
        })?;
        waiting.into_values().try_for_each(|batch| self.commit(batch))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let shared = self.shared;
        let txns: Vec<TxnId> = batch.sources.iter().map(|done| done.txn).collect();
        match shared.runtime.block_on(shared.lake.commit(batch.table, &txns, batch.files.clone()))? {
            Commit::Committed { .. } => {
                self.summary.commits += 1;
                self.summary.lake_bytes += batch.files.iter().map(|file| file.size).sum::<u64>();
                for done in &batch.sources {
                    self.summary.add(done.format, &done.counts, done.bytes);
                }
                let rows = batch.sources.iter().map(|done| done.counts.rows).sum();
                (shared.on_event)(Event::Committed { files: batch.sources.len() as u64, rows });
            }
            Commit::AlreadyThere(ids) => {
                tracing::info!(
                    table = batch.table.name(),
                    sources = batch.sources.len(),
                    there = ids.len(),
                    "race lost, another ingest has committed some of these sources; the others are read again"
                );
                shared.discard(batch.table, &batch.files);
                let ids: HashSet<TxnId> = ids.into_iter().collect();
                let (there, again): (Vec<Done>, Vec<Done>) =
                    batch.sources.into_iter().partition(|done| ids.contains(&done.txn));
                self.summary.already += there.len() as u64;
                self.again.extend(again.into_iter().map(|done| done.source));
            }
        }
        Ok(())
    }
}

/// Commits ledger rows of those sources that have none yet, whoever else does the same at the same time.
fn commit_guarded(
    shared: &Shared<'_>,
    table: Table,
    sources: &[&Done],
    rows: impl Fn(&[&Done]) -> Result<RecordBatch, Error>,
) -> Result<(), Error> {
    if sources.is_empty() {
        return Ok(());
    }
    for _ in 0..crate::MAX_ROUNDS {
        let there = shared.runtime.block_on(shared.lake.txns(table))?;
        let missing: Vec<&Done> = sources.iter().copied().filter(|done| !there.contains(&done.txn)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let file = shared.store(table, &rows(&missing)?)?;
        let txns: Vec<TxnId> = missing.iter().map(|done| done.txn).collect();
        match shared.runtime.block_on(shared.lake.commit(table, &txns, vec![file.clone()]))? {
            Commit::Committed { .. } => return Ok(()),
            Commit::AlreadyThere(_) => shared.discard(table, &[file]),
        }
    }
    Err(Error::Contended)
}
