//! Replacing files, and cleaning up behind it.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

use albatross_lake::{Change, DataFile, Lake, NewFile, Replaced, Table};
use arrow::array::{ArrayRef, Int32Array};
use chrono::{NaiveDate, TimeDelta, Utc};
use deltalake_core::DeltaTable;
use deltalake_core::logstore::{StorageConfig, logstore_for};
use object_store::ObjectStoreExt;
use url::Url;
use uuid::Uuid;

use crate::place::{Place, txn};

fn file(place: &Place, day: &str) -> NewFile {
    let columns: [(&str, ArrayRef); 1] = [("elb_status_code", Arc::new(Int32Array::from(vec![200, 502])))];
    place.write(Table::ALB, &format!("day={day}/{}.parquet", Uuid::new_v4()), &columns)
}

async fn files(lake: &Lake) -> Vec<Arc<DataFile>> {
    lake.snapshot(Table::ALB).await.unwrap().files
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_replaced_once_and_ids_stay() {
    let place = Place::new();
    let lake = place.lake().await;
    for i in 0..3 {
        lake.commit(Table::ALB, &[txn(&i.to_string())], vec![file(&place, "2025-11-20")]).await.unwrap();
    }
    let stale = Lake::open(&place.path()).await.unwrap();
    let old = files(&stale).await;
    let new = file(&place, "2025-11-20");
    let done = lake.replace(Table::ALB, &old, std::slice::from_ref(&new), Change::Compaction).await.unwrap();
    assert_eq!(done, Replaced::Committed { version: 4 });

    // Who comes later, from the same files, changes nothing: not with all of them and not with one.
    for removes in [&old[..], &old[1..2]] {
        let lost = stale.replace(Table::ALB, removes, &[file(&place, "2025-11-20")], Change::Compaction).await.unwrap();
        let Replaced::Gone(gone) = lost else { panic!("{lost:?}") };
        assert_eq!(gone.len(), removes.len());
    }
    for lake in [lake, stale, Lake::open(&place.path()).await.unwrap()] {
        let [left] = &files(&lake).await[..] else { panic!() };
        assert_eq!(left.location, lake.location(Table::ALB, &new.path));
        assert_eq!(lake.txns(Table::ALB).await.unwrap().len(), 3);
        assert_eq!(lake.kept_from(Table::ALB).await.unwrap(), None);
    }
    // As another engine reads it.
    let url = Url::from_directory_path(place.log(Table::ALB).parent().unwrap()).unwrap();
    let mut table = DeltaTable::new(logstore_for(&url, StorageConfig::default()).unwrap());
    table.load().await.unwrap();
    assert_eq!(table.snapshot().unwrap().log_data().num_files(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_replace_the_same_files_one_wins_beside_commits() {
    let place = Place::new();
    for round in 0..5 {
        let lake = place.lake().await;
        for i in 0..3 {
            lake.commit(Table::ALB, &[txn(&format!("{round} {i}"))], vec![file(&place, "2025-11-20")]).await.unwrap();
        }
        let mut ready = Vec::new();
        for _ in 0..3 {
            let lake = Lake::open(&place.path()).await.unwrap();
            let old = files(&lake).await;
            ready.push((lake, old, file(&place, "2025-11-20"), file(&place, "2025-11-21")));
        }
        let mut tasks = tokio::task::JoinSet::new();
        for (i, (lake, old, new, more)) in ready.into_iter().enumerate() {
            let id = [txn(&format!("{round} more {i}"))];
            tasks.spawn(async move {
                let new = [new];
                let more = lake.commit(Table::ALB, &id, vec![more]);
                let replaced = lake.replace(Table::ALB, &old, &new, Change::Compaction);
                let (_, replaced) = tokio::join!(more, replaced);
                matches!(replaced.unwrap(), Replaced::Committed { .. })
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|won| *won).count(), 1);
        // What was committed meanwhile is there, and nothing is there twice.
        let now = files(&Lake::open(&place.path()).await.unwrap()).await;
        assert_eq!(now.len(), 4);
    }
    assert_eq!(place.lake().await.txns(Table::ALB).await.unwrap().len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_dropped_days_outlive_the_log() {
    let place = Place::new();
    let lake = place.lake().await;
    for i in 0..25 {
        let day = if i % 2 == 0 { "2025-11-20" } else { "2025-11-21" };
        lake.commit(Table::ALB, &[txn(&i.to_string())], vec![file(&place, day)]).await.unwrap();
    }
    let kept_from = NaiveDate::from_ymd_opt(2025, 11, 21).unwrap();
    let old: Vec<_> = files(&lake).await.into_iter().filter(|file| file.day < Some(kept_from)).collect();
    assert_eq!(old.len(), 13);
    lake.replace(Table::ALB, &old, &[], Change::Retention { kept_from }).await.unwrap();

    let before = Utc::now();
    assert!(lake.dead_files(Table::ALB).await.unwrap().iter().all(|file| file.since > before - TimeDelta::minutes(1)));
    assert_eq!(lake.checkpoint(Table::ALB).await.unwrap(), Some(26));
    assert_eq!(lake.checkpoint(Table::ALB).await.unwrap(), None, "there is one");
    // From the checkpoint alone it is known that they were removed.
    assert_eq!(
        lake.clean_log(Table::ALB, Utc::now() + TimeDelta::days(1)).await.unwrap(),
        27,
        "26 commits, 1 checkpoint"
    );
    for lake in [lake, Lake::open(&place.path()).await.unwrap()] {
        assert_eq!(lake.txns(Table::ALB).await.unwrap().len(), 25);
        assert_eq!(lake.kept_from(Table::ALB).await.unwrap(), Some(kept_from));
        assert_eq!(files(&lake).await.len(), 12);
        let dead: HashSet<_> = lake.dead_files(Table::ALB).await.unwrap().into_iter().map(|f| f.location).collect();
        assert_eq!(dead, old.iter().map(|file| file.location.clone()).collect());
        assert_eq!(lake.clean_log(Table::ALB, Utc::now() + TimeDelta::days(1)).await.unwrap(), 0);
    }
    // Writers go on where the log ends.
    let lake = Lake::open(&place.path()).await.unwrap();
    lake.commit(Table::ALB, &[txn("new")], vec![file(&place, "2025-11-21")]).await.unwrap();
    assert_eq!(files(&lake).await.len(), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_own_files_outside_the_table_are_dead() {
    let place = Place::new();
    let lake = place.lake().await;
    let active = file(&place, "2025-11-20");
    lake.commit(Table::ALB, &[txn("a")], vec![active]).await.unwrap();
    let lost = file(&place, "2025-11-20");
    let folder = place.log(Table::ALB).parent().unwrap().to_owned();
    let id = Uuid::new_v4();
    for name in [
        format!("{id}.parquet"), // this table has days
        format!("day=2025-11-20/{id}.csv"),
        format!("day=2025-11-20/.{id}.parquet"),
        format!("day=2025-11-20/part-00000-{id}.c000.snappy.parquet"),
        format!("day=tomorrow/{id}.parquet"),
        format!("_delta_log/{id}.parquet"),
        "notes.txt".to_owned(),
    ] {
        fs::create_dir_all(folder.join(&name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), "x").unwrap();
    }
    let dead = lake.dead_files(Table::ALB).await.unwrap();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0].location, lake.location(Table::ALB, &lost.path));
    assert!(lake.object_store().head(&dead[0].location).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_writer_left_half_written_is_dead() {
    let place = Place::new();
    let lake = place.lake().await;
    lake.commit(Table::ALB, &[txn("a")], vec![file(&place, "2025-11-20")]).await.unwrap();
    let folder = place.log(Table::ALB).parent().unwrap().to_owned();
    let id = Uuid::new_v4();
    let ours = [
        format!("day=2025-11-20/{id}.parquet#1"),
        format!("day=2025-11-21/{id}.parquet#12"),
        "_delta_log/00000000000000000007.json#1".to_owned(),
        "_delta_log/_last_checkpoint#2".to_owned(),
    ];
    let others = [
        format!("day=2025-11-20/{id}.parquet#"),
        format!("day=2025-11-20/{id}.parquet#1a"),
        "day=2025-11-20/notes.parquet#1".to_owned(),
        format!("day=2025-11-20/deeper/{id}.parquet#1"),
        "_delta_log/notes.json#1".to_owned(),
    ];
    for name in ours.iter().chain(&others) {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), "half").unwrap();
    }
    let dead = lake.dead_files(Table::ALB).await.unwrap();
    let names: HashSet<_> = dead.iter().map(|file| file.location.as_ref().rsplit_once("/alb/").unwrap().1).collect();
    assert_eq!(names, ours.iter().map(String::as_str).collect());
    for file in dead {
        assert_eq!(file.size, 4);
        assert!((Utc::now() - file.since).abs() < TimeDelta::minutes(1), "{file:?}");
        assert!(file.delete(&lake.object_store()).await.unwrap());
        assert!(!file.delete(&lake.object_store()).await.unwrap(), "it is gone");
    }
    assert!(
        ours.iter().all(|name| !folder.join(name).exists()) && others.iter().all(|name| folder.join(name).exists())
    );
    assert_eq!(lake.dead_files(Table::ALB).await.unwrap(), []);
    assert_eq!(files(&lake).await.len(), 1);
}
