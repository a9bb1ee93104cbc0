//! Maintenance and verification of a lake in S3, where one request in ten fails.

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use albatross_ingest::maintain::{Options, maintain};
use albatross_ingest::verify::{self, verify};
use albatross_lake::{Lake, Table};
use albatross_s3::{AccessKey, Limits, S3};
use albatross_testbed::{Fault, Faults, Loopback, Moto, Proxy};
use chrono::TimeDelta;
use common::{Site, day, line};

#[test]
fn a_lake_in_s3_is_maintained_and_verified() {
    let site = Site::new();
    let Some(moto) = site.runtime.block_on(Moto::start("lakes")) else { return };
    maintained_and_verified(&site, moto.port());
}

#[test]
fn so_is_a_lake_in_a_folder_that_is_served_as_a_bucket() {
    let site = Site::new();
    let bucket = site.folder.path().join("bucket");
    std::fs::create_dir(&bucket).unwrap();
    let loopback = site.runtime.block_on(Loopback::start(&bucket, "lakes")).unwrap();
    maintained_and_verified(&site, loopback.port());
}

fn maintained_and_verified(site: &Site, port: u16) {
    let proxy = site.runtime.block_on(Proxy::start(port));
    let limits = Limits {
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(50),
        silence: Duration::from_millis(1500),
        ..Limits::default()
    };
    let s3 = S3::new(albatross_s3::Options {
        endpoint: Some(proxy.endpoint()),
        access_key: Some(AccessKey { id: "test".into(), secret: "test".into() }),
        limits,
        ..albatross_s3::Options::default()
    });
    let lake = || site.runtime.block_on(Lake::open_or_create_with("s3://lakes/my lake", &s3)).unwrap();
    for i in 0..4 {
        let text: String = (0..50).map(|n| line(day("2026-11-19"), n * 4 + i)).collect();
        let path = site.put(&format!("{i}.log"), &text);
        assert_eq!(site.ingest_into(&lake(), &[path]).ingested_files(), 1);
    }
    let faults = [Fault::SlowDown, Fault::LostAnswer, Fault::Reset].map(|fault| (fault, 0.04));
    proxy.set(Faults { seed: 7, faults: faults.to_vec() });
    let stop = AtomicBool::new(false);
    let run = |grace| {
        let options = Options { grace, rows_per_group: 60, ..Options::default() };
        maintain(site.runtime.handle(), &lake(), &options, &stop, &|_| {}).unwrap()
    };
    let first = run(TimeDelta::hours(24));
    assert_eq!((first.compacted.len(), first.failures.len(), first.deleted_files), (2, 0, 0), "{first:?}");
    // S3's times are whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    let second = run(TimeDelta::zero());
    assert_eq!((second.compacted.len(), second.deleted_files), (0, 8), "{second:?}");
    assert!(proxy.done().values().sum::<u64>() > 0);
    proxy.set(Faults::default());

    let mut files = BTreeMap::new();
    for table in [Table::ALB, Table::Ingested] {
        let snapshot = site.runtime.block_on(lake().snapshot(table)).unwrap();
        files.insert(table.name(), snapshot.files.iter().map(|file| file.rows.unwrap()).collect::<Vec<_>>());
    }
    assert_eq!(files, BTreeMap::from([("alb", vec![200]), ("ingested", vec![4])]));
    let options = verify::Options { sources: Some(Vec::new()), s3: s3.clone(), settings: Default::default() };
    let summary = verify(site.runtime.handle(), &lake(), &options, &stop, &|found| panic!("{found:?}")).unwrap();
    assert_eq!((summary.sources, summary.read_again, summary.rows), (4, 4, 204));
}
