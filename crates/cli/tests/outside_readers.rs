//! The lake as others read it, and the longer programs in their short forms. All need Python with the packages of their
//! requirements.txt; `make test` sets that up and names it in ALBATROSS_TEST_PYTHON.
#![allow(clippy::print_stderr)] // a test that is skipped says so

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn python() -> Option<String> {
    let python = std::env::var("ALBATROSS_TEST_PYTHON").ok();
    if python.is_none() {
        eprintln!("skipped: ALBATROSS_TEST_PYTHON is not set (make test sets it)");
    }
    python
}

/// A program of another crate, which `make test` builds beside the one under test.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_albatross")).with_file_name(name)
}

fn albatross(lake: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_albatross"));
    command.arg("--lake").arg(lake);
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn others_read_the_same_counts_and_sums() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let albatross = || albatross(&lake);
    run(albatross().arg("ingest").arg(root().join("sample-data/evening")));
    let figures = folder.path().join("figures.json");
    run(albatross()
        .args(["sql", "--file"])
        .arg(root().join("tests/readers/figures.sql"))
        .arg("--output")
        .arg(&figures));
    let check = || run(Command::new(&python).arg(root().join("tests/readers/check.py")).arg(&lake).arg(&figures));
    let readers = |said: &str| ["deltalake:", "DuckDB:", "Polars:"].iter().all(|reader| said.contains(reader));
    let said = check();
    assert!(readers(&said), "{said}");
    // And of the merged files.
    run(albatross().arg("maintain"));
    let said = check();
    assert!(readers(&said), "{said}");
}

#[test]
fn runs_are_killed_and_requests_fail_and_nothing_is_lost() {
    let Some(python) = python() else { return };
    let said = run(Command::new(python)
        .arg(root().join("tests/torture/torture.py"))
        .args(["--kills", "6", "--rounds", "1", "--lines", "20000", "--seed", "7"])
        .args(["--faults", "reset", "short-body", "lost-answer"])
        .args(["--albatross", env!("CARGO_BIN_EXE_albatross")])
        .arg("--simulate")
        .arg(program("simulate"))
        .arg("--loopback")
        .arg(program("loopback-s3")));
    for trial in ["kill on disk", "together on disk", "faults, lost-answer"] {
        assert!(said.contains(trial), "{said}");
    }
}

fn cluster(trials: &[&str]) -> Option<String> {
    let said = run(Command::new(python()?)
        .arg(root().join("tests/cluster/cluster.py"))
        .args(["--quick", "--lines", "20000", "--only"])
        .args(trials)
        .args(["--albatross", env!("CARGO_BIN_EXE_albatross")])
        .arg("--simulate")
        .arg(program("simulate"))
        .arg("--ballista")
        .arg(Path::new(env!("CARGO_BIN_EXE_albatross")).parent().unwrap()));
    assert!(said.contains("every answer is the same"), "{said}");
    Some(said)
}

#[test]
fn a_cluster_answers_as_this_machine_does() {
    let Some(said) = cluster(&["same"]) else { return };
    assert!(said.contains("same, on disk: 21 questions"), "{said}");
}

#[test]
fn a_cluster_reads_a_lake_in_s3() {
    let Some(said) = cluster(&["s3"]) else { return };
    assert!(said.contains("same, in S3") && said.contains("executors without credentials"), "{said}");
}

#[test]
fn a_cluster_survives_an_executor_and_tells_its_faults() {
    let Some(said) = cluster(&["killed", "faults"]) else { return };
    assert!(said.contains("killed: an executor after") && said.contains("faults: "), "{said}");
}

#[test]
fn workers_share_a_lake_and_take_each_row_once() {
    let Some(python) = python() else { return };
    let said = run(Command::new(python)
        .arg(root().join("tests/scale/scale.py"))
        .args(["--quick", "--only", "workers", "rate"])
        .args(["--albatross", env!("CARGO_BIN_EXE_albatross")])
        .arg("--simulate")
        .arg(program("simulate"))
        .arg("--loopback")
        .arg(program("loopback-s3"))
        .arg("--commits")
        .arg(program("examples/commits")));
    for part in
        ["disk: 20,000 rows, each once", "moto: 20,000 rows, each once", "rate: by what the log holds", "all holds"]
    {
        assert!(said.contains(part), "{said}");
    }
}

/// `make scale` runs the statements; this is what of them depends on the command line.
#[test]
fn other_engines_are_told_where_the_lake_is() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let albatross = || albatross(&lake);
    run(albatross().arg("ingest").arg(root().join("sample-data/evening")));
    let spark = run(albatross().args(["ddl", "spark"]));
    for table in ["alb", "metrics", "rejects", "ingested"] {
        let statement = format!(
            "CREATE TABLE IF NOT EXISTS `albatross`.`{table}` USING DELTA LOCATION 'file://{}/{table}/';\n",
            lake.canonicalize().unwrap().display()
        );
        assert!(spark.contains(&statement), "{spark}");
    }
    assert!(!spark.contains("`clb`"), "the lake has no such table: {spark}");

    let athena =
        run(albatross().args(["ddl", "athena", "--parquet", "--database", "logs", "--location", "s3://b/lake/"]));
    for part in [
        "CREATE EXTERNAL TABLE IF NOT EXISTS `logs`.`alb` (\n  `started_at` timestamp,\n",
        "PARTITIONED BY (`day` string)\nSTORED AS PARQUET\nLOCATION 's3://b/lake/alb/'\n",
        "'projection.day.range'='2026-11-19,NOW'",
        "'storage.location.template'='s3://b/lake/alb/day=${day}/'",
        "`ingested_at` timestamp\n)\nSTORED AS PARQUET\nLOCATION 's3://b/lake/rejects/';\n",
    ] {
        assert!(athena.contains(part), "{part}\n{athena}");
    }
    let refused = albatross().args(["ddl", "athena"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "Athena reads S3 only");
}

#[test]
fn the_evaluation_judges_as_it_says() {
    let Some(python) = python() else { return };
    run(Command::new(python).arg(root().join("tests/eval/test_eval.py")));
}

#[test]
fn incidents_are_diagnosed() {
    let Some(python) = python() else { return };
    let said = run(Command::new(python)
        .arg(root().join("tests/eval/eval.py"))
        .arg("--quick")
        .args(["--albatross", env!("CARGO_BIN_EXE_albatross")])
        .arg("--incidents")
        .arg(program("incidents")));
    assert!(said.contains("runs are right"), "{said}");
}

#[test]
fn the_benchmark_works() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let said = run(Command::new(python)
        .arg(root().join("bench/run.py"))
        .arg("--quick")
        .args(["--albatross", env!("CARGO_BIN_EXE_albatross")])
        .arg("--simulate")
        .arg(program("simulate"))
        .arg("--loopback")
        .arg(program("loopback-s3"))
        .arg("--decode")
        .arg(program("examples/decode"))
        .arg("--data")
        .arg(folder.path()));
    assert!(said.contains("zcat"), "{said}");
}
