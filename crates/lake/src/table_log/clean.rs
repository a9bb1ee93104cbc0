//! What nobody needs any more: data files outside the table, and the old part of the log.

use std::collections::HashSet;
use std::io;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt};
use uuid::Uuid;

use super::TableLog;
use crate::replay::{Keep, Replay};
use crate::tables::DAY;
use crate::{Result, checkpoint, listing};

/// A file that is not in its table: removed from it, never committed, or never complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadFile {
    /// In [`Lake::object_store`](crate::Lake::object_store), which does not show temporary files.
    pub location: Path,
    /// Bytes.
    pub size: u64,
    /// When it was written or taken out of the table, whichever was later. An ingest may still be about to commit what was written a while
    /// ago, a reader may still read what was removed a while ago. Removals are forgotten after seven days.
    pub since: DateTime<Utc>,
    /// Only of a temporary file.
    on_disk: Option<PathBuf>,
}

impl DeadFile {
    /// Deletes it from the store that it is in. `false` if it is gone already: somebody else cleans up too.
    pub async fn delete(&self, store: &dyn ObjectStore) -> Result<bool> {
        match &self.on_disk {
            Some(path) => match std::fs::remove_file(path) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(StoreError::Generic { store: "disk", source: error.into() }.into()),
            },
            None => match store.delete(&self.location).await {
                Ok(()) => Ok(true),
                Err(StoreError::NotFound { .. }) => Ok(false),
                Err(error) => Err(error.into()),
            },
        }
    }
}

impl TableLog {
    pub(crate) async fn dead_files(&self, store: &Arc<dyn ObjectStore>) -> Result<Vec<DeadFile>> {
        let mut dead = self.removed_or_lost(store).await?;
        dead.extend(self.temporary());
        Ok(dead)
    }

    async fn removed_or_lost(&self, store: &Arc<dyn ObjectStore>) -> Result<Vec<DeadFile>> {
        // In this order: whatever is committed after the listing is not in it, or is in the table as we read it then.
        let found: Vec<ObjectMeta> = store.list(Some(&self.folder)).try_collect().await?;
        let active = self.read(|state| state.files.values().map(|file| file.location.clone()).collect::<HashSet<_>>());
        let active = active.await?.unwrap_or_default();
        let mut dead: Vec<ObjectMeta> = found;
        dead.retain(|file| !active.contains(&file.location) && self.is_ours(&file.location));
        if dead.is_empty() {
            return Ok(Vec::new());
        }
        let state = Replay::load(self.table, &self.log_store, &self.folder, Keep::Removed).await?;
        let removed = state.map(|state| state.removed).unwrap_or_default();
        Ok(dead
            .into_iter()
            .map(|file| {
                // Our names are the same in the log.
                let name = file.location.prefix_match(&self.folder).map(|parts| Path::from_iter(parts).to_string());
                let removed =
                    name.and_then(|name| removed.get(&name)).and_then(|&at| DateTime::from_timestamp_millis(at));
                let since = removed.map_or(file.last_modified, |at| at.max(file.last_modified));
                DeadFile { location: file.location, size: file.size, since, on_disk: None }
            })
            .collect())
    }

    /// On a local disk a store writes `NAME#1` (or a higher number) and then renames it; of a process that was killed it stays, and the
    /// store neither lists nor deletes it. Folders that cannot be read have none: the listing has failed there before.
    fn temporary(&self) -> Vec<DeadFile> {
        let Some(folder) = (self.url.scheme() == "file").then(|| self.url.to_file_path().ok()).flatten() else {
            return Vec::new();
        };
        let entries = |folder: &FsPath| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let below = entries(&folder).flat_map(|entry| entries(&entry.path()));
        let found = entries(&folder).chain(below).filter_map(|entry| {
            let path = entry.path();
            let name = path.strip_prefix(&folder).ok()?.to_str()?;
            let (whole, number) = name.rsplit_once('#')?;
            let of = self.folder.parts().chain(Path::parse(whole).ok()?.parts()).collect();
            let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            if !numbered || !(self.is_ours(&of) || listing::is_of_log(whole)) {
                return None;
            }
            let metadata = entry.metadata().ok()?;
            Some(DeadFile {
                location: self.folder.parts().chain(Path::parse(name).ok()?.parts()).collect(),
                size: metadata.len(),
                since: metadata.modified().ok()?.into(),
                on_disk: Some(path.clone()),
            })
        });
        found.collect()
    }

    /// `<uuid>.parquet`, in the folder of a day where the table has days.
    fn is_ours(&self, location: &Path) -> bool {
        let Some(parts) = location.prefix_match(&self.folder) else { return false };
        let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
        let (folders, name) = match &parts[..] {
            [name] => (!self.table.is_partitioned(), name),
            [folder, name] => {
                let day = folder.strip_prefix(DAY).and_then(|rest| rest.strip_prefix('='));
                let is_day = day.is_some_and(|day| day.len() == 10 && day.parse::<NaiveDate>().is_ok());
                (self.table.is_partitioned() && is_day, name)
            }
            _ => return false,
        };
        let stem = name.strip_suffix(".parquet");
        folders && stem.is_some_and(|stem| stem.len() == 36 && Uuid::try_parse(stem).is_ok())
    }

    pub(crate) async fn checkpoint(&self) -> Result<Option<u64>> {
        let listing = listing::list(&self.log_store).await?;
        let Some(latest) = listing.latest else { return Ok(None) };
        // An empty table has nothing to sum up.
        if latest == 0 || listing.checkpoint.is_some_and(|checkpoint| checkpoint.version == latest) {
            return Ok(None);
        }
        checkpoint::write(&self.log_store, latest).await?;
        Ok(Some(latest))
    }

    /// Deletes what has expired of the log, the oldest first: a writer that has slept for long finds the commit it knows gone before one
    /// behind it is, and begins anew.
    pub(crate) async fn clean(&self, before: DateTime<Utc>) -> Result<u64> {
        let store = self.log_store.object_store(None);
        let expired = listing::expired(&self.log_store, before).await?;
        for path in &expired {
            match store.delete(path).await {
                Ok(()) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(expired.len() as u64)
    }
}
