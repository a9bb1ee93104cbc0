//! What one entry of the log says, as far as we read it.

use std::collections::HashMap;

use serde::Deserialize;

use crate::TxnId;
use crate::replay::Keep;

/// All actions of one commit, or of one checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// `commitInfo.txnId`: tells our own commit from another's.
    pub(crate) commit_id: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) removed: Vec<RemovedFile>,
    pub(crate) added: Vec<AddedFile>,
    /// Ids of other programs are left out.
    pub(crate) txns: Vec<TxnId>,
    /// Days before this one, in days since 1970, were dropped on purpose.
    pub(crate) kept_from: Option<i64>,
}

/// The `appId` of the transaction that says which days were dropped: unlike a commit it is never cleaned up. Its version is the first day
/// that was kept.
pub(crate) const KEPT_FROM: &str = "albatross-kept-from";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: i32,
    pub(crate) min_writer_version: i32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) schema_string: String,
    pub(crate) partition_columns: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddedFile {
    /// As the log spells it: percent-encoded, relative to the table.
    pub(crate) path: String,
    pub(crate) partition_values: HashMap<String, Option<String>>,
    pub(crate) size: i64,
    /// Milliseconds since 1970.
    pub(crate) modification_time: i64,
    pub(crate) stats: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemovedFile {
    /// As the log spells it.
    pub(crate) path: String,
    /// Milliseconds since 1970.
    pub(crate) deletion_timestamp: Option<i64>,
}

impl Actions {
    pub(crate) fn add_txn(&mut self, app_id: &str, version: i64) {
        if app_id == KEPT_FROM {
            self.kept_from = self.kept_from.max(Some(version));
        }
        self.txns.extend(TxnId::from_hex(app_id));
    }

    /// Reads a commit file: one JSON object per line, each with one action. What is not to be kept is passed over unread: a commit of
    /// many small sources is ids for the most part.
    pub(crate) fn from_commit(commit: &[u8], keep: Keep) -> serde_json::Result<Actions> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Line {
            commit_info: Option<CommitInfo>,
            protocol: Option<Protocol>,
            meta_data: Option<Metadata>,
            remove: Option<RemovedFile>,
            add: Option<AddedFile>,
            txn: Option<Txn>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct CommitInfo {
            txn_id: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Txn {
            app_id: String,
            #[serde(default)]
            version: i64,
        }

        let mut actions = Actions::default();
        let unread: &[u8] = match keep {
            Keep::Files | Keep::Removed => b"{\"txn\":",
            Keep::Txns => b"{\"add\":",
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', commit).chain([commit.len()]) {
            let line = &commit[start..end];
            start = end + 1;
            if line.starts_with(unread) || line.trim_ascii().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_slice(line)?;
            if let Some(info) = line.commit_info {
                actions.commit_id = info.txn_id;
            }
            actions.protocol = line.protocol.or(actions.protocol);
            actions.metadata = line.meta_data.or(actions.metadata);
            actions.removed.extend(line.remove);
            actions.added.extend(line.add);
            if let Some(txn) = line.txn {
                actions.add_txn(&txn.app_id, txn.version);
            }
        }
        Ok(actions)
    }
}
