//! The CPU answer, the control file, and what the binary writes.

mod common;

use albatross_simulate::{Run, Scenario, generate, generate_to};
use common::gunzip;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, io};

fn run() -> Run {
    Run::new(2, "2026-11-19T19:00:00Z".parse().expect("a time"), 20)
}

/// All files under `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn the_cpu_answer_is_newest_first_and_paired() {
    let simulation = generate(&Scenario::home(), &run());
    let json: Value = serde_json::from_str(&simulation.outcome.cpu_json).expect("JSON");
    let results = json["MetricDataResults"].as_array().expect("results");
    assert_eq!(results.len(), 2 * (1 + 4), "the service and four hosts");
    let values = |result: &Value| -> Vec<f64> {
        result["Values"].as_array().expect("values").iter().map(|v| v.as_f64().expect("a number")).collect()
    };
    for pair in results.chunks(2) {
        let id = |index: usize| pair[index]["Id"].as_str().expect("an id").to_owned();
        assert_eq!(id(0).replace("average", "maximum"), id(1));
        for result in pair {
            let times: Vec<&str> =
                result["Timestamps"].as_array().expect("times").iter().filter_map(Value::as_str).collect();
            assert_eq!(times.len(), 20);
            assert_eq!((times[0], times[19]), ("2026-11-19T19:19:00+00:00", "2026-11-19T19:00:00+00:00"));
            assert!(times.is_sorted_by(|a, b| a > b));
        }
        let (averages, maxima) = (values(&pair[0]), values(&pair[1]));
        assert_eq!(averages.len(), 20);
        assert!(
            averages
                .iter()
                .zip(&maxima)
                .all(|(average, maximum)| 0.0 < *average && average <= maximum && *maximum <= 100.0)
        );
    }
    // Every host has as many samples as the others: the service's average is the mean of theirs.
    let service = values(&results[0]);
    let hosts: Vec<Vec<f64>> = results[2..].iter().step_by(2).map(values).collect();
    for (minute, average) in service.iter().enumerate() {
        let mean = hosts.iter().map(|host| host[minute]).sum::<f64>() / hosts.len() as f64;
        assert!((average - mean).abs() < 1e-9);
    }
}

#[test]
fn a_folder_has_the_files_the_control_file_and_the_cpu() {
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = generate_to(folder.path(), &Scenario::home(), &run(), 100_000).expect("written");
    let simulation = generate(&Scenario::home(), &run());
    assert_eq!(outcome, simulation.outcome);
    assert_eq!(files(folder.path()).len(), simulation.files.len() + 2);
    for file in simulation.files {
        let bytes = fs::read(folder.path().join(file.key)).expect("a file");
        assert_eq!(gunzip(&bytes), file.text);
    }
    let control = fs::read_to_string(folder.path().join("AWSLogs/123456789012/ELBAccessLogTestFile")).expect("a file");
    assert!(control.starts_with("Enable AccessLog for ELB: app/featherly-prod/8d1f2c6b0a9e4735 at 2026-11-19T"));
    assert_eq!(fs::read_to_string(folder.path().join("cpu.json")).expect("a file"), outcome.cpu_json);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = generate_to(file.path(), &Scenario::home(), &run(), 100_000).expect_err("not a folder");
    assert!(matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists), "{error}");
}

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulate")).args(arguments).output().expect("a run")
}

#[test]
fn bench_input_has_exactly_the_lines_and_files_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("logs");
    let output = simulate(&["--out", &out.display().to_string(), "--lines", "20000", "--files", "4"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
    let logs: Vec<PathBuf> =
        files(&out).into_iter().filter(|path| path.extension().is_some_and(|e| e == "gz")).collect();
    assert_eq!(logs.len(), 4);
    let texts: Vec<Vec<u8>> = logs.iter().map(|path| gunzip(&fs::read(path).expect("a file"))).collect();
    let lines: usize = texts.iter().map(|text| text.iter().filter(|byte| **byte == b'\n').count()).sum();
    let bytes: usize = texts.iter().map(Vec::len).sum();
    assert_eq!(lines, 20_000);
    assert!((650..760).contains(&(bytes / lines)), "{} bytes per line", bytes / lines);
    assert!(folder.path().join("logs.truth.json").is_file(), "the truth lies beside the folder, not in it");
}

#[test]
fn a_folder_in_use_is_left_alone_without_force() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes.txt"), "mine").expect("written");
    let out = folder.path().display().to_string();
    let truth = folder.path().join("truth.json").display().to_string();
    let arguments = ["--out", &out, "--truth", &truth, "--minutes", "5"];
    let output = simulate(&arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"));
    let output = simulate(&[&arguments[..], &["--force"]].concat());
    assert!(output.status.success());
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).expect("still there"), "mine");
}

#[test]
fn a_wrong_argument_says_what_is_right() {
    for (arguments, hint) in [
        (["--scenario", "chaos"], "home, quiet, surge"),
        (["--fields", "35"], "36, 34, 33"),
        (["--rate", "-3"], "above 0"),
    ] {
        let output = simulate(&[&["--out", "unused"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(hint), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
