//! What is in the lake's folder, as other engines see it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use crate::place::{Place, txn};
use albatross_lake::{Commit, DAY, Error, Lake, Table, TxnId, Value};
use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray, TimestampMicrosecondArray};
use deltalake_core::kernel::transaction::CommitBuilder;
use deltalake_core::kernel::{Action, Remove};
use deltalake_core::logstore::{StorageConfig, logstore_for};
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::{DeltaTable, protocol::SaveMode};
use serde_json::Value as Json;
use url::Url;

fn alb_columns() -> Vec<(&'static str, ArrayRef)> {
    let times = [Some(1_763_632_800_123_456), None, Some(1_763_632_859_999_001)];
    let long = "/api/users/".repeat(10);
    vec![
        ("started_at", Arc::new(TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC"))),
        ("duration", Arc::new(Float64Array::from(vec![Some(0.25), Some(5.9), None]))),
        ("elb_status_code", Arc::new(Int32Array::from(vec![502, 200, 404]))),
        ("path", Arc::new(StringArray::from(vec![Some("/"), Some(long.as_str()), None]))),
    ]
}

#[tokio::test]
async fn the_log_begins_with_the_protocol_every_engine_reads() {
    let place = Place::new();
    let lake = place.lake().await;
    for table in Table::ALL {
        // A table is made with its first commit.
        lake.commit(table, &[], vec![]).await.unwrap();
        let first = fs::read_to_string(place.log(table).join("00000000000000000000.json")).unwrap();
        let actions: BTreeMap<String, Json> =
            first.lines().flat_map(|line| serde_json::from_str::<BTreeMap<String, Json>>(line).unwrap()).collect();
        let protocol = serde_json::json!({"minReaderVersion": 1, "minWriterVersion": 2});
        assert_eq!(actions["protocol"], protocol);
        let metadata = &actions["metaData"];
        let plain = [Table::METRICS, Table::Rejects, Table::Ingested].contains(&table);
        let partitions: &[&str] = if plain { &[] } else { &[DAY] };
        assert_eq!(metadata["partitionColumns"], serde_json::json!(partitions));
        assert_eq!(metadata["configuration"], serde_json::json!({"delta.checkpointInterval": "20"}));
        let schema: Json = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        let types: BTreeSet<&str> =
            schema["fields"].as_array().unwrap().iter().map(|f| f["type"].as_str().unwrap()).collect();
        assert!(types.is_subset(&["string", "integer", "long", "double", "timestamp", "date"].into()), "{types:?}");
    }
}

#[tokio::test]
async fn a_parquet_file_is_listed_with_rows_day_and_bounds() {
    let place = Place::new();
    let lake = place.lake().await;
    let whole = place.write(Table::ALB, "day=2025-11-20/whole.parquet", &alb_columns());
    let groups = place.write_groups(Table::ALB, "day=2025-11-21/groups.parquet", &alb_columns(), 1);
    lake.commit(Table::ALB, &[txn("a")], vec![groups, whole]).await.unwrap();

    let snapshot = Lake::open(&place.path()).await.unwrap().snapshot(Table::ALB).await.unwrap();
    assert_eq!(snapshot.schema, Table::ALB.schema());
    let days: Vec<_> = snapshot.files.iter().map(|f| f.day.unwrap().to_string()).collect();
    assert_eq!(days, ["2025-11-20", "2025-11-21"]);
    for file in &snapshot.files {
        assert_eq!(file.rows, Some(3));
        let stat = |column| file.stats.get(column).unwrap();
        let time = stat("started_at");
        assert_eq!(time.min, Some(Value::Timestamp(1_763_632_800_123_000)));
        // Up to the next millisecond, and then to its last microsecond.
        assert_eq!(time.max, Some(Value::Timestamp(1_763_632_860_000_999)));
        assert_eq!(time.null_count, Some(1));
        // Doubles are a bit wider than they are.
        assert_eq!(stat("duration").max, Some(Value::Float(5.9f64.next_up())));
        assert_eq!(stat("duration").null_count, Some(1));
        assert_eq!(stat("elb_status_code").min, Some(Value::Int(200)));
        assert_eq!(stat("elb_status_code").max, Some(Value::Int(502)));
        assert_eq!(stat("path").min, Some(Value::Text("/".to_owned())));
        let Some(Value::Text(max)) = &stat("path").max else { panic!() };
        assert!(max.as_str() > "/api/users/".repeat(10).as_str() && max.chars().count() == 32, "{max}");
        // Nothing but NULL has no bounds; beyond the 32nd column only the NULLs of `extra` are known.
        let elb = stat("elb");
        assert_eq!((&elb.min, &elb.max, elb.null_count), (&None, &None, Some(3)));
        let known = Table::ALB.file_schema().fields().iter().filter(|f| file.stats.get(f.name()).is_some()).count();
        assert_eq!(known, 33);
        let extra = stat("extra");
        assert_eq!((&extra.min, &extra.max, extra.null_count), (&None, &None, Some(3)));
    }
}

/// Our reading of the log, beside that of the Delta library.
#[tokio::test(flavor = "multi_thread")]
async fn we_read_what_the_delta_library_reads() {
    let place = Place::new();
    let lake = place.lake().await;
    let url = Url::from_directory_path(place.log(Table::ALB).parent().unwrap()).unwrap();
    let log_store = logstore_for(&url, StorageConfig::default()).unwrap();
    for i in 0..45 {
        let path = format!("day=2025-11-{:02}/{i}.parquet", i % 3 + 1);
        let file = place.write(Table::ALB, &path, &alb_columns());
        lake.commit(Table::ALB, &[txn(&i.to_string())], vec![file]).await.unwrap();
        if i % 10 == 4 {
            remove(&log_store, &path).await;
        }
    }
    let mut table = DeltaTable::new(log_store.clone());
    table.load().await.unwrap();
    let state = table.snapshot().unwrap();
    let theirs: BTreeMap<String, (u64, Option<u64>)> = state
        .log_data()
        .iter()
        .map(|file| (file.path().to_string(), (file.size() as u64, file.num_records().map(|n| n as u64))))
        .collect();
    for lake in [lake, Lake::open(&place.path()).await.unwrap()] {
        let ours = lake.snapshot(Table::ALB).await.unwrap();
        assert_eq!(ours.version, Some(state.version()));
        let folder = lake.location(Table::ALB, "");
        let name = |file: &albatross_lake::DataFile| file.location.as_ref()[folder.as_ref().len() + 1..].to_owned();
        let ours: BTreeMap<_, _> = ours.files.iter().map(|f| (name(f), (f.size, f.rows))).collect();
        assert_eq!(ours.len(), 40);
        assert_eq!(ours, theirs);
        for id in lake.txns(Table::ALB).await.unwrap().iter() {
            assert_eq!(state.transaction_version(&log_store, id).await.unwrap(), Some(1));
        }
        assert_eq!(lake.txns(Table::ALB).await.unwrap().len(), 45);
    }
}

/// Removes a file with the Delta library, as a compaction or a retention job would.
async fn remove(log_store: &deltalake_core::logstore::LogStoreRef, path: &str) {
    let mut table = DeltaTable::new(log_store.clone());
    table.load().await.unwrap();
    let remove = Remove { path: path.to_owned(), data_change: true, deletion_timestamp: Some(0), ..Remove::default() };
    let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    CommitBuilder::default()
        .with_actions(vec![Action::Remove(remove)])
        .build(Some(table.snapshot().unwrap()), log_store.clone(), operation)
        .await
        .unwrap();
}

#[tokio::test]
async fn tables_changed_by_others_are_not_written_to() {
    let place = Place::new();
    let lake = place.lake().await;
    for table in [Table::Rejects, Table::METRICS] {
        lake.commit(table, &[], vec![]).await.unwrap();
    }
    let add = |table: Table, version: u64, action: &str| {
        fs::write(place.log(table).join(format!("{version:020}.json")), action).unwrap();
    };
    // Writer 7: may be read, not written.
    add(Table::Rejects, 2, r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":[]}}"#);
    let error = lake.commit(Table::Rejects, &[txn("a")], vec![]).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { writer: 7, .. }), "{error}");
    assert_eq!(lake.snapshot(Table::Rejects).await.unwrap().version, Some(2));
    // Reader 3, for example deletion vectors: not even read.
    add(Table::Rejects, 3, r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}"#);
    let error = lake.snapshot(Table::Rejects).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { reader: 3, .. }), "{error}");
    // Columns we know are missing.
    let schema =
        r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"line\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"#;
    let metadata = format!(r#"{{"metaData":{{"id":"x","schemaString":"{schema}","partitionColumns":[]}}}}"#);
    add(Table::Ingested, 1, &metadata);
    let error = lake.commit(Table::Ingested, &[txn("a")], vec![]).await.unwrap_err();
    assert!(matches!(error, Error::Schema { .. }), "{error}");
    // Half a commit, which nobody leaves behind who creates it as a whole.
    add(Table::METRICS, 2, r#"{"txn":{"appId":"#);
    let error = lake.commit(Table::METRICS, &[txn("a")], vec![]).await.unwrap_err();
    assert!(matches!(error, Error::Log { version: 2, .. } | Error::Delta(_)), "{error}");
}

#[tokio::test]
async fn what_is_not_a_lake_is_not_opened() {
    let place = Place::new();
    let empty = place.dir.path().to_str().unwrap().to_owned();
    let file = place.dir.path().join("file");
    fs::write(&file, "x").unwrap();
    for location in [empty.as_str(), "no/such/folder", file.to_str().unwrap(), "file:///no/such/folder"] {
        let Err(error) = Lake::open(location).await else { panic!("{location}") };
        assert!(matches!(error, Error::NotALake { .. }), "{location}: {error}");
    }
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 1, "looking creates nothing");
    for location in ["", "hdfs://host/lake", "gopher://x", "file://host/x"] {
        let Err(error) = Lake::open(location).await else { panic!("{location}") };
        assert!(matches!(error, Error::Location { .. }), "{location}: {error}");
    }
    // A folder below a file, and one of the tables instead of the lake.
    let lake = place.lake().await;
    let table = lake.root().join("ingested/").unwrap();
    for location in [file.join("lake").to_str().unwrap(), table.as_str()] {
        let Err(error) = Lake::open_or_create(location).await else { panic!("{location}") };
        assert!(matches!(error, Error::Location { .. }), "{location}: {error}");
    }
    let again = Lake::open(lake.root().as_str()).await.unwrap();
    assert_eq!(again.root(), lake.root());
    let ids: [TxnId; 0] = [];
    assert!(matches!(again.commit(Table::ALB, &ids, vec![]).await.unwrap(), Commit::Committed { .. }));
}
