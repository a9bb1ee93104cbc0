//! Maintenance: the same rows before and after, whoever else is there.

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use albatross_ingest::maintain::{self, maintain};
use albatross_lake::{Change, Replaced, Table};
use chrono::{Days, TimeDelta, Utc};
use common::{Site, day, line};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Runtime;
use uuid::Uuid;

fn options() -> maintain::Options {
    maintain::Options { rows_per_group: 500, ..maintain::Options::default() }
}

#[test]
fn small_files_become_few_sorted_ones_with_the_same_rows() {
    let site = Site::new();
    site.fill(day("2026-11-19"), 6, 400);
    site.fill(day("2026-11-20"), 1, 10);
    let (before, bytes) = (site.all(), site.bytes(Table::ALB));
    assert_eq!(before[0].0, 2410);

    let planned = site.maintain(&maintain::Options { dry_run: true, ..options() });
    assert_eq!((planned.compacted.len(), site.files(Table::ALB).len()), (3, 7), "alb, rejects, ingested");
    let summary = site.maintain(&options());
    let alb = &summary.compacted[0];
    assert_eq!((alb.table, alb.day, alb.files_before, alb.files_after), (Table::ALB, Some(day("2026-11-19")), 6, 1));
    assert!(site.bytes(Table::ALB) < bytes, "{} {bytes}", site.bytes(Table::ALB));
    assert_eq!(site.all(), before);
    for (table, files) in [(Table::ALB, 2), (Table::Rejects, 1), (Table::Ingested, 1)] {
        assert_eq!(site.files(table).len(), files, "{table}");
    }

    let file = fs::File::open(site.on_disk(&site.files(Table::ALB)[0])).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(builder.schema().fields(), albatross_formats::alb::schema().fields());
    let groups: Vec<i64> = builder.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert!(groups.len() >= 5 && groups.iter().all(|rows| *rows <= 500), "{groups:?}");
    let mut arrivals = Vec::new();
    for batch in builder.build().unwrap() {
        use arrow::array::AsArray;
        let batch = batch.unwrap();
        let column = batch.column(0).as_primitive::<arrow::datatypes::TimestampMicrosecondType>().clone();
        arrivals.extend_from_slice(column.values());
    }
    assert!(arrivals.is_sorted() && arrivals.len() == 2400);

    let again = site.maintain(&options());
    assert_eq!((again.compacted, again.lost, again.checkpoints, again.deleted_files), (vec![], vec![], 0, 0));
    // Nobody takes the sources for new ones.
    let known = site.ingest(&[site.logs()]);
    assert_eq!((known.already, known.ingested_files()), (7, 0));
}

#[test]
fn a_large_day_becomes_files_of_the_wanted_size_one_behind_the_other() {
    let site = Site::new();
    site.fill(day("2026-11-19"), 8, 500);
    let before = site.all();
    let target = site.bytes(Table::ALB) / 3;
    let summary = site.maintain(&maintain::Options { target, rows_per_group: 200, ..options() });
    let alb = &summary.compacted[0];
    assert!((2..=3).contains(&alb.files_after), "{alb:?}");
    let mut bounds: Vec<_> = site
        .files(Table::ALB)
        .iter()
        .map(|file| file.stats.get("started_at").map(|stat| (format!("{:?}", stat.min), format!("{:?}", stat.max))))
        .collect();
    bounds.sort();
    assert!(bounds.windows(2).all(|pair| pair[0].as_ref().unwrap().1 <= pair[1].as_ref().unwrap().1), "{bounds:?}");
    assert_eq!(site.all(), before);
}

#[test]
fn ids_outlive_compaction_checkpoint_and_clean_up() {
    let site = Site::new();
    site.fill(day("2026-11-19"), 5, 20);
    let before = site.all();
    let all_old = maintain::Options { grace: TimeDelta::zero(), log_grace: TimeDelta::seconds(-1), ..options() };
    let summary = site.maintain(&all_old);
    assert_eq!(summary.deleted_files, 15, "alb, rejects, ingested");
    assert!(summary.log_files > 15 && summary.checkpoints == 3, "{summary:?}");
    assert_eq!([Table::ALB, Table::Rejects, Table::Ingested].map(|table| site.stored(table)), [1, 1, 1]);
    let known = site.ingest(&[site.logs()]);
    assert_eq!((known.already, known.ingested_files()), (5, 0));
    assert_eq!(site.all(), before);
    // And the lake goes on.
    site.fill(day("2026-11-20"), 1, 20);
    assert_eq!(site.content(Table::ALB).0, 120);
}

#[test]
fn clean_up_spares_what_is_young_or_in_the_table() {
    let site = Site::new();
    site.fill(day("2026-11-19"), 3, 20);
    let stray = site.folder.path().join(format!("lake/alb/day=2026-11-19/{}.parquet", Uuid::new_v4()));
    fs::write(&stray, "left by a crash").unwrap();
    site.maintain(&options());
    assert_eq!(site.stored(Table::ALB), 5, "the new one, the three it replaces, and the stray one");
    assert_eq!(
        site.maintain(&maintain::Options { dry_run: true, grace: TimeDelta::zero(), ..options() }).deleted_files,
        10
    );
    assert!(stray.exists());
    // What was written long ago may have been removed just now.
    for file in walkdir::WalkDir::new(site.folder.path().join("lake/alb/day=2026-11-19")) {
        let path = file.unwrap().into_path();
        if path.is_file() {
            let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
            fs::File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
    }
    assert_eq!(site.maintain(&options()).deleted_files, 1);
    assert!(!stray.exists());
    assert_eq!((site.stored(Table::ALB), site.content(Table::ALB).0), (4, 60));
}

#[test]
fn half_written_files_of_killed_runs_go_when_they_are_old() {
    let site = Site::new();
    site.fill(day("2026-11-19"), 1, 20);
    let half = |age: u64| {
        let path = site.folder.path().join(format!("lake/alb/day=2026-11-19/{}.parquet#1", Uuid::new_v4()));
        fs::write(&path, "half").unwrap();
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
        fs::File::options().append(true).open(&path).unwrap().set_modified(then).unwrap();
        path
    };
    let (young, old) = (half(60), half(25 * 3600));
    let planned = site.maintain(&maintain::Options { dry_run: true, ..options() });
    assert_eq!((planned.deleted_files, planned.deleted_bytes, old.exists()), (1, 4, true));
    let done = site.maintain(&options());
    assert_eq!((done.deleted_files, young.exists(), old.exists()), (1, true, false));
    assert_eq!(site.content(Table::ALB).0, 20);
}

#[test]
fn days_past_retention_go_and_their_sources_stay_known() {
    let site = Site::new();
    let today = Utc::now().date_naive();
    for ago in [0, 2, 3, 9] {
        site.fill(today - Days::new(ago), 2, 10);
    }
    let keep = |days| maintain::Options { retain_days: Some(days), ..options() };
    let dry = site.maintain(&maintain::Options { dry_run: true, ..keep(2) });
    assert_eq!((dry.dropped.days, dry.dropped.rows, site.content(Table::ALB).0), (2, 40, 80));
    let summary = site.maintain(&keep(2));
    assert_eq!((summary.dropped.days, summary.dropped.files, summary.dropped.rows), (2, 4, 40));
    let days: Vec<_> = site.files(Table::ALB).iter().map(|file| file.day.unwrap()).collect();
    assert_eq!(days, [today - Days::new(2), today]);
    assert_eq!(site.maintain(&keep(2)).dropped, maintain::Dropped::default());
    assert_eq!(site.runtime.block_on(site.lake().kept_from(Table::ALB)).unwrap(), Some(today - Days::new(2)));
    let known = site.ingest(&[site.logs()]);
    assert_eq!((known.already, known.ingested_files()), (8, 0));
}

#[test]
fn a_damaged_file_is_named_and_the_others_are_merged() {
    let site = Site::new();
    site.fill(day("2026-11-19"), 4, 20);
    let damaged = site.on_disk(&site.files(Table::ALB)[1]);
    fs::write(&damaged, "PAR1 no more PAR1").unwrap();
    let summary = maintain(site.runtime.handle(), &site.lake(), &options(), &AtomicBool::new(false), &|_| {}).unwrap();
    assert_eq!(summary.failures.len(), 1);
    assert!(damaged.ends_with(summary.failures[0].source.rsplit('/').next().unwrap()));
    assert_eq!(summary.compacted[0].files_before, 3);
    assert_eq!(site.files(Table::ALB).len(), 2);
}

#[test]
fn whoever_comes_second_changes_nothing() {
    let site = Site::new();
    site.fill(day("2026-11-19"), 4, 20);
    let before = site.content(Table::ALB);
    let lake = site.lake();
    let files = site.files(Table::ALB);
    // While its files are being merged, one of them is taken out.
    let taken = std::cell::Cell::new(false);
    let on_event = |event: maintain::Event<'_>| {
        if matches!(event, maintain::Event::Compacting { table: Table::ALB, .. }) && !taken.replace(true) {
            let kept_from = day("2026-11-19");
            let gone = lake.replace(Table::ALB, &files[..1], &[], Change::Retention { kept_from });
            assert!(matches!(site.runtime.block_on(gone).unwrap(), Replaced::Committed { .. }));
        }
    };
    let summary =
        maintain(site.runtime.handle(), &site.lake(), &options(), &AtomicBool::new(false), &on_event).unwrap();
    assert_eq!(summary.lost, ["alb day=2026-11-19"]);
    assert!(summary.compacted.iter().all(|done| done.table != Table::ALB));
    assert_eq!((site.files(Table::ALB).len(), site.stored(Table::ALB)), (3, 4), "its own file is deleted");
    assert_eq!(site.content(Table::ALB).0, before.0 - 20);
}

#[test]
fn two_at_once_beside_ingests_lose_and_double_nothing() {
    let site = Site::new();
    let rounds = 4;
    for round in 0..rounds {
        let paths: Vec<PathBuf> = (0..6)
            .map(|i| {
                let text: String = (0..30).map(|n| line(day("2026-11-19"), (round * 6 + i) * 30 + n)).collect();
                site.put(&format!("{round}-{i}.log"), &text)
            })
            .collect();
        std::thread::scope(|scope| {
            for half in paths.chunks(3) {
                scope.spawn(|| half.iter().for_each(|path| drop(site.ingest(std::slice::from_ref(path)))));
                scope.spawn(|| (0..3).for_each(|_| drop(site.maintain(&options()))));
            }
            scope.spawn(|| (0..5).for_each(|_| assert!(site.content(Table::ALB).0.is_multiple_of(30))));
        });
    }
    let beside = site.content(Table::ALB);
    assert_eq!(site.content(Table::Ingested).0, 6 * rounds as u64);
    // The same without anybody else.
    let alone = Site { folder: tempfile::tempdir().unwrap(), runtime: Runtime::new().unwrap() };
    alone.ingest(&[site.logs()]);
    assert_eq!(alone.content(Table::ALB), beside);
    assert_eq!(beside.0, 180 * rounds as u64);
}
