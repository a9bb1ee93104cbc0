//! `albatross sql` outside of a terminal: several statements, files of logs, faults.

use std::fs;
use std::io::Write;
use std::path::Path;

use assert_cmd::Command;
use flate2::{Compression, write::GzEncoder};

const NGINX: &str = "203.0.113.7 - - [19/Nov/2026:18:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\" 0.004\n\
    203.0.113.8 - - [19/Nov/2026:18:00:01 +0000] \"GET /b HTTP/1.1\" 502 7 \"-\" \"curl/8.5.0\" 0.004\n";

/// A folder without a lake, with `logs/a.log`, `logs/b/b.log.gz` (nginx) and `cpu.csv`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("logs/b")).unwrap();
    fs::write(folder.path().join("logs/a.log"), NGINX).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(NGINX.as_bytes()).unwrap();
    fs::write(folder.path().join("logs/b/b.log.gz"), gzip.finish().unwrap()).unwrap();
    fs::write(folder.path().join("cpu.csv"), "time,resource,average,maximum\n2026-11-19T18:00:00Z,web,1,2\n").unwrap();
    folder
}

/// Standard output, standard error, exit code.
fn sql(folder: &Path, args: &[&str], stdin: &str) -> (String, String, i32) {
    let mut command = Command::cargo_bin("albatross").unwrap();
    command.current_dir(folder).env_remove("ALBATROSS_LAKE").env_remove("ALBATROSS_LOG");
    let output = command.arg("sql").args(args).write_stdin(stdin).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn answer(folder: &Path, statement: &str) -> String {
    let (stdout, stderr, code) = sql(folder, &[statement, "--format", "csv"], "");
    assert_eq!((stderr.as_str(), code), ("", 0), "{statement}");
    stdout
}

#[test]
fn files_are_tables_without_a_lake() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(answer(folder, "SELECT count(*) AS n FROM 'logs/**/*.log.gz'"), "n\n2\n");
    assert_eq!(
        answer(folder, "SELECT path, count(*) AS n FROM 'logs' GROUP BY path ORDER BY path"),
        "path,n\n/a,2\n/b,2\n"
    );
    let joined =
        "SELECT sum(maximum) AS m FROM 'logs/a.log' l JOIN 'cpu.csv' c ON date_trunc('minute', l.time) = c.time";
    assert_eq!(answer(folder, joined), "m\n4.0\n");
    assert!(!folder.join("lake").exists());

    let (stdout, stderr, code) = sql(folder, &["SELECT * FROM alb"], "");
    assert_eq!((stdout.as_str(), code), ("", 4));
    assert!(stderr.contains("there is no table `alb`: ") && stderr.contains("no Albatross lake"), "{stderr}");
    let (_, stderr, code) = sql(folder, &["SELECT * FROM '.'"], "");
    assert_eq!(code, 2);
    assert!(stderr.contains(". holds files of several kinds: 2 nginx, 1 metrics"), "{stderr}");
    assert!(stderr.contains("read_logs('.', 'nginx')"), "{stderr}");
}

#[test]
fn lines_that_cannot_be_read_are_told_with_the_answer() {
    let folder = folder();
    fs::write(folder.path().join("logs/c.log"), format!("{NGINX}\u{1b}[31mno line of a log\n")).unwrap();
    let (stdout, stderr, code) = sql(folder.path(), &["SELECT count(*) AS n FROM 'logs'", "--format", "csv"], "");
    assert_eq!((stdout.as_str(), code), ("n\n6\n", 0));
    assert!(
        stderr.contains("c.log: warning: 1 of 3 lines could not be read and are left out, first line 3, byte "),
        "{stderr}"
    );
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    // Neither does a value in the words of an engine's error.
    fs::write(folder.path().join("d.log"), NGINX.replace("/a", "/\u{1b}]0;x\u{7}")).unwrap();
    let (stdout, stderr, code) = sql(folder.path(), &["SELECT CAST(request_uri AS INT) AS n FROM 'd.log'"], "");
    assert_eq!(code, 4, "{stdout}");
    assert!(stderr.contains("Cannot cast string") && !stderr.contains(['\u{1b}', '\u{7}']), "{stderr:?}");
}

#[test]
fn what_logs_do_not_say_is_given_as_for_ingest() {
    let folder = folder();
    fs::write(folder.path().join("own.log"), "1.5|203.0.113.7|/x|200|19/Nov/2026:18:00:00 +0000\n").unwrap();
    fs::write(folder.path().join("routes"), "/x/*\n/x\n").unwrap();
    let format = "$request_time|$remote_addr|$uri|$status|$time_local";
    let (stdout, stderr, code) = sql(
        folder.path(),
        &[
            "SELECT status, duration FROM 'own.log'",
            "--nginx-log-format",
            format,
            "--routes",
            "routes",
            "--format",
            "csv",
        ],
        "",
    );
    assert_eq!((stdout.as_str(), stderr.as_str(), code), ("status,duration\n200,1.5\n", "", 0));
}

#[test]
fn several_statements_are_answered_in_turn() {
    let folder = folder();
    let folder = folder.path();
    let script = "/* A view; it ends with the session. */\nCREATE VIEW errors AS SELECT * FROM 'logs' WHERE status >= 500;\n\
        SET datafusion.execution.batch_size = 10;\nSELECT count(*) AS n FROM errors; SELECT ';' AS x";
    fs::write(folder.join("two.sql"), script).unwrap();
    let expected = "n\n2\nx\n;\n";
    for args in [&[script, "--format", "csv"][..], &["-f", "two.sql", "--format", "csv"]] {
        assert_eq!(sql(folder, args, ""), (expected.to_owned(), String::new(), 0), "{args:?}");
    }
    for args in [&["--format", "csv"][..], &["-", "--format", "csv"], &["-f", "-", "--format", "csv"]] {
        assert_eq!(sql(folder, args, script), (expected.to_owned(), String::new(), 0), "{args:?}");
    }
    let (stdout, _, _) = sql(folder, &["SELECT 1 AS a; SELECT 2 AS b"], "");
    assert_eq!(stdout, "a\n-\n1\n\nb\n-\n2\n");

    // A file takes one answer.
    let (_, stderr, code) = sql(folder, &["SELECT 1; SELECT 2", "-o", "out.csv"], "");
    assert_eq!(code, 2);
    assert!(stderr.contains("-o takes one answer, and here are 2"), "{stderr}");
    let one = "CREATE VIEW v AS SELECT 7 AS seven; SELECT * FROM v";
    assert_eq!(sql(folder, &[one, "-o", "out.csv"], ""), (String::new(), String::new(), 0));
    assert_eq!(fs::read_to_string(folder.join("out.csv")).unwrap(), "seven\n7\n");
    let (_, _, code) = sql(folder, &["SELECT 1 FROM 'none/*'", "-o", "out.csv"], "");
    assert_eq!(code, 2);
    let (_, _, code) = sql(folder, &["SELECT CAST(path AS INT) FROM 'logs'", "-o", "out.csv"], "");
    assert_eq!(code, 4);
    assert_eq!(fs::read_to_string(folder.join("out.csv")).unwrap(), "seven\n7\n");
    assert!(!folder.join("out.csv.part").exists());
}

#[test]
fn faults_point_at_their_place() {
    let folder = folder();
    let folder = folder.path();
    let script = "SELECT 1 AS a;\n\n  SELECT path,\n    ruote FROM 'logs';\nSELECT 2 AS b;\n";
    fs::write(folder.join("wrong.sql"), script).unwrap();
    let (stdout, stderr, code) = sql(folder, &["-f", "wrong.sql", "--format", "csv"], "");
    // What stood before it is answered, what follows is not.
    assert_eq!((stdout.as_str(), code), ("a\n1\n", 2));
    assert_eq!(
        stderr,
        "albatross: wrong.sql, line 4, column 5: there is no column `ruote`; did you mean `route`?\n      ruote FROM 'logs';\n      ^^^^^\n"
    );
    for (statement, said) in [
        (
            "SELECT * FORM alb",
            "line 1, column 10: Expected: end of statement, found: FORM\n  SELECT * FORM alb\n           ^^^^\n",
        ),
        (
            "SELECT cuont(*)",
            "line 1, column 8: there is no function `cuont`; did you mean `count`?\n  SELECT cuont(*)\n         ^^^^^\n",
        ),
        ("SELECT 'open", "line 1, column 8: Unterminated string literal\n  SELECT 'open\n         ^\n"),
    ] {
        let (_, stderr, code) = sql(folder, &[statement], "");
        assert_eq!((stderr, code), (format!("albatross: {said}"), 2), "{statement}");
    }
    let (_, stderr, code) = sql(folder, &["CREATE TABLE t AS SELECT 1"], "");
    assert_eq!(code, 2);
    assert!(stderr.contains("CREATE is refused"), "{stderr}");
    let (_, stderr, code) = sql(folder, &[" ; -- nothing"], "");
    assert_eq!((stderr.as_str(), code), ("albatross: there is no statement\n", 2));
}

#[test]
fn what_people_paste_and_mistake() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(answer(folder, "-- from a page\nSELECT 1 AS one"), "one\n1\n");
    fs::write(folder.join("bom.sql"), "\u{feff}SELECT 2 AS two").unwrap();
    assert_eq!(sql(folder, &["-f", "bom.sql", "--format", "csv"], "").0, "two\n2\n");
    assert_eq!(sql(folder, &["--format", "csv"], "\u{feff}SELECT 3 AS three").0, "three\n3\n");

    let (stdout, stderr, code) = sql(folder, &["SELECT 1 AS a", "--from", "2030-01-01"], "");
    assert_eq!((stdout.as_str(), code), ("", 2));
    assert!(stderr.contains("--from and --to choose log files, and none is read here"), "{stderr}");
    let (stdout, _, code) = sql(folder, &["SELECT count(*) AS n FROM 'logs'", "--from", "yesterday"], "");
    assert_eq!((code, stdout.is_empty()), (0, false));
    let (stdout, stderr, code) = sql(folder, &["SELECT 1 AS a; SELECT 2 AS b", "--format", "json"], "");
    assert_eq!((stdout.as_str(), code), ("", 2));
    assert!(stderr.contains("JSON takes one answer, and here are 2"), "{stderr}");

    let (_, stderr, _) = sql(folder, &["SELECT sum(path) FROM 'logs'"], "");
    assert!(!stderr.contains("bug") && !stderr.contains("Internal error") && !stderr.contains("u{9}"), "{stderr}");
}
