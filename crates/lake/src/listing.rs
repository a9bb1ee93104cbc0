//! Which files the log of a table has.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use deltalake_core::logstore::LogStoreRef;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::Deserialize;

use crate::Result;

/// Where to begin reading, and how far the log went when it was listed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Listing {
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The last commit; `None` if the table does not exist.
    pub(crate) latest: Option<u64>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) version: u64,
    pub(crate) parts: Vec<Path>,
}

/// Lists the log from the last checkpoint on, or all of it where nothing points to a checkpoint.
pub(crate) async fn list(log_store: &LogStoreRef) -> Result<Listing> {
    let store = log_store.object_store(None);
    let folder = log_store.log_path();
    if let Some(version) = last_checkpoint(&store, folder).await? {
        let offset = folder.clone().join(format!("{version:020}"));
        let names = store.list_with_offset(Some(folder), &offset).map_ok(|meta| meta.location);
        let listing = Listing::of(names.try_collect().await?);
        if listing.checkpoint.is_some() {
            return Ok(listing);
        }
    }
    let names = store.list(Some(folder)).map_ok(|meta| meta.location);
    Ok(Listing::of(names.try_collect().await?))
}

/// Commits and checkpoints that nobody needs, the oldest first: last changed before `before`, and replaced by a complete checkpoint that
/// every later version can be read from.
pub(crate) async fn expired(log_store: &LogStoreRef, before: DateTime<Utc>) -> Result<Vec<Path>> {
    let all = log_store.object_store(None).list(Some(log_store.log_path()));
    Ok(expired_of(all.try_collect().await?, before))
}

fn expired_of(entries: Vec<ObjectMeta>, before: DateTime<Utc>) -> Vec<Path> {
    let version = |entry: &ObjectMeta| match entry.location.filename().and_then(Name::parse)? {
        Name::Commit(version) | Name::Checkpoint { version, .. } => Some(version),
    };
    let young = entries.iter().filter(|entry| entry.last_modified >= before);
    let first_young = young.filter_map(version).min().unwrap_or(u64::MAX);
    let up_to = entries.iter().filter(|entry| version(entry).is_some_and(|version| version <= first_young));
    let Some(checkpoint) = Listing::of(up_to.map(|entry| entry.location.clone()).collect()).checkpoint else {
        return Vec::new();
    };
    let mut expired: Vec<(u64, Path)> = entries
        .iter()
        .filter_map(|entry| Some((version(entry)?, entry.location.clone())))
        .filter(|(version, _)| *version < checkpoint.version)
        .collect();
    expired.sort();
    expired.into_iter().map(|(_, path)| path).collect()
}

/// Whether a path in a table's folder is one that its log has.
pub(crate) fn is_of_log(path: &str) -> bool {
    path.strip_prefix("_delta_log/").is_some_and(|name| name == "_last_checkpoint" || Name::parse(name).is_some())
}

/// The version in `_last_checkpoint`. It is a hint only: a broken one is as good as none.
async fn last_checkpoint(store: &dyn ObjectStore, folder: &Path) -> Result<Option<u64>> {
    #[derive(Deserialize)]
    struct Hint {
        version: u64,
    }
    match store.get(&folder.clone().join("_last_checkpoint")).await {
        Ok(found) => Ok(serde_json::from_slice::<Hint>(&found.bytes().await?).ok().map(|hint| hint.version)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Listing {
    /// Takes the newest checkpoint of which all parts are there.
    fn of(locations: Vec<Path>) -> Listing {
        let mut latest = None;
        let mut checkpoints: BTreeMap<(u64, u32), Vec<Path>> = BTreeMap::new(); // by version and number of parts
        for location in locations {
            match location.filename().and_then(Name::parse) {
                Some(Name::Commit(version)) => latest = latest.max(Some(version)),
                Some(Name::Checkpoint { version, of }) => checkpoints.entry((version, of)).or_default().push(location),
                None => {}
            }
        }
        let complete = checkpoints.into_iter().rev().find(|((_, of), parts)| parts.len() == *of as usize);
        let checkpoint = complete.map(|((version, _), parts)| Checkpoint { version, parts });
        Listing { latest: latest.max(checkpoint.as_ref().map(|c| c.version)), checkpoint }
    }
}

enum Name {
    Commit(u64),
    /// One of `of` parts.
    Checkpoint {
        version: u64,
        of: u32,
    },
}

impl Name {
    fn parse(name: &str) -> Option<Name> {
        let (version, rest) = name.split_once('.')?;
        let version = number(version, 20)?;
        match rest.split('.').collect::<Vec<_>>()[..] {
            ["json"] => Some(Name::Commit(version)),
            ["checkpoint", "parquet"] => Some(Name::Checkpoint { version, of: 1 }),
            ["checkpoint", part, of, "parquet"] => {
                number(part, 10)?;
                Some(Name::Checkpoint { version, of: number(of, 10)?.try_into().ok()? })
            }
            _ => None,
        }
    }
}

fn number(digits: &str, width: usize) -> Option<u64> {
    (digits.len() == width && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> (Option<u64>, usize, Option<u64>) {
        let listing = Listing::of(names.iter().map(|n| Path::from(format!("_delta_log/{n}"))).collect());
        let parts = listing.checkpoint.as_ref().map_or(0, |c| c.parts.len());
        (listing.checkpoint.map(|c| c.version), parts, listing.latest)
    }

    #[test]
    fn takes_the_newest_complete_checkpoint() {
        assert_eq!(of(&[]), (None, 0, None));
        assert_eq!(of(&["00000000000000000000.json", "00000000000000000001.json"]), (None, 0, Some(1)));
        let names = [
            "00000000000000000020.checkpoint.parquet",
            "00000000000000000030.checkpoint.0000000001.0000000002.parquet",
            "00000000000000000030.checkpoint.0000000002.0000000002.parquet",
            "00000000000000000040.checkpoint.0000000002.0000000002.parquet",
            "00000000000000000041.json",
        ];
        assert_eq!(of(&names), (Some(30), 2, Some(41)));
        assert_eq!(of(&["00000000000000000020.checkpoint.parquet"]), (Some(20), 1, Some(20)));
    }

    #[test]
    fn what_a_checkpoint_replaces_expires() {
        let now = Utc::now();
        let log = |names: &[(&str, i64)]| {
            let meta = |&(name, days): &(&str, i64)| ObjectMeta {
                location: Path::from(format!("_delta_log/{name}")),
                last_modified: now - chrono::TimeDelta::days(days),
                size: 1,
                e_tag: None,
                version: None,
            };
            let paths = expired_of(names.iter().map(meta).collect(), now - chrono::TimeDelta::days(30));
            paths.iter().map(|path| path.filename().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let first = "00000000000000000000.json";
        let second = "00000000000000000001.json";
        let checkpoint = "00000000000000000001.checkpoint.parquet";
        let third = "00000000000000000002.json";
        assert_eq!(log(&[(second, 50), (first, 60)]), [] as [&str; 0], "no checkpoint");
        assert_eq!(log(&[(second, 50), (first, 60), (checkpoint, 50)]), [first]);
        assert_eq!(log(&[(second, 50), (first, 60), (checkpoint, 0)]), [first], "made late, for an old version");
        assert_eq!(log(&[(second, 1), (first, 60), (checkpoint, 1), (third, 1)]), [first]);
        assert_eq!(log(&[(second, 1), (first, 1), (checkpoint, 1)]), [] as [&str; 0], "young");
        let newest = "00000000000000000002.checkpoint.parquet";
        assert_eq!(
            log(&[(first, 60), (second, 50), (third, 40), (checkpoint, 50), (newest, 0)]),
            [first, checkpoint, second]
        );
        // Versions of the last days can still be read.
        assert_eq!(log(&[(first, 60), (second, 3), (third, 2), (newest, 1)]), [] as [&str; 0]);
    }

    #[test]
    fn passes_over_other_files() {
        let names = [
            "_last_checkpoint",
            "00000000000000000007.json#1",
            "7.json",
            "00000000000000000007.crc",
            "00000000000000000001.00000000000000000007.compacted.json",
            "00000000000000000007.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.parquet",
        ];
        assert_eq!(of(&names), (None, 0, None));
    }
}
