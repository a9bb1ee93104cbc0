//! Rows to Parquet bytes: sorted by arrival, one file per UTC day.

use std::io::Write;
use std::sync::Arc;

use albatross_formats::{Rows, Values};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use chrono::{DateTime, NaiveDate};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;

use crate::column::{Chunk, Encoder, Statistic};
use crate::sort;

/// A Parquet file in memory.
pub(crate) struct Encoded {
    pub(crate) day: Option<NaiveDate>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: ParquetMetaData,
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Encodes rows of a log: one file per day of arrival, sorted by arrival.
pub(crate) fn encode_log(rows: &dyn Rows, encoder: &mut Encoder) -> Result<Vec<Encoded>, ParquetError> {
    let arrivals = rows.arrivals();
    let order = sort::order(arrivals);
    let columns = rows.columns();
    let schema = rows.schema();
    let mut files = Vec::new();
    let mut rest = order.as_slice();
    while let Some(&first) = rest.first() {
        let day = arrivals[first as usize].div_euclid(MICROS_PER_DAY);
        let count = rest.partition_point(|&row| arrivals[row as usize].div_euclid(MICROS_PER_DAY) == day);
        let (of_day, later) = rest.split_at(count);
        rest = later;
        let date = DateTime::from_timestamp(day * 86_400, 0).expect("a parsed time").date_naive();
        files.push(Encoded { day: Some(date), ..encode_columns(&schema, &columns, of_day, encoder)? });
    }
    Ok(files)
}

/// The rows that `order` names as one row group, sorted by their first column.
pub(crate) fn encode_columns(
    schema: &Schema,
    columns: &[Values<'_>],
    order: &[u32],
    encoder: &mut Encoder,
) -> Result<Encoded, ParquetError> {
    let mut bytes = Vec::with_capacity(order.len() * BYTES_PER_ROW);
    let mut file = sorted_file(&mut bytes, schema)?;
    append_rows(&mut file, columns, order, encoder)?;
    let metadata = file.finish()?;
    drop(file);
    Ok(Encoded { day: None, bytes, metadata })
}

/// A file whose row groups are sorted by their first column.
pub(crate) fn sorted_file<W: Write + Send>(sink: W, schema: &Schema) -> Result<SerializedFileWriter<W>, ParquetError> {
    let sorted = vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }];
    let properties = base_properties().set_sorting_columns(Some(sorted)).build();
    let parquet_schema = ArrowSchemaConverter::new().convert(schema)?;
    SerializedFileWriter::new(sink, parquet_schema.root_schema_ptr(), Arc::new(properties))
}

/// The rows that `order` names as one row group more.
pub(crate) fn append_rows<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    columns: &[Values<'_>],
    order: &[u32],
    encoder: &mut Encoder,
) -> Result<(), ParquetError> {
    let descriptors = file.schema_descr().columns().to_vec();
    let mut row_group = file.next_row_group()?;
    for (i, (&values, descriptor)) in columns.iter().zip(descriptors).enumerate() {
        let statistic = match i {
            0 => Statistic::Page,
            _ if NO_STATISTICS.contains(&descriptor.name()) => Statistic::None,
            _ => Statistic::Chunk,
        };
        let Chunk { bytes, close } = encoder.encode(values, order, descriptor, statistic)?;
        row_group.append_column(&bytes, close)?;
    }
    row_group.close()?;
    Ok(())
}

/// Encodes a small table as it is.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Encoded, ParquetError> {
    let mut bytes = Vec::new();
    let mut writer = plain_file(&mut bytes, batch.schema())?;
    writer.write(batch)?;
    let metadata = writer.finish()?;
    drop(writer);
    Ok(Encoded { day: None, bytes, metadata })
}

/// A file of a small table.
pub(crate) fn plain_file<W: Write + Send>(sink: W, schema: SchemaRef) -> Result<ArrowWriter<W>, ParquetError> {
    let options = ArrowWriterOptions::new().with_properties(base_properties().build()).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(sink, schema, options)
}

/// What a row of a load balancer's log mostly takes.
const BYTES_PER_ROW: usize = 64;
/// Higher levels make the lake a few percent smaller and the ingest much slower.
pub(crate) const ZSTD_LEVEL: i32 = 1;

fn base_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_created_by(concat!("albatross ", env!("CARGO_PKG_VERSION")).to_string())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(None)
}

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
