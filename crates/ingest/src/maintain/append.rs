//! Small files of the tables that have no order (`metrics`, `rejects`, `ingested`) become few: one behind the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use albatross_lake::{DataFile, NewFile, Table};
use arrow::array::{ArrayRef, RecordBatch, RecordBatchReader, new_null_array};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::input::Inputs;
use super::merge::Trouble;
use crate::output::Output;
use crate::{lake_file, parquet_file};

/// A row group ends when it holds so many bytes or rows.
const GROUP_BYTES: usize = 32 << 20;
const GROUP_ROWS: usize = 300_000;
/// A line of `rejects` may have 4 KiB.
const BATCH_ROWS: usize = 4096;

/// As [`merge`](super::merge::merge).
pub(super) fn append(
    inputs: &Inputs<'_>,
    stop: &AtomicBool,
    table: Table,
    files: &[Arc<DataFile>],
    count: usize,
    new: &mut Vec<NewFile>,
) -> Result<(), Trouble> {
    let (runtime, lake) = (inputs.runtime, inputs.lake);
    let goal = files.iter().map(|file| file.size).sum::<u64>() / count as u64;
    let schema = table.file_schema();
    let mut output = Output::new(lake, table, None);
    let mut writer = parquet_file::plain_file(output.clone(), schema.clone())?;
    let mut rows_of_group = 0;
    for (i, file) in files.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(Trouble::Stopped);
        }
        let fault = |reason: String| Trouble::Files(format!("{}: {reason}", file.location));
        let mut rows = 0;
        for batch in open(inputs, file).map_err(fault)? {
            let batch = batch.map_err(|e| fault(e.to_string()))?;
            rows += batch.num_rows();
            rows_of_group += batch.num_rows();
            writer.write(&conform(&batch, &schema).map_err(fault)?)?;
            if writer.in_progress_size() >= GROUP_BYTES || rows_of_group >= GROUP_ROWS {
                writer.flush()?;
                rows_of_group = 0;
            }
        }
        if file.rows.is_some_and(|known| known != rows as u64) {
            return Err(fault(format!("it has {rows} rows, and the log says {}", file.rows.unwrap_or(0))));
        }
        let written = (writer.bytes_written() + writer.in_progress_size()) as u64;
        if i + 1 == files.len() || new.len() + 1 < count && written >= goal {
            let metadata = writer.finish()?;
            drop(writer);
            let complete = std::mem::replace(&mut output, Output::new(lake, table, None));
            new.push(complete.store(runtime, lake, &metadata)?);
            writer = parquet_file::plain_file(output.clone(), schema.clone())?;
            rows_of_group = 0;
        }
    }
    Ok(())
}

/// Fails if the file cannot be read, or holds what we would lose.
pub(super) fn check(inputs: &Inputs<'_>, table: Table, file: &DataFile) -> Result<(), String> {
    let reader = open(inputs, file)?;
    let ours = table.file_schema();
    known(&reader.schema(), &ours)
}

fn open(inputs: &Inputs<'_>, file: &DataFile) -> Result<ParquetRecordBatchReader, String> {
    let bytes = inputs.runtime.block_on(lake_file::open(inputs.lake, &file.location)).map_err(|e| e.to_string())?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).map_err(|e| e.to_string())?;
    builder.with_batch_size(BATCH_ROWS).build().map_err(|e| e.to_string())
}

fn known(schema: &Schema, ours: &Schema) -> Result<(), String> {
    let other = schema.fields().iter().find(|field| {
        let known = ours.field_with_name(field.name());
        known.is_err() || known.is_ok_and(|known| known.data_type() != field.data_type())
    });
    other.map_or(Ok(()), |field| Err(format!("it has a column `{}` of type {}", field.name(), field.data_type())))
}

/// The table's columns in their order; those that came later are NULL.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
    known(&batch.schema(), schema)?;
    let column = |name: &str| batch.column_by_name(name).cloned();
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| column(field.name()).unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows())))
        .collect();
    RecordBatch::try_new(schema.clone(), columns).map_err(|e| e.to_string())
}
