//! Keeping a lake in order: few sorted files a day, no day longer than wanted, nothing that nobody refers to, a short log.
//!
//! - **Safe beside ingest, queries and another maintenance.** Files are replaced in one commit, which goes in only if all of them are still
//!   in the table; whoever comes second throws its own work away. Files that are not in the table any more stay for readers of earlier
//!   snapshots, and files that are not in it yet for the ingest that wrote them, until they are older than [`Options::grace`].
//! - **Killed at any point** it leaves files that nobody refers to, which a later run deletes.
//! - **Memory**: a slice of a day (some 350 bytes a row and [`Options::rows_per_group`] rows), the new file while it is being written (up to
//!   five fourths of [`Options::target`]), and from object stores one file below [`Options::small`] and 32 MB of others. With the defaults a process stays below 512 MB.

mod append;
mod columns;
mod input;
mod merge;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use albatross_lake::{Change, DataFile, Lake, NewFile, Replaced, Table};
use chrono::{Days, NaiveDate, TimeDelta, Utc};
use tokio::runtime::Handle;

use crate::output;
use crate::summary::Failure;
use crate::{Error, MAX_ROUNDS};
use input::Inputs;
use merge::{Arrivals, Mergeable, Trouble};

/// What is left to a run, and what is not.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files below this size, in bytes, are merged.
    pub small: u64,
    /// What they become, in bytes. At least twice `small`, or what was merged is small again.
    pub target: u64,
    /// A row group of a log has at most so many rows (more only if they arrived in one second).
    pub rows_per_group: usize,
    /// Days of logs that are kept before today (UTC). `None` drops nothing.
    pub retain_days: Option<u32>,
    /// Files outside the tables are deleted when they have been there for longer. Must be longer than any ingest and any query, and
    /// no longer than the seven days for which removals are remembered.
    pub grace: TimeDelta,
    /// Commits that a checkpoint replaces are deleted when they are older.
    pub log_grace: TimeDelta,
    /// Only find out what would be done.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            small: 64_000_000,
            target: 128_000_000,
            rows_per_group: 250_000,
            retain_days: None,
            grace: TimeDelta::hours(24),
            log_grace: TimeDelta::days(30),
            dry_run: false,
        }
    }
}

/// What a run did, or would do.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub compacted: Vec<Compacted>,
    /// Days (or tables) whose files somebody else replaced meanwhile: nothing was done to them.
    pub lost: Vec<String>,
    pub dropped: Dropped,
    /// Files that nothing referred to, and their bytes.
    pub deleted_files: u64,
    pub deleted_bytes: u64,
    pub checkpoints: u64,
    /// Commits and checkpoints deleted.
    pub log_files: u64,
    /// Files that cannot be merged, days that could not be, files that could not be deleted.
    pub failures: Vec<Failure>,
    pub stopped: bool,
}

/// Files that were merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    pub table: Table,
    pub day: Option<NaiveDate>,
    pub files_before: u64,
    /// In a dry run what is expected, and so are the bytes.
    pub files_after: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    pub days: u64,
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
}

/// Told while a run goes on.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Files are about to be merged.
    Compacting {
        table: Table,
        day: Option<NaiveDate>,
        files: u64,
    },
    Failed(&'a Failure),
}

struct Run<'a> {
    runtime: &'a Handle,
    lake: &'a Lake,
    options: &'a Options,
    stop: &'a AtomicBool,
    on_event: &'a dyn Fn(Event<'_>),
    summary: Summary,
}

/// Drops old days, merges small files, deletes dead ones, writes checkpoints and shortens the logs.
///
/// Blocks; must not be called from an async task. `stop` ends the run early: the day in hand is left as it was.
pub fn maintain(
    runtime: &Handle,
    lake: &Lake,
    options: &Options,
    stop: &AtomicBool,
    on_event: &dyn Fn(Event<'_>),
) -> Result<Summary, Error> {
    let mut run = Run { runtime, lake, options, stop, on_event, summary: Summary::default() };
    run.retain()?;
    for table in Table::ALL {
        run.compact(table)?;
    }
    for table in Table::ALL {
        run.clean(table)?;
    }
    run.summary.stopped = stop.load(Ordering::Relaxed);
    Ok(run.summary)
}

impl Run<'_> {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn fail(&mut self, what: &str, reason: impl Into<String>) {
        let failure = Failure::new(what, reason);
        (self.on_event)(Event::Failed(&failure));
        self.summary.failures.push(failure);
    }

    fn retain(&mut self) -> Result<(), Error> {
        let Some(days) = self.options.retain_days else { return Ok(()) };
        let Some(kept_from) = Utc::now().date_naive().checked_sub_days(Days::new(days.into())) else { return Ok(()) };
        for table in Table::of_rows().filter(|table| table.is_partitioned()) {
            self.drop_days(table, kept_from)?;
        }
        Ok(())
    }

    fn drop_days(&mut self, table: Table, kept_from: NaiveDate) -> Result<(), Error> {
        for _ in 0..MAX_ROUNDS {
            let mut files = self.runtime.block_on(self.lake.snapshot(table))?.files;
            files.retain(|file| file.day.is_some_and(|day| day < kept_from));
            let done = files.is_empty() || self.options.dry_run || {
                let replaced = self.lake.replace(table, &files, &[], Change::Retention { kept_from });
                matches!(self.runtime.block_on(replaced)?, Replaced::Committed { .. })
            };
            if done {
                let mut days: Vec<_> = files.iter().filter_map(|file| file.day).collect();
                days.dedup(); // files are sorted by day
                let dropped = &mut self.summary.dropped;
                dropped.days += days.len() as u64;
                dropped.files += files.len() as u64;
                dropped.rows += files.iter().filter_map(|file| file.rows).sum::<u64>();
                dropped.bytes += files.iter().map(|file| file.size).sum::<u64>();
                return Ok(());
            }
        }
        Err(Error::Contended)
    }

    fn compact(&mut self, table: Table) -> Result<(), Error> {
        let mut by_day: BTreeMap<Option<NaiveDate>, Vec<Arc<DataFile>>> = BTreeMap::new();
        for file in self.runtime.block_on(self.lake.snapshot(table))?.files {
            if file.size < self.options.small && (table.is_partitioned() == file.day.is_some()) {
                by_day.entry(file.day).or_default().push(file);
            }
        }
        if let (Some(days), true) = (self.options.retain_days, self.options.dry_run) {
            let kept_from = Utc::now().date_naive().checked_sub_days(Days::new(days.into()));
            by_day.retain(|day, _| day.is_none() || *day >= kept_from);
        }
        for (day, files) in by_day {
            if self.stopping() {
                return Ok(());
            }
            if self.planned(&files).is_some() {
                self.compact_day(table, day, files)?;
            }
        }
        Ok(())
    }

    /// How many files these should become, of five eighths to five fourths of the target; `None` if that would not be fewer.
    fn planned(&self, files: &[Arc<DataFile>]) -> Option<usize> {
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        let count = (bytes * 4).div_ceil(self.options.target.max(1) * 5).max(1) as usize;
        (count < files.len()).then_some(count)
    }

    fn compact_day(&mut self, table: Table, day: Option<NaiveDate>, files: Vec<Arc<DataFile>>) -> Result<(), Error> {
        let name = day.map_or_else(|| table.to_string(), |day| format!("{table} day={day}"));
        (self.on_event)(Event::Compacting { table, day, files: files.len() as u64 });
        let mut new = Vec::new();
        let (merged, result) = if self.options.dry_run {
            (files, Ok(()))
        } else if let Some(day) = day {
            self.merge(table, day, &files, &mut new)
        } else {
            self.append(table, files, &mut new)
        };
        let summed = |files: &[Arc<DataFile>]| files.iter().map(|file| file.size).sum::<u64>();
        match result {
            Ok(()) => {}
            Err(Trouble::Files(reason)) => {
                output::discard(self.runtime, self.lake, table, &new);
                self.fail(&name, reason);
                return Ok(());
            }
            Err(Trouble::Lake(error)) => {
                output::discard(self.runtime, self.lake, table, &new);
                return Err(error);
            }
            Err(Trouble::Stopped) => {
                output::discard(self.runtime, self.lake, table, &new);
                return Ok(());
            }
        }
        let Some(planned) = self.planned(&merged) else { return Ok(()) };
        let mut compacted = Compacted {
            table,
            day,
            files_before: merged.len() as u64,
            files_after: planned as u64,
            bytes_before: summed(&merged),
            bytes_after: summed(&merged),
        };
        if !self.options.dry_run {
            // After an error the outcome may be open, so the new files stay: dead ones are found later.
            match self.runtime.block_on(self.lake.replace(table, &merged, &new, Change::Compaction))? {
                Replaced::Committed { .. } => {
                    compacted.files_after = new.len() as u64;
                    compacted.bytes_after = new.iter().map(|file| file.size).sum();
                }
                Replaced::Gone(_) => {
                    output::discard(self.runtime, self.lake, table, &new);
                    self.summary.lost.push(name);
                    return Ok(());
                }
            }
        }
        self.summary.compacted.push(compacted);
        Ok(())
    }

    /// Returns the files that were merged, which may be fewer: one that is damaged or not ours is no reason to leave the others.
    fn merge(
        &mut self,
        table: Table,
        day: NaiveDate,
        files: &[Arc<DataFile>],
        new: &mut Vec<NewFile>,
    ) -> (Vec<Arc<DataFile>>, Result<(), Trouble>) {
        let mut inputs = Inputs::new(self.runtime, self.lake, table);
        let mut arrivals = Arrivals::of(day);
        let mut mergeable: Vec<Mergeable> = Vec::new();
        for file in files {
            if self.stopping() {
                return (Vec::new(), Err(Trouble::Stopped));
            }
            match arrivals.add(&mut inputs, file) {
                Ok(input) => mergeable.push(input),
                Err(reason) => self.fail(file.location.as_ref(), reason),
            }
        }
        let merged: Vec<_> = mergeable.iter().map(|input| input.file.clone()).collect();
        let result = match self.planned(&merged) {
            Some(count) => merge::merge(&mut inputs, self.options, self.stop, &mergeable, &arrivals, count, new),
            None => Ok(()),
        };
        (merged, result)
    }

    fn append(
        &mut self,
        table: Table,
        mut files: Vec<Arc<DataFile>>,
        new: &mut Vec<NewFile>,
    ) -> (Vec<Arc<DataFile>>, Result<(), Trouble>) {
        let inputs = Inputs::new(self.runtime, self.lake, table);
        files.sort_by(|a, b| (a.modified, &a.location).cmp(&(b.modified, &b.location)));
        files.retain(|file| match append::check(&inputs, table, file) {
            Ok(()) => true,
            Err(reason) => {
                self.fail(file.location.as_ref(), reason);
                false
            }
        });
        let result = match self.planned(&files) {
            Some(count) => append::append(&inputs, self.stop, table, &files, count, new),
            None => Ok(()),
        };
        (files, result)
    }

    fn clean(&mut self, table: Table) -> Result<(), Error> {
        if self.stopping() {
            return Ok(());
        }
        let now = Utc::now();
        for dead in self.runtime.block_on(self.lake.dead_files(table))? {
            if dead.since > now - self.options.grace {
                continue;
            }
            if !self.options.dry_run {
                match self.runtime.block_on(dead.delete(&self.lake.object_store())) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(error) => {
                        self.fail(dead.location.as_ref(), error.to_string());
                        continue;
                    }
                }
            }
            self.summary.deleted_files += 1;
            self.summary.deleted_bytes += dead.size;
        }
        if !self.options.dry_run {
            self.summary.checkpoints += u64::from(self.runtime.block_on(self.lake.checkpoint(table))?.is_some());
            self.summary.log_files +=
                self.runtime.block_on(self.lake.clean_log(table, now - self.options.log_grace))?;
        }
        Ok(())
    }
}
