//! What the lake knows of a file, in DataFusion's terms.
//!
//! Rows and counts of NULLs are exact. Bounds are exact only for integers and days: those of texts are cut, those of
//! timestamps are rounded to milliseconds, and those of floats say nothing about NaN. They all serve to leave files
//! out; only the exact ones may answer `min` and `max` without a scan.

use std::sync::Arc;

use albatross_lake::{DAY, DataFile, Value};
use arrow::datatypes::{DataType, Field, SchemaRef};
use chrono::{Datelike, NaiveDate};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileGroup;

/// Days since 1970-01-01.
pub(crate) fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// The value of the partition column.
pub(crate) fn day(file: &DataFile) -> ScalarValue {
    ScalarValue::Date32(file.day.map(days))
}

/// A lower bound of the column in the file; NULL of its type if none is known.
pub(crate) fn min(file: &DataFile, field: &Field) -> ScalarValue {
    bound(file, field, |stat| stat.min.as_ref())
}

/// An upper bound of the column in the file; NULL of its type if none is known.
pub(crate) fn max(file: &DataFile, field: &Field) -> ScalarValue {
    bound(file, field, |stat| stat.max.as_ref())
}

/// How many rows of the file have NULL there, if known.
pub(crate) fn null_count(file: &DataFile, column: &str) -> Option<u64> {
    match file.stats.get(column) {
        Some(stat) => stat.null_count,
        None if column == DAY && file.day.is_some() => Some(0),
        None => None,
    }
}

fn bound(file: &DataFile, field: &Field, of: impl Fn(&albatross_lake::ColumnStat) -> Option<&Value>) -> ScalarValue {
    if field.name() == DAY && file.day.is_some() {
        return day(file);
    }
    let value = file.stats.get(field.name()).and_then(of);
    let null = || ScalarValue::try_from(field.data_type()).unwrap_or(ScalarValue::Null);
    match (value, field.data_type()) {
        (Some(Value::Int(n)), DataType::Int64) => ScalarValue::Int64(Some(*n)),
        (Some(Value::Int(n)), DataType::Int32) => i32::try_from(*n).map_or_else(|_| null(), ScalarValue::from),
        (Some(Value::Float(x)), DataType::Float64) => ScalarValue::Float64(Some(*x)),
        (Some(Value::Text(text)), DataType::Utf8View) => ScalarValue::Utf8View(Some(text.clone())),
        (Some(Value::Text(text)), DataType::Utf8) => ScalarValue::Utf8(Some(text.clone())),
        (Some(Value::Date(days)), DataType::Date32) => ScalarValue::Date32(Some(*days)),
        (Some(Value::Timestamp(micros)), DataType::Timestamp(_, zone)) => {
            ScalarValue::TimestampMicrosecond(Some(*micros), zone.clone())
        }
        _ => null(),
    }
}

/// What is known of a file's columns, the partition column among them.
pub(crate) fn of_file(file: &DataFile, schema: &SchemaRef) -> Statistics {
    let count = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).map_or(Precision::Absent, Precision::Exact);
    let column = |field: &Arc<Field>| {
        let bound = |value: ScalarValue| match field.data_type() {
            _ if value.is_null() => Precision::Absent,
            DataType::Int32 | DataType::Int64 | DataType::Date32 => Precision::Exact(value),
            _ => Precision::Inexact(value),
        };
        ColumnStatistics {
            null_count: count(null_count(file, field.name())),
            min_value: bound(min(file, field)),
            max_value: bound(max(file, field)),
            ..ColumnStatistics::new_unknown()
        }
    };
    Statistics {
        num_rows: count(file.rows),
        total_byte_size: Precision::Absent,
        column_statistics: schema.fields().iter().map(column).collect(),
    }
}

/// Gives each group the statistics of its files, and returns those of all files. `partial`: not all files of the
/// table that match are in the groups.
pub(crate) fn of_groups(
    groups: Vec<FileGroup>,
    schema: &SchemaRef,
    partial: bool,
) -> Result<(Vec<FileGroup>, Statistics)> {
    let merged = |files: &mut dyn Iterator<Item = &PartitionedFile>| {
        Statistics::try_merge_iter(files.filter_map(|file| file.statistics.as_deref()), schema)
    };
    let groups = groups
        .into_iter()
        .map(|group| {
            let statistics = merged(&mut group.iter())?;
            Ok(group.with_statistics(Arc::new(statistics)))
        })
        .collect::<Result<Vec<_>>>()?;
    let all = merged(&mut groups.iter().flat_map(|group| group.iter()))?;
    Ok((groups, if partial { all.to_inexact() } else { all }))
}
