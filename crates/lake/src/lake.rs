use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

use crate::table_log::{Commit, TableLog};
use crate::{DataFile, Error, NewFile, Result, Table, TxnId};

/// A folder with one Delta table per [`Table`].
///
/// Cheap to clone; clones share what they know of the tables. Any number of tasks and processes may read and commit
/// at once. Memory: some 20 bytes per transaction id from the first commit on, and the statistics of all active
/// files from the first snapshot on.
///
/// Not supported: lakes on S3 (so far), and file systems without hard links, which is how a commit is created only
/// if it is not there.
#[derive(Clone)]
pub struct Lake(Arc<Inner>);

struct Inner {
    root: Url,
    store: Arc<dyn ObjectStore>,
    tables: [TableLog; Table::ALL.len()],
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
    /// Opens a lake that exists; [`Error::NotALake`] if none does. `location` is a path or a `file:` URL.
    pub async fn open(location: &str) -> Result<Lake> {
        let not_a_lake = || Error::NotALake { location: location.to_owned() };
        let folder = local_path(location)?.canonicalize();
        let folder = folder.ok().filter(|f| f.is_dir()).ok_or_else(not_a_lake)?;
        let lake = Lake::at(location, folder)?;
        for table in &lake.0.tables {
            if table.exists().await? {
                return Ok(lake);
            }
        }
        Err(not_a_lake())
    }

    /// Opens a lake, and first creates its folder and those of its tables that are missing.
    pub async fn open_or_create(location: &str) -> Result<Lake> {
        let path = local_path(location)?;
        let refuse = |e: io::Error| Error::Location { location: location.to_owned(), reason: e.to_string() };
        std::fs::create_dir_all(&path).map_err(refuse)?;
        let lake = Lake::at(location, path.canonicalize().map_err(refuse)?)?;
        for table in &lake.0.tables {
            if !table.exists().await? {
                table.create().await?;
            }
        }
        Ok(lake)
    }

    fn at(location: &str, folder: PathBuf) -> Result<Lake> {
        let refuse = |reason: String| Error::Location { location: location.to_owned(), reason };
        if folder.join("_delta_log").exists() {
            return Err(refuse("it is a Delta table itself; a lake is the folder above its tables".to_owned()));
        }
        let root = Url::from_directory_path(&folder).map_err(|()| refuse("it has no URL".to_owned()))?;
        let path = Path::from_url_path(root.path()).map_err(|e| refuse(e.to_string()))?;
        let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
        let table = |table| TableLog::new(table, &root, store.clone(), &path);
        let [alb, metrics, rejects, ingested] = Table::ALL.map(table);
        let tables = [alb?, metrics?, rejects?, ingested?];
        Ok(Lake(Arc::new(Inner { root, store, tables })))
    }

    /// Where the lake is; ends in `/`.
    pub fn root(&self) -> &Url {
        &self.0.root
    }

    /// The store that holds the lake, rooted where [`Lake::root`]'s URL has its path: for a local lake that is `/`.
    ///
    /// [`DataFile::location`] and [`Lake::location`] are paths in it. To make it known to another library, register
    /// it under the root's URL without the path (`file://`).
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.0.store.clone()
    }

    /// Where a file with this [`NewFile::path`] has to be written before it is committed.
    pub fn location(&self, table: Table, path: &str) -> Path {
        let folder = self.log(table).folder();
        folder.parts().chain(Path::from(path).parts()).collect()
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
        self.log(table).commit(txns, &files).await
    }

    fn log(&self, table: Table) -> &TableLog {
        &self.0.tables[table as usize]
    }
}

fn local_path(location: &str) -> Result<PathBuf> {
    let refuse = |reason: &str| Error::Location { location: location.to_owned(), reason: reason.to_owned() };
    if location.is_empty() {
        return Err(refuse("the path is empty"));
    }
    if !location.contains("://") {
        return Ok(PathBuf::from(location));
    }
    let url = Url::parse(location).map_err(|e| refuse(&e.to_string()))?;
    match url.scheme() {
        "file" => url.to_file_path().map_err(|()| refuse("the URL is not that of a local path")),
        _ => Err(refuse("only paths and file: URLs are supported")),
    }
}
