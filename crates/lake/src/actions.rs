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
    /// Paths as the log spells them.
    pub(crate) removed: Vec<String>,
    pub(crate) added: Vec<AddedFile>,
    /// Ids of other programs are left out.
    pub(crate) txns: Vec<TxnId>,
}

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

impl Actions {
    /// Reads a commit file: one JSON object per line, each with one action. What is not to be kept is passed over unread: a commit of
    /// many small sources is ids for the most part.
    pub(crate) fn from_commit(commit: &[u8], keep: Keep) -> serde_json::Result<Actions> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Line {
            commit_info: Option<CommitInfo>,
            protocol: Option<Protocol>,
            meta_data: Option<Metadata>,
            remove: Option<Removed>,
            add: Option<AddedFile>,
            txn: Option<Txn>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct CommitInfo {
            txn_id: Option<String>,
        }
        #[derive(Deserialize)]
        struct Removed {
            path: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Txn {
            app_id: String,
        }

        let mut actions = Actions::default();
        let unread: &[u8] = match keep {
            Keep::Files => b"{\"txn\":",
            Keep::Txns => b"{\"add\":",
        };
        for line in commit.split(|&byte| byte == b'\n').filter(|line| !line.starts_with(unread)) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_slice(line)?;
            if let Some(info) = line.commit_info {
                actions.commit_id = info.txn_id;
            }
            actions.protocol = line.protocol.or(actions.protocol);
            actions.metadata = line.meta_data.or(actions.metadata);
            actions.removed.extend(line.remove.map(|remove| remove.path));
            actions.added.extend(line.add);
            actions.txns.extend(line.txn.and_then(|txn| TxnId::from_hex(&txn.app_id)));
        }
        Ok(actions)
    }
}
