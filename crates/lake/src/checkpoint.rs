//! Classic Delta checkpoints: Parquet files with the whole state of a table at one version.

use std::collections::HashMap;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, ListArray, MapArray, RecordBatch, StringArray, StructArray,
};
use arrow::error::ArrowError;
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::{DeltaTable, DeltaTableError, checkpoints};
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

use crate::Result;
use crate::actions::{Actions, AddedFile, Metadata, Protocol, RemovedFile};
use crate::replay::Keep;

/// Writes the checkpoint of a version that is in the log.
///
/// Files that were removed in the last seven days are in it too, as Delta wants it: clean-up has to know since when nobody needs them.
/// Costs time and memory in proportion to the table's files and transactions.
pub(crate) async fn write(log_store: &LogStoreRef, version: u64) -> Result<()> {
    let mut table = DeltaTable::new(log_store.clone());
    table.load_version(version).await?;
    Ok(checkpoints::create_checkpoint(&table, None).await?)
}

/// Reads a checkpoint, which may be in several parts. Only the columns that are to be kept are decoded.
pub(crate) async fn read(log_store: &LogStoreRef, parts: &[Path], keep: Keep) -> Result<Actions> {
    let mut actions = Actions::default();
    for part in parts {
        let found = log_store.object_store(None).get(part).await?;
        let reader = match found.payload {
            // What is not to be kept, most of it often, is not even read from a disk.
            GetResultPayload::File(file, _) => reader(file, keep),
            GetResultPayload::Stream(_) => reader(found.bytes().await?, keep),
        };
        for batch in reader.map_err(DeltaTableError::from)? {
            let batch = batch.map_err(DeltaTableError::from)?;
            append(&mut actions, &batch).map_err(DeltaTableError::from)?;
        }
    }
    Ok(actions)
}

fn reader(file: impl ChunkReader + 'static, keep: Keep) -> Result<ParquetRecordBatchReader, ParquetError> {
    let always = ["protocol", "metaData.schemaString", "metaData.partitionColumns"];
    let kept: &[&str] = match keep {
        Keep::Txns => &["txn.appId", "txn.version"],
        Keep::Removed => &["remove.path", "remove.deletionTimestamp"],
        Keep::Files => &["add.path", "add.partitionValues", "add.size", "add.modificationTime", "add.stats"],
    };
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true); // plain Utf8, whoever wrote it
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
    let columns = always.iter().chain(kept).copied();
    let mask = ProjectionMask::columns(reader.parquet_schema(), columns);
    reader.with_projection(mask).with_batch_size(8192).build()
}

/// Each row holds one action: the struct of its kind is set, the others are NULL.
fn append(actions: &mut Actions, batch: &RecordBatch) -> Result<(), ArrowError> {
    if let Some(protocol) = kind(batch, "protocol") {
        let reader: &Int32Array = field(protocol, "minReaderVersion")?;
        let writer: &Int32Array = field(protocol, "minWriterVersion")?;
        for row in rows(protocol) {
            actions.protocol =
                Some(Protocol { min_reader_version: reader.value(row), min_writer_version: writer.value(row) });
        }
    }
    if let Some(metadata) = kind(batch, "metaData") {
        let schema: &StringArray = field(metadata, "schemaString")?;
        let partitions: &ListArray = field(metadata, "partitionColumns")?;
        for row in rows(metadata) {
            actions.metadata = Some(Metadata {
                schema_string: schema.value(row).to_owned(),
                partition_columns: texts(&partitions.value(row))?.iter().flatten().map(str::to_owned).collect(),
            });
        }
    }
    if let Some(txn) = kind(batch, "txn") {
        let ids: &StringArray = field(txn, "appId")?;
        let versions: &Int64Array = field(txn, "version")?;
        for row in rows(txn) {
            actions.add_txn(ids.value(row), versions.value(row));
        }
    }
    if let Some(remove) = kind(batch, "remove") {
        let path: &StringArray = field(remove, "path")?;
        let deleted: &Int64Array = field(remove, "deletionTimestamp")?;
        for row in rows(remove) {
            let deletion_timestamp = deleted.is_valid(row).then(|| deleted.value(row));
            actions.removed.push(RemovedFile { path: path.value(row).to_owned(), deletion_timestamp });
        }
    }
    if let Some(add) = kind(batch, "add") {
        let path: &StringArray = field(add, "path")?;
        let partitions: &MapArray = field(add, "partitionValues")?;
        let size: &Int64Array = field(add, "size")?;
        let modified: &Int64Array = field(add, "modificationTime")?;
        let stats = field::<StringArray>(add, "stats").ok(); // may be switched off
        for row in rows(add) {
            actions.added.push(AddedFile {
                path: path.value(row).to_owned(),
                partition_values: entries(&partitions.value(row))?,
                size: size.value(row),
                modification_time: modified.value(row),
                stats: stats.filter(|stats| stats.is_valid(row)).map(|stats| stats.value(row).to_owned()),
            });
        }
    }
    Ok(())
}

fn entries(map: &StructArray) -> Result<HashMap<String, Option<String>>, ArrowError> {
    let pairs = texts(map.column(0))?.iter().zip(texts(map.column(1))?);
    Ok(pairs.filter_map(|(key, value)| Some((key?.to_owned(), value.map(str::to_owned)))).collect())
}

/// The column of one kind of action. It may be missing if the table has none of them.
fn kind<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StructArray> {
    batch.column_by_name(name)?.as_struct_opt()
}

fn rows(kind: &StructArray) -> impl Iterator<Item = usize> {
    (0..kind.len()).filter(|row| kind.is_valid(*row))
}

fn field<'a, A: Array + 'static>(kind: &'a StructArray, name: &str) -> Result<&'a A, ArrowError> {
    let column = kind.column_by_name(name).and_then(|column| column.as_any().downcast_ref());
    column.ok_or_else(|| ArrowError::SchemaError(format!("a checkpoint without a proper `{name}`")))
}

fn texts(array: &ArrayRef) -> Result<&StringArray, ArrowError> {
    array.as_string_opt().ok_or_else(|| ArrowError::SchemaError("a checkpoint with other than texts".to_owned()))
}
