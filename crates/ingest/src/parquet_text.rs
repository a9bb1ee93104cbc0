//! Parquet files as sources (CloudFront and load balancers can deliver them): each row becomes a line of JSON, its columns' names the keys,
//! so that formats need not know Parquet.

use std::io::{self, Read};

use arrow::array::{Array, RecordBatch};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

/// How a Parquet file begins, and ends.
pub(crate) const PARQUET_MAGIC: [u8; 4] = *b"PAR1";
/// Such a file is held in memory; deliveries are far smaller.
const MAX_BYTES: usize = 256 << 20;
/// Rows that are text at a time.
const BATCH_ROWS: usize = 8192;

/// The rows of a file as lines of JSON. NULLs are left out, all other values are strings.
pub(crate) struct ParquetText {
    batches: ParquetRecordBatchReader,
    text: Vec<u8>,
    at: usize,
}

impl ParquetText {
    /// Reads the file to its end.
    pub(crate) fn new(mut file: impl Read) -> io::Result<ParquetText> {
        let mut bytes = Vec::new();
        file.by_ref().take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_BYTES {
            return Err(io::Error::other(format!("Parquet: over {} MiB in one file: split it", MAX_BYTES >> 20)));
        }
        let broken =
            |e: parquet::errors::ParquetError| io::Error::new(io::ErrorKind::InvalidData, format!("Parquet: {e}"));
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).map_err(broken)?;
        let batches = reader.with_batch_size(BATCH_ROWS).build().map_err(broken)?;
        Ok(ParquetText { batches, text: Vec::new(), at: 0 })
    }
}

impl Read for ParquetText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let broken = |e: ArrowError| io::Error::new(io::ErrorKind::InvalidData, format!("Parquet: {e}"));
        while self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            match self.batches.next() {
                Some(batch) => write_lines(&batch.map_err(broken)?, &mut self.text).map_err(broken)?,
                None => return Ok(0),
            }
        }
        let n = (&self.text[self.at..]).read(buffer)?;
        self.at += n;
        Ok(n)
    }
}

fn write_lines(batch: &RecordBatch, text: &mut Vec<u8>) -> Result<(), ArrowError> {
    let options = FormatOptions::default();
    let schema = batch.schema();
    let mut columns = Vec::new();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        columns.push((json(field.name()), array, ArrayFormatter::try_new(array, &options)?));
    }
    for row in 0..batch.num_rows() {
        text.push(b'{');
        let mut first = true;
        for (name, array, values) in &columns {
            if array.is_null(row) {
                continue;
            }
            if !std::mem::replace(&mut first, false) {
                text.push(b',');
            }
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            text.extend_from_slice(json(&values.value(row).try_to_string()?).as_bytes());
        }
        text.extend_from_slice(b"}\n");
    }
    Ok(())
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use parquet::arrow::ArrowWriter;

    use super::*;

    #[test]
    fn rows_are_lines_of_json() {
        let columns: [(&str, ArrayRef); 2] = [
            ("cs_host", Arc::new(StringArray::from(vec![Some("a\"b\nc"), None]))),
            ("sc_status", Arc::new(Int32Array::from(vec![Some(200), Some(404)]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert!(file.starts_with(&PARQUET_MAGIC));
        let mut text = String::new();
        ParquetText::new(file.as_slice()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"cs_host\":\"a\\\"b\\nc\",\"sc_status\":\"200\"}\n{\"sc_status\":\"404\"}\n");
        let torn = ParquetText::new(&file[..file.len() - 9]).err().unwrap().to_string();
        assert!(torn.starts_with("Parquet: "), "{torn}");
    }
}
