//! What the binary says and how it exits when the input, the place or the command is bad.
#![allow(clippy::print_stderr)] // a test that is skipped says so

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::{Compression, write::GzEncoder};

const GOOD: &str = "https 2026-11-19T18:00:00.500000Z app/shop/50dc6c495c0c9188 203.0.113.7:49120 10.0.1.5:8080 0.001 0.012 0.000 200 200 512 \
    2048 \"GET https://shop.example.com:443/api/users/4711 HTTP/1.1\" \"=cmd|' /C calc'!A0 \\x1b[31m\" TLS_AES_128_GCM_SHA256 TLSv1.3 - \
    \"Root=1-673cd6f0-000000000000000000000001\" \"shop.example.com\" \"-\" 1 2026-11-19T18:00:00.487000Z \"forward\" \"-\" \"-\" \
    \"10.0.1.5:8080\" \"200\" \"-\" \"-\" TID_16132ed0b4112148 \"-\" \"-\" \"-\" 10.0.0.9 - -\n";

struct Site(tempfile::TempDir);

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Site {
    fn new() -> Site {
        Site(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_albatross"));
        command.arg("--lake").arg(self.path("lake")).current_dir(self.0.path()).env_remove("ALBATROSS_LAKE");
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        finish(self.command().args(args))
    }

    fn ingest(&self, path: &Path) -> Ran {
        self.run(&["ingest", path.to_str().unwrap()])
    }

    fn value(&self, sql: &str) -> String {
        let ran = self.run(&["sql", sql, "--format", "csv"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout.lines().nth(1).unwrap_or_default().to_string()
    }
}

fn finish(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_kind_of_bad_file_is_named_and_the_good_one_is_kept() {
    let site = Site::new();
    let whole = gzip(&GOOD.repeat(5000));
    site.put("logs/good.log", GOOD);
    site.put("logs/truncated.log.gz", &whole[..whole.len() - 20]);
    site.put("logs/binary.log", [0u8, 159, 146, 150, 255].repeat(500));
    site.put("logs/empty.log", "");
    let ran = site.ingest(&site.path("logs"));
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
    assert!(ran.stderr.contains("truncated.log.gz: gzip: the data ends in the middle"), "{}", ran.stderr);
    assert!(ran.stderr.contains("binary.log: not recognised: it begins with \"\\x00"), "{}", ran.stderr);
    assert!(ran.stderr.contains("ingested 2 files"), "{}", ran.stderr);
    assert_eq!(site.value("SELECT count(*) FROM alb"), "1");

    let again = site.ingest(&site.path("logs/good.log"));
    assert_eq!(again.code, Some(0));
    assert!(again.stderr.contains("nothing new: 1 file is in the lake already"), "{}", again.stderr);
}

#[test]
fn only_failures_exit_with_4_and_an_empty_folder_with_0() {
    let site = Site::new();
    assert_eq!(site.ingest(Path::new("/no/such/place")).code, Some(4));
    let ran = site.run(&["ingest", "none*.log"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.stderr.contains("no file matches"), "{}", ran.stderr);
    fs::create_dir(site.path("logs")).unwrap();
    let ran = site.ingest(&site.path("logs"));
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("no files found"), "{}", ran.stderr);
}

#[test]
fn a_line_of_a_megabyte_is_a_reject_and_its_neighbours_are_rows() {
    let site = Site::new();
    let long = "x".repeat((1 << 20) + 1);
    let path = site.put("long.log", format!("{GOOD}{long}\n{GOOD}"));
    let ran = site.ingest(&path);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 line could not be read"), "{}", ran.stderr);
    assert_eq!(site.value("SELECT count(*) FROM alb"), "2");
    assert_eq!(
        site.value("SELECT line, byte, reason, length(raw) FROM rejects"),
        format!("2,{},line_too_long,4096", GOOD.len())
    );
}

#[test]
fn standard_input_once() {
    let site = Site::new();
    for expected in ["ingested 1 file", "nothing new"] {
        let mut child =
            site.command().args(["ingest", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&gzip(GOOD)).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert_eq!(site.value("SELECT count(*) FROM alb"), "1");
}

#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::process::CommandExt;
    let site = Site::new();
    let path = site.put("logs/secret.log", GOOD);
    site.put("logs/good.log", GOOD);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = site.command();
    if fs::read(&path).is_ok() {
        // root reads everything: become nobody, who must be able to run the binary and to write a lake.
        fs::set_permissions(site.0.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let binary = site.path("albatross");
        fs::copy(env!("CARGO_BIN_EXE_albatross"), &binary).unwrap();
        command = Command::new(binary);
        command.arg("--lake").arg(site.path("lake")).uid(65534).gid(65534);
    }
    let ran = finish(command.arg("ingest").arg(site.path("logs")));
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("secret.log: permission denied"), "{}", ran.stderr);
}

#[test]
fn a_full_disk_is_said_and_nothing_is_half_there() {
    let site = Site::new();
    // Random enough not to shrink to nothing.
    let trace = |i: u64| format!("{:024x}", u128::from(i).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060) >> 32);
    let lines: String = (1..20_000).map(|i| GOOD.replace("000000000000000000000001", &trace(i))).collect();
    let logs = site.put("full.log", lines);
    let small = site.path("small");
    fs::create_dir(&small).unwrap();
    // A file system of our own in a namespace of our own; where that is not allowed there is nothing to test.
    let script = "mount -t tmpfs -o size=96k tmpfs \"$1\" || exit 99; \"$2\" --lake \"$1/lake\" ingest \"$3\"; code=$?; \
                  find \"$1/lake/alb\" -name '*.parquet' | wc -l; exit $code";
    let ran = finish(
        Command::new("unshare")
            .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
            .arg(&small)
            .arg(env!("CARGO_BIN_EXE_albatross"))
            .arg(&logs),
    );
    if ran.code == Some(99) || ran.stderr.contains("unshare failed") {
        eprintln!("skipped: no mount namespaces here");
        return;
    }
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
    assert_eq!(ran.stdout.trim(), "0", "no half-written file stays");
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    let site = Site::new();
    site.put("a.log", GOOD);
    site.run(&["ingest", "a.log"]);
    for (args, said) in [
        (vec!["ingest"], "PATH"),
        (vec!["ingest", "a.log", "--max-rejects", "2"], "between 0 and 1"),
        (vec!["query", "502_spike"], "502_spikes"),
        (vec!["query", "502_spikes", "--bucket", "soon"], "bucket"),
        (vec!["query", "502_spikes", "--from", "2026-13-01"], "from"),
        (vec!["query", "502_spikes", "--colour", "red"], "--colour"),
        (vec!["query", "502_spikes", "--tz", "Mars/Base"], "time zone"),
        (vec!["sql", "SELEC 1"], "SELEC"),
        (vec!["sql", "SELECT nothing FROM alb"], "nothing"),
        (vec!["sql", "DROP TABLE alb"], "refused"),
        (vec!["sql", "INSERT INTO alb SELECT * FROM alb"], "refused"),
        (vec!["sql", "SELECT 1", "--format", "xml"], "xml"),
    ] {
        let ran = site.run(&args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{args:?}");
    }
    let mut elsewhere = Command::new(env!("CARGO_BIN_EXE_albatross"));
    let elsewhere = finish(elsewhere.arg("--lake").arg(site.path("nowhere")).args(["sql", "SELECT * FROM alb"]));
    assert_eq!(elsewhere.code, Some(4));
    assert!(elsewhere.stderr.contains("no Albatross lake"), "{}", elsewhere.stderr);
}

#[test]
fn findings_pipes_files_and_hostile_values() {
    let site = Site::new();
    site.put("a.log", GOOD);
    site.run(&["ingest", "a.log"]);
    assert_eq!(site.run(&["sql", "SELECT 1", "--fail-on-rows"]).code, Some(1));
    assert_eq!(site.run(&["sql", "SELECT 1 WHERE false", "--fail-on-rows"]).code, Some(0));

    let csv = site.run(&["sql", "SELECT user_agent FROM alb", "--format", "csv"]).stdout;
    assert_eq!(csv.lines().nth(1).unwrap(), "'=cmd|' /C calc'!A0 \\x1b[31m");

    assert_eq!(site.run(&["sql", "SELECT host FROM alb", "-o", "out.csv"]).code, Some(0));
    assert_eq!(fs::read_to_string(site.path("out.csv")).unwrap(), "host\nshop.example.com\n");
    assert_eq!(site.run(&["sql", "SELECT nothing", "-o", "none.csv"]).code, Some(2));
    assert!(!site.path("none.csv").exists() && !site.path("none.csv.part").exists());

    // The reader goes away after one line: quiet, and no failure.
    let mut child = site
        .command()
        .args(["sql", "SELECT * FROM generate_series(1, 3000000)", "--format", "csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn a_signal_leaves_no_half_of_a_file() {
    let site = Site::new();
    site.put("a.log", GOOD);
    site.run(&["ingest", "a.log"]);
    let endless = "SELECT a.value FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b";
    site.put("mine/endless.sql", format!("-- endless: when does it end?\n-- column value: integer | any\n{endless}"));
    let halves = || fs::read_dir(site.path("out")).unwrap().count();
    fs::create_dir(site.path("out")).unwrap();
    for (args, signal, code) in [
        (&["sql", endless][..], "-TERM", 143),
        (&["sql", endless], "-INT", 130),
        (&["query", "endless", "--queries", "mine"], "-TERM", 143),
        (&["query", "endless", "--queries", "mine"], "-INT", 130),
    ] {
        let mut child = site.command().args(args).args(["-o", "out/big.csv"]).spawn().unwrap();
        for _ in 0..600 {
            if halves() > 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(halves(), 1, "{args:?}");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!((child.wait().unwrap().code(), halves()), (Some(code), 0), "{args:?} {signal}");
    }
}

#[test]
fn standard_output_is_no_file() {
    let site = Site::new();
    site.put("a.log", GOOD);
    site.run(&["ingest", "a.log"]);
    for (args, stdout) in [
        (&["sql", "SELECT 7 AS n", "-o", "-", "--format", "csv"][..], "n\n7\n"),
        (&["sql", "SELECT 7 AS n", "-o", "-"], "n\n-\n7\n"),
        (&["query", "rejects_by_reason", "-o", "-", "--format", "ndjson"], ""),
    ] {
        let ran = site.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), stdout), "{args:?}: {}", ran.stderr);
    }
    let report = site.run(&["report", "-o", "-", "--format", "markdown"]);
    assert!(report.stdout.starts_with("# Access report"), "{}", report.stdout);
    assert!(!site.path("-").exists());
}

#[test]
fn a_users_own_queries() {
    let site = Site::new();
    site.put("a.log", GOOD);
    site.run(&["ingest", "a.log"]);
    site.put(
        "mine/hosts.sql",
        "-- hosts: which hosts were asked?\n-- param least: integer 1.. = 1 | at least so many requests\n-- column host: text | the host\n\
         SELECT host FROM alb WHERE started_at >= $from AND started_at < $to GROUP BY host HAVING count(*) >= $least\n",
    );
    let ran = site.run(&["query", "hosts", "--queries", "mine", "--least", "1", "--format", "csv"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "host\nshop.example.com\n"), "{}", ran.stderr);
    assert!(site.run(&["query", "--help"]).stdout.contains("502_spikes"));
    let help = site.run(&["query", "hosts", "--queries", "mine", "--help"]);
    assert!(help.stdout.contains("at least so many requests") && help.stdout.contains("the host"), "{}", help.stdout);
}
