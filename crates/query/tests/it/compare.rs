//! What explains a difference: lakes in which one thing changes, and the answer is known.

use std::collections::BTreeMap;

use albatross_lake::Table;
use albatross_query::compare::{self, Request};
use albatross_query::{Catalogue, Format, Options, Session, write};
use chrono::TimeDelta;

use crate::fixture::{Row, TestLake, answer, clock, request, time, timed, with};

/// 600 requests from 18:00 to 19:00 and as many to 20:00, each as `change` makes it of its number and whether it is in the second hour;
/// one in 20 is a POST of `/upload`.
async fn two_hours(change: impl Fn(i64, bool, Row) -> Vec<Row>) -> (TestLake, Session) {
    in_files(1, change).await
}

/// The same in several files, if so from the last row to the first.
async fn in_files(files: usize, change: impl Fn(i64, bool, Row) -> Vec<Row>) -> (TestLake, Session) {
    let mut lake = TestLake::empty().await;
    let mut rows: Vec<Row> = (0..1200)
        .flat_map(|i| {
            let at = time("18:00:00") + TimeDelta::seconds(6 * i);
            let mut row = request(at);
            row.insert("client_ip", format!("203.0.113.{}", i % 37).as_str().into());
            row.insert("target_ip", format!("10.0.1.{}", i % 3).as_str().into());
            if i % 20 == 7 {
                row = with(row, row! {"request_verb": "POST", "route": "/upload", "received_bytes": 5_000_000});
            }
            change(i, i >= 600, row)
        })
        .collect();
    if files > 1 {
        rows.reverse();
    }
    for file in 0..files {
        let rows: Vec<Row> = rows.iter().skip(file).step_by(files).cloned().collect();
        lake.add(Table::ALB, Some("2026-11-19"), &rows).await;
    }
    let session = lake.session().await;
    (lake, session)
}

fn failed(row: Row) -> Row {
    with(row, row! {"elb_status_code": 500, "target_status_code": 500, "cause": "application_error"})
}

const HOUR: [(&str, &str); 2] = [("from", "2026-11-19T19:00:00Z"), ("to", "2026-11-19T20:00:00Z")];

/// Rows of the answer by dimension and value, in its order, without columns that the test does not name.
async fn compared(session: &Session, given: &[(&str, &str)], columns: &[&str]) -> Vec<String> {
    let csv = answer(session, "compare", &[&HOUR, given].concat()).await;
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let places: Vec<usize> = columns.iter().map(|c| names.iter().position(|name| name == c).unwrap()).collect();
    lines
        .map(|line| {
            let values: Vec<&str> = places.iter().map(|&i| line[i]).collect();
            format!("{} {}: {}", line[0], line[1], values.join(" "))
        })
        .collect()
}

#[tokio::test]
async fn the_route_that_fails_explains_all_errors() {
    let (_lake, session) = two_hours(|i, later, row| vec![if later && i % 20 == 7 { failed(row) } else { row }]).await;
    let columns =
        ["requests", "requests_before", "total", "total_before", "rate", "rate_before", "mix", "own", "explains"];
    let rows = compared(&session, &[("by", "errors")], &columns).await;
    assert_eq!(
        rows[0],
        "all 2026-11-19T19:00:00Z to 2026-11-19T20:00:00Z against 2026-11-19T18:00:00Z to 2026-11-19T19:00:00Z: \
         600 600 30.0 0.0 0.05 0.0 0.0 1.0 1.0"
    );
    for row in [
        "route POST /upload: 30 30 30.0 0.0 1.0 0.0 0.0 1.0 1.0",
        "method POST: 30 30 30.0 0.0 1.0 0.0 0.0 1.0 1.0",
        "received 1 to 10 MB: 30 30 30.0 0.0 1.0 0.0 0.0 1.0 1.0",
        // Not there before: all mix, half of it counted against the baseline's mean.
        "status 500: 30 0 30.0 0.0 1.0  0.975 0.0 1.0",
        "cause application_error: 30 0 30.0 0.0 1.0  0.975 0.0 1.0",
    ] {
        assert!(rows[1..].contains(&row.to_owned()), "{row}\n{rows:#?}");
    }
    // What the failures are spread over evenly explains nothing, and what did not fail even less.
    for row in &rows[1..] {
        assert!(
            !["target", "client", "agent", "host", "lb", "protocol"].contains(&row.split(' ').next().unwrap()),
            "{rows:#?}"
        );
        assert!(!row.contains("GET"), "{rows:#?}");
    }
}

#[tokio::test]
async fn more_of_what_always_failed_is_mix() {
    // `/upload` always fails; in the second hour there are five times as many.
    let (_lake, session) = two_hours(|i, later, row| match i % 20 == 7 {
        true if later => vec![failed(row); 5],
        true => vec![failed(row)],
        false => vec![row],
    })
    .await;
    let rows = compared(&session, &[], &["requests", "requests_before", "mix", "own", "explains"]).await;
    // Its share rises from 1/20 to 150/720, and that is the change: (5/24 - 1/20) x (1 - (5/24 + 1/20) / 2), over 5/24 - 1/20.
    let row = "route POST /upload: 150 30 0.8708 0.0 1.0".to_owned();
    assert!(rows.contains(&row), "{rows:#?}");
}

#[tokio::test]
async fn what_changes_alike_or_is_too_little_explains_nothing() {
    // One in three fails everywhere, the routes in their turn; and one request to a route of its own.
    let (_lake, session) = two_hours(|i, later, row| {
        let row = if i == 1000 { with(row, row! {"route": "/rare"}) } else { row };
        vec![if later && (i * 7919 / 13) % 3 == 0 || i == 1000 { failed(row) } else { row }]
    })
    .await;
    let rows = compared(&session, &[("min_requests", "1")], &["explains"]).await;
    let dimensions: Vec<&str> = rows.iter().map(|row| row.split(' ').next().unwrap()).collect();
    assert_eq!(dimensions, ["all", "cause", "status"], "{rows:#?}");
    // Nothing at all differs.
    let (_lake, session) = two_hours(|i, _, row| vec![if i % 50 == 3 { failed(row) } else { row }]).await;
    let rows = compared(&session, &[], &["at_least"]).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
}

#[tokio::test]
async fn latency_and_traffic_are_explained_too() {
    let (_lake, session) = two_hours(|i, later, row| {
        let at = time("18:00:00") + TimeDelta::seconds(6 * i);
        match i % 3 == 1 && later {
            true => vec![timed(row, at, 3.05)],
            false => vec![row],
        }
    })
    .await;
    let rows = compared(&session, &[("by", "latency")], &["rate", "rate_before", "own", "explains"]).await;
    assert_eq!(rows[1..], ["target 10.0.1.1:8080: 3.05 0.05 1.0 1.0"], "{rows:#?}");

    // A client that sends 300 more.
    let (_lake, session) = two_hours(|i, later, row| match later && i % 2 == 0 {
        true => vec![
            row.clone(),
            with(row, row! {"client_ip": "198.51.100.9", "user_agent": "=cmd|' /C calc'!A0\u{1b}[2J"}),
        ],
        false => vec![row],
    })
    .await;
    let rows = compared(&session, &[("by", "requests")], &["total", "total_before", "mix", "own", "explains"]).await;
    assert!(rows[0].ends_with(": 900.0 600.0  1.0 1.0"), "{rows:#?}");
    assert!(rows.contains(&"client 198.51.100.9: 300.0 0.0  1.0 1.0".to_owned()), "{rows:#?}");
    // What a client calls itself reaches neither the terminal nor a spreadsheet.
    assert!(rows.iter().any(|row| row.starts_with("agent '=cmd|")), "{rows:#?}");
    let catalogue = Catalogue::load(None).unwrap();
    let given: BTreeMap<String, String> =
        HOUR.iter().chain(&[("by", "requests")]).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let stream = session.query(catalogue.get("compare").unwrap(), &given, &clock()).await.unwrap();
    let stream = compare::only(stream, &["value", "dimension", "nothing"]).unwrap();
    let mut out = Vec::new();
    write(Format::Table, stream, &mut out, &Options::default()).await.unwrap();
    let table = String::from_utf8(out).unwrap();
    assert!(table.starts_with("value ") && table.contains("\\x1b[2J") && !table.contains('\u{1b}'), "{table}");
}

#[tokio::test]
async fn another_baseline_and_no_baseline() {
    let (_lake, session) = two_hours(|i, later, row| vec![if later && i % 20 == 7 { failed(row) } else { row }]).await;
    let other = [("baseline_from", "2026-11-19T18:00:00Z"), ("baseline_to", "2026-11-19T18:30:00Z")];
    let rows = compared(&session, &other, &["requests", "requests_before", "rate_before"]).await;
    assert!(rows[0].ends_with(" to 2026-11-19T18:30:00Z: 600 300 0.0"), "{rows:#?}");
    let none = [("baseline_from", "2026-11-18T18:00:00Z"), ("baseline_to", "2026-11-18T18:30:00Z")];
    let rows = compared(&session, &none, &["requests", "requests_before", "rate", "rate_before", "explains"]).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert!(rows[0].ends_with(": 600 0 0.05  "), "{rows:#?}");
}

/// An hour that only one window reaches would explain all that differs.
#[tokio::test]
async fn hours_are_compared_where_both_windows_reach_them() {
    let mut lake = TestLake::empty().await;
    for day in ["2026-11-18", "2026-11-19"] {
        let start = time(&format!("{day}T18:00:00Z"));
        let is_bad = |i: i64| day == "2026-11-19" && i >= 600 && i % 3 == 0;
        let row = |i| request(start + TimeDelta::seconds(6 * i));
        let rows: Vec<Row> = (0..1200).map(|i| if is_bad(i) { failed(row(i)) } else { row(i) }).collect();
        lake.add(Table::ALB, Some(day), &rows).await;
    }
    let session = lake.session().await;
    let hours = async |baseline_from: &str, baseline_to: &str| {
        let window = [("from", "2026-11-19T18:40:00Z"), ("to", "2026-11-19T19:40:00Z"), ("by", "errors")];
        let baseline = [("baseline_from", baseline_from), ("baseline_to", baseline_to)];
        let csv = answer(&session, "compare", &[&window[..], &baseline].concat()).await;
        csv.lines().filter_map(|line| Some(line.strip_prefix("hour,")?[..5].to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(hours("2026-11-18T18:40:00Z", "2026-11-18T19:40:00Z").await, ["19:00"]);
    assert_eq!(hours("2026-11-18T18:00:00Z", "2026-11-18T19:00:00Z").await, [""; 0], "19:00 is of the window alone");
    assert_eq!(hours("2026-11-18T18:00:00Z", "2026-11-18T19:00:01Z").await, ["19:00"]);
}

#[tokio::test]
async fn the_largest_rise_is_found() {
    let mut lake = TestLake::empty().await;
    lake.add_everyday().await;
    let session = lake.session().await;
    let rise = compare::largest_rise(&session, compare::ERRORS, &clock()).await.unwrap();
    assert_eq!(rise, Some((time("18:30:00"), time("18:40:00"))));
    assert_eq!(compare::largest_rise(&session, "404", &clock()).await.unwrap(), None);
}

#[tokio::test]
async fn two_requests_side_by_side() {
    let mut lake = TestLake::empty().await;
    let first = with(
        request(time("18:00:00")),
        row! {"trace_id": "Root=1-aa", "error_reason": "LambdaTimeout", "source_file": "x/a.log", "line": 7},
    );
    let second = with(
        request(time("18:00:00")),
        row! {"trace_id": "Root=1-bb", "host": "=other", "source_file": "x/b.log", "line": 8},
    );
    let again = with(request(time("18:01:00")), row! {"trace_id": "Root=1-bb", "source_file": "x/b.log", "line": 9});
    lake.add(Table::ALB, Some("2026-11-19"), &[first, second, again]).await;
    let session = lake.session().await;
    let ask = async |first: &str, second: &str| {
        let [first, second] = [first, second].map(|text| text.parse::<Request>().unwrap());
        let stream = compare::requests(&session, &first, &second, &BTreeMap::new(), &clock()).await?;
        let mut out = Vec::new();
        write(Format::Csv, stream, &mut out, &Options::default()).await?;
        Ok::<_, albatross_query::Error>(String::from_utf8(out).unwrap())
    };
    let csv = ask("1-aa", "b.log:8").await.unwrap();
    let expected = "\
column,difference,first,second
host,differs,shop.example,'=other
trace_id,differs,Root=1-aa,Root=1-bb
source_file,differs,x/a.log,x/b.log
line,differs,7,8
error_reason,only first,LambdaTimeout,
started_at,same,2026-11-19T18:00:00Z,2026-11-19T18:00:00Z
duration,same,0.05,0.05
";
    assert!(csv.starts_with(expected), "{csv}");
    assert_eq!(csv.lines().count(), 1 + Table::ALB.schema().fields().len());
    assert!(csv.contains("\ncause,neither,,\n"), "{csv}");
    let problem = ask("Root=1-bb", "1-aa").await.unwrap_err().to_string();
    assert_eq!(
        problem,
        "parameter `request`: `Root=1-bb` is more than one request; give the file and line of one: x/b.log:8, x/b.log:9"
    );
    let problem = ask("1-aa", "b.log:10").await.unwrap_err().to_string();
    assert_eq!(problem, "parameter `request`: there is no request `b.log:10` in this time");
}

/// Files and threads bring rows in another order every time: the answer must not show it.
#[tokio::test]
async fn the_order_of_the_rows_makes_no_difference() {
    let change = |i: i64, later: bool, row: Row| {
        let at = time("18:00:00") + TimeDelta::seconds(6 * i);
        let slow = if later && i % 3 == 1 { 3.0 } else { 0.1 };
        let row = timed(row, at, slow + (i * 7919 % 1009) as f64 / 7e3);
        let row = if later && i % 20 == 7 { failed(row) } else { row };
        if later && i % 5 == 2 { vec![row.clone(), with(row, row! {"client_ip": "198.51.100.9"})] } else { vec![row] }
    };
    let (one, many) = (in_files(1, change).await, in_files(5, change).await);
    for by in ["errors", "latency", "requests"] {
        let given = [("by", by), HOUR[0], HOUR[1]];
        let expected = answer(&one.1, "compare", &given).await;
        assert!(expected.lines().count() > 2, "{by}: {expected}");
        assert_eq!(answer(&many.1, "compare", &given).await, expected, "{by}");
    }
}
