//! The state of a table, read from its log and kept up to date commit by commit.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use chrono::DateTime;
use deltalake_core::kernel::StructType;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake_core::logstore::{LogStoreRef, commit_uri_from_version};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::actions::{Actions, AddedFile, Metadata, Protocol};
use crate::checkpoint;
use crate::listing;
use crate::stats::{ColumnStats, Columns};
use crate::tables::{DAY, Table};
use crate::{DataFile, Error, Result, TxnId};

/// Commits fetched at once when a log is read.
const FETCHES: usize = 8;

/// Which part of a table's state is wanted: writers need the ids, readers the files, and clean-up those that were removed; each can be
/// large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Txns,
    Files,
    Removed,
}

/// A table at one version.
pub(crate) struct Replay {
    table: Table,
    log_store: LogStoreRef,
    /// The table's folder in the object store.
    folder: Path,
    keep: Keep,
    pub(crate) version: u64,
    protocol: Option<Protocol>,
    pub(crate) schema: SchemaRef,
    /// Of the schema.
    columns: Columns,
    partition_columns: Vec<String>,
    pub(crate) txns: Arc<HashSet<TxnId>>,
    /// By path as the log spells it.
    pub(crate) files: BTreeMap<String, Arc<DataFile>>,
    /// By path as the log spells it: when it was removed, milliseconds since 1970.
    pub(crate) removed: BTreeMap<String, i64>,
    /// Days before this one, in days since 1970, were dropped on purpose. Known with the ids.
    pub(crate) kept_from: Option<i64>,
}

impl Replay {
    /// Reads the newest state; `None` if the table does not exist.
    pub(crate) async fn load(
        table: Table,
        log_store: &LogStoreRef,
        folder: &Path,
        keep: Keep,
    ) -> Result<Option<Replay>> {
        let listing = listing::list(log_store).await?;
        let Some(latest) = listing.latest else { return Ok(None) };
        let mut replay = Replay {
            table,
            log_store: log_store.clone(),
            folder: folder.clone(),
            keep,
            version: 0,
            protocol: None,
            schema: Arc::new(Schema::empty()),
            columns: Columns::default(),
            partition_columns: Vec::new(),
            txns: Arc::default(),
            files: BTreeMap::new(),
            removed: BTreeMap::new(),
            kept_from: None,
        };
        let mut first = 0;
        if let Some(checkpoint) = listing.checkpoint {
            let actions = checkpoint::read(log_store, &checkpoint.parts, keep).await?;
            replay.apply(checkpoint.version, actions)?;
            first = checkpoint.version + 1;
        }
        let mut commits = futures::stream::iter(first..=latest)
            .map(|version| async move { Ok::<_, Error>((version, log_store.read_commit_entry(version).await?)) })
            .buffered(FETCHES);
        while let Some((version, commit)) = commits.try_next().await? {
            let commit = commit.ok_or_else(|| replay.damaged(version, "this commit is missing"))?;
            let actions = replay.parse(version, &commit)?;
            replay.apply(version, actions)?;
        }
        drop(commits);
        replay.check_readable()?;
        replay.catch_up().await?;
        Ok(Some(replay))
    }

    /// Whether the commit this state ends with is still there. If not, the table was deleted, made anew, or its log
    /// cleaned up past us, and nothing can be built on this state.
    pub(crate) async fn is_live(&self) -> Result<bool> {
        let commit = commit_uri_from_version(Some(self.version));
        match self.log_store.object_store(None).head(&commit).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Applies what others have committed since. One commit is asked for, and as long as there are any, the next ones at once.
    pub(crate) async fn catch_up(&mut self) -> Result<()> {
        let mut at_once = 1;
        loop {
            let versions = self.version + 1..=self.version + at_once;
            let log_store = &self.log_store;
            let read = |version| async move { Ok::<_, Error>((version, log_store.read_commit_entry(version).await?)) };
            for (version, commit) in try_join_all(versions.map(read)).await? {
                let Some(commit) = commit else { return Ok(()) };
                let actions = self.parse(version, &commit)?;
                self.apply(version, actions)?;
            }
            at_once = FETCHES as u64;
        }
    }

    /// Reads the commit after this state, if there is one.
    pub(crate) async fn next(&self) -> Result<Option<Actions>> {
        let version = self.version + 1;
        let commit = self.log_store.read_commit_entry(version).await?;
        commit.map(|commit| self.parse(version, &commit)).transpose()
    }

    pub(crate) fn apply(&mut self, version: u64, actions: Actions) -> Result<()> {
        if let Some(metadata) = actions.metadata {
            self.set_metadata(version, metadata)?;
        }
        if let Some(protocol) = actions.protocol {
            self.protocol = Some(protocol);
            self.check_readable()?;
        }
        match self.keep {
            Keep::Txns => {
                Arc::make_mut(&mut self.txns).extend(actions.txns);
                self.kept_from = self.kept_from.max(actions.kept_from);
            }
            Keep::Removed => {
                let removed = actions.removed.into_iter();
                self.removed.extend(removed.map(|file| (file.path, file.deletion_timestamp.unwrap_or(0))));
                for add in actions.added {
                    self.removed.remove(&add.path);
                }
            }
            Keep::Files => {
                for file in &actions.removed {
                    self.files.remove(&file.path);
                }
                for add in actions.added {
                    let file = self.data_file(version, &add)?;
                    self.files.insert(add.path, Arc::new(file));
                }
            }
        }
        self.version = version;
        Ok(())
    }

    /// Whether we may write: protocol, columns and partition are those of this version of Albatross.
    pub(crate) fn check_writable(&self) -> Result<()> {
        let protocol = self.check_readable()?;
        if protocol.min_writer_version > 2 {
            return Err(self.unsupported(protocol));
        }
        let refuse = |detail: String| Err(Error::Schema { table: self.table, detail });
        let wanted: &[&str] = if self.table.is_partitioned() { &[DAY] } else { &[] };
        if self.partition_columns != wanted {
            return refuse(format!("it is partitioned by {:?}, not by {wanted:?}", self.partition_columns));
        }
        for wanted in self.table.schema().fields() {
            match self.schema.field_with_name(wanted.name()) {
                Err(_) => return refuse(format!("`{}` is missing", wanted.name())),
                Ok(there) if there.data_type() != wanted.data_type() => {
                    let (is, should) = (there.data_type(), wanted.data_type());
                    return refuse(format!("`{}` is {is}, not {should}", wanted.name()));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    fn check_readable(&self) -> Result<Protocol> {
        match self.protocol {
            Some(protocol) if protocol.min_reader_version > 1 => Err(self.unsupported(protocol)),
            Some(protocol) => Ok(protocol),
            None => Err(self.damaged(self.version, "no protocol is declared")),
        }
    }

    fn set_metadata(&mut self, version: u64, metadata: Metadata) -> Result<()> {
        let schema = serde_json::from_str::<StructType>(&metadata.schema_string)
            .map_err(|e| self.damaged(version, &format!("its schema cannot be read: {e}")))?;
        let schema: Schema = (&schema)
            .try_into_arrow()
            .map_err(|e| self.damaged(version, &format!("its schema has no Arrow form: {e}")))?;
        self.columns = Columns::of(&schema);
        self.schema = Arc::new(schema);
        self.partition_columns = metadata.partition_columns;
        Ok(())
    }

    fn data_file(&self, version: u64, add: &AddedFile) -> Result<DataFile> {
        let damaged = |what: &str| self.damaged(version, &format!("file `{}`: {what}", add.path));
        if add.path.contains("://") || add.path.starts_with('/') {
            return Err(damaged("it is outside the lake"));
        }
        let path = Path::from_url_path(&add.path).map_err(|e| damaged(&e.to_string()))?;
        let day = match add.partition_values.get(DAY).and_then(Option::as_ref) {
            Some(day) => Some(day.parse().map_err(|_| damaged("its day is not a date"))?),
            None => None,
        };
        let (rows, stats) =
            add.stats.as_deref().map_or_else(Default::default, |stats| ColumnStats::from_delta(stats, &self.columns));
        Ok(DataFile {
            location: self.folder.parts().chain(path.parts()).collect(),
            size: u64::try_from(add.size).map_err(|_| damaged("its size is negative"))?,
            rows,
            day,
            stats,
            modified: DateTime::from_timestamp_millis(add.modification_time).unwrap_or_default(),
        })
    }

    fn parse(&self, version: u64, commit: &[u8]) -> Result<Actions> {
        Actions::from_commit(commit, self.keep).map_err(|e| self.damaged(version, &e.to_string()))
    }

    fn unsupported(&self, protocol: Protocol) -> Error {
        Error::Protocol { table: self.table, reader: protocol.min_reader_version, writer: protocol.min_writer_version }
    }

    fn damaged(&self, version: u64, detail: &str) -> Error {
        Error::Log { table: self.table, version, detail: detail.to_owned() }
    }
}
