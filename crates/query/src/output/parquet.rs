//! One Parquet file.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::distinct_names;

pub(super) struct Parquet<'a> {
    writer: ArrowWriter<&'a mut (dyn Write + Send)>,
    schema: SchemaRef,
}

impl<'a> Parquet<'a> {
    pub(super) fn new(schema: SchemaRef, out: &'a mut (dyn Write + Send)) -> io::Result<Parquet<'a>> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let fields = schema.fields().iter().zip(distinct_names(&schema));
        let fields: Vec<Field> = fields.map(|(field, name)| field.as_ref().clone().with_name(name)).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(io_error)?;
        Ok(Parquet { writer, schema })
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), batch.columns().to_vec(), &rows);
        self.writer.write(&batch.map_err(io::Error::other)?).map_err(io_error)
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.writer.finish().map_err(io_error)?;
        self.writer.inner_mut().flush()
    }
}

/// The error of the output, so that a broken pipe is seen to be one.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}
