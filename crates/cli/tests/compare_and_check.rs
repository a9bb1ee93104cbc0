//! `albatross compare` and `albatross check` on the sample, and what they say of wrong usage.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let sample = root().join("sample-data/evening");
    let output = albatross(folder.path(), &["ingest", sample.to_str().unwrap(), "-q"]);
    assert!(output.status.success(), "{output:?}");
    folder
});

fn albatross(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("albatross").unwrap();
    command.current_dir(folder).env_remove("ALBATROSS_LAKE").env_remove("ALBATROSS_LOG").args(args).output().unwrap()
}

/// Standard output and exit code.
fn run(args: &[&str]) -> (String, i32) {
    let output = albatross(FOLDER.path(), args);
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// What is said on standard error, with exit code 2.
fn refused(args: &[&str]) -> String {
    let output = albatross(FOLDER.path(), args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

const INCIDENT: [&str; 4] = ["--from", "2026-11-19 18:50", "--to", "2026-11-19 19:25"];

#[test]
fn compare_finds_the_incident_and_the_route_behind_it() {
    let (table, code) = run(&["compare"]);
    assert_eq!(code, 0);
    assert!(table.lines().next().unwrap().ends_with("own  explains"), "{table}");
    assert!(table.contains("2026-11-19T20:10:00Z to 2026-11-19T20:40:00Z against 2026-11-19T19:40:00Z"), "{table}");
    insta::assert_snapshot!("compare", table);

    let (json, code) = run(&[&["compare", "--format", "json"], INCIDENT.as_slice()].concat());
    assert_eq!(code, 0);
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    let route = rows.iter().find(|row| row["dimension"] == "route").unwrap();
    assert_eq!(route["value"], "GET /api/flocks/:id/leaderboard");
    assert!(route["explains"].as_f64().unwrap() > 0.3 && route["at_least"].as_f64().unwrap() > 0.1, "{route}");

    // A day and a week before there is nothing; another time before is another baseline.
    for against in ["day-before", "week-before"] {
        let (csv, _) = run(&[&["compare", "--against", against, "--format", "csv"], INCIDENT.as_slice()].concat());
        assert_eq!(csv.lines().count(), 2, "{csv}");
    }
    let baseline =
        ["--baseline-from", "2026-11-19 18:10", "--baseline-to", "2026-11-19 18:40", "--by", "latency", "--wide"];
    let (markdown, _) = run(&[&["compare", "--format", "markdown"], INCIDENT.as_slice(), &baseline].concat());
    assert!(markdown.contains("against 2026-11-19T18:10:00Z to 2026-11-19T18:40:00Z"), "{markdown}");
    let head = markdown.lines().next().unwrap();
    assert!(
        head.starts_with("| dimension | value |") && head.contains("share") && head.contains("least"),
        "{markdown}"
    );
}

#[test]
fn compare_says_what_is_wrong() {
    for (args, said) in [
        (vec!["--from", "soon"], "parameter `from`: `soon` is not a timestamp: give 2026-11-19"),
        (vec!["--by", "colour"], "invalid value 'colour' for '--by <BY>'"),
        (vec!["--request", "a"], "give --request twice"),
        (vec!["--request", "1-aa", "--request", "1-bb"], "there is no request `1-aa`"),
        (vec!["--status", "410"], "no rise of errors stands out"),
        ([INCIDENT.as_slice(), &["--baseline-to", "2026-11-19 19:00"]].concat(), "overlap"),
        (vec!["--from", "2026-11-19 19:00", "--to", "2026-11-19 18:00"], "--to is not after --from"),
        (vec!["--from", "2126-11-19"], "nothing to compare after --from: the lake has logs from 2026-11-19T17:57:16Z"),
        (vec!["--to", "2026-11-19"], "nothing to compare before --to: the lake has logs from 2026-11-19T17:57:16Z"),
        ([INCIDENT.as_slice(), &["--baseline-from", "2026-11-19 20:00"]].concat(), "give --baseline-to, too"),
        (vec!["--against", "before", "--baseline-to", "now"], "cannot be used with"),
    ] {
        let stderr = refused(&[&["compare"], args.as_slice()].concat());
        assert!(stderr.contains(said), "{args:?}: {stderr}");
    }
}

#[test]
fn two_requests_are_laid_side_by_side() {
    let (csv, _) = run(&[
        "sql",
        "SELECT trace_id, source_file || ':' || line FROM alb WHERE cause IN ('target_died', 'client_gave_up') ORDER BY cause DESC, started_at LIMIT 1",
        "--format",
        "tsv",
    ]);
    let (trace, _) = csv.lines().nth(1).unwrap().split_once('\t').unwrap();
    let (csv, _) = run(&[
        "sql",
        "SELECT source_file || ':' || line FROM alb WHERE elb_status_code = 200 AND route = '/api/feed' ORDER BY started_at LIMIT 1",
        "--format",
        "tsv",
    ]);
    // The end of the path, from within the file's name.
    let (_, place) = csv.lines().nth(1).unwrap().rsplit_once('_').unwrap();
    let (json, code) = run(&["compare", "--request", trace, "--request", place, "--format", "json"]);
    assert_eq!(code, 0);
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    let row = |name: &str| rows.iter().position(|row| row["column"] == name).unwrap();
    assert_eq!(rows[row("trace_id")]["difference"], "differs");
    assert_eq!(
        (&rows[row("elb_status_code")]["first"], &rows[row("elb_status_code")]["second"]),
        (&"502".into(), &"200".into())
    );
    // The load balancer made the answer: the target gave no status.
    assert_eq!(rows[row("target_status_code")]["difference"], "only second");
    assert_eq!(
        (&rows[row("cause")]["difference"], &rows[row("cause")]["second"]),
        (&"only first".into(), &Value::Null)
    );
    assert!(
        row("trace_id") < row("cause")
            && row("cause") < row("target_status_code")
            && row("target_status_code") < row("elb")
    );
}

/// The block of docs/check.md in this language.
fn block(language: &str) -> String {
    let docs = fs::read_to_string(root().join("docs/check.md")).unwrap();
    let (_, rest) = docs.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_example_of_the_documentation() {
    let file = FOLDER.path().join("documented.toml");
    fs::write(&file, block("toml")).unwrap();
    let args = [&["check", "documented.toml"], INCIDENT.as_slice()].concat();
    let (text, code) = run(&args);
    assert_eq!((text, code), (block("text"), 1));

    let (json, code) = run(&[args.as_slice(), &["--format", "json"]].concat());
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&json).unwrap();
    let verdicts = report["verdicts"].as_array().unwrap();
    assert_eq!((&report["version"], &report["from"]), (&1.into(), &"2026-11-19T18:50:00Z".into()));
    for outcome in ["ok", "failed", "no_verdict"] {
        let count = verdicts.iter().filter(|verdict| verdict["outcome"] == outcome).count();
        assert_eq!(report[outcome], count, "{outcome}");
        assert!(count > 0, "{outcome}");
    }
    let (quiet, code) = run(&[args.as_slice(), &["--quiet"]].concat());
    assert_eq!(code, 1);
    assert!(quiet.lines().all(|line| line.starts_with("FAILED ")), "{quiet}");
    assert_eq!(quiet.lines().count(), report["failed"].as_u64().unwrap() as usize);
}

/// The same file, for a time in which nothing happened.
#[test]
fn a_quiet_time_fails_nothing() {
    let file = FOLDER.path().join("quiet.toml");
    fs::write(
        &file,
        "defaults.baseline = '15m'\n[[check]]\nno_new_timeout_wall = true\nerror_rate = { max = '1 %', max_increase = '50 %' }\n\
         p50 = { max_increase = '50 %' }\nrequests.max_decrease = '50 %'\ncpu_maximum = { max = 100 }\nno_rows = 'SELECT 1 WHERE false'\n\
         [[check]]\nroute = '/nowhere'\nerror_rate.max = 0\n[[check]]\nload_balancer = 'featherly-prod'\nrequests.min = 100\n",
    )
    .unwrap();
    let (text, code) = run(&["check", "quiet.toml", "--from", "2026-11-19 18:20", "--to", "2026-11-19 18:40"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("1 error in 3478 requests (0.029 %)") && text.contains("that may be chance (probability 0.68)"),
        "{text}"
    );
    assert!(
        text.contains(
            "no verdict  /nowhere: error_rate.max: 0 errors in 0 requests, at most 0 % allowed; 0 are too few"
        ),
        "{text}"
    );
    assert!(text.ends_with(": 0 budgets failed, 2 without verdict, 7 ok\n"), "{text}");
}

#[test]
fn a_check_that_cannot_be_done_keeps_no_other_back() {
    let put = |name: &str, text: &str| fs::write(FOLDER.path().join(name), text).unwrap();
    put(
        "sql.toml",
        "[[check]]\nname = 'mine'\nno_rows = 'SELECT nothing FROM alb'\n[[check]]\nname = 'other'\nrequests.min = 1\n",
    );
    let ran = albatross(FOLDER.path(), &["check", "sql.toml"]);
    let (stdout, stderr) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert_eq!(ran.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("sql.toml: check `mine`: no_rows.sql: ") && stderr.contains("nothing"), "{stderr}");
    assert!(stdout.starts_with("ok          other: requests.min: "), "{stdout}");
    assert!(stdout.ends_with(": 0 budgets failed, 0 without verdict, 1 ok, 1 in error\n"), "{stdout}");
    let ran = albatross(FOLDER.path(), &["check", "sql.toml", "--format", "json"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&report["ok"], &report["errors"]), (&1.into(), &1.into()));
    let verdict = &report["verdicts"][0];
    assert_eq!((&verdict["outcome"], &verdict["budget"]), (&"error".into(), &"no_rows".into()));
    assert!(verdict["text"].as_str().unwrap().contains("nothing"), "{verdict}");

    put("drop.toml", "[[check]]\nname = 'mine'\nno_rows = 'DROP TABLE alb'\n");
    let ran = albatross(FOLDER.path(), &["check", "drop.toml"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8(ran.stderr).unwrap().contains("SQL can only read a lake"));
}

#[test]
fn a_wrong_file_is_told_where_and_what_is_allowed() {
    let put = |name: &str, text: &str| fs::write(FOLDER.path().join(name), text).unwrap();
    put("wrong.toml", "[[check]]\np99 = { max = \"fast\" }\n");
    let said = "wrong.toml, line 2, `p99.max`: `fast` is no length of time: give \"500ms\", \"2s\"";
    assert!(refused(&["check", "wrong.toml"]).contains(said));
    assert!(refused(&["check", "missing.toml"]).contains("cannot read missing.toml"));
    put("fine.toml", "[[check]]\nrequests.min = 1\n");
    assert!(
        refused(&["check", "fine.toml", "--from", "now", "--to", "yesterday"]).contains("--to is not after --from")
    );
}
