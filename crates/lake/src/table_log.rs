//! One table of a lake: its log store, and the states we hold of it.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{NaiveDate, Utc};
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::CommitData;
use deltalake_core::kernel::{Action, MetadataExt, Protocol, StructType, Transaction, new_metadata};
use deltalake_core::logstore::{CommitOrBytes, LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use serde_json::json;
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

use crate::actions::Actions;
use crate::durable::Durable;
use crate::replay::{Keep, Replay};
use crate::tables::{DAY, Table};
use crate::{Error, NewFile, Result, TxnId, checkpoint, listing};

/// Every so many commits the whole state is written down, so that a reader need not read the log from its beginning.
const CHECKPOINT_INTERVAL: u64 = 20;

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// The files and ids are in the table, since this version.
    Committed { version: u64 },
    /// These ids were in the table before. Nothing was written.
    AlreadyThere(Vec<TxnId>),
}

/// How far the log of a table goes, and from where on it has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogExtent {
    pub version: u64,
    pub checkpoint: Option<u64>,
}

impl LogExtent {
    /// Commits that a reader has to read one by one.
    pub fn commits(&self) -> u64 {
        self.checkpoint.map_or(self.version + 1, |checkpoint| self.version.saturating_sub(checkpoint))
    }
}

pub(crate) struct TableLog {
    table: Table,
    url: Url,
    durable: Durable,
    folder: Path,
    log_store: LogStoreRef,
    /// Kept between commits, so that each costs one write and not a reading of the log.
    writer: Mutex<Option<Replay>>,
    reader: Mutex<Option<Replay>>,
}

impl TableLog {
    pub(crate) fn new(table: Table, lake: &Url, store: Arc<dyn ObjectStore>, lake_folder: &Path) -> Result<TableLog> {
        let url = lake
            .join(&format!("{}/", table.name()))
            .map_err(|e| Error::Location { location: lake.to_string(), reason: e.to_string() })?;
        let folder = lake_folder.clone().join(table.name());
        let prefixed = Arc::new(PrefixStore::new(store.clone(), folder.clone()));
        Ok(TableLog {
            table,
            folder,
            // The library's registry of log stores knows disks only.
            log_store: default_logstore(prefixed, store, &url, &StorageConfig::default()),
            durable: Durable::new(&url),
            url,
            writer: Mutex::default(),
            reader: Mutex::default(),
        })
    }

    pub(crate) fn local(&self, path: &str) -> Option<PathBuf> {
        self.durable.local(path)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `None` if the table does not exist.
    pub(crate) async fn extent(&self) -> Result<Option<LogExtent>> {
        let listing = listing::list(&self.log_store).await?;
        let checkpoint = listing.checkpoint.map(|checkpoint| checkpoint.version);
        Ok(listing.latest.map(|version| LogExtent { version, checkpoint }))
    }

    pub(crate) async fn exists(&self) -> Result<bool> {
        Ok(listing::list(&self.log_store).await?.latest.is_some())
    }

    /// Creates the table unless it exists; that somebody else does so at the same time is no error.
    pub(crate) async fn create(&self) -> Result<()> {
        let schema: StructType = self.table.schema().as_ref().try_into_kernel().map_err(DeltaTableError::from)?;
        let partition_columns: &[&str] = if self.table.is_partitioned() { &[DAY] } else { &[] };
        let configuration = [("delta.checkpointInterval", CHECKPOINT_INTERVAL)];
        let metadata = new_metadata(&schema, partition_columns, configuration)
            .and_then(|m| m.with_name(self.table.name().to_owned()))
            .map_err(DeltaTableError::from)?;
        // Reader 1 and writer 2 is what every engine understands.
        let protocol: Protocol = serde_json::from_value(json!({"minReaderVersion": 1, "minWriterVersion": 2}))
            .map_err(|json_err| DeltaTableError::SerializeLogJson { json_err })?;
        let operation = DeltaOperation::Create {
            mode: SaveMode::Ignore,
            location: self.url.clone(),
            protocol: protocol.clone(),
            metadata: metadata.clone(),
        };
        let actions = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
        match self.write(0, &entry(actions, operation, Uuid::new_v4(), true)?).await {
            Ok(()) | Err(Error::Delta(_)) if self.exists().await? => Ok(()),
            other => other,
        }
    }

    /// The table's files now; `None` if it does not exist. What is returned shares the state we keep.
    pub(crate) async fn read<T>(&self, take: impl FnOnce(&Replay) -> T) -> Result<Option<T>> {
        let mut kept = self.reader.lock().await;
        *kept = self.current(kept.take(), Keep::Files).await?;
        Ok(kept.as_ref().map(take))
    }

    /// All ids committed so far; empty if the table does not exist.
    pub(crate) async fn txns(&self) -> Result<Arc<HashSet<TxnId>>> {
        let mut kept = self.writer.lock().await;
        *kept = self.current(kept.take(), Keep::Txns).await?;
        Ok(kept.as_ref().map(|state| state.txns.clone()).unwrap_or_default())
    }

    /// The first day that retention has kept.
    pub(crate) async fn kept_from(&self) -> Result<Option<NaiveDate>> {
        let mut kept = self.writer.lock().await;
        *kept = self.current(kept.take(), Keep::Txns).await?;
        let days = kept.as_ref().and_then(|state| state.kept_from).and_then(|days| i32::try_from(days).ok());
        Ok(days.and_then(NaiveDate::from_epoch_days))
    }

    /// Adds the files and ids in one commit, or nothing.
    ///
    /// The new version is created with "put if absent" right after the version the ids were checked against. If
    /// somebody else was first, what there is by now is read, the ids are checked again, and the next version is tried.
    pub(crate) async fn commit(&self, txns: &[TxnId], files: &[NewFile]) -> Result<Commit> {
        let adds = files.iter().map(|file| file.to_add(self.table)).collect::<Result<Vec<_>>>()?;
        let txns: BTreeSet<TxnId> = txns.iter().copied().collect();
        let commit_id = Uuid::new_v4();
        let now = Some(Utc::now().timestamp_millis());
        let actions = adds.into_iter().map(Action::Add);
        let actions = actions.chain(txns.iter().map(|id| Action::Txn(Transaction::new_with_last_update(id, 1, now))));
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let entry = entry(actions.collect(), operation, commit_id, true)?;
        let commit_id = commit_id.to_string();

        // While we work the state is ours: should this fail or be dropped half-way, the next commit reads it anew.
        let mut kept = self.writer.lock().await;
        let mut state = match kept.take() {
            Some(state) if state.is_live().await? => state,
            _ => self.load_or_create().await?,
        };
        let mut synced = false;
        let version = loop {
            state.check_writable()?;
            let there: Vec<TxnId> = txns.iter().filter(|id| state.txns.contains(id)).copied().collect();
            if !there.is_empty() {
                *kept = Some(state);
                return Ok(Commit::AlreadyThere(there));
            }
            if !std::mem::replace(&mut synced, true) {
                self.sync_data(files).await?;
            }
            let version = state.version + 1;
            let Err(error) = self.write(version, &entry).await else { break version };
            match state.next().await {
                // It went in, only the answer was lost.
                Ok(Some(winner)) if winner.commit_id.as_ref() == Some(&commit_id) => break version,
                Ok(Some(winner)) => {
                    tracing::debug!(table = self.table.name(), version, "race lost, trying the next version");
                    state.apply(version, winner)?;
                    // Reading is cheaper than losing again, and who has fallen behind must be faster than the others commit.
                    state.catch_up().await?;
                }
                Ok(None) | Err(_) => return Err(error),
            }
        };
        state.apply(version, Actions { txns: txns.into_iter().collect(), ..Actions::default() })?;
        *kept = Some(state);
        if version.is_multiple_of(CHECKPOINT_INTERVAL) {
            // Our commit stands in any case. Without this checkpoint readers have more to read, until the next one.
            let table = self.table.name();
            match checkpoint::write(&self.log_store, version).await {
                Ok(()) => tracing::info!(table, version, "checkpoint written"),
                Err(error) => tracing::warn!(table, version, %error, "the log's checkpoint could not be written"),
            }
        }
        Ok(Commit::Committed { version })
    }

    /// Brings a state up to date, or reads it from the start.
    async fn current(&self, kept: Option<Replay>, keep: Keep) -> Result<Option<Replay>> {
        if let Some(mut state) = kept
            && state.is_live().await?
        {
            state.catch_up().await?;
            return Ok(Some(state));
        }
        Replay::load(self.table, &self.log_store, &self.folder, keep).await
    }

    async fn load_or_create(&self) -> Result<Replay> {
        if let Some(state) = self.current(None, Keep::Txns).await? {
            return Ok(state);
        }
        self.create().await?;
        let state = self.current(None, Keep::Txns).await?;
        state.ok_or_else(|| Error::Log { table: self.table, version: 0, detail: "it vanished".to_owned() })
    }

    async fn sync_data(&self, files: &[NewFile]) -> Result<()> {
        let paths = files.iter().map(|file| file.path.clone()).collect();
        self.durable.sync(paths).await.map_err(|(path, error)| Error::File {
            table: self.table,
            path,
            reason: error.to_string(),
        })
    }

    /// Creates a commit file, all of it or nothing, and never over another.
    async fn write(&self, version: u64, entry: &CommitOrBytes) -> Result<()> {
        let written = self.log_store.write_commit_entry(version, entry.clone(), Uuid::new_v4()).await;
        written.map_err(DeltaTableError::from)?;
        let path = format!("_delta_log/{version:020}.json");
        self.durable.sync(vec![path]).await.map_err(|(path, error)| Error::Log {
            table: self.table,
            version,
            detail: format!("`{path}`: {error}"),
        })
    }
}

/// The content of a commit file. Its `txnId` lets us recognise it. A blind append does not depend on which files there are.
fn entry(actions: Vec<Action>, operation: DeltaOperation, id: Uuid, is_blind: bool) -> Result<CommitOrBytes> {
    let mut info = operation.get_commit_info();
    info.timestamp = Some(Utc::now().timestamp_millis());
    info.engine_info = Some(concat!("Albatross/", env!("CARGO_PKG_VERSION")).to_owned());
    info.is_blind_append = Some(is_blind);
    info.info.insert("txnId".to_owned(), json!(id.to_string()));
    let actions = [Action::CommitInfo(info)].into_iter().chain(actions).collect();
    let data = CommitData::new(actions, operation, Default::default(), Vec::new());
    let bytes = data.get_bytes().map_err(DeltaTableError::from)?;
    Ok(CommitOrBytes::LogBytes(bytes))
}

mod clean;
mod replace;

pub use clean::DeadFile;
pub use replace::{Change, Replaced};

#[cfg(test)]
mod tests;
