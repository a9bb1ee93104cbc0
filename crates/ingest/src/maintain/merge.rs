//! A day's small files of a log become few.
//!
//! Two passes. The first reads when rows arrived, and counts them by the second. The second goes through the day in slices of time of some
//! hundred thousand rows: what each file has of a slice is read, sorted together, and becomes a row group. So only a slice is in memory,
//! however many files there are and however they overlap; for what overlaps, files are opened once a slice.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use albatross_lake::{DataFile, NewFile};
use chrono::NaiveDate;

use super::Options;
use super::columns::Columns;
use super::input::Inputs;
use crate::column::Encoder;
use crate::output::Output;
use crate::{Error, parquet_file, sort};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: usize = 86_400;
/// A second with more rows than this, or four row groups, is not taken apart: the day is left alone.
const MAX_ROWS_PER_SECOND: usize = 1_000_000;

/// A file that can be merged.
pub(super) struct Mergeable {
    pub(super) file: Arc<DataFile>,
    rows: usize,
    /// Of its rows, microseconds since the epoch.
    first: i64,
    last: i64,
}

/// When rows of a day arrived.
pub(super) struct Arrivals {
    day: NaiveDate,
    start: i64,
    by_second: Vec<u32>,
}

/// Why files could not be merged.
pub(super) enum Trouble {
    /// It is these files' own fault.
    Files(String),
    Lake(Error),
    Stopped,
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Trouble {
        Trouble::Lake(error.into())
    }
}

impl Arrivals {
    pub(super) fn of(day: NaiveDate) -> Arrivals {
        let start = i64::from(day.to_epoch_days()) * SECONDS_PER_DAY as i64 * MICROS_PER_SECOND;
        Arrivals { day, start, by_second: vec![0; SECONDS_PER_DAY] }
    }

    /// Counts the rows of a file; fails if it is not one that can be merged.
    pub(super) fn add(&mut self, inputs: &mut Inputs<'_>, file: &Arc<DataFile>) -> Result<Mergeable, String> {
        let arrivals = inputs.open(file)?.arrivals()?;
        let rows = arrivals.len();
        let second = |at: i64| (at - self.start).div_euclid(MICROS_PER_SECOND);
        let (first, last) = (arrivals.first().copied().unwrap_or(0), arrivals.last().copied().unwrap_or(0));
        if rows > 0 && (second(first) < 0 || second(last) >= SECONDS_PER_DAY as i64) {
            return Err("it has rows of another day".into());
        }
        if file.rows.is_some_and(|known| known != rows as u64) {
            return Err(format!("it has {rows} rows, and the log says {}", file.rows.unwrap_or(0)));
        }
        for at in arrivals {
            let second = (at - self.start).div_euclid(MICROS_PER_SECOND) as usize;
            self.by_second[second] = self.by_second[second].saturating_add(1);
        }
        Ok(Mergeable { file: file.clone(), rows, first, last })
    }

    /// Ends of slices with at most so many rows each, and how many they have, in ascending order; the last end is the day's.
    fn slices(&self, rows: usize) -> Result<Vec<(i64, usize)>, String> {
        let mut ends = Vec::new();
        let mut held = 0;
        for (second, &count) in self.by_second.iter().enumerate() {
            let count = count as usize;
            if count > MAX_ROWS_PER_SECOND.max(rows * 4) {
                return Err(format!("{count} rows of one second are too many to be merged"));
            }
            if held > 0 && held + count > rows {
                ends.push((self.start + second as i64 * MICROS_PER_SECOND, held));
                held = 0;
            }
            held += count;
        }
        ends.push((self.start + SECONDS_PER_DAY as i64 * MICROS_PER_SECOND, held));
        Ok(ends)
    }
}

/// Writes the rows of `files` into at most `count` new files, sorted over all of them. What was written stands in `new`, even if
/// this fails; nothing is committed.
pub(super) fn merge(
    inputs: &mut Inputs<'_>,
    options: &Options,
    stop: &AtomicBool,
    files: &[Mergeable],
    arrivals: &Arrivals,
    count: usize,
    new: &mut Vec<NewFile>,
) -> Result<(), Trouble> {
    let (runtime, lake, table) = (inputs.runtime, inputs.lake, inputs.table);
    let total: u64 = files.iter().map(|input| input.file.size).sum();
    let goal = total / count as u64;
    let schema = table.file_schema();
    let mut encoder = Encoder::new(parquet_file::ZSTD_LEVEL)?;
    let ends = arrivals.slices(options.rows_per_group).map_err(Trouble::Files)?;
    let last_end = ends.last().map(|(end, _)| *end);
    let mut start = i64::MIN;
    let mut output = Output::new(lake, table, Some(arrivals.day));
    let mut writer = parquet_file::sorted_file(output.clone(), &schema)?;
    let mut groups = 0;
    for (end, rows) in ends {
        let mut columns = Columns::with_capacity(table, rows);
        slice(inputs, stop, files, start..end, &mut columns)?;
        inputs.forget(|location| files.iter().any(|input| input.file.location == *location && input.last < end));
        start = end;
        if columns.len() > 0 {
            let alike = columns.alike();
            let order = sort::order(columns.arrivals());
            parquet_file::append_rows(&mut writer, &columns.values(&alike), &order, &mut encoder)?;
            groups += 1;
        }
        drop(columns);
        let written = writer.bytes_written() as u64;
        let half_a_group = written / 2 / groups.max(1);
        let full = new.len() + 1 < count && written + half_a_group >= goal;
        if Some(end) == last_end || full {
            let metadata = writer.finish()?;
            drop(writer);
            let complete = std::mem::replace(&mut output, Output::new(lake, table, Some(arrivals.day)));
            if groups > 0 {
                new.push(complete.store(runtime, lake, &metadata)?);
            }
            writer = parquet_file::sorted_file(output.clone(), &schema)?;
            groups = 0;
        }
    }
    Ok(())
}

/// Appends the rows of all files that arrived at these times.
fn slice(
    inputs: &mut Inputs<'_>,
    stop: &AtomicBool,
    files: &[Mergeable],
    times: Range<i64>,
    columns: &mut Columns,
) -> Result<(), Trouble> {
    let Range { start, end } = times;
    for input in files.iter().filter(|input| input.rows > 0 && input.first < end && input.last >= start) {
        if stop.load(Ordering::Relaxed) {
            return Err(Trouble::Stopped);
        }
        let mut read = || {
            let open = inputs.open(&input.file)?;
            let rows = if input.first >= start && input.last < end {
                0..input.rows
            } else {
                let arrivals = open.arrivals()?;
                arrivals.partition_point(|&at| at < start)..arrivals.partition_point(|&at| at < end)
            };
            if rows.is_empty() { Ok(()) } else { open.read(rows, columns) }
        };
        read().map_err(|reason: String| Trouble::Files(format!("{}: {reason}", input.file.location)))?;
    }
    columns.seal();
    Ok(())
}
