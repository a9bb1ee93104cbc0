//! Athena's tables and queries: views give back what the log says, and published queries run as they stand.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::{env, fs};

use albatross_lake::Lake;
use albatross_query::{Format, Options, Session, write};
use assert_cmd::Command;
use regex::Regex;
use serde_json::{Map, Value};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn ingest(lake: &Path, sources: &[PathBuf]) {
    let mut command = Command::cargo_bin("albatross").unwrap();
    command.env_remove("ALBATROSS_LAKE").arg("--lake").arg(lake).args(["ingest", "--quiet"]).args(sources);
    // Some fixtures are broken files: the others are taken.
    let code = command.assert().get_output().status.code();
    assert!(matches!(code, Some(0 | 3)), "{code:?}");
}

async fn session(lake: &Path) -> Session {
    let lake = Lake::open(lake.to_str().unwrap()).await.unwrap();
    Session::open(&lake).await.unwrap()
}

async fn answer(session: &Session, sql: &str, format: Format) -> Result<String, String> {
    let stream = session.sql(sql).await.map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    write(format, stream, &mut bytes, &Options::default()).await.map_err(|e| e.to_string())?;
    Ok(String::from_utf8(bytes).unwrap())
}

async fn rows(session: &Session, sql: &str) -> Vec<Map<String, Value>> {
    let text = answer(session, sql, Format::Ndjson).await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What AWS's page says of a table: the regular expression of its SerDe, and its columns. The regular expression of
/// NLB is anchored here as the others are there.
struct Documented {
    view: &'static str,
    fixtures: &'static str,
    regex: &'static str,
    columns: &'static str,
}

const DOCUMENTED: [Documented; 4] = [
    Documented {
        view: "alb_access_logs",
        fixtures: "alb",
        regex: r#"([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)?( .*)?"#,
        columns: "type time elb client_ip client_port:int target_ip target_port:int request_processing_time:double target_processing_time:double response_processing_time:double elb_status_code:int target_status_code received_bytes:int sent_bytes:int request_verb request_url request_proto user_agent ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority request_creation_time actions_executed redirect_url lambda_error_reason target_port_list target_status_code_list classification classification_reason conn_trace_id",
    },
    Documented {
        view: "alb_connection_logs",
        fixtures: "alb_connections",
        regex: r#"([^ ]*) ([^ ]*) ([0-9]*) ([0-9]*) ([A-Za-z0-9.-]*) ([^ ]*) ([-.0-9]*) "([^"]*)" ([^ ]*) ([^ ]*) ([^ ]*) ?([^ ]*)?( .*)?"#,
        columns: "time client_ip client_port:int listener_port:int tls_protocol tls_cipher tls_handshake_latency:double leaf_client_cert_subject leaf_client_cert_validity leaf_client_cert_serial_number tls_verify_status conn_trace_id",
    },
    Documented {
        view: "elb_logs",
        fixtures: "clb",
        regex: r#"([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) ([^ ]*) (- |[^ ]*)" ("[^"]*") ([A-Z0-9-]+) ([A-Za-z0-9.-]*)"#,
        columns: "timestamp elb_name request_ip request_port:int backend_ip backend_port:int request_processing_time:double backend_processing_time:double client_response_time:double elb_response_code backend_response_code received_bytes:int sent_bytes:int request_verb url protocol user_agent ssl_cipher ssl_protocol",
    },
    Documented {
        view: "nlb_tls_logs",
        fixtures: "nlb",
        regex: r#"([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*):([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-0-9]*) ([-0-9]*) ([-0-9]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ?([^ ]*)?( .*)?"#,
        columns: "type version time elb listener_id client_ip client_port:int target_ip target_port:int tcp_connection_time_ms:double tls_handshake_time_ms:double received_bytes:int sent_bytes:int incoming_tls_alert:int cert_arn certificate_serial tls_cipher_suite tls_protocol_version tls_named_group domain_name alpn_fe_protocol alpn_be_protocol alpn_client_preference_list tls_connection_creation_time",
    },
];

/// All lines below a folder, gzip or not.
#[allow(clippy::disallowed_types, reason = "the project's own files; and a reader apart from ingest's")]
fn lines(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            lines.extend(self::lines(&path));
            continue;
        }
        let stored = fs::read(&path).unwrap();
        let mut text = Vec::new();
        match stored.starts_with(&[0x1f, 0x8b]) {
            true => drop(flate2::read::MultiGzDecoder::new(&stored[..]).read_to_end(&mut text)),
            false => text = stored,
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        lines.extend(text.lines().map(|line| (path.clone(), line.to_owned())));
    }
    lines
}

/// The line as a row of Athena's table: what its SerDe makes of each group.
fn row_of(line: &str, regex: &Regex, columns: &str) -> Option<String> {
    let captures = regex.captures(line)?;
    let mut row = String::new();
    for (i, column) in columns.split(' ').enumerate() {
        let text = captures.get(i + 1).map_or("", |group| group.as_str());
        let (name, kind) = column.split_once(':').unwrap_or((column, "string"));
        let value = match kind {
            "int" => text.parse::<i64>().ok().map_or(Value::Null, Value::from),
            "double" => text.parse::<f64>().ok().map_or(Value::Null, Value::from),
            _ => Value::from(text),
        };
        write!(row, "{name}={} ", shown(&value)).unwrap();
    }
    Some(row)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap().to_string(),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn views_give_back_what_the_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let samples = ["evening", "layers"].map(|name| project().join("sample-data").join(name));
    let fixtures = project().join("crates/formats/tests/fixtures");
    let mut sources = samples.to_vec();
    sources.extend(DOCUMENTED.iter().map(|table| fixtures.join(table.fixtures)));
    ingest(&lake, &sources);
    let session = session(&lake).await;
    let mut report = String::new();
    for table in &DOCUMENTED {
        let regex = Regex::new(&format!("^(?:{})$", table.regex)).unwrap();
        let names: Vec<&str> = table.columns.split(' ').map(|c| c.split(':').next().unwrap()).collect();
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let sql = format!("SELECT {}, \"$path\" FROM {}", quoted.join(", "), table.view);
        let mut ours: HashMap<(String, String), usize> = HashMap::new();
        for row in rows(&session, &sql).await {
            let values =
                names.iter().fold(String::new(), |text, name| text + &format!("{name}={} ", shown(&row[*name])));
            *ours.entry((row["$path"].as_str().unwrap().to_owned(), values)).or_default() += 1;
        }
        let (mut same, mut other) = (0, BTreeMap::<String, Vec<String>>::new());
        for (path, line) in samples.iter().chain([&fixtures.join(table.fixtures)]).flat_map(|folder| lines(folder)) {
            let Some(row) = row_of(&line, &regex, table.columns) else { continue };
            match ours.get_mut(&(path.to_str().unwrap().to_owned(), row.clone())).filter(|left| **left > 0) {
                Some(left) => {
                    *left -= 1;
                    same += 1;
                }
                None => other.entry(path.file_name().unwrap().to_string_lossy().into_owned()).or_default().push(row),
            }
        }
        let left: usize = ours.values().sum();
        writeln!(report, "{}: {same} lines are the same, {left} rows Athena has not", table.view).unwrap();
        for (file, rows) in other {
            writeln!(report, "  {file}: {}", rows.len()).unwrap();
            if env::var_os("SHOW_ROWS").is_some() {
                rows.iter().for_each(|row| writeln!(report, "    {row}").unwrap());
                let ours = ours.iter().filter(|((path, _), left)| path.ends_with(&file) && **left > 0);
                ours.for_each(|((_, row), _)| writeln!(report, "    ours: {row}").unwrap());
            }
        }
    }
    insta::assert_snapshot!(report);
}

/// A published query.
struct Example {
    name: String,
    sql: String,
    /// What its error says, and why it cannot run.
    fails: Option<(String, String)>,
    /// Its rows depend on the day.
    is_of_today: bool,
    is_stable: bool,
}

/// A file of examples: its source, and what was filled in.
fn examples(file: &Path) -> (String, Vec<Example>) {
    let text = fs::read_to_string(file).unwrap();
    let (head, rest) = text.split_once("\n-- name: ").unwrap();
    let source = head.lines().next().unwrap().strip_prefix("-- source: ").unwrap().to_owned();
    let example = |block: &str| {
        let (name, mut sql) = block.split_once('\n').unwrap();
        let mut example =
            Example { name: name.to_owned(), sql: String::new(), fails: None, is_of_today: false, is_stable: false };
        while let Some((line, after)) = sql.split_once('\n') {
            match line.strip_prefix("-- ").map(|line| line.split_once(": ").unwrap_or((line, ""))) {
                Some(("fails", why)) => {
                    let (message, why) = why.split_once(" | ").unwrap();
                    example.fails = Some((message.to_owned(), why.to_owned()));
                }
                Some(("clock", _)) => example.is_of_today = true,
                Some(("stable", _)) => example.is_stable = true,
                Some(("changed", _)) => {}
                _ => break,
            }
            sql = after;
        }
        Example { sql: sql.trim_end().to_owned(), ..example }
    };
    (source, rest.split("\n-- name: ").map(example).collect())
}

/// Times that published queries ask for, and times of the samples in their place.
const TIMES: [(&str, &str); 19] = [
    ("2025/02/12", "2026/11/19"),
    ("2025/02/06", "2026/11/01"),
    ("2022/02/12", "2026/11/19"),
    ("2026/10/01", "2026/11/19"),
    ("2018-05-30-12:", "2026-11-19-18:"),
    ("2018-05-31-00:", "2026-11-20-00:"),
    ("2018-08-08-00:", "2026-11-19-18:"),
    ("2018-08-08-02:", "2026-11-19-20:"),
    ("2024-01-01-00:", "2026-11-01-00:"),
    ("2024-03-20-00:", "2026-11-30-00:"),
    ("'2018-11-01'", "'2026-11-01'"),
    ("'2018-11-29'", "'2026-11-20'"),
    ("'2018-12-01'", "'2026-11-21'"),
    ("'2022-09-1", "'2026-11-1"),
    ("2017-06-09", "2026-11-19"),
    ("2017-06-11", "2026-11-21"),
    ("2019-02-14 12:50", "2026-11-19 18:50"),
    ("2019-02-14 13:00", "2026-11-19 19:00"),
    ("'2024-0%'", "'2026-1%'"),
];

#[tokio::test]
async fn published_queries_run_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    ingest(&lake, &["evening", "layers"].map(|name| project().join("sample-data").join(name)));
    let session = session(&lake).await;
    let mut files: Vec<PathBuf> =
        fs::read_dir(project().join("crates/cli/tests/athena")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut table, mut results) = (String::new(), String::new());
    let mut wrong = String::new();
    for file in files {
        let (source, examples) = examples(&file);
        writeln!(table, "| **{}** | | | |", source.trim_start_matches("https://")).unwrap();
        for example in examples {
            let said = match (answer(&session, &example.sql, Format::Csv).await, &example.fails) {
                (Ok(csv), None) => {
                    if example.is_stable {
                        writeln!(results, "{}: {}\n{csv}", file.file_name().unwrap().display(), example.name).unwrap();
                    }
                    match example.is_of_today {
                        true => "depends on today".to_owned(),
                        false => {
                            answer(&session, &example.sql, Format::Ndjson).await.unwrap().lines().count().to_string()
                        }
                    }
                }
                (Err(error), Some((message, why))) if error.contains(message) => {
                    writeln!(table, "| {} | no: {why} | | |", example.name).unwrap();
                    continue;
                }
                (answer, _) => {
                    writeln!(wrong, "{}: {}: {answer:.300?}", file.display(), example.name).unwrap();
                    continue;
                }
            };
            let moved = TIMES.iter().fold(example.sql.clone(), |sql, (asked, there)| sql.replace(asked, there));
            let there = match moved == example.sql || example.is_of_today {
                true => String::new(),
                false => answer(&session, &moved, Format::Ndjson).await.unwrap().lines().count().to_string(),
            };
            writeln!(table, "| {} | yes | {said} | {there} |", example.name).unwrap();
        }
    }
    assert_eq!(wrong, "");
    insta::assert_snapshot!("published_queries", results);
    let page = fs::read_to_string(project().join("docs/athena.md")).unwrap();
    assert!(page.contains(&table), "docs/athena.md must have this table:\n{table}");
}
