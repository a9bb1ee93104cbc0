//! Column statistics from the footer of a Parquet file.

use parquet::basic::{LogicalType, TimeUnit};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;

use crate::stats::{ColumnStat, ColumnStats, Value};

/// Delta keeps statistics of the first columns only (`delta.dataSkippingNumIndexedCols`)...
const INDEXED_COLUMNS: usize = 32;
/// ...and we the number of NULLs of this one, so that lines with more fields than documented are known, and found, without a scan.
const COUNTED_COLUMN: &str = "extra";

impl ColumnStats {
    /// The bounds over all row groups, for the first 32 columns; of `extra` only how many are NULL.
    pub(crate) fn from_parquet(metadata: &ParquetMetaData) -> ColumnStats {
        let mut stats = ColumnStats::default();
        let columns = metadata.file_metadata().schema_descr().columns();
        for (i, column) in columns.iter().enumerate() {
            if let [name] = column.path().parts()
                && (i < INDEXED_COLUMNS || name == COUNTED_COLUMN)
            {
                let chunks = metadata.row_groups().iter().map(|group| group.column(i));
                let stat = of_column(column, chunks);
                let bounded = i < INDEXED_COLUMNS;
                stats.insert(
                    name,
                    if bounded { stat } else { ColumnStat { null_count: stat.null_count, ..ColumnStat::default() } },
                );
            }
        }
        stats
    }
}

/// One row group without a bound leaves the whole column without; one of NULLs only does not.
fn of_column<'a>(column: &ColumnDescriptor, chunks: impl Iterator<Item = &'a ColumnChunkMetaData>) -> ColumnStat {
    let mut bounds: Option<(Value, Value)> = None;
    let mut bounded = true;
    let mut null_count = Some(0);
    for chunk in chunks {
        let statistics = chunk.statistics();
        let nulls = statistics.and_then(Statistics::null_count_opt);
        null_count = null_count.zip(nulls).map(|(sum, n)| sum + n);
        if nulls == u64::try_from(chunk.num_values()).ok() {
            continue;
        }
        match (statistics.and_then(|s| typed_bounds(column, s)), bounds.take()) {
            (None, _) => bounded = false,
            (Some(first), None) => bounds = Some(first),
            (Some((min, max)), Some((low, high))) => {
                let low = if min < low { min } else { low };
                let high = if max > high { max } else { high };
                bounds = Some((low, high));
            }
        }
    }
    let (min, max) = bounds.filter(|_| bounded).unzip();
    ColumnStat { min, max, null_count }
}

/// `None` where a bound is missing, or the type has no bounds in Delta, or none that we use.
fn typed_bounds(column: &ColumnDescriptor, statistics: &Statistics) -> Option<(Value, Value)> {
    if statistics.is_min_max_deprecated() {
        return None;
    }
    let logical = column.logical_type_ref();
    let text = |bytes: &[u8]| Some(Value::Text(std::str::from_utf8(bytes).ok()?.to_owned()));
    match statistics {
        Statistics::Int32(s) => {
            let typed: fn(i32) -> Value = match logical {
                None => |n| Value::Int(n.into()),
                Some(LogicalType::Integer(int)) if int.is_signed => |n| Value::Int(n.into()),
                Some(LogicalType::Date) => Value::Date,
                _ => return None,
            };
            Some((typed(*s.min_opt()?), typed(*s.max_opt()?)))
        }
        Statistics::Int64(s) => {
            let typed = match logical {
                None => Value::Int,
                Some(LogicalType::Integer(int)) if int.is_signed => Value::Int,
                Some(LogicalType::Timestamp(t)) if t.unit == TimeUnit::MICROS => Value::Timestamp,
                _ => return None,
            };
            Some((typed(*s.min_opt()?), typed(*s.max_opt()?)))
        }
        Statistics::Double(s) => {
            let (min, max) = (*s.min_opt()?, *s.max_opt()?);
            (min.is_finite() && max.is_finite()).then_some((Value::Float(min), Value::Float(max)))
        }
        Statistics::ByteArray(s) if logical == Some(&LogicalType::String) => {
            Some((text(s.min_opt()?.data())?, text(s.max_opt()?.data())?))
        }
        _ => None,
    }
}
