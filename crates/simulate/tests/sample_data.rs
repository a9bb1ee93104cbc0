//! `sample-data/evening/` is what the simulator makes, byte for byte once uncompressed, and its README says so correctly.

mod common;

use albatross_simulate::{Run, Scenario, generate};
use common::gunzip;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const SEED: u64 = 19;
const START: &str = "2026-11-19T18:00:00Z";
const MINUTES: u32 = 180;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/evening")
}

fn run() -> Run {
    Run { damage: true, ..Run::new(SEED, START.parse().expect("a time"), MINUTES) }
}

/// Paths of all files below `folder`, relative to `root`, with `/`.
fn keys(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            keys(root, &path, found);
        } else {
            let key = path.strip_prefix(root).expect("below").to_string_lossy().replace('\\', "/");
            found.insert(key);
        }
    }
}

#[test]
fn sample_data_is_what_the_simulator_makes() {
    let simulation = generate(&Scenario::home(), &run());
    let outcome = &simulation.outcome;
    let mut expected = BTreeSet::from(["README.md".to_owned(), "cpu.json".to_owned(), outcome.control_file.0.clone()]);
    let read = |key: &str| fs::read(folder().join(key)).unwrap_or_else(|error| panic!("{key}: {error}"));
    for file in &simulation.files {
        assert!(gunzip(&read(&file.key)) == file.text, "{} differs", file.key);
        expected.insert(file.key.clone());
    }
    assert!(read("cpu.json") == outcome.cpu_json.as_bytes(), "cpu.json differs");
    assert_eq!(read(&outcome.control_file.0), outcome.control_file.1.as_bytes());
    let mut found = BTreeSet::new();
    keys(&folder(), &folder(), &mut found);
    assert_eq!(found, expected);
    let truth = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sample-truth.json");
    let truth = fs::read_to_string(truth).expect("the truth");
    assert_eq!(truth, format!("{:#}\n", outcome.truth.to_json()));
}

#[test]
fn sample_data_is_small() {
    let mut found = BTreeSet::new();
    keys(&folder(), &folder(), &mut found);
    let bytes: u64 = found.iter().map(|key| fs::metadata(folder().join(key)).expect("a file").len()).sum();
    assert!(bytes < 7_000_000, "{bytes}");
}

#[test]
fn the_readme_says_what_is_there() {
    let readme = fs::read_to_string(folder().join("README.md")).expect("a README");
    let simulation = generate(&Scenario::home(), &run());
    let (key, damaged) = simulation.outcome.truth.damaged_lines.clone().expect("damage");
    let numbers: Vec<String> = damaged.iter().map(u64::to_string).collect();
    let bytes: usize = simulation.files.iter().map(|file| file.text.len()).sum();
    for fact in [
        format!("--scenario home --seed {SEED} --start {START} --minutes {MINUTES} --damage"),
        format!("{} files", simulation.files.len()),
        format!("{} lines", simulation.outcome.truth.lines),
        format!("{bytes} bytes"),
        format!("{} lines are damaged", damaged.len()),
        format!("lines {}", numbers.join(", ")),
        key.rsplit('/').next().expect("a name").to_owned(),
    ] {
        assert!(readme.contains(&fact), "the README does not say: {fact}");
    }
}
