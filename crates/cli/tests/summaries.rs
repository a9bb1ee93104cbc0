//! Summaries of many queries, the file that gives defaults, and what packagers install.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Site(tempfile::TempDir);

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Site {
    fn new() -> Site {
        Site(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_albatross"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ALBATROSS_")) {
            command.env_remove(name);
        }
        let command =
            command.current_dir(self.0.path()).envs(variables.iter().copied()).args(args).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The columns of each query as `queries/README.md` lists them.
fn documented() -> BTreeMap<String, Vec<String>> {
    let readme = fs::read_to_string(root().join("queries/README.md")).unwrap();
    let sections = readme.split("\n### ").skip(1);
    let of_section = |section: &str| {
        let (name, text) = section.split_once('\n').unwrap();
        let table = text.split_once("| column |").map_or("", |(_, table)| table);
        let cells = table.lines().take_while(|line| line.is_empty() || line.contains('|'));
        let names = cells.filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned));
        (name.to_owned(), names.collect())
    };
    sections.map(of_section).filter(|(_, columns): &(String, Vec<String>)| !columns.is_empty()).collect()
}

#[test]
fn the_header_of_each_summary_is_the_documented_one() {
    let site = Site::new();
    site.run(&["ingest", "-q", root().join("sample-data/evening").to_str().unwrap()]);
    let ran = site.run(&["query", "--all", "--out", "summaries", "--from", "2026-11-19", "--to", "2026-11-20"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut written = BTreeMap::new();
    for entry in fs::read_dir(site.path("summaries")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().unwrap(), "csv", "{path:?}");
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.starts_with('\u{feff}') && !text.contains('\r') && text.ends_with('\n'), "{path:?}");
        let header = text.lines().next().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
        written.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), header);
    }
    assert!(written.len() >= 18);
    assert_eq!(written, documented());
}

#[test]
fn some_summaries_and_what_is_wrong_with_others() {
    let site = Site::new();
    site.run(&["ingest", "-q", root().join("sample-data/evening").to_str().unwrap()]);
    let ran = site.run(&["query", "traffic", "story", "--out=a/b", "--format", "ndjson"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert!(site.path("a/b/traffic.ndjson").exists() && site.path("a/b/story.ndjson").exists());

    let ran = site.run(&["query", "traffic", "storry", "--out", "none"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("there is no query `storry`; did you mean `story`?"), "{}", ran.stderr);
    assert!(!site.path("none/traffic.csv").exists(), "all or nothing of a wrong command line");
    for (wrong, said) in [
        (&["--from", "soon"][..], "--from `soon` is no time; give one such as 2026-11-19"),
        (&["--from", "2026-11-20", "--to", "2026-11-19"], "--to is not after --from"),
    ] {
        let ran = site.run(&[&["query", "--all", "--out", "none"], wrong].concat());
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }

    // Own queries: one that needs a value is not among all; one that fails keeps no other back.
    fs::create_dir(site.path("own")).unwrap();
    let own = |name: &str, rest: &str| {
        fs::write(site.path("own").join(format!("{name}.sql")), format!("-- {name}: why?\n{rest}")).unwrap()
    };
    own("needs", "-- param x: integer\n-- column x: integer\nSELECT $x AS x");
    own("fails", "-- column x: integer\nSELECT arrow_cast('x', 'Int64') AS x FROM alb");
    let ran = site.run(&["query", "--all", "--out", "all", "--queries", "own"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("albatross: fails: "), "{}", ran.stderr);
    assert!(site.path("all/traffic.csv").exists() && !site.path("all/needs.csv").exists());
    assert!(!site.path("all/fails.csv").exists() && !site.path("all/fails.csv.part").exists());
}

#[test]
fn the_file_of_init_is_found_and_says_what_is_wrong_with_it() {
    let site = Site::new();
    assert_eq!(site.run(&["init"]).code, Some(0));
    let template = fs::read_to_string(site.path("albatross.toml")).unwrap();
    fs::write(site.path("albatross.toml"), "# mine\n").unwrap();
    let ran = site.run(&["init"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("albatross.toml is there already"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(site.path("albatross.toml")).unwrap(), "# mine\n");
    assert_eq!(site.run(&["init", "--force"]).code, Some(0));
    assert_eq!(fs::read_to_string(site.path("albatross.toml")).unwrap(), template);

    let lake_of = |args: &[&str], variables: &[(&str, &str)]| {
        let said = site.run_with(&[args, &["status"]].concat(), variables).stderr;
        said.trim_end()
            .trim_start_matches("albatross: there is no Albatross lake at `")
            .trim_end_matches('`')
            .to_owned()
    };
    fs::create_dir(site.path("etc")).unwrap();
    fs::write(site.path("etc/other.toml"), "lake = \"of-file\"\n").unwrap();
    let config = ["--config", "etc/other.toml"];
    assert_eq!(lake_of(&[], &[]), "lake", "./albatross.toml");
    assert_eq!(lake_of(&config, &[]), "etc/of-file", "relative to its file");
    assert_eq!(lake_of(&[], &[("ALBATROSS_CONFIG", "etc/other.toml")]), "etc/of-file");
    assert_eq!(lake_of(&config, &[("ALBATROSS_LAKE", "of-variable")]), "of-variable");
    assert_eq!(lake_of(&[&config[..], &["--lake", "of-option"]].concat(), &[("ALBATROSS_LAKE", "x")]), "of-option");

    fs::write(site.path("albatross.toml"), "lake = \"lake\"\n[nightly]\n  reprot = true\n").unwrap();
    let ran = site.run(&["status"]);
    let said = "albatross: albatross.toml, line 3, column 3: unknown key `reprot`; did you mean `report`?\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), said));
    assert_eq!(site.run(&["completions", "zsh"]).code, Some(0), "which has nothing to do with it");
    let ran = site.run(&["status", "--config", "none.toml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot read none.toml"), "{}", ran.stderr);
}

#[test]
fn named_queries_take_the_zone_of_the_file() {
    let site = Site::new();
    site.run(&["ingest", "-q", root().join("sample-data/evening").to_str().unwrap()]);
    fs::write(site.path("zone.toml"), "tz = \"Asia/Tokyo\"\n").unwrap();
    let first = |args: &[&str]| {
        let args = [&["query", "traffic", "--format", "csv", "--from", "2026-11-20 04:00"], args].concat();
        let ran = site.run(&args);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(first(&[]), "", "after the evening");
    assert!(first(&["--config", "zone.toml"]).starts_with("2026-11-19T19:00:00Z,"));
    assert_eq!(first(&["--config=zone.toml", "--tz", "UTC"]), "");
}

#[test]
fn shells_complete_and_manuals_are_there() {
    let site = Site::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = site.run(&["completions", shell]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.contains("nightly") && ran.stdout.contains("dry-run"), "{shell}");
        // What clap_complete writes for the other shells has no values of positional arguments.
        assert!(ran.stdout.contains("slow_endpoints") || !["bash", "zsh"].contains(&shell), "{shell}");
    }
    fs::write(site.path("bash"), site.run(&["completions", "bash"]).stdout).unwrap();
    let complete = "source ./bash; COMP_WORDS=(albatross query slow_); COMP_CWORD=2; _albatross albatross slow_ query; echo ${COMPREPLY[*]}";
    let completed = Command::new("bash").args(["-c", complete]).current_dir(site.0.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&completed.stdout), "slow_endpoints\n");

    assert_eq!(site.run(&["man", "--out", "man1"]).code, Some(0));
    let page = fs::read_to_string(site.path("man1/albatross-nightly.1")).unwrap();
    assert!(page.contains(".TH albatross") && page.contains("dry"), "{page}");
    assert!(site.path("man1/albatross.1").exists() && site.path("man1/albatross-query.1").exists());
}
