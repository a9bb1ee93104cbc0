//! Committing: exactly once, whoever else is there.

use std::collections::HashSet;
use std::fs;

use albatross_lake::{Commit, Error, Lake, Table, TxnId};
use object_store::ObjectStoreExt;

use crate::place::{Place, txn};

#[tokio::test]
async fn what_is_committed_is_in_the_snapshot() {
    let place = Place::new();
    let lake = place.lake().await;
    let before = lake.snapshot(Table::Rejects).await.unwrap();
    assert_eq!((before.version, before.files.len()), (None, 0));

    let file = place.rejects("a");
    let size = file.size;
    let commit = lake.commit(Table::Rejects, &[txn("a")], vec![file]).await.unwrap();
    assert_eq!(commit, Commit::Committed { version: 1 });

    for lake in [lake, Lake::open(&place.path()).await.unwrap()] {
        let snapshot = lake.snapshot(Table::Rejects).await.unwrap();
        assert_eq!(snapshot.version, Some(1));
        let [file] = &snapshot.files[..] else { panic!("{:?}", snapshot.files) };
        assert_eq!((file.size, file.rows, file.day), (size, Some(2), None));
        assert_eq!(file.location, lake.location(Table::Rejects, "a.parquet"));
        assert!(lake.object_store().head(&file.location).await.is_ok());
        assert_eq!(*lake.txns(Table::Rejects).await.unwrap(), HashSet::from([txn("a")]));
        assert!(lake.txns(Table::ALB).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_source_file_is_committed_once() {
    let place = Place::new();
    let lake = place.lake().await;
    let stale = Lake::open(&place.path()).await.unwrap();
    assert!(stale.txns(Table::Rejects).await.unwrap().is_empty());
    lake.commit(Table::Rejects, &[txn("a")], vec![place.rejects("1")]).await.unwrap();

    for lake in [&lake, &stale, &Lake::open(&place.path()).await.unwrap()] {
        let again = lake.commit(Table::Rejects, &[txn("b"), txn("a")], vec![place.rejects("2")]).await.unwrap();
        assert_eq!(again, Commit::AlreadyThere(vec![txn("a")]));
        assert_eq!(lake.snapshot(Table::Rejects).await.unwrap().files.len(), 1);
        assert_eq!(lake.txns(Table::Rejects).await.unwrap().len(), 1);
    }
    // The same id twice in one commit is one id.
    let commit = stale.commit(Table::Rejects, &[txn("b"), txn("b")], vec![]).await.unwrap();
    assert_eq!(commit, Commit::Committed { version: 2 });
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_commit_the_same_file_at_once_one_wins() {
    let place = Place::new();
    place.lake().await;
    for round in 0..10 {
        let id = txn(&round.to_string());
        let mut tasks = tokio::task::JoinSet::new();
        for i in 0..4 {
            let lake = Lake::open(&place.path()).await.unwrap();
            lake.txns(Table::Rejects).await.unwrap(); // all start from the same version
            let file = place.rejects(&format!("{round}-{i}"));
            let own = txn(&format!("{round}-{i}"));
            tasks.spawn(async move {
                // One commit of its own, which must always go in, and one of the id all want.
                let own = lake.commit(Table::Rejects, &[own], vec![]).await.unwrap();
                assert!(matches!(own, Commit::Committed { .. }), "{own:?}");
                lake.commit(Table::Rejects, &[id], vec![file]).await.unwrap()
            });
        }
        let outcomes = tasks.join_all().await;
        let won = outcomes.iter().filter(|o| matches!(o, Commit::Committed { .. })).count();
        assert_eq!(won, 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|o| **o == Commit::AlreadyThere(vec![id])).count(), 3);
    }
    let lake = Lake::open(&place.path()).await.unwrap();
    assert_eq!(lake.snapshot(Table::Rejects).await.unwrap().files.len(), 10);
    assert_eq!(lake.txns(Table::Rejects).await.unwrap().len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_create_a_lake_at_once() {
    let place = Place::new();
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..8 {
        let path = place.path();
        tasks.spawn(async move {
            let lake = Lake::open_or_create(&path).await.unwrap();
            lake.commit(Table::ALB, &[txn(&i.to_string())], vec![]).await.unwrap()
        });
    }
    tasks.join_all().await;
    assert_eq!(place.lake().await.txns(Table::ALB).await.unwrap().len(), 8);
}

#[tokio::test]
async fn sixty_commits_survive_checkpoints_and_reopening() {
    let place = Place::new();
    let lake = place.lake().await;
    let other = Lake::open(&place.path()).await.unwrap(); // follows without checkpoints
    let mut all = HashSet::new();
    for i in 0..60 {
        let ids: Vec<TxnId> = (0..50).map(|k| txn(&format!("{i}/{k}"))).collect();
        let files = if i % 3 == 0 { vec![] } else { vec![place.rejects(&i.to_string())] };
        lake.commit(Table::Rejects, &ids, files).await.unwrap();
        all.extend(ids);
        if i % 7 == 0 {
            assert_eq!(*other.txns(Table::Rejects).await.unwrap(), all);
        }
    }
    for version in [20, 40, 60] {
        assert!(place.log(Table::Rejects).join(format!("{version:020}.checkpoint.parquet")).exists());
    }
    let expected = lake.snapshot(Table::Rejects).await.unwrap();
    assert_eq!((expected.version, expected.files.len()), (Some(60), 40));

    // From the last checkpoint, from one before it, and from the commits alone.
    fs::remove_file(place.log(Table::Rejects).join("00000000000000000000.json")).unwrap();
    for gone in ["", "_last_checkpoint", "00000000000000000060.checkpoint.parquet"] {
        if !gone.is_empty() {
            fs::remove_file(place.log(Table::Rejects).join(gone)).unwrap();
        }
        let lake = Lake::open(&place.path()).await.unwrap();
        assert_eq!(*lake.txns(Table::Rejects).await.unwrap(), all);
        let snapshot = lake.snapshot(Table::Rejects).await.unwrap();
        assert_eq!((snapshot.version, &snapshot.files), (Some(60), &expected.files));
        let again = lake.commit(Table::Rejects, &[txn("0/0")], vec![]).await.unwrap();
        assert_eq!(again, Commit::AlreadyThere(vec![txn("0/0")]));
    }
}

#[tokio::test]
async fn a_gap_in_the_log_is_an_error_not_a_shorter_table() {
    let place = Place::new();
    let lake = place.lake().await;
    for i in 0..5 {
        lake.commit(Table::Rejects, &[txn(&i.to_string())], vec![]).await.unwrap();
    }
    fs::remove_file(place.log(Table::Rejects).join("00000000000000000003.json")).unwrap();
    let lake = Lake::open(&place.path()).await.unwrap();
    let error = lake.txns(Table::Rejects).await.unwrap_err();
    assert!(matches!(error, Error::Log { version: 3, .. }), "{error}");
}

#[tokio::test]
async fn a_lake_that_was_deleted_meanwhile_is_made_anew() {
    let place = Place::new();
    let lake = place.lake().await;
    for i in 0..3 {
        lake.commit(Table::Rejects, &[txn(&i.to_string())], vec![]).await.unwrap();
    }
    fs::remove_dir_all(place.path()).unwrap();
    assert_eq!(lake.snapshot(Table::Rejects).await.unwrap().version, None);
    let commit = lake.commit(Table::Rejects, &[txn("0")], vec![]).await.unwrap();
    assert_eq!(commit, Commit::Committed { version: 1 });
}

#[tokio::test]
async fn files_that_do_not_fit_are_refused() {
    let place = Place::new();
    let lake = place.lake().await;
    let good = place.rejects("a");
    let mut dated = good.clone();
    dated.day = Some("2026-11-20".parse().unwrap());
    let mut missing = good.clone();
    missing.path = "nowhere.parquet".to_owned();
    let mut outside = good.clone();
    outside.path = "../a.parquet".to_owned();
    for bad in [dated, missing, outside] {
        let error = lake.commit(Table::Rejects, &[txn("a")], vec![good.clone(), bad]).await.unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error}");
    }
    assert!(lake.txns(Table::Rejects).await.unwrap().is_empty());
    assert_eq!(lake.snapshot(Table::Rejects).await.unwrap().version, Some(0));
}
