//! Every kind of damage is found, and named.

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use albatross_ingest::maintain;
use albatross_ingest::verify::{Options, Summary, verify};
use albatross_lake::{Change, DataFile, NewFile, Replaced, Table};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use chrono::{Days, TimeDelta, Utc};
use common::{Site, day, line};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use uuid::Uuid;

impl Site {
    fn verify(&self, sources: Option<&[PathBuf]>) -> (Summary, Vec<String>) {
        let texts = |paths: &[PathBuf]| paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect();
        let options = Options { sources: sources.map(texts), ..Options::default() };
        let found = std::cell::RefCell::new(Vec::new());
        let on_finding =
            |f: &albatross_ingest::verify::Finding| found.borrow_mut().push(format!("{}: {}", f.place, f.what));
        let summary =
            verify(self.runtime.handle(), &self.lake(), &options, &AtomicBool::new(false), &on_finding).unwrap();
        let found = found.into_inner();
        assert_eq!(summary.findings as usize, found.len());
        (summary, found)
    }

    fn batch(&self, file: &DataFile) -> RecordBatch {
        let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(self.on_disk(file)).unwrap()).unwrap();
        let schema = builder.schema().clone();
        let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema, &batches).unwrap()
    }

    /// Puts another file with these rows in the place of one, as a fault of a program or a hand would.
    fn swap(&self, table: Table, file: &Arc<DataFile>, batch: &RecordBatch) {
        let name = Uuid::new_v4();
        let path = file.day.map_or_else(|| format!("{name}.parquet"), |day| format!("day={day}/{name}.parquet"));
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        let metadata = writer.close().unwrap();
        let new = NewFile::from_parquet(&path, bytes.len() as u64, file.day, &metadata);
        fs::write(self.folder.path().join("lake").join(table.name()).join(&path), bytes).unwrap();
        let (lake, old, new) = (self.lake(), [file.clone()], [new]);
        let replaced = self.runtime.block_on(lake.replace(table, &old, &new, Change::Compaction)).unwrap();
        assert!(matches!(replaced, Replaced::Committed { .. }));
    }
}

fn with(batch: &RecordBatch, column: &str, array: ArrayRef) -> RecordBatch {
    let mut columns = batch.columns().to_vec();
    columns[batch.schema().index_of(column).unwrap()] = array;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn filled() -> Site {
    let site = Site::new();
    site.fill(day("2026-11-19"), 3, 20);
    site.put("empty.log", "");
    site.put("cpu.csv", "time,resource,average,maximum\n2026-11-19T18:00:00Z,web,30,100\n");
    site.ingest(&[site.logs()]);
    site
}

#[test]
fn a_sound_lake_has_no_findings_before_and_after_maintenance() {
    let site = filled();
    for _ in 0..2 {
        let (summary, found) = site.verify(Some(&[]));
        assert_eq!(found, [] as [&str; 0]);
        assert_eq!((summary.sources, summary.read_again, summary.gone.len()), (5, 5, 0));
        let options = maintain::Options { grace: TimeDelta::zero(), ..Default::default() };
        assert!(!site.maintain(&options).compacted.is_empty() || summary.files < 8);
    }
}

#[test]
fn files_that_are_missing_cut_or_exchanged_are_named() {
    let site = filled();
    let files = site.files(Table::ALB);
    fs::remove_file(site.on_disk(&files[0])).unwrap();
    let bytes = fs::read(site.on_disk(&files[1])).unwrap();
    fs::write(site.on_disk(&files[1]), &bytes[..bytes.len() - 100]).unwrap();
    fs::copy(site.on_disk(&site.files(Table::METRICS)[0]), site.on_disk(&files[2])).unwrap();
    let (_, found) = site.verify(None);
    let of =
        |file: &DataFile| found.iter().filter(|f| f.starts_with(file.location.as_ref())).cloned().collect::<Vec<_>>();
    assert!(of(&files[0])[0].ends_with("it is missing"), "{found:?}");
    assert!(of(&files[1]).iter().any(|f| f.contains("cannot be read")), "{found:?}");
    assert!(of(&files[1]).iter().any(|f| f.contains("bytes, the log says")), "{found:?}");
    assert!(of(&files[2]).iter().any(|f| f.contains("it has 1 rows, the log says 20")), "{found:?}");
    assert!(of(&files[2]).iter().any(|f| f.contains("no `started_at`")), "{found:?}");
}

#[test]
fn rows_that_were_added_lost_moved_or_doubled_are_found() {
    let site = filled();
    let [a, b, c] = &site.files(Table::ALB)[..] else { panic!() };
    site.swap(Table::ALB, a, &site.batch(a).slice(0, 19));
    let rows = site.batch(b);
    site.swap(Table::ALB, b, &concat_batches(&rows.schema(), [&rows.slice(0, 1), &rows]).unwrap());
    let lines: Int64Array =
        site.batch(c).column_by_name("line").unwrap().as_primitive::<Int64Type>().unary(|n| n + n % 2);
    site.swap(Table::ALB, c, &with(&site.batch(c), "line", Arc::new(lines)));
    let (_, found) = site.verify(Some(&[]));
    let has = |text: &str| assert!(found.iter().any(|f| f.contains(text)), "{text}: {found:#?}");
    has("it has 19 rows in the lake, the ledger says 20");
    has("it has 21 rows in the lake, the ledger says 20");
    has("1 of its lines are in the lake more than once");
    has("10 of its lines are in the lake more than once");
    has("10 of its lines are not in the lake, such as line 1");
}

#[test]
fn order_day_bounds_and_strays_are_found() {
    let site = filled();
    let [a, b, c] = &site.files(Table::ALB)[..] else { panic!() };
    let rows = site.batch(a);
    let backwards = arrow::array::UInt32Array::from_iter_values((0..rows.num_rows() as u32).rev());
    site.swap(Table::ALB, a, &arrow::compute::take_record_batch(&rows, &backwards).unwrap());
    let rows = site.batch(b);
    let strange: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["nowhere.log"; rows.num_rows()]));
    // Written under another day's folder.
    let path = format!("day=2026-11-20/{}.parquet", Uuid::new_v4());
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&with(&rows, "source_file", strange)).unwrap();
    let metadata = writer.close().unwrap();
    let stray = NewFile::from_parquet(&path, bytes.len() as u64, Some(day("2026-11-20")), &metadata);
    fs::create_dir_all(site.folder.path().join("lake/alb/day=2026-11-20")).unwrap();
    fs::write(site.folder.path().join("lake/alb").join(&path), bytes).unwrap();
    let id = albatross_lake::TxnId::of_source("stray", "", 1);
    site.runtime.block_on(site.lake().commit(Table::ALB, &[id], vec![stray])).unwrap();
    // Other values than those whose bounds are in the log.
    fs::copy(site.on_disk(b), site.on_disk(c)).unwrap();
    let (_, found) = site.verify(None);
    let has = |text: &str| assert!(found.iter().any(|f| f.contains(text)), "{text}: {found:#?}");
    has("its rows are not sorted");
    has("it has rows of another day");
    has("nowhere.log: it has 20 rows in the lake, but is not in the ledger");
    has(&format!("the log has the id {id}, the ledger does not"));
    has("outside the bounds");
}

#[test]
fn a_ledger_that_was_edited_is_found() {
    let site = filled();
    site.maintain(&maintain::Options::default());
    let [ledger] = &site.files(Table::Ingested)[..] else { panic!() };
    let rows = site.batch(ledger);
    let column = |name: &str| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
    let wanted = column("rows").iter().position(|n| n == Some(20)).unwrap();
    let change = |name: &str, by: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter(
            column(name).iter().enumerate().map(|(i, n)| n.map(|n| if i == wanted { n + by } else { n })),
        ))
    };
    let edited = with(&with(&rows, "rows", change("rows", 1)), "rejects", change("rejects", -1));
    site.swap(Table::Ingested, ledger, &edited);
    let (_, found) = site.verify(None);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("it has 1 rejects in the lake, the ledger says 0"), "{found:#?}");
    assert!(found[1].contains("it has 20 rows in the lake, the ledger says 21"), "{found:#?}");
    let [ledger] = &site.files(Table::Ingested)[..] else { panic!() };
    site.swap(Table::Ingested, ledger, &rows.slice(0, rows.num_rows() - 1));
    let (_, found) = site.verify(None);
    assert!(found.iter().any(|f| f.contains("the ledger does not")), "{found:#?}");
}

#[test]
fn sources_that_changed_are_gone_or_are_not_in_the_lake() {
    let site = filled();
    let path = |name: &str| site.logs().join(name);
    site.put("2026-11-19-0.log", &line(day("2026-11-19"), 3));
    fs::remove_file(path("2026-11-19-1.log")).unwrap();
    site.put("new.log", &line(day("2026-11-19"), 4));
    let (summary, found) = site.verify(Some(&[]));
    assert_eq!(summary.gone, [path("2026-11-19-1.log").to_str().unwrap()]);
    assert_eq!(found, [format!("{}: it has changed since it was ingested", path("2026-11-19-0.log").display())]);
    let (_, found) = site.verify(Some(&[site.logs()]));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_eq!(found[1], format!("{}: it is not in the lake", path("new.log").display()));
}

#[test]
fn days_that_were_dropped_are_no_findings() {
    let site = Site::new();
    let today = Utc::now().date_naive();
    site.fill(today, 2, 10);
    site.fill(today - Days::new(5), 2, 10);
    site.maintain(&maintain::Options { retain_days: Some(2), ..Default::default() });
    let (summary, found) = site.verify(Some(&[]));
    assert_eq!((found, summary.dropped), (vec![], 2));
}
