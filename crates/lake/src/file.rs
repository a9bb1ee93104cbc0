//! Data files: those to be committed, and those of a snapshot.

use chrono::{DateTime, NaiveDate, Utc};
use deltalake_core::kernel::Add;
use object_store::path::Path;
use parquet::file::metadata::ParquetMetaData;

use crate::stats::ColumnStats;
use crate::tables::{DAY, Table};
use crate::{Error, Result};

/// A Parquet file that has been written completely and waits for its commit.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Relative to the table's folder, with `/`: `day=2026-11-20/<uuid>.parquet`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    pub rows: u64,
    /// The partition; `None` exactly where the table has none.
    pub day: Option<NaiveDate>,
    pub stats: ColumnStats,
}

impl NewFile {
    /// Takes rows and statistics from the file's footer; `size` is in bytes.
    pub fn from_parquet(
        path: impl Into<String>,
        size: u64,
        day: Option<NaiveDate>,
        metadata: &ParquetMetaData,
    ) -> NewFile {
        NewFile {
            path: path.into(),
            size,
            rows: u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0),
            day,
            stats: ColumnStats::from_parquet(metadata),
        }
    }

    pub(crate) fn to_add(&self, table: Table) -> Result<Add> {
        let refuse = |reason: &str| Error::File { table, path: self.path.clone(), reason: reason.to_owned() };
        if self.path.is_empty() || Path::parse(&self.path).is_err() || self.path.starts_with('/') {
            return Err(refuse("the path must be relative to the table"));
        }
        if self.day.is_some() != table.is_partitioned() {
            return Err(refuse("a day is needed where, and only where, the table is partitioned"));
        }
        Ok(Add {
            path: self.path.clone(),
            partition_values: self.day.iter().map(|day| (DAY.to_owned(), Some(day.to_string()))).collect(),
            size: i64::try_from(self.size).map_err(|_| refuse("its size is beyond Delta's"))?,
            modification_time: Utc::now().timestamp_millis(),
            data_change: true,
            stats: Some(self.stats.to_delta(self.rows)),
            ..Add::default()
        })
    }
}

/// An active Parquet file of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// In [`Lake::object_store`](crate::Lake::object_store).
    pub location: Path,
    /// Bytes.
    pub size: u64,
    /// `None` only if another engine wrote the file without statistics.
    pub rows: Option<u64>,
    /// The partition; `None` where the table has none.
    pub day: Option<NaiveDate>,
    pub stats: ColumnStats,
    /// When the file was committed.
    pub modified: DateTime<Utc>,
}
