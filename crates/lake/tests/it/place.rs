//! A lake in a temporary folder, and Parquet files for it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use albatross_lake::{Lake, NewFile, Table, TxnId};
use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    /// With what makes trouble in URLs, as in people's home folders.
    pub(crate) fn path(&self) -> String {
        self.dir.path().join("my läke #1 100%").to_str().unwrap().to_owned()
    }

    pub(crate) async fn lake(&self) -> Lake {
        Lake::open_or_create(&self.path()).await.unwrap()
    }

    pub(crate) fn log(&self, table: Table) -> PathBuf {
        PathBuf::from(self.path()).join(table.name()).join("_delta_log")
    }

    /// Writes a Parquet file with these columns; the others of the table are NULL.
    pub(crate) fn write(&self, table: Table, path: &str, columns: &[(&str, ArrayRef)]) -> NewFile {
        self.write_groups(table, path, columns, usize::MAX)
    }

    pub(crate) fn write_groups(&self, table: Table, path: &str, columns: &[(&str, ArrayRef)], group: usize) -> NewFile {
        let rows = columns[0].1.len();
        let schema = table.file_schema();
        let arrays = schema.fields().iter().map(|field| {
            let given = columns.iter().find(|(name, _)| name == field.name());
            given.map_or_else(|| new_null_array(field.data_type(), rows), |(_, array)| array.clone())
        });
        let batch = RecordBatch::try_new(schema.clone(), arrays.collect()).unwrap();
        let target = PathBuf::from(self.path()).join(table.name()).join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
        let mut writer = ArrowWriter::try_new(File::create(&target).unwrap(), schema, Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let metadata = writer.close().unwrap();
        let day = path.strip_prefix("day=").map(|rest| rest[..10].parse::<NaiveDate>().unwrap());
        NewFile::from_parquet(path, fs::metadata(target).unwrap().len(), day, &metadata)
    }

    /// A small file of rejects.
    pub(crate) fn rejects(&self, name: &str) -> NewFile {
        let lines: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![1, 2]));
        self.write(Table::Rejects, &format!("{name}.parquet"), &[("line", lines)])
    }
}

pub(crate) fn txn(name: &str) -> TxnId {
    TxnId::of_source(name, "", 1)
}
