//! The ledger, and the log's ids, against what the files hold.

use std::collections::{HashMap, HashSet};

use albatross_formats::{Format, MAX_KEPT_REJECTS};
use albatross_lake::{Table, TxnId};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::{Run, Seen};
use crate::Error;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Sources whose ids are in the log, by their names.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) sources: HashMap<String, Entry>,
    ids: HashSet<TxnId>,
}

/// What the ledger says of a source: of several versions of standard input, of all of them.
#[derive(Clone, Default)]
pub(super) struct Entry {
    /// How often it was ingested; more than once only standard input.
    pub(super) times: u64,
    pub(super) format: String,
    pub(super) lines: i64,
    pub(super) rows: i64,
    pub(super) rejects: i64,
    pub(super) skipped: i64,
    pub(super) content_hash: String,
    first_time: Option<i64>,
}

impl Run<'_> {
    /// Reads the ledger; `false` if a part of it could not be read.
    pub(super) fn ledger(&mut self, ledger: &mut Ledger) -> Result<bool, Error> {
        let snapshot = self.runtime.block_on(self.lake.snapshot(Table::Ingested))?;
        let mut rows = Vec::new();
        let mut whole = true;
        for file in &snapshot.files {
            whole &= self.file(Table::Ingested, file, &mut |_, batch| entries(batch, &mut rows));
        }
        let committed = crate::committed(self.runtime, self.lake)?;
        for (source, id, entry) in rows {
            let Some(id) = TxnId::from_hex(&id) else {
                self.find(&source, "its id in the ledger is none");
                continue;
            };
            if !committed.iter().any(|ids| ids.contains(&id)) {
                self.summary.unfinished += 1;
                continue;
            }
            if !ledger.ids.insert(id) {
                self.find(&source, "it is in the ledger twice");
                continue;
            }
            if entry.lines != entry.rows + entry.rejects + entry.skipped && entry.format != "metrics" {
                let Entry { lines, rows, rejects, skipped, .. } = entry;
                let what =
                    format!("the ledger says {lines} lines, but {rows} rows + {rejects} rejects + {skipped} skipped");
                self.find(&source, what);
            }
            ledger.sources.entry(source).or_default().add(entry);
        }
        // Ids that were committed after the ledger was read are nobody's fault.
        let version = self.runtime.block_on(self.lake.snapshot(Table::Ingested))?.version;
        if whole && version == snapshot.version {
            let missing = committed.iter().flat_map(|ids| ids.iter()).filter(|id| !ledger.ids.contains(id));
            for id in missing.copied().collect::<Vec<_>>() {
                self.find("ingested", format!("the log has the id {id}, the ledger does not"));
            }
        }
        Ok(whole)
    }

    /// Compares what the ledger says with what was counted; without all files only what would be wrong in any case.
    pub(super) fn compare(&mut self, ledger: &Ledger, whole: bool) -> Result<(), Error> {
        let mut kept_from = HashMap::new();
        for format in Format::ALL {
            if let Some(day) = self.runtime.block_on(self.lake.kept_from(Table::Rows(format)))? {
                kept_from.insert(format.name(), i64::from(day.to_epoch_days()) * MICROS_PER_DAY);
            }
        }
        let none = Seen::default();
        let mut findings = Vec::new();
        for (source, entry) in &ledger.sources {
            let seen = self.seen.get(source).unwrap_or(&none);
            let mut find = |what: String| findings.push((source.clone(), what));
            let is_dropped =
                entry.first_time.zip(kept_from.get(entry.format.as_str())).is_some_and(|(first, kept)| first < *kept);
            self.summary.sources += 1;
            self.summary.dropped += u64::from(is_dropped);
            let rows = entry.rows.max(0) as u64;
            if seen.rows > rows || seen.rows < rows && whole && !is_dropped {
                find(format!("it has {} rows in the lake, the ledger says {rows}", seen.rows));
            }
            if seen.doubled > 0 && entry.times == 1 {
                find(format!(
                    "{} of its lines are in the lake more than once, such as line {}",
                    seen.doubled, seen.first_doubled
                ));
            }
            // Of very bad files only the first are kept.
            let rejects = (entry.rejects.max(0) as u64).min(MAX_KEPT_REJECTS as u64 * entry.times);
            if seen.rejects > rejects || seen.rejects < rejects && whole {
                find(format!("it has {} rejects in the lake, the ledger says {rejects}", seen.rejects));
            }
        }
        for (source, seen) in &self.seen {
            if seen.rows > 0 && !ledger.sources.contains_key(source) && whole {
                let name = if source.is_empty() { "alb" } else { source };
                findings.push((
                    name.to_owned(),
                    format!("it has {} rows in the lake, but is not in the ledger", seen.rows),
                ));
            }
        }
        findings.sort();
        findings.into_iter().for_each(|(source, what)| self.find(source, what));
        Ok(())
    }
}

impl Entry {
    fn add(&mut self, other: Entry) {
        if self.times == 0 {
            *self = other;
            return;
        }
        self.times += other.times;
        self.lines += other.lines;
        self.rows += other.rows;
        self.rejects += other.rejects;
        self.skipped += other.skipped;
        self.first_time = self.first_time.min(other.first_time);
    }
}

fn entries(batch: &RecordBatch, rows: &mut Vec<(String, String, Entry)>) {
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        column.filter(|column| column.is_valid(row)).map_or_else(String::new, |column| column.value(row).to_owned())
    };
    let number = |name: &str, row: usize| {
        let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        column.filter(|column| column.is_valid(row)).map_or(0, |column| column.value(row))
    };
    for row in 0..batch.num_rows() {
        let first = batch.column_by_name("first_time").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let entry = Entry {
            times: 1,
            format: text("format", row),
            lines: number("lines", row),
            rows: number("rows", row),
            rejects: number("rejects", row),
            skipped: number("skipped", row),
            content_hash: text("content_hash", row),
            first_time: first.filter(|column| column.is_valid(row)).map(|column| column.value(row)),
        };
        rows.push((text("source_file", row), text("txn", row), entry));
    }
}
