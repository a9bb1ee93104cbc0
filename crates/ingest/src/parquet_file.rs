//! Rows to Parquet bytes: sorted by arrival, one file per UTC day.

use std::sync::Arc;

use albatross_formats::alb;
use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, UInt32Type};
use chrono::{DateTime, NaiveDate};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::dict_column::{self, Chunk};

/// A Parquet file in memory.
pub(crate) struct Encoded {
    pub(crate) day: Option<NaiveDate>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: ParquetMetaData,
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Encodes a batch of ALB rows: by day of arrival, and by arrival inside a day.
pub(crate) fn encode_alb(rows: alb::Rows) -> Result<Vec<Encoded>, ParquetError> {
    let arrivals = rows.arrivals();
    // The keys go along with the row numbers: looking them up in each comparison costs several times the sort.
    let mut keyed: Vec<(i64, u32)> = arrivals.iter().copied().zip(0..).collect();
    keyed.sort_unstable();
    let order: Vec<u32> = keyed.iter().map(|&(_, row)| row).collect();
    drop(keyed);
    let mut days: Vec<(NaiveDate, UInt32Array)> = Vec::new();
    let mut rest = order.as_slice();
    while let Some(&first) = rest.first() {
        let day = arrivals[first as usize].div_euclid(MICROS_PER_DAY);
        let count = rest.partition_point(|&row| arrivals[row as usize].div_euclid(MICROS_PER_DAY) == day);
        let date = DateTime::from_timestamp(day * 86_400, 0).expect("a parsed time").date_naive();
        days.push((date, rest[..count].to_vec().into()));
        rest = &rest[count..];
    }
    drop(order);
    let batch = rows.finish();
    let properties = alb_properties(&batch);
    days.into_iter()
        .map(|(day, order)| Ok(Encoded { day: Some(day), ..encode_columns(&batch, Some(&order), properties.clone())? }))
        .collect()
}

/// Encodes a small table as it is.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Encoded, ParquetError> {
    encode_columns(batch, None, base_properties().build())
}

#[cfg(test)]
pub(crate) fn encode_in_order(batch: &RecordBatch, order: &UInt32Array) -> Result<Encoded, ParquetError> {
    encode_columns(batch, Some(order), base_properties().build())
}

/// Column by column, so that the sorted copy never exists as a whole.
fn encode_columns(
    batch: &RecordBatch,
    order: Option<&UInt32Array>,
    properties: WriterProperties,
) -> Result<Encoded, ParquetError> {
    let schema = batch.schema();
    let options = ArrowWriterOptions::new().with_properties(properties.clone()).with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let (mut file, factory) =
        ArrowWriter::try_new_with_options(&mut bytes, schema.clone(), options)?.into_serialized_writer()?;
    if batch.num_rows() > 0 {
        // No column is nested: each has one leaf and one writer.
        let writers = factory.create_column_writers(0)?;
        let descriptors = file.schema_descr().columns().to_vec();
        let mut row_group = file.next_row_group()?;
        for ((field, column), (mut writer, descriptor)) in
            schema.fields().iter().zip(batch.columns()).zip(writers.into_iter().zip(descriptors))
        {
            if let (Some(order), Some(dictionary)) = (order, column.as_dictionary_opt::<UInt32Type>()) {
                let with_statistics = properties.statistics_enabled(descriptor.path()) != EnabledStatistics::None;
                let chunk = dict_column::encode(dictionary, order.values(), descriptor, with_statistics, ZSTD_LEVEL)?;
                if let Some(Chunk { bytes, close }) = chunk {
                    row_group.append_column(&bytes, close)?;
                    continue;
                }
            }
            let column: ArrayRef = match order {
                Some(order) => take(column, order, None)?,
                None => Arc::clone(column),
            };
            for leaf in compute_leaves(field, &column)? {
                writer.write(&leaf)?;
            }
            writer.close()?.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
    }
    let metadata = file.finish()?;
    drop(file);
    Ok(Encoded { day: None, bytes, metadata })
}

/// Higher levels make the lake a few percent smaller and the ingest much slower.
const ZSTD_LEVEL: i32 = 1;

fn base_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_created_by(concat!("albatross ", env!("CARGO_PKG_VERSION")).to_string())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(None)
}

/// Columns whose values hardly repeat: a dictionary would be built and thrown away.
const NO_DICTIONARY: [&str; 11] = [
    "started_at",
    "time",
    "request_creation_time",
    "duration",
    "received_bytes",
    "sent_bytes",
    "trace_id",
    "conn_trace_id",
    "request_url",
    "line",
    "client_port",
];
/// Integers that grow or stay near each other in a sorted file, and sizes, which hardly repeat.
const DELTA: [&str; 6] = ["started_at", "time", "request_creation_time", "line", "received_bytes", "sent_bytes"];
/// Nobody asks for a range of these; their minimum and maximum would cost a comparison per row.
const NO_STATISTICS: [&str; 9] = [
    "trace_id",
    "conn_trace_id",
    "user_agent",
    "request_url",
    "target_group_arn",
    "chosen_cert_arn",
    "target_port_list",
    "target_status_code_list",
    "redirect_url",
];

fn alb_properties(batch: &RecordBatch) -> WriterProperties {
    let path = |name: &str| ColumnPath::from(name);
    let mut properties = base_properties()
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_column_statistics_enabled(path("started_at"), EnabledStatistics::Page);
    for name in NO_DICTIONARY {
        properties = properties.set_column_dictionary_enabled(path(name), false);
    }
    // Dictionaries that pay are written by `dict_column`; what it leaves to Arrow's writer does not repeat.
    for field in batch.schema().fields().iter().filter(|f| matches!(f.data_type(), DataType::Dictionary(..))) {
        properties = properties.set_column_dictionary_enabled(path(field.name()), false);
    }
    for name in DELTA {
        properties = properties.set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
    }
    for name in NO_STATISTICS {
        properties = properties.set_column_statistics_enabled(path(name), EnabledStatistics::None);
    }
    debug_assert_eq!(batch.schema().field(0).name(), "started_at");
    properties.build()
}
