//! Sources in S3: the same rows as from a disk, only what is asked for, and every way in which S3 fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use albatross_formats::Settings;
use albatross_ingest::{Event, Options, Summary, Window, ingest};
use albatross_lake::{Lake, Table};
use albatross_s3::{AccessKey, Limits, S3};
use albatross_testbed::{Answer, Fault, Faults, Loopback, Moto, Proxy, Request};
use bytes::Bytes;
use object_store::ObjectStoreExt;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn line(minute: usize, id: usize) -> String {
    format!(
        "https 2026-11-19T18:{:02}:00.500000Z app/shop/50dc6c495c0c9188 203.0.113.7:49120 10.0.1.5:8080 0.001 0.012 0.000 \
         200 200 512 2048 \"GET https://shop.example.com:443/api/users/{id}/badges HTTP/1.1\" \"curl/8.5.0\" TLS_AES_128_GCM_SHA256 \
         TLSv1.3 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1 \"Root=1-673cd6f0-{id:024x}\" \
         \"shop.example.com\" \"session-reused\" 1 2026-11-19T18:{:02}:00.487000Z \"forward\" \"-\" \"-\" \
         \"10.0.1.5:8080\" \"200\" \"-\" \"-\" TID_16132ed0b4112148 \"-\" \"-\" \"-\" 10.0.0.9 - -\n",
        minute % 60,
        minute % 60
    )
}

/// The name of a file as AWS gives it, in its folder.
fn key(region: &str, day: u32, end: &str, n: usize) -> String {
    format!(
        "AWSLogs/123456789012/elasticloadbalancing/{region}/2026/11/{day:02}/\
         123456789012_elasticloadbalancing_{region}_app.shop.50dc6c495c0c9188_202611{end}Z_10.0.0.9_{n:04}.log.gz"
    )
}

/// A server with a bucket `logs`, a proxy before it, and a folder with the same files as the bucket.
struct Site {
    runtime: Runtime,
    server: Server,
    proxy: Proxy,
    dir: TempDir,
}

enum Server {
    Moto(Moto),
    Loopback(Loopback),
}

impl Site {
    fn new() -> Option<Site> {
        Site::with(async |_| Some(Server::Moto(Moto::start("logs").await?)))
    }

    /// Runs a test on both servers, moto where it is.
    fn each(test: impl Fn(Site)) {
        Site::with(async |bucket| Some(Server::Loopback(Loopback::start(bucket, "logs").await.unwrap()))).map(&test);
        Site::new().map(test);
    }

    fn with(start: impl AsyncFnOnce(&Path) -> Option<Server>) -> Option<Site> {
        // One thread for all requests, as the binary has.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        for folder in ["logs", "bucket"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let server = runtime.block_on(start(&dir.path().join("bucket")))?;
        let port = match &server {
            Server::Moto(moto) => moto.port(),
            Server::Loopback(loopback) => loopback.port(),
        };
        let proxy = runtime.block_on(Proxy::start(port));
        Some(Site { runtime, server, proxy, dir })
    }

    fn logs(&self) -> PathBuf {
        self.dir.path().join("logs").canonicalize().unwrap()
    }

    fn put(&self, key: &str, text: &str) {
        let path = self.logs().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.put_object(key, text.as_bytes());
    }

    /// Into the bucket alone.
    fn put_object(&self, key: &str, body: &[u8]) {
        match &self.server {
            Server::Moto(moto) => self.runtime.block_on(moto.put("logs", key, body)),
            Server::Loopback(_) => {
                let path = self.dir.path().join("bucket").join(key);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, body).unwrap();
            }
        }
    }

    /// So many small files of one day.
    fn put_many(&self, files: usize) {
        for n in 0..files {
            let text: String = (0..5).map(|i| line(n, n * 10 + i)).collect();
            self.put(&key("eu-central-1", 19, &format!("19T18{:02}", n % 60), n), &text);
        }
        self.put("AWSLogs/123456789012/ELBAccessLogTestFile", "Enable AccessLog for ELB: shop\n");
        self.put("AWSLogs/broken.log", &(line(1, 1) + "this is no line\n"));
    }

    fn lake(&self, name: &str) -> Lake {
        let path = self.dir.path().join(name);
        self.runtime.block_on(Lake::open_or_create(path.to_str().unwrap())).unwrap()
    }

    fn options(&self, input: &str) -> Options {
        let limits = Limits {
            attempts: 10,
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_millis(50),
            connect: Duration::from_secs(1),
            silence: Duration::from_millis(500),
        };
        let s3 = albatross_s3::Options {
            endpoint: Some(self.proxy.endpoint()),
            access_key: Some(AccessKey { id: "test".into(), secret: "test".into() }),
            limits,
            ..albatross_s3::Options::default()
        };
        Options {
            inputs: vec![input.to_owned()],
            window: Window::default(),
            s3: S3::new(s3),
            threads: 2,
            memory_per_thread: 0,
            max_rejects: 1.0,
            shard: None,
            format: None,
            settings: Settings::default(),
            route_rules: "1".into(),
        }
    }

    fn ingest(&self, lake: &Lake, options: &Options) -> Summary {
        ingest(self.runtime.handle(), lake, options, &AtomicBool::new(false), &|_| {}).unwrap()
    }

    /// All rows of the tables of rows and rejects as text, sorted, with the names of files relative to where they came from.
    fn rows(&self, lake: &Lake) -> Vec<String> {
        let mut rows = Vec::new();
        let disk = format!("{}/", self.logs().display());
        for table in [Table::ALB, Table::Rejects] {
            for file in self.runtime.block_on(lake.snapshot(table)).unwrap().files {
                let get = async { lake.object_store().get(&file.location).await.unwrap().bytes().await.unwrap() };
                let bytes: Bytes = self.runtime.block_on(get);
                let reader = SerializedFileReader::new(bytes).unwrap();
                for row in reader.get_row_iter(None).unwrap() {
                    let row = row.unwrap().to_string().replace(&disk, "").replace("s3://logs/", "");
                    let end = if table == Table::Rejects { row.find("ingested_at") } else { None };
                    rows.push(row[..end.unwrap_or(row.len())].to_owned());
                }
            }
        }
        rows.sort();
        rows
    }

    fn rows_from_disk(&self) -> Vec<String> {
        let lake = self.lake("from-disk");
        let summary = self.ingest(&lake, &self.options(self.logs().to_str().unwrap()));
        assert!(summary.failures.is_empty(), "{summary:?}");
        self.rows(&lake)
    }
}

/// What was listed: prefixes.
fn listed(requests: &[Request]) -> Vec<String> {
    let lists = requests.iter().filter_map(|r| r.target.split_once("list-type=2"));
    let mut prefixes: Vec<String> = lists
        .filter_map(|(_, rest)| rest.split('&').find_map(|pair| pair.strip_prefix("prefix=")))
        .map(|prefix| prefix.replace("%2F", "/"))
        .collect();
    prefixes.sort();
    prefixes
}

#[test]
fn the_same_rows_as_from_a_disk_and_nothing_the_second_time() {
    Site::each(the_same_rows);
}

fn the_same_rows(site: Site) {
    site.put_many(70);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/evening/cpu.json");
    site.put("cpu.json", &fs::read_to_string(sample).unwrap());
    let lake = site.lake("from-s3");
    let first = site.ingest(&lake, &site.options("s3://logs"));
    assert_eq!((first.found, first.ingested_files(), first.failures.len()), (73, 73, 0), "{first:?}");
    let rows = site.rows(&lake);
    assert_eq!(rows.len(), 70 * 5 + 2);
    assert_eq!(rows, site.rows_from_disk());

    site.proxy.take_requests();
    let second = site.ingest(&lake, &site.options("s3://logs/"));
    assert_eq!((second.found, second.already, second.ingested_files()), (73, 73, 0));
    let gets = site.proxy.take_requests().into_iter().filter(|r| r.target.contains(".gz")).count();
    assert_eq!(gets, 0, "known files are not fetched");
    assert_eq!(site.rows(&lake).len(), rows.len());

    // The same object under the same key with other content: its earlier lines would come twice. Written again: known.
    site.put("AWSLogs/broken.log", &line(1, 1));
    site.put_object("cpu.json", &fs::read(site.logs().join("cpu.json")).unwrap());
    let third = site.ingest(&lake, &site.options("s3://logs/"));
    assert_eq!((third.already, third.failures.len()), (72, 1), "{third:?}");
    assert!(third.failures[0].reason.contains("has changed since"), "{third:?}");
}

#[test]
fn prefixes_keys_and_globs() {
    let Some(site) = Site::new() else { return };
    for name in ["a/b.log", "a/c.log", "a/d/e.log", "a.log", "ab/f.log", "a/.hidden", "a/README.md"] {
        site.put_object(name, line(0, name.len()).as_bytes());
    }
    site.put_object("a/d/", b""); // a folder, as the console makes it
    let lake = site.lake("lake");
    let found = |input: &str| {
        let summary = site.ingest(&lake, &site.options(input));
        let reasons = summary.failures.iter().map(|failure| failure.reason.as_str()).collect::<Vec<_>>().join("; ");
        (summary.found, reasons)
    };
    assert_eq!(found("s3://logs/a/b.log"), (1, String::new()));
    assert_eq!(found("s3://logs/a/"), (3, String::new()));
    assert_eq!(found("s3://logs/a"), (3, String::new()), "a folder, not all that begins with a");
    assert_eq!(found("s3://logs/a*"), (5, String::new()), "as a shell does it");
    assert_eq!(found("s3://logs/a/*.log"), (2, String::new()));
    assert_eq!(found("s3://logs"), (5, String::new()));
    assert_eq!(found("s3://logs/x"), (0, "there is no such object or folder".into()));
    assert_eq!(found("s3://logs/x/"), (0, "there are no objects here".into()));
    assert_eq!(found("s3://logs/x*"), (0, "no object matches this pattern".into()));
    assert_eq!(found("s3://logs/*/b.log"), (0, "a * can stand in the last part only".into()));
    assert!(found("s3://other/x").1.starts_with("there is no bucket `other`"));
}

#[test]
fn only_the_days_that_are_asked_for_are_listed() {
    Site::each(only_those_days);
}

fn only_those_days(site: Site) {
    let mut n = 0;
    for region in ["eu-central-1", "us-east-1"] {
        for day in 17..=22 {
            for hour in [0, 6, 12, 18] {
                n += 1;
                site.put(&key(region, day, &format!("{day}T{hour:02}00"), n), &line(n, n));
            }
        }
    }
    // Delivered on the day after.
    site.put(&key("eu-central-1", 20, "19T1755", 100), &line(0, 100));
    site.put("AWSLogs/123456789012/CloudTrail/eu-central-1/2026/11/19/x.json.gz", "{}");
    let window = Window { from: "2026-11-19T12:00:00Z".parse().ok(), to: "2026-11-19T18:00:00Z".parse().ok() };
    site.proxy.take_requests();
    let lake = site.lake("lake");
    let summary = site.ingest(&lake, &Options { window, ..site.options("s3://logs/") });
    assert_eq!((summary.found, summary.ingested_files(), summary.failures.len()), (3, 3, 0), "{summary:?}");
    let base = "AWSLogs/123456789012/elasticloadbalancing/";
    let mut expected = vec!["".to_owned(), "AWSLogs/".into(), "AWSLogs/123456789012/".into(), base.into()];
    for region in ["eu-central-1", "us-east-1"] {
        for below in ["", "2026/", "2026/11/", "2026/11/19/", "2026/11/20/"] {
            expected.push(format!("{base}{region}/{below}"));
        }
    }
    expected.sort();
    assert_eq!(listed(&site.proxy.take_requests()), expected);

    // The same window on a disk takes the same files.
    let lake = site.lake("from-disk");
    let disk = Options {
        window,
        ..site.options(site.logs().join("AWSLogs/123456789012/elasticloadbalancing").to_str().unwrap())
    };
    assert_eq!(site.ingest(&lake, &disk).ingested_files(), 3);
    // A prefix inside the layout, and a window without anything.
    let below = format!("s3://logs/{base}us-east-1/2026/11/");
    assert_eq!(site.ingest(&site.lake("3"), &Options { window, ..site.options(&below) }).ingested_files(), 1);
    let never = Window { from: "2030-01-01T00:00:00Z".parse().ok(), to: None };
    let summary = site.ingest(&site.lake("3"), &Options { window: never, ..site.options("s3://logs/AWSLogs/") });
    assert_eq!((summary.found, summary.failures.len()), (0, 0));
}

#[test]
fn what_cannot_be_read_is_reported_once_and_the_rest_is_ingested() {
    Site::each(reported_once);
}

fn reported_once(site: Site) {
    site.put_many(12);
    site.proxy.rule(|request| {
        let get = request.method == "GET" && request.target.contains(".log.gz");
        match request.target.rsplit_once("_00") {
            Some((_, "03.log.gz?x-id=GetObject")) if get => {
                Some(Answer::error(404, "NoSuchKey", "The key does not exist."))
            }
            Some((_, "05.log.gz?x-id=GetObject" | "06.log.gz?x-id=GetObject")) if get => {
                Some(Answer::error(403, "AccessDenied", "Access Denied"))
            }
            Some((_, "07.log.gz?x-id=GetObject")) if get => Some(Answer::error(412, "PreconditionFailed", "x")),
            _ => None,
        }
    });
    let lake = site.lake("lake");
    let summary = site.ingest(&lake, &site.options("s3://logs/AWSLogs/"));
    assert_eq!((summary.ingested_files(), summary.failures.len()), (10, 4), "{summary:?}");
    let reasons: BTreeMap<&str, &str> =
        summary.failures.iter().map(|f| (&f.source[f.source.len() - 11..], f.reason.as_str())).collect();
    assert_eq!(reasons["0003.log.gz"], "it was deleted after it was listed");
    assert_eq!(reasons["0007.log.gz"], "it was overwritten while it was read: run again");
    let denied = [reasons["0005.log.gz"], reasons["0006.log.gz"]];
    assert!(denied.iter().all(|reason| reason.starts_with("permission s3:GetObject on arn:aws:s3:::logs/AWSLogs/")));
    assert_eq!(
        denied.iter().filter(|reason| reason.contains(r#""Version":"2012-10-17""#)).count(),
        1,
        "the policy once"
    );
    let requests = site.proxy.take_requests();
    for end in ["_0003", "_0005", "_0006", "_0007"] {
        assert_eq!(requests.iter().filter(|r| r.target.contains(end)).count(), 1, "{end}");
    }

    // Everything is well again: what failed is taken, once.
    site.proxy.rule(|_| None);
    let again = site.ingest(&lake, &site.options("s3://logs/AWSLogs/"));
    assert_eq!((again.already, again.ingested_files(), again.failures.len()), (10, 4, 0));

    // A bucket that may not be listed.
    site.proxy.rule(|request| request.target.contains("list-type").then(|| Answer::error(403, "AccessDenied", "x")));
    let denied = site.ingest(&lake, &site.options("s3://logs/AWSLogs/"));
    assert!(
        denied.failures[0].reason.contains("permission s3:ListBucket on arn:aws:s3:::logs is missing"),
        "{denied:?}"
    );
}

#[test]
fn an_object_that_is_overwritten_after_the_listing_is_noticed() {
    Site::each(overwritten);
}

fn overwritten(site: Site) {
    site.put("a.log", &line(0, 1));
    site.put("b.log", &line(0, 2));
    let lake = site.lake("lake");
    let overwrite = |event: Event| {
        if matches!(event, Event::Start { .. }) {
            site.put("a.log", &line(0, 3));
        }
    };
    let stop = AtomicBool::new(false);
    let summary = ingest(site.runtime.handle(), &lake, &site.options("s3://logs"), &stop, &overwrite).unwrap();
    assert_eq!((summary.ingested_files(), summary.failures.len()), (1, 1), "{summary:?}");
    assert_eq!(summary.failures[0].reason, "it was overwritten while it was read: run again");
    assert_eq!(site.ingest(&lake, &site.options("s3://logs")).ingested_files(), 1);
}

#[test]
fn an_object_that_does_not_fit_into_memory_is_read_in_ranges() {
    Site::each(in_ranges);
}

fn in_ranges(site: Site) {
    let padding = format!("\"curl/8.5.0 {}\"", "x".repeat(6000));
    let text: String = (0..6000).map(|i| line(i / 100, i).replace("\"curl/8.5.0\"", &padding)).collect();
    assert!(text.len() > 33 << 20);
    site.put("large.log", &text);
    drop(text);
    // Not the same any more when the third range is asked for: nothing of it is taken.
    site.proxy.rule(|request| {
        let third = request.header("range").is_some_and(|range| range.starts_with("bytes=16777216-"));
        third.then(|| Answer::error(412, "PreconditionFailed", "x"))
    });
    let lake = site.lake("lake");
    let failed = site.ingest(&lake, &site.options("s3://logs/large.log"));
    assert_eq!(failed.failures[0].reason, "it was overwritten while it was read: run again");
    assert_eq!(site.rows(&lake).len(), 0);

    site.proxy.rule(|_| None);
    site.proxy.set(Faults { seed: 1, faults: vec![(Fault::ShortBody, 0.3)] });
    assert_eq!(site.ingest(&lake, &site.options("s3://logs/large.log")).counts.rows, 6000);
    assert!(site.rows(&lake) == site.rows_from_disk());
}

#[test]
fn who_pays_is_said_with_every_request() {
    let Some(site) = Site::new() else { return };
    site.put("a.log", &line(0, 1));
    let s3 = albatross_s3::Options {
        endpoint: Some(site.proxy.endpoint()),
        access_key: Some(AccessKey { id: "test".into(), secret: "test".into() }),
        request_payer: true,
        ..albatross_s3::Options::default()
    };
    let options = Options { s3: S3::new(s3), ..site.options("s3://logs/") };
    site.proxy.take_requests();
    assert_eq!(site.ingest(&site.lake("lake"), &options).ingested_files(), 1);
    let requests = site.proxy.take_requests();
    let asked: Vec<_> = requests.iter().filter(|r| r.method == "GET").collect();
    assert!(
        asked.len() >= 2 && asked.iter().all(|r| r.header("x-amz-request-payer") == Some("requester")),
        "{requests:?}"
    );
}

#[test]
fn a_tenth_of_all_requests_may_be_refused_or_cut_short() {
    let faults = [Fault::SlowDown, Fault::InternalError, Fault::Reset, Fault::ShortBody];
    Site::each(|site| fails_and_is_equal(&site, &faults.map(|fault| (fault, 0.1))));
}

#[test]
fn a_tenth_of_all_requests_may_meet_silence() {
    Site::each(|site| fails_and_is_equal(&site, &[(Fault::Stall, 0.1), (Fault::StallInBody, 0.1)]));
}

// Few requests write, so more of them are made to fail.
#[test]
fn answers_to_writes_may_get_lost() {
    Site::each(|site| fails_and_is_equal(&site, &[(Fault::LostAnswer, 0.4), (Fault::FalseError, 0.4)]));
}

/// One fault after the other, with source and lake behind the same network, and two ingests that do the same at once.
fn fails_and_is_equal(site: &Site, faults: &[(Fault, f64)]) {
    site.put_many(30);
    let expected = site.rows_from_disk();
    for (seed, &(fault, probability)) in faults.iter().enumerate() {
        site.proxy.set(Faults { seed: seed as u64, faults: vec![(fault, probability)] });
        let options = site.options("s3://logs/AWSLogs/");
        let location = format!("s3://logs/lakes/{fault:?}");
        let open = || site.runtime.block_on(Lake::open_or_create_with(&location, &options.s3)).unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| site.ingest(&open(), &options));
            for summary in [site.ingest(&open(), &options), other.join().unwrap()] {
                assert!(summary.failures.is_empty(), "{fault:?}: {summary:?}");
            }
        });
        assert!(site.proxy.done()[&fault] > 2, "{fault:?}: {:?}", site.proxy.done());
        site.proxy.set(Faults::default());
        assert!(site.rows(&open()) == expected, "{fault:?}");
    }
}
