//! `albatross nightly`: nights, as they come and as they break.

mod cloud;
mod hook;
mod killed;
mod webhook;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The day of the sample.
const DAY: &str = "2026-11-19";

/// A folder with an albatross.toml.
struct Site {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Site {
    fn new(config: &str) -> Site {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("albatross.toml"), config).unwrap();
        Site { home, variables: Vec::new() }
    }

    /// The sample evening, three summaries, a budget that fails, and what else the config says.
    fn evening(more: &str) -> Site {
        let logs = sample_data();
        let site = Site::new(&format!(
            "lake = \"lake\"\n[ingest]\ninputs = [{logs:?}]\n[nightly]\nout = \"out\"\nchecks = [\"budgets.toml\"]\n\
             csv = [\"traffic\", \"errors_by_cause\", \"max_cpu_correlation\"]\n{more}"
        ));
        let budgets = "[[check]]\nname = \"few failures\"\nerror_rate = { max = \"0.01 %\" }\n";
        std::fs::write(site.path("budgets.toml"), budgets).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_albatross"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("ALBATROSS_"))
        {
            command.env_remove(name);
        }
        command.env("HOME", self.home.path()).envs(self.variables.iter().cloned()).current_dir(self.home.path());
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        done(self.command(args).spawn().unwrap())
    }

    fn night(&self) -> Ran {
        self.run(&["nightly", "--day", DAY])
    }

    /// Begins a night and returns when it logs this, with all fields.
    fn until(&self, args: &[&str], event: &[(&str, &str)]) -> Child {
        let all = [&["nightly", "-v", "--log-format", "json"][..], args].concat();
        let mut child = self.command(&all).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let found = lines.any(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            event.iter().all(|(name, value)| line[name] == *value)
        });
        assert!(found, "the night ended without {event:?}");
        // Whoever has a pipe for its log must read it; a closed one is no reason to stop.
        std::thread::spawn(move || lines.for_each(drop));
        child
    }

    fn sql(&self, sql: &str) -> String {
        let ran = self.run(&["sql", sql, "--format", "csv"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.lines().skip(1).collect::<Vec<_>>().join("\n")
    }

    fn summary(&self, day: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(&format!("out/{day}/nightly.json"))).unwrap()).unwrap()
    }

    /// All files below a folder, as called from it.
    fn files(&self, folder: &str) -> Vec<String> {
        let root = self.path(folder);
        let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
        while let Some(at) = folders.pop() {
            for entry in std::fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }
}

fn done(child: Child) -> Ran {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

fn step<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let found = summary["steps"].as_array().unwrap().iter().find(|step| step["step"] == name);
    found.unwrap_or_else(|| panic!("no step {name} in {summary}"))
}

fn sample_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/evening").canonicalize().unwrap()
}

/// What docs/ops.md says is in the folder.
#[test]
fn a_night_leaves_what_is_documented() {
    let site = Site::evening("");
    let ran = site.night();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("2 incidents, 1 budget failed"), "{}", ran.stderr);
    let files = [
        "checks/budgets.json",
        "csv/errors_by_cause.csv",
        "csv/max_cpu_correlation.csv",
        "csv/traffic.csv",
        "diagnosis.json",
        "nightly.json",
        "report.html",
        "report.md",
    ];
    assert_eq!(site.files(&format!("out/{DAY}")), files);
    let summary = site.summary(DAY);
    assert_eq!(summary["files"], serde_json::json!(files));
    assert_eq!((&summary["exit"], &summary["tz"]), (&1.into(), &"UTC".into()));
    assert_eq!(
        (&step(&summary, "ingest")["rows"], &step(&summary, "diagnose")["incidents"]),
        (&72649.into(), &2.into())
    );
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ops.md")).unwrap();
    for name in files.iter().map(|file| file.split('/').next().unwrap()).chain(["messages.json"]) {
        assert!(docs.contains(&format!("`{name}")), "docs/ops.md does not say what {name} is");
    }

    // The second night has nothing to do, says so, and its folder is the same.
    let first = std::fs::read(site.path(&format!("out/{DAY}/diagnosis.json"))).unwrap();
    let again = site.night();
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("nothing new: 75 files are in the lake already"), "{}", again.stderr);
    assert_eq!(std::fs::read(site.path(&format!("out/{DAY}/diagnosis.json"))).unwrap(), first);
    assert_eq!(site.files("out").len(), files.len() + 1, "and the lock");
    assert_eq!(step(&site.summary(DAY), "ingest")["ingested"], 0);
}

#[test]
fn a_dry_run_changes_nothing() {
    let site = Site::evening("[webhook]\nurl = \"http://127.0.0.1:1/\"\n");
    let before = site.files("");
    let ran = site.run(&["nightly", "--day", DAY, "--dry-run"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for said in ["lake lake: would be made", "ingest: 75 new files of 5.7 MB", "webhook: 0 messages", "3 files in csv/"]
    {
        assert!(ran.stdout.contains(said), "{said} is not in\n{}", ran.stdout);
    }
    assert_eq!(site.files(""), before);
    site.night();
    let (before, ran) = (site.files(""), site.run(&["nightly", "--day", DAY, "--dry-run"]));
    assert!(ran.stdout.contains("ingest: 0 new files of 0 B, 75 in the lake already"), "{}", ran.stdout);
    assert!(ran.stdout.contains("webhook: 3 messages from earlier nights"), "{}", ran.stdout);
    assert_eq!(site.files(""), before);
}

#[test]
fn a_broken_night_takes_no_good_one_away() {
    let site = Site::evening("");
    site.night();
    let before = site.files("out");
    let data: Vec<_> = site.files("lake/alb").into_iter().filter(|file| file.ends_with(".parquet")).collect();
    assert!(!data.is_empty());
    data.iter().for_each(|file| std::fs::remove_file(site.path("lake/alb").join(file)).unwrap());
    let ran = site.night();
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("its folder is left as it was"), "{}", ran.stderr);
    assert_eq!(site.files("out"), before);
    assert_eq!(site.summary(DAY)["exit"], 1);

    // Without a lake there is nothing to publish.
    let empty = Site::new("lake = \"none\"\n[nightly]\nout = \"out\"\n");
    let ran = empty.night();
    assert_eq!((ran.code, empty.files("out")), (4, vec![".lock".to_owned()]), "{}", ran.stderr);
    assert!(ran.stderr.contains("no `inputs` are given") && ran.stderr.contains("there is no Albatross lake"));
    let ran = empty.run(&["nightly", "--dry-run"]);
    assert!(ran.code == 4 && ran.stderr.contains("no `inputs` are given"), "{}", ran.stderr);
}

#[test]
fn what_is_wrong_on_the_side_keeps_nothing_else_back() {
    let hook = hook::Hook::new(&[]);
    let mut site = Site::evening("");
    site.night();
    let config = "lake = \"lake\"\n[nightly]\nout = \"out\"\nchecks = [\"wrong.toml\", \"budgets.toml\", \"more/other.toml\"]\n\
                  csv = [\"trafic\", \"errors_by_cause\"]\n[webhook]\nurl_env = \"HOOK\"\n";
    std::fs::write(site.path("albatross.toml"), config).unwrap();
    std::fs::write(site.path("wrong.toml"), "[[check]]\nnonsense = 1\n").unwrap();
    // Two checks of one name, and the same in another file.
    let budgets = std::fs::read_to_string(site.path("budgets.toml")).unwrap().repeat(2);
    std::fs::write(site.path("budgets.toml"), &budgets).unwrap();
    std::fs::create_dir(site.path("more")).unwrap();
    std::fs::write(site.path("more/other.toml"), &budgets).unwrap();

    // The dry run says all of it beforehand.
    let said = ["trafic: there is no query `trafic`; did you mean `traffic`?", "wrong.toml, line 2", "nonsense"];
    let variable = "the variable HOOK is not set or empty";
    for value in [None, Some("")] {
        site.variables = value.map(|value| ("HOOK".to_owned(), value.to_owned())).into_iter().collect();
        let ran = site.run(&["nightly", "--day", DAY, "--dry-run"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        for said in said.iter().chain([&variable]) {
            assert!(ran.stderr.contains(said), "{said} is not in\n{}", ran.stderr);
        }
    }

    site.variables = vec![hook.variable()];
    let ran = site.night();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    for said in said {
        assert!(ran.stderr.contains(said), "{said} is not in\n{}", ran.stderr);
    }
    let files = site.files(&format!("out/{DAY}"));
    let there = |name: &str| files.iter().any(|file| file == name);
    assert!(
        there("csv/errors_by_cause.csv") && there("checks/budgets.json") && there("checks/other.json"),
        "{files:?}"
    );
    assert!(!there("csv/traffic.csv") && !there("checks/wrong.json"), "the folder is a new one: {files:?}");
    let summary = site.summary(DAY);
    assert_eq!((&step(&summary, "csv")["failed"], &step(&summary, "checks")["files_failed"]), (&1.into(), &1.into()));
    // Two incidents, and four budgets.
    let got = hook.take();
    let keys: std::collections::HashSet<_> = got.iter().map(|got| &got.key).collect();
    assert_eq!((got.len(), keys.len()), (6, 6), "{got:?}");

    // Two files that would become one.
    std::fs::write(site.path("albatross.toml"), config.replace("more/other", "more/budgets")).unwrap();
    for more in [&[][..], &["--dry-run"]] {
        let ran = site.run(&[&["nightly", "--day", DAY], more].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        let said = "checks `budgets.toml` and `more/budgets.toml` would both become checks/budgets.json";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}
