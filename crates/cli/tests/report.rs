//! `albatross report`: of the sample, of days written by hand, of a hostile log; in a browser if there is one.
#![allow(clippy::print_stderr)] // a test that is skipped says so

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn evening() -> String {
    root().join("sample-data/evening").to_str().unwrap().to_owned()
}

/// Temporary files go into the folder's `tmp`, so that what stays behind is seen.
fn albatross(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_albatross"));
    fs::create_dir_all(folder.join("tmp")).unwrap();
    command.current_dir(folder).env("TMPDIR", folder.join("tmp"));
    command.env_remove("ALBATROSS_LAKE").env_remove("ALBATROSS_LOG");
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    albatross(folder).args(args).output().unwrap()
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(folder, &[&["report", "--format", "json"], args].concat())).unwrap()
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A line of a load balancer; it took `seconds`, less than one, and a target answered unless the status is 502.
struct Line<'a> {
    /// Arrival, to the second.
    at: &'a str,
    client: &'a str,
    seconds: f64,
    status: u16,
    request: &'a str,
    agent: &'a str,
}

impl Line<'_> {
    fn write(&self, out: &mut String) {
        let Line { at, client, seconds, status, request, agent } = self;
        let (target, times) = match status {
            502 => ("-", "0.001 -1 -1".to_owned()),
            _ => ("200", format!("0.000 {seconds:.3} 0.000")),
        };
        let target = if target == "200" { status.to_string() } else { target.to_owned() };
        let micros = (seconds * 1e6) as u32;
        writeln!(
            out,
            "https {at}.{micros:06}Z app/shop/50dc6c495c0c9188 {client}:49120 10.0.1.5:8080 {times} {status} {target} 512 2048 \"{request}\" \
             \"{agent}\" TLS_AES_128_GCM_SHA256 TLSv1.3 - \"Root=1-673cd6f0-000000000000000000000001\" \"shop.example.com\" \"-\" 1 \
             {at}.000000Z \"forward\" \"-\" \"-\" \"10.0.1.5:8080\" \"{target}\" \"-\" \"-\" TID_16132ed0b4112148 \"-\" \"-\" \"-\" 10.0.0.9 - -",
        )
        .unwrap();
    }
}

#[test]
fn of_files_in_one_go_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let evening = evening();
    let output = run(folder.path(), &["report", &evening, "-o", "r.html"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(said.contains("wrote r.html (") && said.contains("2 incidents with the same cause"), "{said}");
    assert_eq!(names_in(folder.path()), ["r.html", "tmp"], "no lake, and nothing half written");
    assert_eq!(names_in(&folder.path().join("tmp")), [""; 0], "the lake of the report is gone");
    let html = fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(html.len() < 300_000, "{}", html.len());
    for said in ["leaderboard eats the CPU", "Content-Security-Policy", "Copyright (c) 2022 Leon Sorokin"] {
        assert!(html.contains(said), "{said}");
    }
    assert!(!html.contains("<style>\n</style>") && !html.contains(" style="), "inline styles would be refused");

    // What standard output is given; in another zone only days and the title are different.
    let markdown = ok(folder.path(), &["report", &evening, "--format", "markdown", "-q"]);
    let made_at = markdown.lines().last().unwrap();
    assert!(made_at.starts_with("Made at 20"), "{made_at}");
    let markdown = markdown.replace(made_at, "Made at TIME").replace(root().to_str().unwrap(), "CHECKOUT");
    // Where a long path is cut depends on where the checkout is.
    let markdown = Regex::new(r"CHECKOUT/[^|]+ \|").unwrap().replace_all(&markdown, "FILE |");
    insta::assert_snapshot!("evening", markdown);

    ok(folder.path(), &["ingest", &evening, "-q"]);
    let report = json(folder.path(), &[]);
    assert_eq!(report["version"], 1);
    assert_eq!(report["day"], "2026-11-19", "the last day of the lake that is over");
    assert_eq!(report["verdict"]["state"], "incidents");
    let counted = "SELECT count(*) AS requests, count(*) FILTER (WHERE elb_status_code >= 500 OR elb_status_code = 460) AS errors \
                   FROM alb WHERE type NOT IN ('ws', 'wss')";
    let counted: Value = serde_json::from_str(&ok(folder.path(), &["sql", counted, "--format", "json"])).unwrap();
    for sum in ["requests", "errors"] {
        assert_eq!(report["totals"][sum], counted[0][sum], "{sum}");
    }
    let slots = &report["slots"];
    assert_eq!((slots["seconds"].as_i64(), slots["requests"].as_array().unwrap().len()), (Some(60), 180));
    let shown: i64 = slots["requests"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).sum();
    // A few had arrived before 18:00, where the log begins.
    let all = report["totals"]["requests"].as_i64().unwrap();
    assert!((1..10).contains(&(all - shown)), "{shown} of {all}");
    let highest = |of: &str| slots[of].as_array().unwrap().iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    assert!(highest("cpu_maximum") == 100.0 && highest("cpu_average") < 50.0);
}

#[test]
fn days_and_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| run(folder.path(), &[&["report"], args].concat()).status.code();
    assert_eq!(code(&["-o", "r.html"]), Some(4), "there is no lake");
    fs::write(folder.path().join("no.log"), "this is no log\n").unwrap();
    assert_eq!(code(&["no.log", "-o", "r.html"]), Some(4));
    ok(folder.path(), &["ingest", &evening(), "-q"]);
    for wrong in [
        ["--day", "the day after"].as_slice(),
        &["--day", "2026-11-19", "--from", "2026-11-19"],
        &["--from", "2026-11-20", "--to", "2026-11-19"],
        &["-o", "r.pdf"],
        &["--format", "pdf"],
    ] {
        assert_eq!(code(wrong), Some(2), "{wrong:?}");
    }
    assert_eq!(code(&["--fail-on-incident", "-o", "r.md"]), Some(1));
    // A file that is no log is told, and the others are reported.
    assert_eq!(code(&["no.log", &evening(), "-q", "-o", "r.md"]), Some(3));
    assert!(fs::read_to_string(folder.path().join("r.md")).unwrap().contains("2 incidents"));

    let day = |args: &[&str]| json(folder.path(), args);
    let after = day(&["--day", "2026-11-20"]);
    assert_eq!(after["verdict"]["state"], "empty");
    assert!(after["verdict"]["also"][0].as_str().unwrap().contains("2026-11-19 17:57 to 20:59"), "{after}");
    // In Berlin the evening ends at 22:00 of the same day, in Auckland it is the next one.
    let there = day(&["--tz", "Pacific/Auckland", "--day", "2026-11-20"]);
    assert_eq!(there["asked"]["start"], "2026-11-19T11:00:00Z");
    assert_eq!(there["totals"], day(&[])["totals"]);
    assert_eq!(day(&["--tz", "Pacific/Auckland"])["day"], "2026-11-20");
    // Part of the evening: before the first incident nothing is wrong.
    let early = day(&["--from", "2026-11-19 18:05", "--to", "2026-11-19 18:45"]);
    assert_eq!((&early["verdict"]["state"], &early["day"]), (&"quiet".into(), &Value::Null));
}

/// A week before 100 requests, the day before 200, then 400 of which 20 fail; they take longer every time.
fn three_days() -> String {
    let mut log = String::new();
    for (day, requests, seconds) in [(12, 100, 0.1), (18, 200, 0.2), (19, 400, 0.8)] {
        for i in 0..requests {
            let line = Line {
                at: &format!("2026-11-{day}T12:{:02}:{:02}", i / 10 % 60, i % 60),
                client: "203.0.113.7",
                seconds,
                status: if day == 19 && i % 20 == 0 { 502 } else { 200 },
                request: "GET https://shop.example.com:443/api/users/4711 HTTP/1.1",
                agent: "curl/8",
            };
            line.write(&mut log);
        }
    }
    log
}

#[test]
fn compared_with_the_day_before_and_the_week_before() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), three_days()).unwrap();
    ok(folder.path(), &["ingest", "a.log", "-q"]);
    let report = json(folder.path(), &[]);
    assert_eq!(report["totals"]["requests"], 400);
    assert_eq!(report["totals"]["errors"], 20);
    let [day, week] = report["comparisons"].as_array().unwrap().as_slice() else { panic!("{report}") };
    for (comparison, against, requests, p50) in [(day, "day_before", 200, 0.2), (week, "week_before", 100, 0.1)] {
        assert_eq!(comparison["against"], against);
        assert_eq!(comparison["totals"]["requests"], requests);
        assert_eq!(comparison["totals"]["errors"], 0);
        let route = &comparison["routes"][0];
        assert_eq!((&route["method"], &route["route"]), (&"GET".into(), &"/api/users/:id".into()));
        assert_eq!((&route["requests"], &route["requests_before"]), (&400.into(), &requests.into()));
        assert_eq!((&route["errors"], &route["errors_before"]), (&20.into(), &0.into()));
        assert_eq!(route["p50_before"].as_f64(), Some(p50));
        assert!((route["p50"].as_f64().unwrap() - 0.8).abs() < 0.01, "{route}");
    }
    let markdown = ok(folder.path(), &["report", "--format", "markdown"]);
    assert!(markdown.contains("requests 400 (+100 % against the day before)"), "{markdown}");
    assert!(markdown.contains("| GET /api/users/:id | 200 → 400 | 0 → 20 | 200 ms → 800 ms |"), "{markdown}");
    // The day before that is not in the lake, and is said not to be.
    let first = ok(folder.path(), &["report", "--day", "2026-11-12", "--format", "markdown"]);
    assert!(first.contains("the day before, 2026-11-11 12:00 to 2026-11-12 00:00: not in the lake"), "{first}");
    assert!(first.contains("none of 100 requests failed") && !first.contains("Endpoints that changed most"), "{first}");
}

/// An interrupted report leaves nothing behind, wherever it was.
#[test]
fn interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let tmp = folder.path().join("tmp");
    // Standard input that does not end keeps it reading.
    let mut report =
        albatross(folder.path()).args(["report", "-", "-o", "r.html"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = report.stdin.take().unwrap();
    input.write_all(b"\n").unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while names_in(&tmp).is_empty() || !tmp.join(&names_in(&tmp)[0]).join("ingested").exists() {
        assert!(Instant::now() < patience, "there is no lake to be removed");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").arg(report.id().to_string()).status().unwrap().success());
    assert_eq!(report.wait().unwrap().code(), Some(130));
    assert_eq!(names_in(&tmp), [""; 0]);
    assert_eq!(names_in(folder.path()), ["tmp"]);
}

/// What people put into a request to see what becomes of it, in every place from which it gets into a report. Fifty bursts of requests.
fn hostile(apart: TimeDelta) -> String {
    let long = "x".repeat(8000);
    let script = "<script>window.pwned=1</script>";
    let agents = [
        format!("{script}<img src=x onerror=window.pwned=2>"),
        "</script><script>window.pwned=3</script>".to_owned(),
        format!("' onmouseover='window.pwned=4' {long}"),
        "\u{202e}lmth.troper\u{202c} \u{2066}a\u{2069}".to_owned(),
        "\\x1b[2J\\x07 -- --> ]]> {{7*7}} ${7*7}".to_owned(),
        "=HYPERLINK(\\x22http://evil.example\\x22)".to_owned(),
        "http://evil.example/ javascript:alert(1)".to_owned(),
    ];
    let paths =
        ["/<script>window.pwned=5</script>", "/\u{202e}gpj.exe", "/'><svg onload=window.pwned=6>", "/]]></title>"];
    let mut log = String::new();
    let start: DateTime<Utc> = "2026-10-20T12:00:00Z".parse().unwrap();
    for burst in 0..50 {
        for i in 0..40 {
            let at = start + apart * burst + TimeDelta::seconds(i as i64);
            let wrong = (20..30).contains(&burst) && i % 2 == 0;
            let scans = burst == 40;
            let path = paths[i % paths.len()];
            Line {
                at: &at.format("%Y-%m-%dT%H:%M:%S").to_string(),
                client: &format!("203.0.113.{}", if scans { 200 } else { i % 7 }),
                seconds: 0.1,
                status: if wrong {
                    502
                } else if scans {
                    404
                } else {
                    200
                },
                request: &format!(
                    "GET https://shop.example.com:443{path}?{} HTTP/1.1",
                    if i == 3 { long.as_str() } else { script }
                ),
                agent: &agents[i % agents.len()],
            }
            .write(&mut log);
        }
    }
    // Lines that cannot be read are shown, too.
    writeln!(log, "https </script>{script}\u{202e} \"<img src=x onerror=window.pwned=7>\"").unwrap();
    log
}

#[test]
fn hostile_values_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    let name = "<img src=x onerror=window.pwned=8>.log";
    fs::write(folder.path().join(name), hostile(TimeDelta::minutes(1))).unwrap();
    ok(folder.path(), &["report", name, "-q", "-o", "r.html"]);
    let html = fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(html.len() < 500_000, "{}", html.len());
    assert_eq!(html.matches("<script").count(), 2, "the data and the page's own");
    assert_eq!(html.matches("<img").count() + html.matches("<svg onload").count() + html.matches("</title").count(), 1);
    assert!(html.contains("&lt;script&gt;window.pwned=1") && html.contains("\\u{202e}"));
    assert!(!html.chars().any(|c| matches!(c, '\u{0}'..='\u{8}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')));
    assert!(html.contains("characters</span>"), "long values are cut");
    let markdown = ok(folder.path(), &["report", name, "-q", "--format", "markdown"]);
    assert!(
        !markdown.contains('\u{202e}') && !markdown.contains("<script") && !markdown.contains("<img"),
        "{markdown}"
    );
}

/// In a real browser (tests/report/look.mjs says what is looked at). Needs Node with the packages of tests/report and a Chromium;
/// `make test` sets both up and names the first in ALBATROSS_TEST_NODE. With ALBATROSS_TEST_SHOTS=FOLDER it leaves pictures there.
#[test]
fn a_browser_shows_it() {
    let Ok(node) = std::env::var("ALBATROSS_TEST_NODE") else {
        eprintln!("skipped: ALBATROSS_TEST_NODE is not set (make test sets it)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hostile.log"), hostile(TimeDelta::minutes(1))).unwrap();
    ok(folder.path(), &["report", &evening(), "-q", "-o", "evening.html"]);
    ok(folder.path(), &["report", "hostile.log", "-q", "-o", "hostile.html"]);
    fs::write(folder.path().join("days.log"), three_days()).unwrap();
    ok(folder.path(), &["ingest", "days.log", "-q"]);
    ok(folder.path(), &["report", "-q", "-o", "days.html"]);
    let mut look = Command::new(node);
    look.arg(root().join("tests/report/look.mjs")).current_dir(folder.path());
    if let Ok(shots) = std::env::var("ALBATROSS_TEST_SHOTS") {
        look.arg("--shots").arg(shots);
    }
    let output = look.args(["evening.html", "hostile.html", "days.html"]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("looked at 3 reports: 0 faults"), "{stdout}\n{stderr}");
}
