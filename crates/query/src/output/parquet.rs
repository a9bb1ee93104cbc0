//! One Parquet file.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

pub(super) struct Parquet<'a>(ArrowWriter<&'a mut (dyn Write + Send)>);

impl<'a> Parquet<'a> {
    pub(super) fn new(schema: SchemaRef, out: &'a mut (dyn Write + Send)) -> io::Result<Parquet<'a>> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        ArrowWriter::try_new(out, schema, Some(properties)).map(Parquet).map_err(io_error)
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.0.write(batch).map_err(io_error)
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.finish().map_err(io_error)?;
        self.0.inner_mut().flush()
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
