//! The commands of README.md and of the pages for ops and analysts work as they stand there, and `make demo` tells the story.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The lines behind `$ ` in the blocks of README.md that are marked `console`.
fn commands(readme: &str) -> Vec<&str> {
    let mut in_console = false;
    let mut commands = Vec::new();
    for line in readme.lines() {
        if let Some(fence) = line.strip_prefix("```") {
            in_console = !in_console && fence == "console";
        } else if in_console && let Some(command) = line.strip_prefix("$ ") {
            commands.push(command);
        }
    }
    commands
}

/// Runs the commands of a page in an empty folder, which it returns. There is only the sample data in it.
fn run_page(page: &str, least: usize) -> tempfile::TempDir {
    let readme = std::fs::read_to_string(root().join(page)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("sample-data"), folder.path().join("sample-data")).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_albatross")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let commands = commands(&readme);
    assert!(commands.len() >= least, "{commands:?}");
    for command in commands {
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env_remove("ALBATROSS_LAKE")
            .env_remove("ALBATROSS_CONFIG")
            .output()
            .unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // 1 is a finding, where one was asked for.
        let may_find = command.contains("--fail-on-rows") || command.starts_with("albatross nightly");
        let fine = output.status.success() || may_find && output.status.code() == Some(1);
        assert!(fine, "{command}\n{stdout}\n{stderr}");
    }
    folder
}

#[test]
fn the_commands_of_the_readme() {
    let folder = run_page("README.md", 15);
    assert!(folder.path().join("report/slow_endpoints.csv").exists());
}

#[test]
fn the_commands_of_the_pages() {
    let night = run_page("docs/ops.md", 5);
    assert!(night.path().join("nightly/2026-11-19/report.html").exists());
    let summaries = run_page("docs/analyst.md", 7);
    let header = std::fs::read_to_string(summaries.path().join("summaries/traffic.csv")).unwrap();
    assert!(header.starts_with("start,requests,"), "{header}");
    assert!(run_page("docs/cron.md", 3).path().join("summaries/errors_by_cause.csv").exists());
    run_page("docs/scale.md", 4);
}

#[test]
fn the_demo_tells_the_story_and_adds_nothing_twice() {
    let lake = tempfile::tempdir().unwrap();
    let output = Command::new("make")
        .arg("demo")
        .arg(format!("ALBATROSS={}", env!("CARGO_BIN_EXE_albatross")))
        .arg(format!("DEMO_LAKE={}", lake.path().join("demo").display()))
        .current_dir(root())
        // Flags of an outer `make test` are not ours.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stderr.contains("nothing new"), "{stderr}");
    // What the simulator knows to be true must have been found from the data alone.
    let truth = std::fs::read_to_string(root().join("crates/simulate/tests/sample-truth.json")).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    let guilty = truth["guilty_route"].as_str().unwrap();
    let culprit = format!("slow endpoint  {guilty} takes");
    for said in [
        culprit.as_str(),
        "Errors rose from 2026-11-19 18:50 to 19:25",
        "x 502",
        "while the average never passed",
        "target_died",
    ] {
        assert!(stdout.contains(said), "{said:?} is not in\n{stdout}");
    }
}

/// Every query of `queries/`, on the sample: what it answers is kept in `snapshots/`.
#[test]
fn every_query_answers_as_before() {
    let lake = tempfile::tempdir().unwrap();
    let albatross = |args: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_albatross")).arg("--lake").arg(lake.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    albatross(&["ingest", root().join("sample-data/evening").to_str().unwrap()]);
    let mut names: Vec<String> = std::fs::read_dir(root().join("queries"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    names.sort();
    assert!(names.len() >= 15);
    for name in names {
        let answer = albatross(&["query", &name, "--format", "csv"]);
        // The one thing that depends on where the checkout is.
        let answer = answer.replace(root().to_str().unwrap(), "CHECKOUT");
        insta::assert_snapshot!(name.as_str(), answer);
    }
}
