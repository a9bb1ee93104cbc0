//! A lake in a bucket: the same promises as on a disk, whatever happens on the way.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use albatross_lake::{Commit, Error, Lake, NewFile, Table};
use albatross_s3::{AccessKey, Limits, Options, S3};
use albatross_testbed::{Answer, Fault, Faults, Moto, Proxy};
use arrow::array::{Int64Array, RecordBatch, new_null_array};
use object_store::ObjectStoreExt;
use parquet::arrow::ArrowWriter;

use crate::place::txn;

/// With what makes trouble in URLs.
const LAKE: &str = "s3://lakes/my läke #1 100%";

struct Site {
    _moto: Moto,
    proxy: Proxy,
}

impl Site {
    async fn new() -> Option<Site> {
        let moto = Moto::start("lakes").await?;
        let proxy = Proxy::start(moto.port()).await;
        Some(Site { _moto: moto, proxy })
    }

    fn s3(&self) -> S3 {
        S3::new(Options {
            endpoint: Some(self.proxy.endpoint()),
            access_key: Some(AccessKey { id: "test".into(), secret: "test".into() }),
            limits: Limits {
                first_wait: Duration::from_millis(5),
                longest_wait: Duration::from_millis(50),
                silence: Duration::from_millis(1500),
                ..Limits::default()
            },
            ..Options::default()
        })
    }

    async fn lake(&self) -> Lake {
        Lake::open_or_create_with(LAKE, &self.s3()).await.unwrap()
    }
}

/// Writes a small file of rejects.
async fn rejects(lake: &Lake, name: &str) -> NewFile {
    let schema = Table::Rejects.file_schema();
    let column = |field: &arrow::datatypes::FieldRef| match field.name().as_str() {
        "line" => Arc::new(Int64Array::from(vec![1, 2])),
        _ => new_null_array(field.data_type(), 2),
    };
    let batch = RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect()).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, None).unwrap();
    writer.write(&batch).unwrap();
    let metadata = writer.close().unwrap();
    let path = format!("{name}.parquet");
    let file = NewFile::from_parquet(path.clone(), bytes.len() as u64, None, &metadata);
    lake.object_store().put(&lake.location(Table::Rejects, &path), bytes.into()).await.unwrap();
    file
}

// One thread, as an ingest has for all its requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn commits_checkpoints_and_reopening() {
    let Some(site) = Site::new().await else { return };
    let none = Lake::open_with(LAKE, &site.s3()).await.err().unwrap();
    assert!(matches!(none, Error::NotALake { .. }), "{none}");
    let lake = site.lake().await;
    assert_eq!(lake.root().as_str(), "s3://lakes/my%20l%C3%A4ke%20%231%20100%25/");
    let mut all = HashSet::new();
    for i in 0..45 {
        let id = txn(&i.to_string());
        let files = if i % 9 == 0 { vec![rejects(&lake, &i.to_string()).await] } else { vec![] };
        let commit = lake.commit(Table::Rejects, &[id], files).await.unwrap();
        assert_eq!(commit, Commit::Committed { version: i + 1 });
        all.insert(id);
    }
    let checkpoint = lake.location(Table::Rejects, "_delta_log/00000000000000000040.checkpoint.parquet");
    assert!(lake.object_store().head(&checkpoint).await.is_ok());
    for lake in [lake, Lake::open_with(LAKE, &site.s3()).await.unwrap()] {
        let snapshot = lake.snapshot(Table::Rejects).await.unwrap();
        assert_eq!((snapshot.version, snapshot.files.len()), (Some(45), 5));
        assert!(lake.object_store().head(&snapshot.files[0].location).await.is_ok());
        assert_eq!(*lake.txns(Table::Rejects).await.unwrap(), all);
        let again = lake.commit(Table::Rejects, &[txn("0")], vec![]).await.unwrap();
        assert_eq!(again, Commit::AlreadyThere(vec![txn("0")]));
    }
    let table = format!("{LAKE}/rejects");
    let error = Lake::open_or_create_with(&table, &site.s3()).await.err().unwrap().to_string();
    assert!(error.contains("a Delta table itself"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_commit_the_same_file_at_once_one_wins() {
    let Some(site) = Site::new().await else { return };
    site.lake().await;
    for round in 0..5 {
        let id = txn(&round.to_string());
        let mut tasks = tokio::task::JoinSet::new();
        for i in 0..4 {
            let lake = Lake::open_with(LAKE, &site.s3()).await.unwrap();
            lake.txns(Table::Rejects).await.unwrap(); // all start from the same version
            let own = txn(&format!("{round}-{i}"));
            tasks.spawn(async move {
                let own = lake.commit(Table::Rejects, &[own], vec![]).await.unwrap();
                assert!(matches!(own, Commit::Committed { .. }), "{own:?}");
                lake.commit(Table::Rejects, &[id], vec![]).await.unwrap()
            });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|o| matches!(o, Commit::Committed { .. })).count(), 1, "{outcomes:?}");
    }
    assert_eq!(site.lake().await.txns(Table::Rejects).await.unwrap().len(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_get_lost_are_neither_losses_nor_duplicates() {
    let Some(site) = Site::new().await else { return };
    let mut version = 0;
    for (seed, fault) in [(1, Fault::LostAnswer), (2, Fault::FalseError), (3, Fault::Reset), (4, Fault::ShortBody)] {
        site.proxy.set(Faults { seed, faults: vec![(fault, 0.3)] });
        let lake = site.lake().await;
        for i in 0..10 {
            let id = txn(&format!("{fault:?} {i}"));
            version += 1;
            assert_eq!(lake.commit(Table::Rejects, &[id], vec![]).await.unwrap(), Commit::Committed { version });
            assert_eq!(lake.commit(Table::Rejects, &[id], vec![]).await.unwrap(), Commit::AlreadyThere(vec![id]));
        }
        assert!(site.proxy.done()[&fault] > 0, "{fault:?}");
    }
    site.proxy.set(Faults::default());
    let lake = site.lake().await;
    assert_eq!(lake.txns(Table::Rejects).await.unwrap().len(), 40);
    assert_eq!(lake.snapshot(Table::Rejects).await.unwrap().version, Some(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_overwrites_where_it_must_not_is_refused() {
    let Some(site) = Site::new().await else { return };
    site.proxy.rule(|request| {
        request.headers.retain(|(name, _)| name != "if-none-match");
        None
    });
    let error = Lake::open_or_create_with(LAKE, &site.s3()).await.err().unwrap();
    assert!(matches!(error, Error::Location { .. }) && error.to_string().contains("If-None-Match"), "{error}");
    site.proxy.rule(|request| {
        let unknown =
            Answer::error(501, "NotImplemented", "A header you provided implies functionality that is not implemented");
        request.header("if-none-match").map(|_| unknown)
    });
    let error = Lake::open_or_create_with(LAKE, &site.s3()).await.err().unwrap();
    assert!(matches!(error, Error::Location { .. }) && error.to_string().contains("If-None-Match"), "{error}");
    site.proxy.rule(|_| None);
    let store = site.s3().bucket("lakes").await.unwrap();
    assert_eq!(store.list("", false).await.unwrap().objects, [], "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named() {
    let Some(site) = Site::new().await else { return };
    site.proxy.rule(|request| (request.method == "PUT").then(|| Answer::error(403, "AccessDenied", "Access Denied")));
    let mut error: &dyn std::error::Error = &Lake::open_or_create_with("s3://lakes/l", &site.s3()).await.err().unwrap();
    let mut text = error.to_string();
    while let Some(cause) = error.source() {
        text += &format!(": {cause}");
        error = cause;
    }
    assert!(text.contains("permission s3:PutObject on arn:aws:s3:::lakes/l/.probe-"), "{text}");
    assert!(text.contains(r#""Resource":"arn:aws:s3:::lakes/l*""#), "{text}");
}
