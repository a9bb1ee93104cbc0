//! Rows to Parquet.

use std::io::Write;
use std::sync::Arc;

use albatross_formats::Values;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;

use crate::column::{Chunk, Encoder, Statistic};

/// The rows that `order` names as a file of one row group, sorted by their first column.
pub(crate) fn encode<W: Write + Send>(
    sink: W,
    schema: &Schema,
    columns: &[Values<'_>],
    order: &[u32],
    encoder: &mut Encoder,
) -> Result<ParquetMetaData, ParquetError> {
    let mut file = sorted_file(sink, schema)?;
    append_rows(&mut file, columns, order, encoder)?;
    file.finish()
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

/// A file of a small table.
pub(crate) fn plain_file<W: Write + Send>(sink: W, schema: SchemaRef) -> Result<ArrowWriter<W>, ParquetError> {
    let options = ArrowWriterOptions::new().with_properties(base_properties().build()).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(sink, schema, options)
}

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
