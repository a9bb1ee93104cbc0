//! What the logs of the tables tell, and the statistics in them.

use std::collections::BTreeMap;

use albatross_lake::{ColumnStat, DataFile, Lake, LogExtent, Snapshot, Table, Value};
use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};

use super::{iso, short};
use crate::show::{count, plural, size};

pub(super) struct TableStatus {
    name: &'static str,
    log: LogExtent,
    pub(super) files: u64,
    rows: u64,
    pub(super) bytes: u64,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
}

impl TableStatus {
    /// `None` if the table does not exist.
    pub(super) async fn of(lake: &Lake, table: Table) -> Result<Option<TableStatus>> {
        let Some(log) = lake.log_extent(table).await? else { return Ok(None) };
        let files = lake.snapshot(table).await?.files;
        let column = table.time_column();
        Ok(Some(TableStatus {
            name: table.name(),
            log,
            files: files.len() as u64,
            rows: files.iter().filter_map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.size).sum(),
            first: files.iter().filter_map(|file| bounds(file, &column).0).min(),
            last: files.iter().filter_map(|file| bounds(file, &column).1).max(),
        }))
    }

    pub(super) fn json(&self) -> Json {
        json!({
            "table": self.name,
            "version": self.log.version,
            "checkpoint": self.log.checkpoint,
            "commits_since_checkpoint": self.log.commits(),
            "files": self.files,
            "rows": self.rows,
            "bytes": self.bytes,
            "first": self.first.map(iso),
            "last": self.last.map(iso),
        })
    }

    pub(super) fn text(&self) -> String {
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => format!(", {} to {}", short(first), short(last)),
            _ => String::new(),
        };
        let commits = plural(self.log.commits(), "commit");
        let log = format!(", log at version {}, {commits} since its checkpoint", self.log.version);
        let (rows, files) = (plural(self.rows, "row"), plural(self.files, "file"));
        format!("{:<9} {rows:>13} in {files:>9}, {:>8}{span}{log}", self.name, size(self.bytes))
    }
}

/// First and last moment of a file, to a millisecond.
fn bounds(file: &DataFile, column: &str) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let time = |value: Option<&Value>| match value {
        Some(Value::Timestamp(micros)) => DateTime::from_timestamp_micros(*micros),
        _ => None,
    };
    let stat = file.stats.get(column);
    let bound = |of: fn(&ColumnStat) -> Option<&Value>| time(stat.and_then(of));
    (bound(|stat| stat.min.as_ref()), bound(|stat| stat.max.as_ref()))
}

/// Lines with more fields than documented. Known from how often `extra` is NULL in each file.
#[derive(Default)]
pub(super) struct Drift {
    lines: u64,
    /// Rows of files that reach beyond `since`.
    of_lines: u64,
    /// First arrival in the first file with such a line: the line itself may be somewhat later.
    since: Option<DateTime<Utc>>,
    /// Files of which it is not known, written by other engines or an early Albatross.
    unknown_files: u64,
}

impl Drift {
    pub(super) fn of(requests: &Snapshot) -> Drift {
        let mut drift = Drift::default();
        for file in &requests.files {
            let nulls = file.stats.get("extra").and_then(|stat| stat.null_count);
            match file.rows.zip(nulls) {
                None => drift.unknown_files += 1,
                Some((rows, nulls)) if nulls < rows => {
                    drift.lines += rows - nulls;
                    let first = bounds(file, "started_at").0;
                    drift.since = drift.since.into_iter().chain(first).min();
                }
                Some(_) => {}
            }
        }
        if drift.lines > 0 {
            let reaches = |file: &&std::sync::Arc<DataFile>| bounds(file, "started_at").1 >= drift.since;
            drift.of_lines = requests.files.iter().filter(reaches).filter_map(|file| file.rows).sum();
        }
        drift
    }

    fn share(&self) -> Option<f64> {
        (self.of_lines > 0).then(|| self.lines as f64 / self.of_lines as f64)
    }

    pub(super) fn json(&self) -> Json {
        json!({
            "lines": self.lines, "of_lines": self.of_lines, "share": self.share(), "since": self.since.map(iso),
            "unknown_files": self.unknown_files,
        })
    }

    pub(super) fn text(&self) -> Option<String> {
        let unknown = match self.unknown_files {
            0 => String::new(),
            n => format!(" (not known of {})", plural(n, "file")),
        };
        match (self.share(), self.since) {
            (Some(share), since) => {
                let since = since.map_or(String::new(), |since| format!(" since {}", short(since)));
                let percent = percent(share);
                let lines = plural(self.lines, "line");
                Some(format!(
                    "drift: {percent}{since} ({lines}) have more fields than documented{unknown}: albatross query drift"
                ))
            }
            (None, _) if self.unknown_files > 0 => Some(format!("drift: none{unknown}")),
            (None, _) => None,
        }
    }
}

/// Two digits that tell, and never 0 % of something.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p >= 10.0 => format!("{p:.0} % of lines"),
        p if p >= 0.1 => format!("{p:.1} % of lines"),
        _ => "under 0.1 % of lines".to_owned(),
    }
}

/// A day's files below this could be one.
const SMALL_BYTES: u64 = 64_000_000;

/// Files of requests that wait for compaction: small ones, where a day has more than one.
#[derive(Default)]
pub(super) struct SmallFiles {
    files: u64,
    bytes: u64,
    days: u64,
}

impl SmallFiles {
    pub(super) fn of(requests: &Snapshot) -> SmallFiles {
        let mut days = BTreeMap::<Option<NaiveDate>, (u64, u64)>::new();
        for file in requests.files.iter().filter(|file| file.size < SMALL_BYTES) {
            let (files, bytes) = days.entry(file.day).or_default();
            *files += 1;
            *bytes += file.size;
        }
        days.values().filter(|(files, _)| *files > 1).fold(SmallFiles::default(), |sum, (files, bytes)| SmallFiles {
            files: sum.files + files,
            bytes: sum.bytes + bytes,
            days: sum.days + 1,
        })
    }

    pub(super) fn json(&self) -> Json {
        json!({ "files": self.files, "bytes": self.bytes, "days": self.days })
    }

    pub(super) fn text(&self) -> Option<String> {
        let SmallFiles { files, bytes, days } = *self;
        (files > 0).then(|| {
            format!("small files: {} ({}) on {} wait for compaction", count(files), size(bytes), plural(days, "day"))
        })
    }
}
