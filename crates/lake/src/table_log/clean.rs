//! What nobody needs any more: data files outside the table, and the old part of the log.

use std::collections::HashSet;
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

/// A file that is not in its table: removed from it, or never committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadFile {
    /// In [`Lake::object_store`](crate::Lake::object_store).
    pub location: Path,
    /// Bytes.
    pub size: u64,
    /// When it was written or taken out of the table, whichever was later. An ingest may still be about to commit what was written a while
    /// ago, a reader may still read what was removed a while ago. Removals are forgotten after seven days.
    pub since: DateTime<Utc>,
}

impl TableLog {
    pub(crate) async fn dead_files(&self, store: &Arc<dyn ObjectStore>) -> Result<Vec<DeadFile>> {
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
                DeadFile { location: file.location, size: file.size, since }
            })
            .collect())
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
