//! What `albatross status` says, as text and as JSON.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

/// A line that arrives at this time, with 36 fields.
fn line(arrival: &str) -> String {
    format!(
        "https 2026-11-19T{arrival}.500000Z app/shop/50dc6c495c0c9188 203.0.113.7:49120 10.0.1.5:8080 0.001 0.012 0.000 200 200 \
         512 2048 \"GET https://shop.example.com:443/api/users/4711 HTTP/1.1\" \"curl/8.5.0\" TLS_AES_128_GCM_SHA256 TLSv1.3 - \
         \"Root=1-673cd6f0-000000000000000000000001\" \"shop.example.com\" \"-\" 1 2026-11-19T{arrival}.487000Z \"forward\" \
         \"-\" \"-\" \"10.0.1.5:8080\" \"200\" \"-\" \"-\" TID_16132ed0b4112148 \"-\" \"-\" \"-\" 10.0.0.9 - -\n"
    )
}

fn put(folder: &Path, node: &str, end: &str, text: &str) {
    let name = format!(
        "123456789012_elasticloadbalancing_eu-central-1_app.shop.50dc6c495c0c9188_20261119T{end}Z_{node}_x.log"
    );
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

fn run(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::cargo_bin("albatross").unwrap();
    command.current_dir(folder).env_remove("ALBATROSS_LAKE").env_remove("ALBATROSS_LOG").args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn status_counts_what_is_there_missing_and_new() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    put(&logs, "10.0.0.1", "1805", &line("18:01:00"));
    put(&logs, "10.0.0.2", "1805", &line("18:02:00"));
    put(&logs, "10.0.0.2", "1810", &format!("{}bad line\n", line("18:06:00")));
    run(folder.path(), &["ingest", "logs", "-q", "--threads", "1"]);
    let before: Value = serde_json::from_str(&run(folder.path(), &["status", "--json"])).unwrap();
    assert_eq!(before["drift"], json!({"lines": 0, "of_lines": 0, "share": null, "since": null, "unknown_files": 0}));
    assert_eq!(before["small_files"], json!({"files": 0, "bytes": 0, "days": 0}));
    let text = run(folder.path(), &["status"]);
    assert!(!text.contains("drift") && !text.contains("small files"), "{text}");

    // Of four lines in the second batch two have surplus fields; the first node was silent while the second was not.
    let surplus = line("18:12:00").replace(" - -\n", " - - - \"x y\"\n");
    put(&logs, "10.0.0.1", "1815", &format!("{}{surplus}{surplus}", line("18:11:00")));
    put(&logs, "10.0.0.2", "1815", &line("18:13:00"));
    run(folder.path(), &["ingest", "logs", "-q", "--threads", "1"]);
    let status: Value = serde_json::from_str(&run(folder.path(), &["status", "--json"])).unwrap();
    let alb = &status["tables"][0];
    for (field, value) in [
        ("table", json!("alb")),
        ("rows", json!(7)),
        ("files", json!(2)),
        ("version", json!(2)),
        ("checkpoint", json!(null)),
        ("commits_since_checkpoint", json!(3)),
        ("first", json!("2026-11-19T18:01:00.487Z")),
        ("last", json!("2026-11-19T18:13:00.487999Z")),
    ] {
        assert_eq!(alb[field], value, "{field}");
    }
    let tables = status["tables"].as_array().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert_eq!(names, ["alb", "rejects", "ingested"], "those that there are");
    for sum in ["files", "bytes"] {
        let of_tables: u64 = tables.iter().map(|table| table[sum].as_u64().unwrap()).sum();
        assert_eq!(status[sum], json!(of_tables), "{sum}");
    }
    assert_eq!(status["sources"][0]["files"], json!(5));
    assert_eq!((&status["sources"][0]["rows"], &status["sources"][0]["rejects"]), (&json!(7), &json!(1)));
    assert_eq!(status["rejects"], json!([{"reason": "too_few_fields", "lines": 1}]));
    assert_eq!(
        status["coverage"],
        json!({"load_balancers": 1, "nodes": 2, "expected": 6, "seen": 5, "late": 0, "missing": 1, "alone": 1})
    );
    assert_eq!(
        status["drift"],
        json!({"lines": 2, "of_lines": 4, "share": 0.5, "since": "2026-11-19T18:11:00.487Z", "unknown_files": 0})
    );
    assert_eq!((&status["small_files"]["files"], &status["small_files"]["days"]), (&json!(2), &json!(1)));
    let newest = status["newest"]["source_file"].as_str().unwrap();
    assert!(newest.contains("T1815Z_10.0.0."), "{newest}");

    let text = run(folder.path(), &["status"]);
    for said in [
        "7 rows in   2 files",
        "log at version 2, 3 commits since its checkpoint",
        "coverage: 5 of 6 five-minute slots of 1 load balancer, 2 nodes; 1 missing (1 while other nodes delivered): albatross query coverage_gaps",
        "rejects too_few_fields: 1 line",
        "drift: 50 % of lines since 2026-11-19 18:11:00Z (2 lines) have more fields than documented: albatross query drift",
        "small files: 2 (",
        "newest source ",
    ] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
    let drift = run(folder.path(), &["query", "drift", "--format", "csv"]);
    assert!(
        drift.contains("\nfields,2 more,app/shop/50dc6c495c0c9188,2,0.666667,2026-11-19T18:12:00.487000Z,"),
        "{drift}"
    );
}

#[test]
fn points_of_a_metric_are_no_lines() {
    let folder = tempfile::tempdir().unwrap();
    let point = |statistic: &str| json!({"Timestamp": "2026-11-19T18:00:00Z", "Unit": "Percent", statistic: 10.0});
    let series = json!({"Label": "CPUUtilization", "Datapoints": [point("Average"), point("Maximum")]});
    fs::write(folder.path().join("cpu.json"), series.to_string()).unwrap();
    put(folder.path(), "10.0.0.1", "1805", &line("18:01:00"));
    run(folder.path(), &["ingest", ".", "-q", "--threads", "1"]);
    let text = run(folder.path(), &["status"]);
    assert!(text.contains("; 2 points merged into 1 rows + 0 rejects + 0 skipped\n"), "{text}");
    assert!(text.contains("; 1 line = 1 rows + 0 rejects + 0 skipped\n"), "{text}");
}

#[test]
fn an_empty_lake_has_a_status() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    run(folder.path(), &["ingest", "logs", "-q", "--threads", "1"]);
    let status: Value = serde_json::from_str(&run(folder.path(), &["status", "--json"])).unwrap();
    assert_eq!((&status["newest"], &status["coverage"], &status["sources"]), (&json!(null), &json!(null), &json!([])));
    assert!(run(folder.path(), &["status"]).contains("0 rows in   0 files"));
}
