//! The commands of README.md work as they stand there, and `make demo` tells the story.

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

#[test]
fn the_commands_of_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("sample-data"), folder.path().join("sample-data")).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_albatross")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let commands = commands(&readme);
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env_remove("ALBATROSS_LAKE")
            .output()
            .unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // 1 is a finding, where one was asked for.
        let fine = output.status.success() || command.contains("--fail-on-rows") && output.status.code() == Some(1);
        assert!(fine, "{command}\n{stdout}\n{stderr}");
    }
    assert!(folder.path().join("report/slow_endpoints.csv").exists());
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
    for word in ["502", "average", "maximum", "100"] {
        assert!(stdout.contains(word), "{word} is not in\n{stdout}");
    }
}
