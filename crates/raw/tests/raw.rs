//! Files read by SQL where they are: the same rows as from a lake that they were ingested into.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use albatross_formats::{Format, Settings};
use albatross_ingest::{Options, Window, ingest};
use albatross_lake::Lake;
use albatross_query::{Session, write};
use albatross_raw::{Files, READ_LOGS};
use albatross_s3::S3;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A session without a lake that reads files.
struct Raw {
    runtime: Runtime,
    session: Session,
    files: Files,
}

impl Raw {
    fn new(settings: Settings) -> Raw {
        let runtime = Runtime::new().unwrap();
        let files = Files::new(runtime.handle().clone(), S3::default(), Window::default(), settings);
        let session = Session::without_lake(None).unwrap();
        session.read_files(std::sync::Arc::new(files.clone()), READ_LOGS, std::sync::Arc::new(files.clone()));
        Raw { runtime, session, files }
    }

    fn ask(&self, sql: &str) -> Result<String, String> {
        self.runtime.block_on(answer(&self.session, sql))
    }

    fn csv(&self, sql: &str) -> String {
        self.ask(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

async fn answer(session: &Session, sql: &str) -> Result<String, String> {
    let stream = session.sql(sql).await.map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    let written = write(albatross_query::Format::Csv, stream, &mut out, &albatross_query::Options::default()).await;
    written.map_err(|e| e.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

fn fixtures(format: Format) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/fixtures").join(format.name());
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !path.to_string_lossy().ends_with(".expected.json"));
    files.sort();
    files
}

/// What the user says of a fixture's lines.
fn settings(path: &Path) -> (String, Settings) {
    let expected = fs::read_to_string(path.with_extension("expected.json")).unwrap_or_else(|_| "{}".to_owned());
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let said = |key: &str| expected["settings"][key].as_str();
    let settings = Settings {
        zone: said("zone").map_or_else(|| Settings::default().zone, |zone| zone.parse().unwrap()),
        year: expected["settings"]["year"].as_i64().map(|year| year as i32),
        nginx_log_format: said("nginx_log_format").map(|format| format.parse().unwrap()),
        apache_log_format: said("apache_log_format").map(|format| format.parse().unwrap()),
        ..Settings::default()
    };
    (expected["settings"].to_string(), settings)
}

fn ingested(format: Format, settings: &Settings, inputs: Vec<String>) -> (tempfile::TempDir, Runtime, Session) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let lake = runtime.block_on(Lake::open_or_create(folder.path().to_str().unwrap())).unwrap();
    let options = Options {
        inputs,
        window: Window::default(),
        shard: None,
        s3: S3::default(),
        threads: 1,
        memory_per_thread: 200 << 20,
        max_rejects: 1.0,
        format: Some(format),
        settings: settings.clone(),
        route_rules: String::new(),
    };
    ingest(runtime.handle(), &lake, &options, &AtomicBool::new(false), &|_| {}).unwrap();
    let session = runtime.block_on(Session::open(&lake)).unwrap();
    (folder, runtime, session)
}

#[test]
fn every_fixture_has_the_rows_that_its_ingest_has() {
    let mut compared = 0;
    for format in Format::ALL {
        let mut by_settings: BTreeMap<String, (Settings, Vec<PathBuf>)> = BTreeMap::new();
        for path in fixtures(format) {
            let (said, settings) = settings(&path);
            by_settings.entry(said).or_insert((settings, Vec::new())).1.push(path);
        }
        for (settings, paths) in by_settings.into_values() {
            let inputs = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            let (_folder, runtime, lake) = ingested(format, &settings, inputs);
            let raw = Raw::new(settings);
            for path in paths {
                let path = path.canonicalize().unwrap();
                let path = path.to_str().unwrap();
                let of_lake = format!("SELECT * FROM {} WHERE source_file = '{path}'", format.name());
                let of_file = format!("SELECT * FROM read_logs('{path}', '{}')", format.name());
                let expected = runtime.block_on(answer(&lake, &of_lake)).unwrap();
                let got = raw.ask(&of_file).unwrap_or_else(|error| {
                    // Files that ingest refuses as a whole have no rows in the lake.
                    assert_eq!(expected.lines().count(), 1, "{path}: {error}");
                    expected.clone()
                });
                assert_eq!(sorted(&got), sorted(&expected), "{path}");
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

/// Lines in some order that does not depend on that of rows; cells with line ends are fine, too.
fn sorted(csv: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = csv.lines().collect();
    lines[1..].sort();
    lines
}

fn alb(n: usize) -> String {
    format!(
        "https 2026-11-19T18:00:{n:02}.500000Z app/shop/50dc6c495c0c9188 203.0.113.{n}:49120 10.0.1.5:8080 0.001 0.012 0.000 200 200 \
         512 2048 \"GET https://shop.example.com:443/api/users/{n} HTTP/1.1\" \"curl/8.5.0\" TLS_AES_128_GCM_SHA256 TLSv1.3 - \
         \"Root=1-673cd6f0-{n:024x}\" \"shop.example.com\" \"-\" 1 2026-11-19T18:00:{n:02}.487000Z \"forward\" \
         \"-\" \"-\" \"10.0.1.5:8080\" \"200\" \"-\" \"-\" TID_16132ed0b4112148 \"-\" \"-\" \"-\"\n"
    )
}

const NGINX: &str =
    "203.0.113.7 - - [19/Nov/2026:18:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\" 0.004\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A folder with `a/1.log` and `a/b/2.log.gz`, of an ALB, with 20 and 30 lines, and its path.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("a/1.log"), (0..20).map(alb).collect::<String>()).unwrap();
    fs::write(folder.path().join("a/b/2.log.gz"), gzip(&(20..50).map(alb).collect::<String>())).unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn files_folders_and_globs_are_tables() {
    let (_folder, path) = folder();
    let raw = Raw::new(Settings::default());
    for (from, rows) in [
        (format!("'{path}'"), 50),
        (format!("'{path}/a/1.log'"), 20),
        (format!("'{path}/**/*.gz'"), 30),
        (format!("\"{path}/a/*\""), 50),
        (format!("'{path}/a/1.log' AS one, '{path}/a/b' AS two"), 600),
        (format!("read_logs('{path}')"), 50),
        (format!("read_logs('{path}', 'alb') AS logs WHERE logs.client_ip = '203.0.113.42'"), 1),
        (format!("'{path}' WHERE day = '2026-11-19' AND route = '/api/users/:id' AND duration > 0.01"), 50),
        (format!("(SELECT * FROM '{path}' LIMIT 7)"), 7),
    ] {
        let statement = format!("SELECT count(*) AS n FROM {from}");
        assert_eq!(raw.csv(&statement), format!("n\n{rows}\n"), "{statement}");
    }
    let statement =
        format!("SELECT line, day, path FROM '{path}/**' WHERE source_file LIKE '%.gz' ORDER BY line DESC LIMIT 1");
    assert_eq!(raw.csv(&statement), "line,day,path\n30,2026-11-19,/api/users/49\n");
    assert_eq!(raw.files.take_bad(), BTreeMap::new());
}

#[test]
fn columns_are_those_of_the_lake() {
    let (_folder, path) = folder();
    let (_lake, runtime, session) = ingested(Format::Alb, &Settings::default(), vec![path.clone()]);
    let of_lake = runtime.block_on(answer(&session, "DESCRIBE alb")).unwrap();
    assert_eq!(Raw::new(Settings::default()).csv(&format!("DESCRIBE '{path}'")), of_lake);
}

#[test]
fn lines_that_cannot_be_read_are_told_once() {
    let (folder, path) = folder();
    fs::write(folder.path().join("a/3.log"), format!("{}no line of a log\n{}\n\n", alb(1), alb(2))).unwrap();
    let raw = Raw::new(Settings::default());
    let statement = format!("SELECT count(*) AS n FROM '{path}' AS a WHERE line IN (SELECT line FROM '{path}')");
    assert_eq!(raw.csv(&statement), "n\n52\n");
    let bad = raw.files.take_bad();
    assert_eq!(bad.len(), 1);
    let (name, bad) = bad.iter().next().unwrap();
    assert!(name.ends_with("a/3.log"), "{name}");
    assert_eq!((bad.counts.rows, bad.counts.rejects, bad.counts.skipped(), bad.first.line), (2, 1, 2, 2));
    assert_eq!(raw.files.take_bad(), BTreeMap::new());
}

#[test]
fn a_folder_of_several_kinds_is_not_one_table() {
    let (folder, path) = folder();
    fs::write(folder.path().join("access.log"), NGINX).unwrap();
    fs::write(folder.path().join("notes"), "remember the milk\n").unwrap();
    fs::write(folder.path().join("empty.log"), "").unwrap();
    let raw = Raw::new(Settings::default());
    let error = raw.ask(&format!("SELECT count(*) FROM '{path}'")).unwrap_err();
    assert!(error.contains("several kinds: 2 alb, 1 nginx, 1 not recognised ("), "{error}");
    assert!(error.contains(&format!("read_logs('{path}', 'alb')")), "{error}");
    fs::remove_file(folder.path().join("notes")).unwrap();
    for (format, rows) in [("alb", 50), ("nginx", 1), ("apache", 1)] {
        let statement = format!("SELECT count(*) AS n FROM read_logs('{path}', '{format}')");
        assert_eq!(raw.csv(&statement), format!("n\n{rows}\n"), "{format}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let (folder, path) = folder();
    fs::write(folder.path().join("notes.txt"), "remember the milk\n").unwrap();
    let whole = gzip(&(0..50).map(alb).collect::<String>());
    fs::write(folder.path().join("torn.log.gz"), &whole[..whole.len() - 9]).unwrap();
    fs::create_dir(folder.path().join("nothing")).unwrap();
    fs::write(folder.path().join("zero.log"), "").unwrap();
    let raw = Raw::new(Settings::default());
    for (from, said) in [
        (format!("'{path}/none.log'"), "there is no such file or folder"),
        (format!("'{path}/*.none'"), "no file matches this pattern"),
        (format!("'{path}/nothing'"), "there is no file"),
        (format!("'{path}/zero.log'"), "zero.log: the file is empty"),
        (format!("'{path}/notes.txt'"), "the file is not recognised as a log; if it is one, say of which format"),
        (format!("'{path}/torn.log.gz'"), "the file is truncated"),
        (format!("read_logs('{path}/a', 'nlb')"), "no file is of the format `nlb`"),
        (format!("read_logs('{path}/a', 'iis')"), "there is no format `iis`"),
        ("read_logs(1)".to_owned(), "read_logs takes texts"),
        ("albs".to_owned(), "there is no table `albs`"),
    ] {
        let error = raw.ask(&format!("SELECT count(*) FROM {from}")).unwrap_err();
        assert!(error.contains(said), "{from}: {error}");
    }
}

#[test]
fn a_large_file_streams_and_may_be_left_early() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.log.gz");
    let text: String = (0..60_000).map(|n| alb(n % 60)).collect();
    fs::write(&path, gzip(&text)).unwrap();
    let raw = Raw::new(Settings::default());
    let path = path.to_str().unwrap();
    assert_eq!(raw.csv(&format!("SELECT count(*) AS n, max(line) AS l FROM '{path}'")), "n,l\n60000,60000\n");
    assert_eq!(raw.csv(&format!("SELECT line FROM '{path}' LIMIT 3")), "line\n1\n2\n3\n");
}
