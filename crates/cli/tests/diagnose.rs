//! `albatross diagnose` as a command: forms, window, exit codes.

use assert_cmd::Command;
use serde_json::Value;

fn albatross(lake: &std::path::Path) -> Command {
    let mut command = Command::cargo_bin("albatross").unwrap();
    command.env_remove("ALBATROSS_LAKE").arg("--lake").arg(lake);
    command
}

fn stdout(command: &mut Command, code: i32) -> String {
    let output = command.assert().code(code).get_output().clone();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn forms_window_and_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample-data/evening");
    albatross(&lake).args(["ingest", "--quiet", sample]).assert().success();

    let text = stdout(albatross(&lake).args(["diagnose", "--fail-on-incident"]), 1);
    assert!(text.starts_with("2 incidents in "), "{text}");
    assert!(stdout(albatross(&lake).args(["diagnose", "--format", "markdown"]), 0).contains("\n## 1. 2026-11-19 18:5"));

    let json = stdout(albatross(&lake).args(["diagnose", "--format", "json"]), 0);
    let diagnosis: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(diagnosis["version"], 1);
    let cause = &diagnosis["incidents"][0]["causes"][0];
    assert_eq!(cause["cause"], "cpu_bound_endpoint");
    assert_eq!(cause["route"], "GET /api/flocks/:id/leaderboard");
    assert!(cause["target"].is_null() && cause["limit_s"].is_null() && cause["client"].is_null());
    assert_eq!(
        stdout(albatross(&lake).args(["diagnose", "--format", "json"]), 0),
        json,
        "the same lake, the same answer"
    );

    let evening = ["--from", "2026-11-19 19:00", "--to", "2026-11-19 19:40", "--tz", "Europe/Berlin"];
    let early = stdout(albatross(&lake).arg("diagnose").args(evening).arg("--fail-on-incident"), 0);
    assert!(
        early.starts_with("No incident in ") && early.contains("2026-11-19 18:00 to 2026-11-19 18:40 UTC"),
        "{early}"
    );
    for (end, window) in [
        (["--to", "2026-11-01"], "from 2026-10-31 23:59 to 2026-11-01 00:00 UTC"),
        (["--from", "2126-11-20"], "from 2126-11-20 00:00 to 2126-11-20 00:01 UTC"),
    ] {
        let output = albatross(&lake).arg("diagnose").args(end).assert().code(0).get_output().clone();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(stdout, format!("There are no requests of a load balancer {window}: nothing to judge.\n"));
        assert_eq!(stderr, "the lake has logs from 2026-11-19 17:57 to 2026-11-19 20:59 UTC\n");
    }

    for wrong in [["--from", "tomorrow"], ["--from", "2026-11-20"], ["--format", "xml"]] {
        let upto = ["--to", "2026-11-19"];
        albatross(&lake).arg("diagnose").args(wrong).args(upto).assert().code(2);
    }
    albatross(&folder.path().join("none")).arg("diagnose").assert().code(4);
}

#[test]
fn the_checks_that_would_have_caught_it() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample-data/evening");
    albatross(&lake).args(["ingest", "--quiet", sample]).assert().success();
    let file = folder.path().join("checks.toml");
    let write = || albatross(&lake).args(["diagnose", "--write-check", file.to_str().unwrap()]).assert();
    write().success();
    // It may have been edited; that is said before anything is looked for.
    let said = write().code(2).get_output().clone();
    assert!(said.stdout.is_empty());
    assert!(String::from_utf8(said.stderr).unwrap().contains("checks.toml is there already"));
    let nowhere = folder.path().join("none/checks.toml");
    albatross(&lake).args(["diagnose", "--write-check", nowhere.to_str().unwrap()]).assert().code(2).stdout("");

    let check =
        |times: &[&str], code| stdout(albatross(&lake).args(["check", file.to_str().unwrap()]).args(times), code);
    let incident = check(&["--from", "2026-11-19 18:53", "--to", "2026-11-19 19:25"], 1);
    assert_eq!(incident.lines().filter(|line| line.starts_with("FAILED")).count(), 2, "{incident}");
    let before = check(&["--from", "2026-11-19 18:40", "--to", "2026-11-19 18:50"], 1);
    assert!(before.lines().any(|line| line.starts_with("ok") && line.contains("failed requests")), "{before}");
}
