//! A folder of logs and a lake beside it.
#![allow(dead_code)] // each test takes what it needs

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use albatross_formats::Settings;
use albatross_ingest::maintain::{self, Summary, maintain};
use albatross_ingest::{Options, Window, ingest};
use albatross_lake::{DataFile, Lake, Table};
use albatross_s3::S3;
use chrono::NaiveDate;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tokio::runtime::Runtime;

/// Line `n` of a day: some seconds after the one before, of another client and path.
pub(crate) fn line(day: NaiveDate, n: usize) -> String {
    let (hour, minute, second) = (n / 600 % 24, n / 10 % 60, n * 7 % 60);
    let time = format!("{day}T{hour:02}:{minute:02}:{second:02}");
    let url = if n.is_multiple_of(11) {
        "-".to_owned()
    } else {
        format!("https://shop.example.com:443/api/users/{n}/badges?x={}", n % 7)
    };
    let target = if n.is_multiple_of(5) { "- -1 -1 -1 502 -" } else { "10.0.1.5:8080 0.001 0.012 0.000 200 200" };
    format!(
        "https {time}.500000Z app/shop/50dc6c495c0c9188 203.0.113.{}:49120 {target} 512 {n} \"GET {url} HTTP/1.1\" \"curl/8.5.{}\" \
         TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1 \
         \"Root=1-673cd6f0-{n:024x}\" \"shop.example.com\" \"session-reused\" 1 {time}.{:06}Z \"forward\" \"-\" \"-\" \
         \"10.0.1.5:8080\" \"200\" \"-\" \"-\" TID_{n:016x} \"-\" \"-\" \"-\" 10.0.0.9 - -\n",
        n % 250,
        n % 9,
        n % 1_000_000
    )
}

pub(crate) fn day(name: &str) -> NaiveDate {
    name.parse().unwrap()
}

/// A folder for logs, and a lake beside it.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) runtime: Runtime,
}

impl Site {
    pub(crate) fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        Site { folder, runtime: Runtime::new().unwrap() }
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.path().join("logs").canonicalize().unwrap()
    }

    pub(crate) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.logs().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn lake(&self) -> Lake {
        let path = self.folder.path().join("lake");
        self.runtime.block_on(Lake::open_or_create(path.to_str().unwrap())).unwrap()
    }

    pub(crate) fn ingest(&self, inputs: &[PathBuf]) -> albatross_ingest::Summary {
        self.ingest_into(&self.lake(), inputs)
    }

    pub(crate) fn ingest_into(&self, lake: &Lake, inputs: &[PathBuf]) -> albatross_ingest::Summary {
        let options = Options {
            inputs: inputs.iter().map(|p| p.to_str().unwrap().to_string()).collect(),
            window: Window::default(),
            s3: S3::default(),
            threads: 1,
            memory_per_thread: 0,
            max_rejects: 1.0,
            shard: None,
            format: None,
            settings: Settings::default(),
            route_rules: "1".into(),
        };
        ingest(self.runtime.handle(), lake, &options, &AtomicBool::new(false), &|_| {}).unwrap()
    }

    /// So many ingests of one file each, whose lines interleave; every file has a line that cannot be read.
    pub(crate) fn fill(&self, date: NaiveDate, files: usize, lines: usize) {
        for i in 0..files {
            let text: String = (0..lines).map(|n| line(date, n * files + i)).collect();
            let path = self.put(&format!("{date}-{i}.log"), &(text + "this is no line\n"));
            assert_eq!(self.ingest(&[path]).ingested_files(), 1);
        }
    }

    pub(crate) fn maintain(&self, options: &maintain::Options) -> Summary {
        let summary = maintain(self.runtime.handle(), &self.lake(), options, &AtomicBool::new(false), &|_| {}).unwrap();
        assert_eq!(summary.failures, []);
        summary
    }

    pub(crate) fn files(&self, table: Table) -> Vec<Arc<DataFile>> {
        self.runtime.block_on(self.lake().snapshot(table)).unwrap().files
    }

    pub(crate) fn on_disk(&self, file: &DataFile) -> PathBuf {
        PathBuf::from(format!("/{}", file.location))
    }

    pub(crate) fn bytes(&self, table: Table) -> u64 {
        self.files(table).iter().map(|file| file.size).sum()
    }

    /// The number of rows and a hash of them all, in whatever order they are.
    pub(crate) fn content(&self, table: Table) -> (u64, u64) {
        let (mut rows, mut hash) = (0, 0u64);
        for file in self.files(table) {
            let reader = SerializedFileReader::new(fs::File::open(self.on_disk(&file)).unwrap()).unwrap();
            for row in reader.get_row_iter(None).unwrap() {
                rows += 1;
                hash = hash.wrapping_add(xxhash_rust::xxh3::xxh3_64(row.unwrap().to_string().as_bytes()));
            }
        }
        (rows, hash)
    }

    pub(crate) fn all(&self) -> Vec<(u64, u64)> {
        Table::ALL.iter().map(|table| self.content(*table)).collect()
    }

    /// Parquet files in the table's folder, in the table or not.
    pub(crate) fn stored(&self, table: Table) -> usize {
        let folder = self.folder.path().join("lake").join(table.name());
        let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
        files
            .filter(|e| {
                e.path().extension().is_some_and(|e| e == "parquet")
                    && !e.path().to_string_lossy().contains("_delta_log")
            })
            .count()
    }
}
