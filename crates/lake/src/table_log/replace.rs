//! Commits that take files out of a table.

use std::sync::Arc;

use chrono::{NaiveDate, Utc};
use deltalake_core::kernel::{Action, Add, Remove, Transaction};
use deltalake_core::protocol::DeltaOperation;
use object_store::path::Path;
use uuid::Uuid;

use super::{TableLog, entry};
use crate::actions::KEPT_FROM;
use crate::replay::Keep;
use crate::tables::DAY;
use crate::{DataFile, Error, NewFile, Result};

/// Why files are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The new files hold the same rows as those that go.
    Compaction,
    /// The rows go. All files of days before this one have to be named.
    Retention { kept_from: NaiveDate },
}

/// How a replacement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    Committed {
        version: u64,
    },
    /// These files are not in the table any more: somebody else has taken them out. Nothing was written.
    Gone(Vec<Path>),
}

impl TableLog {
    /// As [`TableLog::commit`], but what has to hold at the version before is that the files are in the table.
    pub(crate) async fn replace(
        &self,
        removes: &[Arc<DataFile>],
        adds: &[NewFile],
        change: Change,
    ) -> Result<Replaced> {
        let names = removes.iter().map(|file| self.name(file)).collect::<Result<Vec<_>>>()?;
        let commit_id = Uuid::new_v4();
        let mut actions = Vec::with_capacity(removes.len() + adds.len() + 1);
        for (name, file) in names.iter().zip(removes) {
            actions.push(Action::Remove(remove(name, file, change)));
        }
        for file in adds {
            actions.push(Action::Add(Add { data_change: false, ..file.to_add(self.table)? }));
        }
        let operation = match change {
            Change::Compaction => DeltaOperation::Optimize { predicate: None, target_size: 0 },
            Change::Retention { kept_from } => {
                let days = i64::from(kept_from.to_epoch_days());
                let now = Some(Utc::now().timestamp_millis());
                actions.push(Action::Txn(Transaction::new_with_last_update(KEPT_FROM, days, now)));
                DeltaOperation::Delete { predicate: Some(format!("{DAY} < '{kept_from}'")) }
            }
        };
        let entry = entry(actions, operation, commit_id, false)?;
        let commit_id = commit_id.to_string();

        let mut kept = self.reader.lock().await;
        let Some(mut state) = self.current(kept.take(), Keep::Files).await? else {
            return Ok(Replaced::Gone(removes.iter().map(|file| file.location.clone()).collect()));
        };
        let mut synced = false;
        let version = loop {
            state.check_writable()?;
            let gone = names.iter().zip(removes).filter(|(name, _)| !state.files.contains_key(*name));
            let gone: Vec<Path> = gone.map(|(_, file)| file.location.clone()).collect();
            if !gone.is_empty() {
                *kept = Some(state);
                return Ok(Replaced::Gone(gone));
            }
            if !std::mem::replace(&mut synced, true) {
                self.sync_data(adds).await?;
            }
            let version = state.version + 1;
            let Err(error) = self.write(version, &entry).await else { break version };
            match state.next().await {
                // It went in, only the answer was lost.
                Ok(Some(winner)) if winner.commit_id.as_ref() == Some(&commit_id) => break version,
                Ok(Some(winner)) => state.apply(version, winner)?,
                Ok(None) | Err(_) => return Err(error),
            }
        };
        // The commit stands, whether or not we can read it.
        if let Ok(Some(own)) = state.next().await
            && state.apply(version, own).is_ok()
        {
            *kept = Some(state);
        }
        Ok(Replaced::Committed { version })
    }

    /// The file's path in the table, which the log spells in the same way if it has nothing that must be escaped.
    fn name(&self, file: &DataFile) -> Result<String> {
        let name = file.location.prefix_match(&self.folder).map(|parts| Path::from_iter(parts).to_string());
        let is_plain = |name: &String| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'=' | b'/'))
        };
        name.filter(is_plain).ok_or_else(|| Error::File {
            table: self.table,
            path: file.location.to_string(),
            reason: "its name is not one of ours, so it is not replaced".to_owned(),
        })
    }
}

fn remove(name: &str, file: &DataFile, change: Change) -> Remove {
    Remove {
        path: name.to_owned(),
        data_change: change != Change::Compaction,
        deletion_timestamp: Some(Utc::now().timestamp_millis()),
        extended_file_metadata: Some(true),
        partition_values: Some(file.day.iter().map(|day| (DAY.to_owned(), Some(day.to_string()))).collect()),
        size: i64::try_from(file.size).ok(),
        ..Remove::default()
    }
}
