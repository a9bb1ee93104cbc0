//! The files of a table, row by row.

use std::sync::Arc;

use albatross_lake::{ColumnStat, DataFile, Table, Value};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::{MAX_LINE, Run};
use crate::{Error, lake_file};

/// A row of `rejects` may have 4 KiB.
const BATCH_ROWS: usize = 8192;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What a file has turned out to hold.
#[derive(Default)]
struct Found {
    rows: u64,
    nulls: Vec<u64>,
    /// What is wrong, each thing once.
    faults: Vec<String>,
    last_arrival: Option<i64>,
}

impl Run<'_> {
    /// Reads all files of a table; `false` if one of them could not be read to its end.
    pub(super) fn files(&mut self, table: Table) -> Result<bool, Error> {
        let snapshot = self.runtime.block_on(self.lake.snapshot(table))?;
        let mut whole = true;
        for file in &snapshot.files {
            if self.stopping() {
                return Ok(false);
            }
            let read = self.file(table, file, &mut |run, batch| run.count(table, batch));
            whole &= read;
        }
        Ok(whole)
    }

    /// Reads a file, checks it against what the log says of it, and tells what is wrong.
    pub(super) fn file(
        &mut self,
        table: Table,
        file: &Arc<DataFile>,
        each: &mut dyn FnMut(&mut Self, &RecordBatch),
    ) -> bool {
        let mut found = Found::default();
        let read = self.read(table, file, &mut found, each);
        self.summary.files += 1;
        self.summary.bytes += file.size;
        self.summary.rows += found.rows;
        let place = file.location.to_string();
        for fault in std::mem::take(&mut found.faults) {
            self.find(&place, fault);
        }
        if let Err(reason) = &read {
            self.find(&place, reason);
            return false;
        }
        if let Some(rows) = file.rows.filter(|rows| *rows != found.rows) {
            self.find(&place, format!("it has {} rows, the log says {rows}", found.rows));
        }
        true
    }

    fn read(
        &mut self,
        table: Table,
        file: &DataFile,
        found: &mut Found,
        each: &mut dyn FnMut(&mut Self, &RecordBatch),
    ) -> Result<(), String> {
        let opened = self.runtime.block_on(lake_file::open(self.lake, &file.location)).map_err(|e| match e {
            object_store::Error::NotFound { .. } => "it is missing".to_owned(),
            other => format!("it cannot be read: {other}"),
        })?;
        let broken = |e: &dyn std::fmt::Display| format!("it cannot be read: {e}");
        let size = parquet::file::reader::Length::len(&opened);
        if size != file.size {
            found.faults.push(format!("it has {size} bytes, the log says {}", file.size));
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(opened, options).map_err(|e| broken(&e))?;
        let schema = builder.schema().clone();
        for field in table.file_schema().fields() {
            if let Ok(there) = schema.field_with_name(field.name())
                && there.data_type() != field.data_type()
            {
                return Err(format!(
                    "its column `{}` is {}, not {}",
                    field.name(),
                    there.data_type(),
                    field.data_type()
                ));
            }
        }
        found.nulls = vec![0; schema.fields().len()];
        for batch in builder.with_batch_size(BATCH_ROWS).build().map_err(|e| broken(&e))? {
            if self.stopping() {
                return Ok(());
            }
            let batch = batch.map_err(|e| broken(&e))?;
            found.batch(table, file, &batch);
            each(self, &batch);
        }
        for (field, nulls) in schema.fields().iter().zip(&found.nulls) {
            if let Some(known) = file.stats.get(field.name()).and_then(|stat| stat.null_count)
                && known != *nulls
            {
                found.faults.push(format!("its column `{}` has {nulls} NULLs, the log says {known}", field.name()));
            }
        }
        Ok(())
    }

    /// Counts rows by their source.
    fn count(&mut self, table: Table, batch: &RecordBatch) {
        let Some(sources) = batch.column_by_name("source_file").and_then(|column| column.as_string_opt::<i32>()) else {
            return;
        };
        let lines = batch.column_by_name("line").and_then(|column| column.as_primitive_opt::<Int64Type>());
        for row in 0..batch.num_rows() {
            let source = if sources.is_valid(row) { sources.value(row) } else { "" };
            if !self.seen.contains_key(source) {
                self.seen.insert(source.to_owned(), Default::default());
            }
            let Some(seen) = self.seen.get_mut(source) else { continue };
            match table {
                Table::Rejects => seen.rejects += 1,
                _ => seen.rows += 1,
            }
            if let (true, Some(lines)) = (table.is_partitioned(), lines) {
                seen.line(if lines.is_valid(row) { lines.value(row) } else { 0 });
            }
        }
    }
}

impl Found {
    fn fault(&mut self, what: String) {
        if !self.faults.contains(&what) {
            self.faults.push(what);
        }
    }

    fn batch(&mut self, table: Table, file: &DataFile, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        for (i, (field, column)) in batch.schema().fields().iter().zip(batch.columns()).enumerate() {
            self.nulls[i] += column.null_count() as u64;
            if let Some(stat) = file.stats.get(field.name())
                && !holds(stat, column)
            {
                self.fault(format!("its column `{}` has values outside the bounds that the log says", field.name()));
            }
        }
        if table.is_partitioned() {
            self.arrivals(&table.time_column(), file, batch);
        }
    }

    fn arrivals(&mut self, time: &str, file: &DataFile, batch: &RecordBatch) {
        let arrivals = batch.column_by_name(time);
        let arrivals = arrivals.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let lines = batch.column_by_name("line").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(arrivals), Some(lines)) = (arrivals, lines) else {
            return self.fault(format!("it has no `{time}` or no `line`"));
        };
        if arrivals.null_count() > 0 {
            self.fault(format!("it has rows without `{time}`"));
        }
        let values = arrivals.values();
        if !values.is_sorted() || self.last_arrival.zip(values.first()).is_some_and(|(last, first)| last > *first) {
            self.fault(format!("its rows are not sorted by `{time}`"));
        }
        self.last_arrival = values.last().copied().or(self.last_arrival);
        let day = file.day.map(|day| i64::from(day.to_epoch_days()));
        if values.iter().any(|at| Some(at.div_euclid(MICROS_PER_DAY)) != day) {
            self.fault("it has rows of another day than its folder's".to_owned());
        }
        if lines.null_count() > 0 || lines.values().iter().any(|line| !(1..MAX_LINE).contains(line)) {
            self.fault("it has rows whose `line` is none".to_owned());
        }
    }
}

/// Whether all values are within the bounds. Of other types nothing is known.
fn holds(stat: &ColumnStat, column: &ArrayRef) -> bool {
    let bounds = match column.data_type() {
        DataType::Int32 => {
            let column = column.as_primitive::<Int32Type>();
            min(column).zip(max(column)).map(|(low, high)| (Value::Int(low.into()), Value::Int(high.into())))
        }
        DataType::Int64 => {
            let column = column.as_primitive::<Int64Type>();
            min(column).zip(max(column)).map(|(low, high)| (Value::Int(low), Value::Int(high)))
        }
        DataType::Float64 => {
            let column = column.as_primitive::<Float64Type>();
            min(column).zip(max(column)).map(|(low, high)| (Value::Float(low), Value::Float(high)))
        }
        DataType::Timestamp(..) => {
            let Some(column) = column.as_primitive_opt::<TimestampMicrosecondType>() else { return true };
            min(column).zip(max(column)).map(|(low, high)| (Value::Timestamp(low), Value::Timestamp(high)))
        }
        DataType::Utf8 => {
            let column = column.as_string::<i32>();
            let text = |text: &str| Value::Text(text.to_owned());
            min_string(column).zip(max_string(column)).map(|(low, high)| (text(low), text(high)))
        }
        _ => None,
    };
    let Some((low, high)) = bounds else { return true };
    stat.min.as_ref().is_none_or(|min| *min <= low) && stat.max.as_ref().is_none_or(|max| high <= *max)
}
