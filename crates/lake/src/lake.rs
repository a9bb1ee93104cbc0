use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use albatross_s3::S3;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, NaiveDate, Utc};
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::place::Place;
use crate::table_log::{Change, Commit, DeadFile, LogExtent, Replaced, TableLog};
use crate::{DataFile, Error, NewFile, Result, Table, TxnId};

/// A folder, on a disk or in a bucket, with one Delta table per [`Table`].
///
/// Cheap to clone; clones share what they know of the tables. Any number of tasks and processes may read and commit
/// at once. Memory: some 20 bytes per transaction id from the first commit on, and the statistics of all active
/// files from the first snapshot on.
///
/// Not supported: file systems without hard links, and stores without `If-None-Match`, which is how a commit is created only if it is
/// not there.
#[derive(Clone)]
pub struct Lake(Arc<Inner>);

struct Inner {
    root: Url,
    store: Arc<dyn ObjectStore>,
    /// As [`Table::ALL`].
    tables: Vec<TableLog>,
}

/// The files of a table at one version.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `None` if the table does not exist yet.
    pub version: Option<u64>,
    /// The table's columns, the partition column last. A file may lack columns that came later: they are NULL there.
    pub schema: SchemaRef,
    /// Sorted by path, and so by day.
    pub files: Vec<Arc<DataFile>>,
}

impl Lake {
    /// Opens a lake that exists; [`Error::NotALake`] if none does. `location` is a path, or a `file:` or `s3:` URL; S3 as the
    /// environment says.
    pub async fn open(location: &str) -> Result<Lake> {
        Lake::open_with(location, &S3::default()).await
    }

    /// As [`Lake::open`], with an S3 of one's own.
    pub async fn open_with(location: &str, s3: &S3) -> Result<Lake> {
        let lake = Lake::at(Place::find(location, s3).await?)?;
        // The ledger first: every lake has it.
        for table in lake.0.tables.iter().rev() {
            if table.exists().await? {
                return Ok(lake);
            }
        }
        Err(Error::NotALake { location: location.to_owned() })
    }

    /// Opens a lake, and first creates its folder and its ledger if they are missing. Other tables are created with their first commit.
    pub async fn open_or_create(location: &str) -> Result<Lake> {
        Lake::open_or_create_with(location, &S3::default()).await
    }

    /// As [`Lake::open_or_create`], with an S3 of one's own. A bucket must exist, and its store must honour `If-None-Match`.
    pub async fn open_or_create_with(location: &str, s3: &S3) -> Result<Lake> {
        let lake = Lake::at(Place::make(location, s3).await?)?;
        let ledger = lake.log(Table::Ingested);
        if !ledger.exists().await? {
            ledger.create().await?;
        }
        Ok(lake)
    }

    fn at(place: Place) -> Result<Lake> {
        let Place { root, store, path } = place;
        let table = |table| TableLog::new(table, &root, store.clone(), &path);
        let tables = Table::ALL.into_iter().map(table).collect::<Result<Vec<_>>>()?;
        Ok(Lake(Arc::new(Inner { root, store, tables })))
    }

    /// Where the lake is; ends in `/`.
    pub fn root(&self) -> &Url {
        &self.0.root
    }

    /// The store that holds the lake, rooted where [`Lake::root`]'s URL has its path: for a local lake that is `/`, else the bucket.
    ///
    /// [`DataFile::location`] and [`Lake::location`] are paths in it. To make it known to another library, register
    /// it under the root's URL without the path (`file://`, `s3://bucket`).
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.0.store.clone()
    }

    /// Where a file with this [`NewFile::path`] has to be written before it is committed.
    pub fn location(&self, table: Table, path: &str) -> Path {
        let folder = self.log(table).folder();
        folder.parts().chain(Path::from(path).parts()).collect()
    }

    /// The same as [`Lake::location`] as a path of the local disk, if that is where the lake is.
    pub fn local_path(&self, table: Table, path: &str) -> Option<PathBuf> {
        self.log(table).local(path)
    }

    /// The table as it is now. Later snapshots read only what has been committed since.
    pub async fn snapshot(&self, table: Table) -> Result<Snapshot> {
        let read = self.log(table).read(|state| Snapshot {
            version: Some(state.version),
            schema: state.schema.clone(),
            files: state.files.values().cloned().collect(),
        });
        Ok(read.await?.unwrap_or_else(|| Snapshot { version: None, schema: table.schema(), files: Vec::new() }))
    }

    /// The length of the table's log; `None` if the table does not exist yet.
    pub async fn log_extent(&self, table: Table) -> Result<Option<LogExtent>> {
        self.log(table).extent().await
    }

    /// The ids of all source files that have been committed to the table by now.
    pub async fn txns(&self, table: Table) -> Result<Arc<HashSet<TxnId>>> {
        self.log(table).txns().await
    }

    /// Adds files and marks source files as done, all in one transaction: either everything is in the table or nothing.
    ///
    /// The files must be complete in the store; on a local disk they are forced to it first. `files` may be empty.
    /// If any of `txns` is in the table already, nothing is written and the answer is [`Commit::AlreadyThere`].
    /// What others commit at the same time is not in the way.
    ///
    /// After an error the outcome may be open, for example if the connection broke: do not delete the files, commit
    /// the same ids again.
    pub async fn commit(&self, table: Table, txns: &[TxnId], files: Vec<NewFile>) -> Result<Commit> {
        let start = Instant::now();
        let commit = self.log(table).commit(txns, &files).await?;
        if let Commit::Committed { version } = commit {
            let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(table = table.name(), version, sources = txns.len(), files = files.len(), ms, "committed");
        }
        Ok(commit)
    }

    /// Takes files out of the table and puts others in their place, all in one transaction, if every one of `removes` is still in the table.
    ///
    /// Ids of source files stay known. What was removed stays in the store for readers of earlier snapshots, until it is deleted as one of
    /// [`Lake::dead_files`]. For `adds`, and after an error, the same holds as for [`Lake::commit`].
    pub async fn replace(
        &self,
        table: Table,
        removes: &[Arc<DataFile>],
        adds: &[NewFile],
        change: Change,
    ) -> Result<Replaced> {
        self.log(table).replace(removes, adds, change).await
    }

    /// Days before this one were dropped from the table ([`Change::Retention`]).
    pub async fn kept_from(&self, table: Table) -> Result<Option<NaiveDate>> {
        self.log(table).kept_from().await
    }

    /// Files in the table's folder, named as ours are, that are not in the table; on a local disk also those that a killed process left
    /// half-written.
    pub async fn dead_files(&self, table: Table) -> Result<Vec<DeadFile>> {
        self.log(table).dead_files(&self.object_store()).await
    }

    /// Writes the checkpoint of the newest version, unless it has one. Returns its version.
    pub async fn checkpoint(&self, table: Table) -> Result<Option<u64>> {
        self.log(table).checkpoint().await
    }

    /// Deletes commits and checkpoints that were last changed before this time and that a later checkpoint replaces. Returns how many.
    pub async fn clean_log(&self, table: Table, before: DateTime<Utc>) -> Result<u64> {
        self.log(table).clean(before).await
    }

    fn log(&self, table: Table) -> &TableLog {
        let at = Table::ALL.iter().position(|known| *known == table).expect("a table of the lake");
        &self.0.tables[at]
    }
}
