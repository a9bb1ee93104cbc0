//! Ingest as its users meet it: real files in a folder, a real lake, and every way in which files are bad.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use albatross_formats::Settings;
use albatross_ingest::{Event, Options, Summary, Window, ingest};
use albatross_lake::{Lake, Table, Value};
use albatross_s3::S3;
use flate2::{Compression, write::GzEncoder};
use tokio::runtime::Runtime;

/// A good line; `second` moves its time.
fn line(second: u32) -> String {
    let (minute, second) = (second / 60 % 60, second % 60);
    format!(
        "https 2026-11-19T18:{minute:02}:{second:02}.500000Z app/shop/50dc6c495c0c9188 203.0.113.7:49120 10.0.1.5:8080 0.001 0.012 0.000 \
         200 200 512 2048 \"GET https://shop.example.com:443/api/users/4711/badges?x=1 HTTP/1.1\" \"curl/8.5.0\" TLS_AES_128_GCM_SHA256 \
         TLSv1.3 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1 \"Root=1-673cd6f0-{second:024x}\" \
         \"shop.example.com\" \"session-reused\" 1 2026-11-19T18:{minute:02}:{second:02}.487000Z \"forward\" \"-\" \"-\" \
         \"10.0.1.5:8080\" \"200\" \"-\" \"-\" TID_16132ed0b4112148 \"-\" \"-\" \"-\" 10.0.0.9 - -\n"
    )
}

fn lines(from: u32, to: u32) -> String {
    (from..to).map(line).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A folder for logs, and a lake beside it.
struct Site {
    folder: tempfile::TempDir,
    runtime: Runtime,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        Site { folder, runtime: Runtime::new().unwrap() }
    }

    fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.logs().join(name), bytes).unwrap();
    }

    fn lake(&self) -> Lake {
        let path = self.folder.path().join("lake");
        self.runtime.block_on(Lake::open_or_create(path.to_str().unwrap())).unwrap()
    }

    fn options(&self, inputs: &[&Path]) -> Options {
        Options {
            inputs: inputs.iter().map(|p| p.to_str().unwrap().to_string()).collect(),
            window: Window::default(),
            s3: S3::default(),
            threads: 2,
            memory_per_thread: 0,
            max_rejects: 1.0,
            shard: None,
            format: None,
            settings: Settings::default(),
            route_rules: "1".into(),
        }
    }

    fn run_with(&self, options: &Options, on_event: &(dyn Fn(Event) + Sync)) -> Summary {
        let lake = self.lake();
        ingest(self.runtime.handle(), &lake, options, &AtomicBool::new(false), on_event).unwrap()
    }

    fn run(&self) -> Summary {
        self.run_with(&self.options(&[&self.logs()]), &|_| {})
    }

    fn rows(&self, table: Table) -> u64 {
        let snapshot = self.runtime.block_on(self.lake().snapshot(table)).unwrap();
        snapshot.files.iter().map(|file| file.rows.unwrap()).sum()
    }

    /// Parquet files on disk, committed or not.
    fn parquet_files(&self, table: Table) -> usize {
        let mut count = 0;
        let mut folders = vec![self.folder.path().join("lake").join(table.name())];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "parquet")
                    && !path.to_string_lossy().contains("checkpoint")
                {
                    count += 1;
                }
            }
        }
        count
    }
}

#[test]
fn a_folder_of_all_kinds_and_a_second_run() {
    let site = Site::new();
    site.put("a.log", lines(0, 10));
    site.put("b.log.gz", gzip(&lines(10, 30)));
    site.put("c-two-members.log.gz", [gzip(&lines(30, 40)), gzip(&lines(40, 50))].concat());
    site.put("d.log.zst", zstd::stream::encode_all(lines(50, 60).as_bytes(), 1).unwrap());
    let text = lines(60, 70);
    let (first, rest) = text.split_at(3);
    site.put("e-tiny-first-member.log.gz", [gzip(first), gzip(""), gzip(rest)].concat());
    site.put("f-padded.log.gz", [gzip(&lines(70, 80)), vec![0; 1000]].concat());
    site.put("ELBAccessLogTestFile", "Enable AccessLog for ELB: app/shop at 2026-11-19T17:00:00Z\n");
    site.put("empty.log", "");
    site.put("empty.log.gz", gzip(""));
    site.put("cpu.csv", "time,resource,average,maximum\n2026-11-19T18:00:00Z,web,30,100\n");
    let first = site.run();
    assert_eq!(first.failures, []);
    assert_eq!((first.found, first.ingested_files(), first.counts.rows), (10, 10, 81));
    assert_eq!(site.rows(Table::ALB), 80);
    assert_eq!(site.rows(Table::METRICS), 1);
    assert_eq!(site.rows(Table::Ingested), 10);
    let second = site.run();
    assert_eq!((second.already, second.ingested_files(), second.commits), (10, 0, 0));
    assert_eq!(site.rows(Table::ALB), 80);
}

#[test]
fn a_file_that_breaks_midway_leaves_nothing_and_the_others_go_on() {
    let site = Site::new();
    let whole = gzip(&lines(0, 2000));
    site.put("good.log.gz", gzip(&lines(0, 5)));
    site.put("truncated.log.gz", &whole[..whole.len() / 2]);
    let mut damaged = whole.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 0xff;
    site.put("wrong-crc.log.gz", damaged);
    site.put("two-members-second-broken.log.gz", [whole.clone(), whole[..100].to_vec()].concat());
    site.put("bytes-behind-the-end.log.gz", [gzip(&lines(0, 5)), b"junk\n".to_vec()].concat());
    site.put("binary.bin", [0x7f, b'E', b'L', b'F', 2, 1, 1, 0]);
    let summary = site.run();
    let reasons: Vec<(String, String)> =
        summary.failures.iter().map(|f| (f.source.rsplit('/').next().unwrap().to_string(), f.reason.clone())).collect();
    let reason =
        |name: &str| &reasons.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name} in {reasons:?}")).1;
    assert!(reason("truncated.log.gz").contains("truncated"));
    assert!(reason("wrong-crc.log.gz").contains("checksum"));
    assert!(reason("two-members-second-broken.log.gz").contains("truncated"));
    assert!(reason("bytes-behind-the-end.log.gz").contains("bytes that are not gzip follow the data at byte"));
    assert!(reason("binary.bin").contains("not recognised"));
    assert_eq!((reasons.len(), summary.ingested_files()), (5, 1));
    assert_eq!(site.rows(Table::ALB), 5);
    assert_eq!(site.rows(Table::Ingested), 1);

    // Mended files are taken by the next run.
    site.put("truncated.log.gz", &whole);
    let summary = site.run();
    assert_eq!((summary.ingested_files(), summary.already), (1, 1));
    assert_eq!(site.rows(Table::ALB), 2005);
}

#[test]
fn bad_lines_become_rejects_with_their_place() {
    let site = Site::new();
    let good = line(1);
    site.put("torn.log", format!("{good}{}\n{good}not a log line at all\n\n{good}", &good[..200]));
    let summary = site.run();
    let counts = summary.counts;
    assert_eq!((counts.lines, counts.rows, counts.rejects, counts.skipped()), (6, 3, 2, 1));
    assert_eq!(site.rows(Table::Rejects), 2);
    let snapshot = site.runtime.block_on(site.lake().snapshot(Table::Rejects)).unwrap();
    let byte = snapshot.files[0].stats.get("byte").unwrap();
    assert_eq!(byte.min, Some(Value::Int(good.len() as i64)));
}

#[test]
fn too_many_bad_lines_fail_the_file() {
    let site = Site::new();
    site.put("bad.log", format!("{}x\ny\n", line(1)));
    site.put("good.log", lines(0, 10));
    let options = Options { max_rejects: 0.5, ..site.options(&[&site.logs()]) };
    let summary = site.run_with(&options, &|_| {});
    assert_eq!((summary.failures.len(), summary.ingested_files()), (1, 1));
    assert!(summary.failures[0].reason.contains("2 of 3 lines are bad"), "{:?}", summary.failures);
    assert!(summary.failures[0].reason.contains("line 2"), "{:?}", summary.failures);
    assert_eq!((site.rows(Table::ALB), site.rows(Table::Rejects)), (10, 0));
}

#[test]
fn a_touched_file_is_known_and_a_changed_one_is_refused() {
    let site = Site::new();
    site.put("a.log", lines(0, 10));
    site.run();
    std::thread::sleep(std::time::Duration::from_millis(20));
    site.put("a.log", lines(0, 10));
    let touched = site.run();
    assert_eq!((touched.already, touched.ingested_files(), touched.failures.len()), (1, 0, 0));
    site.put("a.log", lines(0, 11));
    let grown = site.run();
    assert!(grown.failures[0].reason.contains("changed since it was ingested"));
    assert_eq!(site.rows(Table::ALB), 10);
}

#[test]
fn a_large_file_is_read_in_pieces_with_the_same_result() {
    // Over the limit for files that are read whole, so that it is cut, and written to several Parquet files.
    let text = lines(0, 3600).repeat(26);
    let rows = 3600 * 26;
    let site = Site::new();
    site.put("plain.log", format!("{text}torn\n"));
    let summary = site.run();
    assert_eq!((summary.counts.rows, summary.counts.rejects, summary.failures.len()), (rows, 1, 0));
    assert_eq!(site.rows(Table::ALB), rows);
    let rejects = site.runtime.block_on(site.lake().snapshot(Table::Rejects)).unwrap();
    assert_eq!(rejects.files[0].stats.get("line").unwrap().min, Some(Value::Int(rows as i64 + 1)));
    assert_eq!(rejects.files[0].stats.get("byte").unwrap().min, Some(Value::Int(text.len() as i64)));

    let parquet = site.parquet_files(Table::ALB);
    let mut broken = gzip(&text);
    broken.truncate(broken.len() - 9);
    site.put("broken.log.gz", broken);
    let summary = site.run();
    assert!(summary.failures[0].reason.contains("truncated"), "{:?}", summary.failures);
    assert_eq!(site.rows(Table::ALB), rows);
    assert_eq!(site.parquet_files(Table::ALB), parquet, "files of the broken source are deleted");
}

#[test]
fn a_file_that_turns_out_too_large_for_memory_is_read_once() {
    // Small as stored, so that it is begun like a small file; its members together are more than is kept in memory.
    let member = gzip(&lines(0, 3600));
    let site = Site::new();
    site.put("a-before.log", lines(0, 7));
    site.put("grows.log.gz", [gzip(&lines(0, 1)), member.repeat(48)].concat());
    let options = Options { threads: 1, ..site.options(&[&site.logs()]) };
    let summary = site.run_with(&options, &|_| {});
    assert_eq!((summary.counts.rows, summary.failures.len()), (7 + 1 + 48 * 3600, 0));
    assert_eq!(site.rows(Table::ALB), summary.counts.rows);
}

#[test]
fn two_ingests_at_once_take_each_file_once() {
    let site = Site::new();
    for i in 0..40 {
        site.put(&format!("{i:02}.log"), lines(i * 10, i * 10 + 10));
    }
    let summaries = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| site.run())).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(summaries.iter().map(Summary::ingested_files).sum::<u64>(), 40);
    assert!(summaries.iter().all(|s| s.ingested_files() + s.already == 40 && s.failures.is_empty()));
    assert_eq!((site.rows(Table::ALB), site.rows(Table::Ingested)), (400, 40));
}

#[test]
fn a_stopped_run_commits_what_is_complete_and_goes_on_later() {
    let site = Site::new();
    for i in 0..50 {
        site.put(&format!("{i:02}.log"), lines(i, i + 1));
    }
    let lake = site.lake();
    let stop = AtomicBool::new(false);
    let read = std::sync::atomic::AtomicU64::new(0);
    let on_event = |event: Event| {
        if matches!(event, Event::Read { .. }) && read.fetch_add(1, Ordering::Relaxed) == 10 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let options = site.options(&[&site.logs()]);
    let summary = ingest(site.runtime.handle(), &lake, &options, &stop, &on_event).unwrap();
    assert!(summary.ingested_files() >= 10 && summary.left >= 1, "{summary:?}");
    assert_eq!(summary.ingested_files() + summary.left, 50);
    assert_eq!(site.rows(Table::ALB), summary.ingested_files());
    let rest = site.run();
    assert_eq!(rest.ingested_files(), summary.left);
    assert_eq!(site.rows(Table::ALB), 50);
}

#[test]
fn rows_are_split_by_day_and_sorted_by_arrival() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let site = Site::new();
    let late = line(0).replace("2026-11-19T18", "2026-11-20T00");
    site.put("midnight.log", format!("{late}{}{}", line(9), line(3)));
    site.run();
    let snapshot = site.runtime.block_on(site.lake().snapshot(Table::ALB)).unwrap();
    let days: Vec<String> = snapshot.files.iter().map(|file| file.day.unwrap().to_string()).collect();
    assert_eq!(days, ["2026-11-19", "2026-11-20"]);
    let path = format!("/{}", snapshot.files[0].location);
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
    let batch = reader.map(Result::unwrap).next().unwrap();
    assert_eq!(batch.schema().fields(), albatross_formats::alb::schema().fields());
    use arrow::array::AsArray;
    let arrivals = batch.column(0).as_primitive::<arrow::datatypes::TimestampMicrosecondType>().values().to_vec();
    assert!(arrivals.is_sorted() && arrivals.len() == 2);
}
