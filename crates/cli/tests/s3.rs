//! The binary with sources and lake in S3. Needs Python with moto; `make test` sets that up.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use albatross_testbed::{Fault, Faults, Moto, Proxy};

struct Site {
    runtime: tokio::runtime::Runtime,
    _moto: Moto,
    proxy: Proxy,
    home: tempfile::TempDir,
}

const LAKE: &str = "s3://logs/a lake";

impl Site {
    /// A bucket with the sample data.
    fn new() -> Option<Site> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let moto = runtime.block_on(Moto::start("logs"))?;
        let proxy = runtime.block_on(Proxy::start(moto.port()));
        runtime.block_on(moto.put_folder("logs", "prod/", &sample_data()));
        let home = tempfile::tempdir().unwrap();
        let profile = "[logs]\naws_access_key_id = test\naws_secret_access_key = test\n";
        std::fs::write(home.path().join("credentials"), profile).unwrap();
        Some(Site { runtime, _moto: moto, proxy, home })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_albatross"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("ALBATROSS_"))
        {
            command.env_remove(name);
        }
        let credentials = self.home.path().join("credentials");
        command.env("HOME", self.home.path()).env("AWS_SHARED_CREDENTIALS_FILE", credentials);
        command.env("AWS_PROFILE", "logs").env("AWS_ENDPOINT_URL_S3", self.proxy.endpoint());
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> Ran {
        done(self.start(args))
    }
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn done(child: Child) -> Ran {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

fn sample_data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/evening").canonicalize().unwrap()
}

const COUNTS: &str = "SELECT count(*) AS n, count(DISTINCT source_file) AS files, sum(sent_bytes) AS bytes FROM alb";

#[test]
fn from_s3_to_s3_as_from_disk_to_disk() {
    let Some(site) = Site::new() else { return };
    let local = site.home.path().join("lake").to_str().unwrap().to_owned();
    let ran = site.run(&["--lake", &local, "ingest", sample_data().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);

    // Two at once: each file once.
    let both = [
        site.start(&["--lake", LAKE, "ingest", "s3://logs/prod/"]),
        site.start(&["--lake", LAKE, "ingest", "s3://logs/prod/"]),
    ];
    for ran in both.map(done) {
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    for query in [&["sql", COUNTS, "--format", "csv"][..], &["query", "502_spikes", "--format", "csv"]] {
        let ask = |lake: &str| site.run(&[&["--lake", lake][..], query].concat());
        let (disk, s3) = (ask(&local), ask(LAKE));
        assert_eq!((disk.code, s3.code), (0, 0), "{}", s3.stderr);
        assert_eq!(disk.stdout, s3.stdout, "{query:?}");
    }
    // The same rows, read where they are.
    let raw = site.run(&["sql", &COUNTS.replace("alb", "'s3://logs/prod/AWSLogs/'"), "--format", "csv"]);
    assert_eq!(raw.stdout, site.run(&["--lake", &local, "sql", COUNTS, "--format", "csv"]).stdout, "{}", raw.stderr);
    let ran = site.run(&["--lake", LAKE, "ingest", "s3://logs/prod/"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing new: 75 files are in the lake already"), "{}", ran.stderr);
    assert!(site.run(&["status", "--lake", LAKE]).stdout.contains("lake s3://logs/a%20lake/"));

    // The lake's own files are no sources, and options may stand behind the name of a query.
    let ran =
        site.run(&["--lake", LAKE, "ingest", "s3://logs", "--from", "2026-11-19 19:00", "--to", "2026-11-19 19:10"]);
    assert!(ran.stderr.contains("nothing new"), "{}", ran.stderr);
    let args = ["query", "errors_by_cause", "--lake", LAKE, "--profile", "nobody"];
    let ran = site.run(&args);
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    assert!(ran.stderr.contains("no AWS credentials"), "{}", ran.stderr);
}

#[test]
fn what_is_wrong_is_said() {
    let Some(site) = Site::new() else { return };
    let local = site.home.path().join("lake").to_str().unwrap().to_owned();
    let says = |args: &[&str], code: i32, text: &str| {
        let ran = site.run(&[&["--lake", &local][..], args].concat());
        assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(text), "{args:?}: {}", ran.stderr);
    };
    says(&["ingest", "s3://nowhere/"], 4, "there is no bucket `nowhere` at http://127.0.0.1:");
    says(&["ingest", "s3://logs/nothing"], 4, "s3://logs/nothing: there is no such object or folder");
    says(&["ingest", "s3://logs/prod/", "--from", "now", "--to", "-1h"], 2, "--from must be before --to");
    says(&["ingest", "s3://logs/prod/", "--from", "soon"], 2, "`soon` is no time");
    site.runtime.block_on(async {
        site.proxy.rule(|request| {
            let denied = albatross_testbed::Answer::error(403, "AccessDenied", "Access Denied");
            request.target.contains("list-type").then_some(denied)
        });
    });
    says(
        &["ingest", "s3://logs/prod/"],
        4,
        "permission s3:ListBucket on arn:aws:s3:::logs is missing. The smallest policy",
    );
}

#[test]
fn retries_are_in_the_log_with_their_object_and_not_in_the_mail() {
    let Some(site) = Site::new() else { return };
    site.runtime.block_on(async {
        site.proxy.set(Faults { seed: 7, faults: vec![(Fault::SlowDown, 0.2)] });
    });
    let ran = site.run(&["--lake", LAKE, "-v", "--log-format", "json", "ingest", "s3://logs/prod/"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let events: Vec<serde_json::Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &str| events.iter().filter(|event| event["message"] == message).collect::<Vec<_>>();
    let retries = of("S3 request failed, trying again");
    let made = site.proxy.done()[&Fault::SlowDown];
    assert_eq!(retries.len() as u64, made);
    assert!(retries.iter().all(|retry| retry["bucket"] == "logs" && retry["attempt"].is_u64()));
    assert!(retries.iter().any(|retry| retry["key"].as_str().unwrap().starts_with("prod/")));
    assert_eq!(of("store probed with two conditional writes")[0]["refused"], true);
    assert_eq!(of("source read").len(), 75);

    let ran = site.run(&["--lake", "s3://logs/another lake", "ingest", "s3://logs/prod/"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("ingested 75 files"), "{}", ran.stderr);
}
