//! Files of logs that are merged.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use albatross_lake::{DataFile, Lake, Table};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Schema, TimestampMicrosecondType};
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;
use tokio::runtime::Handle;

use super::columns::Columns;
use crate::lake_file::{self, LakeFile};

/// Rows that are Arrow arrays at a time.
const BATCH_ROWS: usize = 16 << 10;
/// Files from an object store that are kept for the next slice, together at most.
const CACHE_BYTES: usize = 32 << 20;

/// Opens files; keeps some of those that had to be fetched.
pub(super) struct Inputs<'a> {
    pub(super) runtime: &'a Handle,
    pub(super) lake: &'a Lake,
    pub(super) table: Table,
    cache: HashMap<Path, (LakeFile, usize)>,
    cached: usize,
}

pub(super) struct Input {
    file: LakeFile,
    metadata: ArrowReaderMetadata,
    time_column: String,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(runtime: &'a Handle, lake: &'a Lake, table: Table) -> Inputs<'a> {
        Inputs { runtime, lake, table, cache: HashMap::new(), cached: 0 }
    }

    /// Fails, in words for a person, if the file cannot be read or has other columns than ours.
    pub(super) fn open(&mut self, file: &DataFile) -> Result<Input, String> {
        let bytes = match self.cache.get(&file.location) {
            Some((cached, _)) => cached.again(),
            None => {
                let opened = self.runtime.block_on(lake_file::open(self.lake, &file.location));
                let opened = opened.map_err(|e| e.to_string())?;
                self.keep(file, &opened);
                Ok(opened)
            }
        };
        let bytes = bytes.map_err(|e| e.to_string())?;
        let options = || {
            // Plain types, whoever wrote it.
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            options.with_page_index_policy(PageIndexPolicy::Optional)
        };
        let metadata = ArrowReaderMetadata::load(&bytes, options()).map_err(|e| e.to_string())?;
        check_columns(self.table, metadata.schema())?;
        let wanted = Columns::with_capacity(self.table, 0).wanted(metadata.schema());
        let metadata =
            ArrowReaderMetadata::try_new(metadata.metadata().clone(), options().with_schema(Arc::new(wanted)))
                .map_err(|e| e.to_string())?;
        Ok(Input { file: bytes, metadata, time_column: self.table.time_column() })
    }

    fn keep(&mut self, file: &DataFile, opened: &LakeFile) {
        let LakeFile::Memory(bytes) = opened else { return };
        if self.cached + bytes.len() > CACHE_BYTES {
            self.forget(|_| true);
        }
        if let Ok(again) = opened.again()
            && bytes.len() <= CACHE_BYTES
        {
            self.cached += bytes.len();
            self.cache.insert(file.location.clone(), (again, bytes.len()));
        }
    }

    /// Drops files from the cache.
    pub(super) fn forget(&mut self, which: impl Fn(&Path) -> bool) {
        self.cache.retain(|location, _| !which(location));
        self.cached = self.cache.values().map(|(_, size)| size).sum();
    }
}

/// A column that we would lose, or one that is something else.
fn check_columns(table: Table, schema: &Schema) -> Result<(), String> {
    let ours = table.file_schema();
    for field in schema.fields() {
        match ours.field_with_name(field.name()) {
            Ok(known) if known.data_type() == field.data_type() => {}
            _ => return Err(format!("it has a column `{}` of type {}", field.name(), field.data_type())),
        }
    }
    let time = table.time_column();
    schema.field_with_name(&time).map(drop).map_err(|_| format!("it has no column `{time}`"))
}

impl Input {
    /// When its rows arrived, microseconds since the epoch: in ascending order, or the file is none of ours.
    pub(super) fn arrivals(&self) -> Result<Vec<i64>, String> {
        let time = self.time_column.as_str();
        let mask = ProjectionMask::columns(self.metadata.metadata().file_metadata().schema_descr(), [time]);
        let reader = self.reader()?.with_projection(mask).build().map_err(|e| e.to_string())?;
        let mut arrivals = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|e| e.to_string())?;
            let column = batch.column(0).as_primitive_opt::<TimestampMicrosecondType>();
            let column =
                column.filter(|column| column.null_count() == 0).ok_or_else(|| format!("a row has no `{time}`"))?;
            arrivals.extend_from_slice(column.values());
        }
        if !arrivals.is_sorted() {
            return Err(format!("its rows are not sorted by `{time}`"));
        }
        Ok(arrivals)
    }

    /// Appends some of its rows.
    pub(super) fn read(&self, rows: Range<usize>, columns: &mut Columns) -> Result<(), String> {
        let selection = vec![RowSelector::skip(rows.start), RowSelector::select(rows.len())];
        let reader = self.reader()?.with_row_selection(RowSelection::from(selection));
        let before = columns.len();
        for batch in reader.build().map_err(|e| e.to_string())? {
            columns.append(&batch.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        }
        let read = columns.len() - before;
        if read == rows.len() { Ok(()) } else { Err(format!("it has {read} rows where {} were expected", rows.len())) }
    }

    fn reader(&self) -> Result<ParquetRecordBatchReaderBuilder<LakeFile>, String> {
        let file = self.file.again().map_err(|e| e.to_string())?;
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone()).with_batch_size(BATCH_ROWS))
    }
}
