//! What is logged, where, and that nothing is said twice.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;

const GOOD: &str = "https 2026-11-19T18:00:00.500000Z app/shop/50dc6c495c0c9188 203.0.113.7:49120 10.0.1.5:8080 0.001 0.012 0.000 200 200 512 \
    2048 \"GET https://shop.example.com:443/api/users/4711 HTTP/1.1\" \"curl/8.5.0\" TLS_AES_128_GCM_SHA256 TLSv1.3 - \
    \"Root=1-673cd6f0-000000000000000000000001\" \"shop.example.com\" \"-\" 1 2026-11-19T18:00:00.487000Z \"forward\" \"-\" \"-\" \
    \"10.0.1.5:8080\" \"200\" \"-\" \"-\" TID_16132ed0b4112148 \"-\" \"-\" \"-\" 10.0.0.9 - -\n";

/// A folder with `logs/good.log` (one line), `logs/bad.log` (two lines that cannot be read around a good one) and a broken file.
struct Site(tempfile::TempDir);

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Site {
    fn new() -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        fs::create_dir(site.path("logs")).unwrap();
        fs::write(site.path("logs/good.log"), GOOD).unwrap();
        let late = GOOD.replacen("2026-11-19T18:00:00.5", "yesterday", 1);
        fs::write(site.path("logs/bad.log"), format!("https short\n{GOOD}{late}")).unwrap();
        fs::write(site.path("logs/broken.log.gz"), [0x1f, 0x8b, 8, 0, 1, 2]).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, None)
    }

    /// Names of files as they are in the folder, and times as `0.0 s`.
    fn run_with(&self, args: &[&str], filter: Option<&str>) -> Ran {
        let mut command = Command::cargo_bin("albatross").unwrap();
        command.current_dir(self.0.path()).env_remove("ALBATROSS_LAKE").env_remove("ALBATROSS_LOG").args(args);
        if let Some(filter) = filter {
            command.env("ALBATROSS_LOG", filter);
        }
        let output = command.output().unwrap();
        let folder = format!("{}/", self.path("").to_str().unwrap().trim_end_matches('/'));
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&folder, "");
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Each line as JSON, and all of them are.
fn events(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

fn of<'a>(events: &'a [Value], message: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["message"] == message).collect()
}

const BROKEN: &str = "albatross: logs/broken.log.gz: gzip: the data ends in the middle";

#[test]
fn without_options_only_what_went_wrong_and_what_was_done() {
    let site = Site::new();
    let ran = site.run(&["ingest", "logs"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines[0].starts_with(BROKEN), "{}", ran.stderr);
    assert!(lines[1].starts_with("ingested 2 files (2 alb): 2 rows from "), "{}", ran.stderr);
    assert_eq!(
        lines[2..],
        [
            "  2 lines could not be read: albatross query rejects_by_reason",
            "  1 input is not ingested, see above; nothing of them is in the lake",
        ]
    );
    let quiet = site.run(&["ingest", "logs", "-q"]);
    assert_eq!(quiet.stderr.lines().count(), 1, "{}", quiet.stderr);
    assert!(quiet.stderr.starts_with(BROKEN), "{}", quiet.stderr);
    let elsewhere = site.run(&["status", "--lake", "none"]);
    assert_eq!(
        (elsewhere.code, elsewhere.stderr.as_str()),
        (Some(4), "albatross: there is no Albatross lake at `none`\n")
    );
}

#[test]
fn every_reject_file_and_commit_is_an_event_with_its_object() {
    let site = Site::new();
    let ran = site.run(&["-vv", "--log-format", "json", "ingest", "logs"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let all = events(&ran.stderr);
    for event in &all {
        for field in ["time", "level", "target", "message"] {
            assert!(event[field].is_string(), "{event}");
        }
    }
    let rejects: Vec<_> = of(&all, "line rejected")
        .iter()
        .map(|event| {
            (event["source"].as_str().unwrap(), &event["line"], &event["byte"], event["code"].as_str().unwrap())
        })
        .collect();
    let third = ("https short\n".len() + GOOD.len()).into();
    assert_eq!(
        rejects,
        [
            ("logs/bad.log", &1.into(), &0.into(), "too_few_fields"),
            ("logs/bad.log", &3.into(), &third, "bad_timestamp"),
        ]
        .map(|(source, line, byte, code)| (source, line as &Value, byte as &Value, code))
    );
    let rejected = of(&all, "lines rejected");
    assert_eq!(rejected.len(), 1);
    assert_eq!((&rejected[0]["lines"], &rejected[0]["codes"]), (&2.into(), &"bad_timestamp:1,too_few_fields:1".into()));

    let read: Vec<_> = of(&all, "source read").iter().map(|e| (&e["source"], &e["rows"], &e["lines"])).collect();
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(read.contains(&(&"logs/bad.log".into(), &1.into(), &3.into())), "{read:?}");
    let failed = of(&all, "source failed");
    assert_eq!(
        (failed.len(), &failed[0]["source"], &failed[0]["level"]),
        (1, &"logs/broken.log.gz".into(), &"WARN".into())
    );
    let written: u64 =
        of(&all, "file written").iter().filter(|e| e["table"] == "alb").map(|e| e["rows"].as_u64().unwrap()).sum();
    assert_eq!(written, 2);
    for table in ["alb", "ingested", "rejects"] {
        let commits = of(&all, "committed");
        let sources: u64 = commits.iter().filter(|e| e["table"] == table).map(|e| e["sources"].as_u64().unwrap()).sum();
        assert_eq!(sources, if table == "rejects" { 1 } else { 2 }, "{table}: {commits:?}");
        assert!(commits.iter().all(|e| e["version"].is_u64() && e["ms"].is_u64()));
    }
    let finished = of(&all, "ingest finished");
    assert_eq!((finished.len(), &finished[0]["rejects"], &finished[0]["failed"]), (1, &2.into(), &1.into()));

    assert_eq!(of(&all, "source found").len(), 3);
    let args = ["ingest", "logs", "--log-format", "json", "-v", "-v"];
    let again = events(&site.run(&args).stderr);
    assert_eq!(of(&again, "source skipped, it is in the lake already").len(), 2);
    assert_eq!(of(&again, "line rejected").len(), 0);
}

#[test]
fn json_has_what_people_are_told_and_quiet_keeps_it() {
    let site = Site::new();
    let all = events(&site.run(&["ingest", "logs", "--log-format", "json"]).stderr);
    let messages: Vec<_> = all.iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["source failed", "ingest finished"]);
    let quiet = events(&site.run(&["ingest", "logs", "--log-format", "json", "-q"]).stderr);
    assert_eq!(quiet.len(), 1, "{quiet:?}");
    let error = events(&site.run(&["sql", "SELECT nothing", "--log-format", "json"]).stderr);
    assert_eq!((error.len(), &error[0]["level"]), (1, &"ERROR".into()));
}

#[test]
fn a_file_takes_the_log_and_stderr_stays_as_it_is() {
    let site = Site::new();
    let ran = site.run(&["ingest", "logs", "--log-file", "a.log", "--log-format", "json", "-vv"]);
    assert!(ran.stderr.starts_with(BROKEN), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 4, "{}", ran.stderr);
    let log = events(&fs::read_to_string(site.path("a.log")).unwrap());
    for (message, times) in [("source failed", 1), ("line rejected", 2), ("source read", 2), ("ingest finished", 1)] {
        assert_eq!(of(&log, message).len(), times, "{message}");
    }
    // Without -v, what happened to each file; a later run is added.
    let before = log.len();
    site.run(&["ingest", "logs", "--log-file", "a.log"]);
    let both = fs::read_to_string(site.path("a.log")).unwrap();
    let later: Vec<&str> = both.lines().skip(before).collect();
    assert!(later[0].contains(" INFO  sources listed found=3 already=2"), "{later:?}");
    assert!(later.iter().any(|line| line.contains(" WARN  source failed source=")), "{later:?}");

    let nowhere = site.run(&["ingest", "logs", "--log-file", "no/such/a.log"]);
    assert_eq!(nowhere.code, Some(4));
    assert!(nowhere.stderr.starts_with("albatross: cannot write the log no/such/a.log: "), "{}", nowhere.stderr);
}

#[test]
fn verbose_makes_stderr_a_log_that_says_each_thing_once() {
    let site = Site::new();
    fs::write(site.path("logs/e\u{1b}[2J.log"), GOOD).unwrap();
    let stderr = site.run(&["ingest", "logs", "-v"]).stderr;
    assert!(stderr.contains(" INFO  source read source=logs/good.log format=alb bytes="), "{stderr}");
    assert!(stderr.contains("source=logs/e\\u{1b}[2J.log"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    assert!(!stderr.contains("line rejected") && !stderr.contains("ingest finished"), "{stderr}");
    assert_eq!(stderr.matches("the data ends in the middle").count(), 1, "{stderr}");
    assert_eq!(stderr.matches("could not be read").count(), 1, "{stderr}");
}

#[test]
fn a_filter_chooses_events_and_a_wrong_one_is_refused() {
    let site = Site::new();
    let ran = site.run_with(&["ingest", "logs", "--log-format", "json"], Some("albatross_lake=info"));
    let all = events(&ran.stderr);
    assert!(of(&all, "source read").is_empty() && of(&all, "source failed").len() == 1, "{all:?}");
    assert_eq!(of(&all, "committed").len(), 3);
    let off = site.run_with(&["ingest", "logs", "-q"], Some("off"));
    assert!(off.stderr.contains("WARN  source failed source=logs/broken.log.gz"), "what went wrong is always said");
    let wrong = site.run_with(&["ingest", "logs"], Some("albatross=loud"));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.starts_with("albatross: ALBATROSS_LOG=albatross=loud: "), "{}", wrong.stderr);
}

#[test]
fn the_options_may_stand_behind_the_name_of_a_query() {
    let site = Site::new();
    site.run(&["ingest", "logs/good.log"]);
    fs::create_dir(site.path("mine")).unwrap();
    fs::write(site.path("mine/faulty.sql"), "-- faulty: why?\n-- param x: number\nSELECT 1").unwrap();
    let args = ["query", "traffic", "--queries", "mine", "--format", "csv"];
    let ran = site.run(&args);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("albatross: warning: mine/faulty.sql, line 2: "), "{}", ran.stderr);
    let json = site.run(&[&args[..], &["--log-format", "json", "-v"]].concat());
    assert_eq!(json.stdout, ran.stdout);
    assert_eq!(of(&events(&json.stderr), "query cannot be used").len(), 1, "{}", json.stderr);
}
