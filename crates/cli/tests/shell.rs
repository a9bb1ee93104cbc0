//! The shell of `albatross sql`, driven in a terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

/// What a loaded machine may need for an answer, in milliseconds.
const PATIENCE: u64 = 60_000;
const PROMPT: &str = "albatross> ";

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// A lake with an evening of requests.
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let evening = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/evening");
        let mut ingest = Command::new(env!("CARGO_BIN_EXE_albatross"));
        ingest.args(["ingest", "-q"]).arg(evening).current_dir(folder.path()).env_remove("ALBATROSS_LAKE");
        assert!(ingest.status().unwrap().success());
        Site { folder }
    }

    fn history(&self) -> PathBuf {
        self.folder.path().join("state/albatross/history")
    }

    /// A shell in a terminal of 30 lines of 120 characters.
    fn shell(&self, pager: &str) -> PtySession {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("stty rows 30 cols 120; echo $$ > id; exec {} sql", env!("CARGO_BIN_EXE_albatross"))])
            .current_dir(self.folder.path())
            .env("TERM", "xterm")
            .env("PAGER", pager)
            .env("HOME", self.folder.path().join("home"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env_remove("ALBATROSS_LAKE")
            .env_remove("ALBATROSS_HISTORY")
            .env_remove("ALBATROSS_LOG");
        let mut shell = spawn_command(command, Some(PATIENCE)).unwrap();
        shell.exp_string(PROMPT).unwrap();
        shell
    }
}

/// Sends keys as they are.
fn keys(shell: &mut PtySession, keys: &str) {
    shell.send(keys).unwrap();
    shell.flush().unwrap();
}

/// Seconds of processor time that the last shell of the site has taken; 0 where there is no /proc.
fn processor_time(site: &Site) -> f64 {
    let id = fs::read_to_string(site.folder.path().join("id")).unwrap();
    let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", id.trim())) else { return 0.0 };
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = |place: usize| fields.split(' ').nth(place).unwrap().parse::<f64>().unwrap();
    // User and system, in hundredths.
    (ticks(11) + ticks(12)) / 100.0
}

fn leave(mut shell: PtySession) {
    shell.exp_string(PROMPT).unwrap();
    shell.send_control('d').unwrap();
    shell.exp_eof().unwrap();
}

#[test]
fn statements_are_typed_completed_cancelled_and_remembered() {
    let site = Site::new();
    let mut shell = site.shell("cat");

    // Over several lines, and over a semicolon that ends nothing.
    keys(&mut shell, "SELECT ';' AS a,\r");
    shell.exp_string("... ").unwrap();
    keys(&mut shell, "41 + 1 AS answer;\r");
    shell.exp_regex(r"a +answer").unwrap();
    shell.exp_regex(r"; +42").unwrap();
    shell.exp_string("(1 row)").unwrap();

    // Tab: a table, and a column of the table that the statement names.
    shell.exp_string(PROMPT).unwrap();
    keys(&mut shell, "SELECT count(*) + 500000 AS n FROM requ\t WHERE upstream_s\t = 502;\r");
    shell.exp_string("FROM requests").unwrap();
    shell.exp_string("WHERE upstream_status").unwrap();
    shell.exp_regex(r"\n *50\d{4}\r").unwrap();

    // What takes long is cancelled, and the shell goes on; nothing is at work any more.
    for (partitions, condition) in [(4, "> c.line"), (4, "< 0"), (1, "< 0")] {
        shell.exp_string(PROMPT).unwrap();
        keys(&mut shell, &format!("SET datafusion.execution.target_partitions = {partitions};\r"));
        shell.exp_string(PROMPT).unwrap();
        keys(
            &mut shell,
            &format!("SELECT count(*) AS n FROM alb a, alb b, alb c WHERE a.line + b.line {condition};\r"),
        );
        std::thread::sleep(std::time::Duration::from_secs(2));
        shell.send_control('c').unwrap();
        shell.exp_string("cancelled").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(1));
        let before = processor_time(&site);
        std::thread::sleep(std::time::Duration::from_secs(1));
        assert!(processor_time(&site) - before < 0.3, "{partitions} {condition}: threads are at work still");
    }

    // Ctrl-C forgets what is typed.
    shell.exp_string(PROMPT).unwrap();
    keys(&mut shell, "SELECT nonsense,\r");
    shell.exp_string("... ").unwrap();
    keys(&mut shell, "more nonsense");
    shell.send_control('c').unwrap();
    shell.exp_string(PROMPT).unwrap();
    keys(&mut shell, "\\timing\r");
    shell.exp_string("timing is on").unwrap();
    shell.exp_string(PROMPT).unwrap();
    keys(&mut shell, "SELECT 6 * 7 AS again;\r");
    shell.exp_regex(r"\s42\s").unwrap();
    shell.exp_regex(r"\n\d+\.\d{3} s").unwrap();
    leave(shell);

    // The next shell has the statements of the last one; nobody else may read them.
    assert_eq!(fs::metadata(site.history()).unwrap().permissions().mode() & 0o777, 0o600);
    let mut shell = site.shell("cat");
    keys(&mut shell, "\x1b[A\r");
    shell.exp_string("SELECT 6 * 7 AS again;").unwrap();
    shell.exp_regex(r"\s42\s").unwrap();
    leave(shell);
}

#[test]
fn commands_of_the_shell() {
    let site = Site::new();
    fs::write(site.folder.path().join("two.sql"), "SELECT 100 + 1 AS a;\nSELECT 100 + 2 AS b\n").unwrap();
    fs::create_dir(site.folder.path().join("home")).unwrap();
    fs::write(site.folder.path().join("home/wrong.sql"), "-- mine\nSELECT wrong FROM alb;\n").unwrap();
    let mut shell = site.shell("cat");
    for (typed, answers) in [
        ("\\d", &[r"alb +table +ALB access log", r"requests +view"][..]),
        ("\\d alb", &[r"duration +double +Seconds from arrival", r"\nday +date"]),
        ("\\d nothing", &[r"there is no table `nothing`"]),
        ("\\df approx", &["approx_distinct"]),
        ("\\queries", &[r"slow_endpoints +\w"]),
        ("\\run status_mix --from 2030-01-01", &[r"\(0 rows\)"]),
        ("\\run slow_endpoints --limit 1", &[r"/api/", r"\(1 row\)"]),
        ("\\run slow_endpoints --limit many", &["parameter `limit`"]),
        ("\\i two.sql", &[r"\s101\s", r"\s102\s"]),
        ("\\x on", &["expanded is on"]),
        ("SELECT 7 AS seven, 8 AS eight;", &[r"seven +7", r"eight +8"]),
        ("\\x off", &["expanded is off"]),
        ("\\rows 3", &[""]),
        ("SELECT line FROM alb;", &[r"\(3 of [\d,]+ rows shown; \\rows all shows all"]),
        ("\\format csv", &[""]),
        ("SELECT 1 AS a, 2 AS b;", &["a,b", "1,2"]),
        ("\\format table", &[""]),
        ("\\o answer.json", &[""]),
        ("SET datafusion.execution.batch_size = 100;", &[""]),
        ("SELECT wrong FROM alb;", &["there is no column `wrong`"]),
        ("SELECT 5 AS five;", &["1 row written to answer.json"]),
        ("SELECT 30 + 3 AS shown;", &[r"\s33\s"]),
        ("CREATE VIEW late AS SELECT * FROM alb LIMIT 2;", &[""]),
        ("SELECT count(*) + 70 AS n FROM late;", &[r"\s72\s"]),
        (
            "SELECT ruote FROM alb;",
            &[r"line 1, column 8: there is no column `ruote`; did you mean `route`\?", r"\n +\^{5}"],
        ),
        ("DROP TABLE alb;", &["DROP is refused"]),
        ("\\nothing", &["there is no command"]),
        ("\\format parquet", &["Parquet is not for a terminal"]),
        ("\\i ~/wrong.sql", &["home/wrong.sql, line 2, column 8: there is no column `wrong`"]),
        ("\\i none.sql", &["cannot read none.sql"]),
        ("\\d rejects", &[r"byte +bigint +Offset of the line"]),
        ("\\d requests", &[r"upstream_status +integer +That the layer behind it"]),
    ] {
        keys(&mut shell, &format!("{typed}\r"));
        for answer in answers {
            shell.exp_regex(answer).unwrap_or_else(|error| panic!("{typed}: {answer}: {error}"));
        }
        shell.exp_string(PROMPT).unwrap();
    }
    assert_eq!(
        fs::read_to_string(site.folder.path().join("answer.json")).unwrap().replace([' ', '\n'], ""),
        "[{\"five\":5}]"
    );
    // A line of a text is no command, whatever it begins with; elsewhere in a statement it is one.
    for (lines, answers) in [
        (["SELECT length('a", "\\q", "b') + 5000 AS n;"], &["a quote or a comment is open", r"\s5006\s"][..]),
        (["SELECT 1 +", "\\x on", "1000 AS n;"], &["expanded is on", r"n +1001"]),
    ] {
        for line in &lines[..2] {
            keys(&mut shell, &format!("{line}\r"));
            shell.exp_string("\n").unwrap();
            if line.starts_with('\\') {
                shell.exp_regex(answers[0]).unwrap();
            }
            shell.exp_string("... ").unwrap();
        }
        keys(&mut shell, &format!("{}\r", lines[2]));
        shell.exp_regex(answers[1]).unwrap();
        shell.exp_string(PROMPT).unwrap();
    }
    keys(&mut shell, "\\q\r");
    shell.exp_eof().unwrap();
}

#[test]
fn only_what_is_taller_than_the_terminal_is_paged() {
    let site = Site::new();
    let mut shell = site.shell("sed 's/^/paged: /'");
    keys(&mut shell, "SELECT 1000 + 1 AS small;\r");
    shell.exp_regex(r"\n *1001\s").unwrap();
    shell.exp_string(PROMPT).unwrap();
    keys(&mut shell, "SELECT line FROM alb LIMIT 40;\r");
    shell.exp_string("paged: ").unwrap();
    shell.exp_string("paged: (40 rows)").unwrap();
    for (typed, paged) in [("\\d alb", "duration"), ("\\run story --help", "--bucket"), ("\\df", "approx_distinct")] {
        shell.exp_string(PROMPT).unwrap();
        keys(&mut shell, &format!("{typed}\r"));
        shell.exp_regex(&format!("paged: *{paged}")).unwrap_or_else(|error| panic!("{typed}: {error}"));
    }
    leave(shell);

    // Without the program that $PAGER names the answer is shown all the same.
    let mut shell = site.shell("no-such-pager -x");
    keys(&mut shell, "SELECT line FROM alb LIMIT 40;\r");
    shell.exp_string("$PAGER: there is no program `no-such-pager`").unwrap();
    shell.exp_string("(40 rows)").unwrap();
    leave(shell);
}

#[test]
fn a_new_commit_is_seen_by_an_open_shell() {
    let site = Site::new();
    let mut shell = site.shell("cat");
    keys(&mut shell, "SELECT count(*) + 900000 AS n FROM metrics WHERE source_file LIKE '%later.csv';\r");
    shell.exp_regex(r"\s900000\s").unwrap();
    fs::write(site.folder.path().join("later.csv"), "time,resource,average,maximum\n2026-11-19T18:00:00Z,web,1,2\n")
        .unwrap();
    let mut ingest = Command::new(env!("CARGO_BIN_EXE_albatross"));
    ingest.args(["ingest", "-q", "later.csv"]).current_dir(site.folder.path()).env_remove("ALBATROSS_LAKE");
    assert!(ingest.status().unwrap().success());
    shell.exp_string(PROMPT).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    keys(&mut shell, "\x1b[A\r");
    shell.exp_regex(r"\s900001\s").unwrap();
    leave(shell);
}
