//! Every query of the catalogue: on an empty lake, and on an evening whose answers were worked out by hand.

use std::collections::BTreeMap;

use albatross_lake::Table;
use albatross_query::{Catalogue, Format, Options, Query, Session, write};
use arrow::datatypes::{DataType, SchemaRef};
use chrono::TimeDelta;

use crate::fixture::{TestLake, answer, clock, request, sql, time, timed, with, without};

/// The answer to the evening's lake.
async fn evening(name: &str, given: &[(&str, &str)]) -> String {
    answer(&TestLake::evening().await.session().await, name, given).await
}

async fn run(session: &Session, query: &Query) -> (SchemaRef, u64) {
    let stream =
        session.query(query, &BTreeMap::new(), &clock()).await.unwrap_or_else(|e| panic!("{}: {e}", query.name));
    let schema = stream.schema();
    let written = write(Format::Csv, stream, &mut std::io::sink(), &Options::default()).await;
    (schema, written.unwrap_or_else(|error| panic!("{}: {error}", query.name)).rows)
}

fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Timestamp(_, _) => "timestamp",
        DataType::Date32 => "date",
        DataType::Float64 => "float",
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text",
        DataType::Boolean => "boolean",
        data_type if data_type.is_integer() => "integer",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_query_runs_and_has_the_columns_it_declares() {
    let (empty, evening) = (TestLake::empty().await, TestLake::evening().await);
    let lakes = [("empty", empty.session().await), ("evening", evening.session().await)];
    let catalogue = Catalogue::load(None).unwrap();
    assert!(catalogue.iter().count() >= 15);
    for query in catalogue.iter() {
        let declared: Vec<_> = query.columns.iter().map(|c| (c.name.clone(), c.data_type.clone())).collect();
        for (what, session) in &lakes {
            let (schema, rows) = run(session, query).await;
            let columns: Vec<_> =
                schema.fields().iter().map(|f| (f.name().clone(), kind(f.data_type()).to_owned())).collect();
            assert_eq!(columns, declared, "{} on the {what} lake", query.name);
            match *what {
                // What there is to say of nothing: no traffic, no CPU, unknown coverage, no rejects.
                "empty" => assert_eq!(rows, if query.name == "story" { 4 } else { 0 }, "{}", query.name),
                _ => assert!(rows > 0, "{}", query.name),
            }
        }
        assert!(!query.examples.is_empty(), "{} has no example", query.name);
        for example in &query.examples {
            assert!(example.starts_with(&format!("albatross query {}", query.name)), "{example}");
        }
    }
}

#[tokio::test]
async fn every_query_keeps_to_from_and_to() {
    let lake = TestLake::evening().await;
    let session = lake.session().await;
    let catalogue = Catalogue::load(None).unwrap();
    for query in catalogue.iter() {
        let csv = answer(&session, &query.name, &[("from", "2027-01-01"), ("to", "2027-01-02")]).await;
        match query.name.as_str() {
            "story" => assert!(csv.contains("There are no requests in this time."), "{csv}"),
            // Files in which no line could be read have no time, so they are always shown; this lake has none.
            name => assert_eq!(csv.lines().count(), 1, "{name}: {csv}"),
        }
    }
}

#[tokio::test]
async fn metrics_without_requests_and_requests_without_metrics() {
    let mut lake = TestLake::empty().await;
    lake.add_cpu().await;
    let catalogue = Catalogue::load(None).unwrap();
    let session = lake.session().await;
    for query in catalogue.iter() {
        run(&session, query).await;
    }
    let mut lake = TestLake::empty().await;
    lake.add_everyday().await;
    let session = lake.session().await;
    for query in catalogue.iter() {
        run(&session, query).await;
    }
    let story = answer(&session, "story", &[]).await;
    assert!(story.contains("cpu,There is no CPUUtilization for this time"), "{story}");
}

/// The order in which rows arrive from threads and files is another one every time: a report must not show it.
#[tokio::test]
async fn the_order_of_the_rows_makes_no_difference() {
    let (one, many) = (TestLake::busy(1, false).await, TestLake::busy(5, true).await);
    let (one, many) = (one.session().await, many.session().await);
    for query in Catalogue::load(None).unwrap().iter() {
        let expected = answer(&one, &query.name, &[]).await;
        assert_eq!(answer(&many, &query.name, &[]).await, expected, "{}", query.name);
    }
}

#[test]
fn the_readme_lists_every_query_with_its_columns() {
    let readme = include_str!("../../../../queries/README.md");
    for query in Catalogue::load(None).unwrap().iter() {
        let mut section = format!("### {}\n\n{}\n\n", query.name, capitalised(&query.title));
        if !query.params.is_empty() {
            section += "| parameter | kind | default | meaning |\n| --- | --- | --- | --- |\n";
        }
        for p in &query.params {
            let default = p.default.as_deref().map_or(String::new(), |default| format!("`{default}`"));
            section += &format!("| `{}` | {} | {default} | {} |\n", p.name, p.kind.name(), p.help);
        }
        if !query.params.is_empty() {
            section.push('\n');
        }
        section += "| column | type | meaning |\n| --- | --- | --- |\n";
        for c in &query.columns {
            let unit = if c.unit.is_empty() { String::new() } else { format!(", {}", c.unit) };
            section += &format!("| `{}` | {}{unit} | {} |\n", c.name, c.data_type, c.help);
        }
        assert!(readme.contains(&section), "queries/README.md lacks or differs from:\n\n{section}");
    }
}

/// A cause without a meaning would leave the engineer alone with its code.
#[tokio::test]
async fn every_cause_has_a_meaning_and_something_to_check() {
    let session = TestLake::empty().await.session().await;
    for cause in albatross_formats::Cause::NAMES {
        let said =
            sql(&session, &format!("SELECT meaning, what_to_check FROM causes WHERE cause = '{cause}'"), Format::Csv)
                .await;
        let line = said.lines().nth(1).unwrap_or_else(|| panic!("{cause} is not in the view `causes`"));
        assert!(!line.starts_with(',') && !line.ends_with(','), "{cause}: {line}");
    }
}

fn capitalised(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map(|first| first.to_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

#[tokio::test]
async fn spikes_are_judged_by_what_the_traffic_explains() {
    // 237 requests of the quiet buckets without an error, and one error added: 1 / 237 of 21, 22, 26 or 31 requests.
    let expected = "\
start,requests,errors,rate,expected,is_spike,by_load_balancer,by_target,client_gone
2026-11-19T18:00:00Z,21,0,0.0,0.089,false,0,0,0
2026-11-19T18:05:00Z,21,0,0.0,0.089,false,0,0,0
2026-11-19T18:10:00Z,21,0,0.0,0.089,false,0,0,0
2026-11-19T18:15:00Z,22,0,0.0,0.093,false,0,0,0
2026-11-19T18:20:00Z,31,0,0.0,0.131,false,0,0,0
2026-11-19T18:25:00Z,21,0,0.0,0.089,false,0,0,0
2026-11-19T18:30:00Z,21,10,0.47619,0.089,true,10,0,0
2026-11-19T18:35:00Z,21,10,0.47619,0.089,true,10,0,0
2026-11-19T18:40:00Z,21,0,0.0,0.089,false,0,0,0
2026-11-19T18:45:00Z,21,0,0.0,0.089,false,0,0,0
2026-11-19T18:50:00Z,26,0,0.0,0.11,false,0,0,0
2026-11-19T18:55:00Z,21,0,0.0,0.089,false,0,0,0
2026-11-20T08:00:00Z,1,0,0.0,0.004,false,0,0,0
";
    let all = evening("502_spikes", &[]).await;
    assert!(all.starts_with(expected), "{all}");
    // All 5xx, on the evening alone: 268 requests, of which 42 are in the outage and 26 in the bucket with five 504s. Of the
    // other 200 two failed: with the one added, 3 / 200 of 21 or 26 are expected. Five where 0.39 are:
    // 5 ln(5 / 0.39) - 5 + 0.39 = 8.1, above ln(12 / 0.01) = 7.09.
    let spikes = evening("502_spikes", &[("status", "5xx"), ("spikes_only", "true"), ("to", "2026-11-20")]).await;
    assert_eq!(
        spikes,
        "start,requests,errors,rate,expected,is_spike,by_load_balancer,by_target,client_gone\n\
         2026-11-19T18:30:00Z,21,10,0.47619,0.315,true,10,0,0\n\
         2026-11-19T18:35:00Z,21,10,0.47619,0.315,true,10,0,0\n\
         2026-11-19T18:50:00Z,26,5,0.192308,0.39,true,5,0,0\n"
    );
    // One who wants to be surer does not call that a spike, nor does one who asks for more errors.
    let surer = [("status", "5xx"), ("spikes_only", "true"), ("to", "2026-11-20"), ("chance", "0.0001")];
    assert_eq!(evening("502_spikes", &surer).await.lines().count(), 3);
    let more = [("status", "5xx"), ("spikes_only", "true"), ("to", "2026-11-20"), ("min_errors", "6")];
    assert_eq!(evening("502_spikes", &more).await.lines().count(), 3);
}

/// Twelve periods of five minutes; those from 18:30 to 18:40 have 48 and 100 %, the others 20 and 35 %.
#[tokio::test]
async fn cpu_counts_for_every_minute_of_its_period() {
    let mut lake = TestLake::empty().await;
    lake.add_coarse_cpu().await;
    let session = lake.session().await;
    let cpu = async |bucket, from, to| answer(&session, "cpu", &[("bucket", bucket), ("from", from), ("to", to)]).await;
    assert_eq!(
        cpu("15m", "2026-11-19 18:00", "2026-11-19 19:00").await,
        "start,minutes,average,maximum\n\
         2026-11-19T18:00:00Z,15,20.0,35.0\n2026-11-19T18:15:00Z,15,20.0,35.0\n\
         2026-11-19T18:30:00Z,15,38.6667,100.0\n2026-11-19T18:45:00Z,15,20.0,35.0\n"
    );
    assert_eq!(
        cpu("1m", "2026-11-19 18:39", "2026-11-19 18:41").await,
        "start,minutes,average,maximum\n2026-11-19T18:39:00Z,1,48.0,100.0\n2026-11-19T18:40:00Z,1,20.0,35.0\n"
    );
}

#[tokio::test]
async fn maximum_cpu_moves_with_the_errors() {
    let csv = evening("max_cpu_correlation", &[("to", "2026-11-20")]).await;
    // Computed apart from this: 20 errors of 51 requests and 7 of 217 at lag 0, Pearson's r of 60 minutes. No minute has as
    // many as 20 requests, so each one's 95th percentile is its longest duration.
    for line in [
        "lag_minutes,minutes,error_rate_vs_max,error_rate_vs_avg,latency_vs_max,latency_vs_avg,error_rate_at_limit,\
         error_rate_below_limit,cpu_minutes,minutes_at_limit,minutes_alarmed,highest_max,highest_avg",
        "-5,55,0.3548,0.3548,-0.1563,-0.1563,0.235294,0.071429,60,12,0,100.0,40.0",
        "0,60,0.8235,0.8235,-0.154,-0.154,0.392157,0.032258,60,12,0,100.0,40.0",
        "5,55,0.3686,0.3686,-0.1713,-0.1713,0.235294,0.076531,60,12,0,100.0,40.0",
    ] {
        assert!(csv.lines().any(|l| l == line), "{line}\n{csv}");
    }
    assert_eq!(csv.lines().count(), 12);
    let csv =
        evening("max_cpu_correlation", &[("from", "2026-11-19 18:29"), ("to", "2026-11-19 18:41"), ("alarm", "40")])
            .await;
    assert!(csv.lines().any(|l| l.starts_with("0,12,,,,,") && l.ends_with(",12,12,12,100.0,40.0")), "{csv}");
}

#[tokio::test]
async fn a_coarse_metric_counts_for_every_minute_of_its_period() {
    let mut lake = TestLake::empty().await;
    lake.add_everyday().await;
    lake.add_coarse_cpu().await;
    let csv = answer(&lake.session().await, "max_cpu_correlation", &[]).await;
    // Every request takes 50 ms, which correlates with nothing: not even with the errors of the arithmetic.
    assert!(csv.lines().any(|l| l == "0,60,1.0,1.0,,,0.5,0.0,60,10,0,100.0,48.0"), "{csv}");
}

#[tokio::test]
async fn slow_endpoints_by_their_share_of_the_time() {
    // Target time: 6 x 60.001 + 0.015, 2 x 11 x 5.5 x 1.5, 240 x 0.05, 10 x 0.05; together 554.021. The socket is left out.
    // Of the 22 badges, 5.0 to 6.0 and 10.0 to 12.0, half are up to 6.0, 20 up to 11.6. The reports are all in one step.
    assert_eq!(
        evening("slow_endpoints", &[]).await,
        "method,route,requests,errors,error_rate,p50,p90,p99,max,target_time,target_time_share,bytes,seconds_per_mb\n\
         POST,/reports,6,6,1.0,60.006,60.006,60.006,60.006,360.021,0.649833,1500,240014.0\n\
         GET,/api/users/:id/badges,22,2,0.090909,6.0,11.6,12.0,12.0,181.5,0.327605,11000000,16.5\n\
         GET,/,240,20,0.083333,0.05,0.05,0.05,0.05,12.0,0.02166,225000,53.3333\n\
         GET,/wp-login.php,10,0,0.0,0.05,0.05,0.05,0.05,0.5,0.000902,10000,50.0\n"
    );
    let some = evening("slow_endpoints", &[("min_requests", "20"), ("limit", "1")]).await;
    assert!(some.lines().nth(1).unwrap().starts_with("GET,/api/users/:id/badges,22,2,"), "{some}");
    assert_eq!(some.lines().count(), 2);
}

/// Such requests count, but not for percentiles.
#[tokio::test]
async fn requests_without_a_duration_and_web_sockets_have_no_rank() {
    let mut lake = TestLake::empty().await;
    let at = |i: i64| time("18:00:00") + TimeDelta::seconds(i);
    // 1, 2, 3 seconds, of which the median is 2; as many without, and a socket of an hour.
    let mut rows: Vec<_> = (1..=3).map(|i| timed(request(at(i)), at(i), i as f64)).collect();
    rows.extend((4..=6).map(|i| without(timed(request(at(i)), at(i), 1.0), &["duration"])));
    rows.push(with(timed(request(at(7)), at(7), 3600.0), row! {"type": "wss"}));
    lake.add(Table::ALB, Some("2026-11-19"), &rows).await;
    lake.add_cpu().await;
    let session = lake.session().await;
    for (name, line) in [
        ("slow_endpoints", "GET,/,6,0,0.0,2.0,3.0,3.0,3.0,9.0,1.0,6000,1500.0"),
        ("endpoint_growth", "GET,/,2026-11-19,6,2.0,3.0,0.0,0.0,0.0"),
        ("latency_by_hour", "2026-11-19T18:00:00Z,6,0,2.0,3.0,3.0,3.0"),
        ("errors_by_target", "10.0.1.11:8080,7,0,0.0,,0,0,2.0,3.0,2026-11-19T18:00:01Z,2026-11-19T18:00:07Z"),
        ("status_mix", "200,200,target,7,1.0,2.0,2026-11-19T18:00:01Z,2026-11-19T18:00:07Z"),
    ] {
        assert_eq!(answer(&session, name, &[]).await.lines().nth(1), Some(line), "{name}");
    }
    let story = answer(&session, "story", &[]).await;
    assert!(!story.contains("slow endpoint"), "{story}");
}

#[tokio::test]
async fn errors_by_cause_by_target_and_by_route() {
    let csv = evening("errors_by_cause", &[]).await;
    let lines: Vec<_> = csv.lines().collect();
    let start = |n: usize, line: &str| assert!(lines[n].starts_with(line), "{}", lines[n]);
    assert_eq!(lines.len(), 5);
    start(
        1,
        "target_died,load_balancer,20,0.526316,502,1,1,1,0.05,2026-11-19T18:30:00Z,2026-11-19T18:39:30Z,the target closed",
    );
    start(2, "client_error,target,10,0.263158,404,1,1,1,0.05,2026-11-19T18:20:00Z,2026-11-19T18:20:09Z,");
    start(3, "target_timeout,load_balancer,6,0.157895,504,1,1,1,60.0035,2026-11-19T18:50:00Z,2026-11-19T18:55:00Z,");
    start(4, "application_error,target,2,0.052632,500,1,1,1,7.65,2026-11-19T18:05:00Z,2026-11-20T08:05:00Z,");
    let csv = evening("errors_by_cause", &[("status", "404")]).await;
    assert!(
        csv.lines().nth(1).unwrap().starts_with("client_error,target,10,1.0,404,") && csv.lines().count() == 2,
        "{csv}"
    );

    // Of 256 durations the 254th is a report, of 22 the 11th is 6.0 and the 22nd 12.0. Reports are all in one step.
    assert_eq!(
        evening("errors_by_target", &[]).await,
        "target,requests,errors,error_rate,error_share,by_load_balancer,by_target,p50,p99,first_seen,last_seen\n\
         10.0.1.11:8080,257,26,0.101167,0.928571,26,0,0.05,60.006,2026-11-19T18:00:00Z,2026-11-19T18:59:45Z\n\
         10.0.1.12:8080,22,2,0.090909,0.071429,0,2,6.0,12.0,2026-11-19T18:00:00Z,2026-11-20T08:50:00Z\n"
    );
    assert_eq!(
        evening("errors_by_route", &[]).await,
        "method,route,requests,errors,error_rate,error_share,statuses,causes,clients,first_error,last_error\n\
         GET,/,241,20,0.082988,0.714286,502,target_died,1,2026-11-19T18:30:00Z,2026-11-19T18:39:30Z\n\
         POST,/reports,6,6,1.0,0.214286,504,target_timeout,1,2026-11-19T18:50:00Z,2026-11-19T18:55:00Z\n\
         GET,/api/users/:id/badges,22,2,0.090909,0.071429,500,application_error,1,2026-11-19T18:05:00Z,2026-11-20T08:05:00Z\n"
    );
}

#[tokio::test]
async fn traffic_latency_statuses_and_clients() {
    // Bytes: 220 x 1,000 + 20 x 250, 11 x 500,000, 6 x 250, 10 x 1,000, and 5,000,000 of the socket.
    assert_eq!(
        evening("traffic", &[]).await,
        "start,requests,requests_per_second,clients,websockets,received_bytes,sent_bytes,client_errors,server_errors\n\
         2026-11-19T18:00:00Z,268,0.0744,3,1,80400,10736500,10,27\n\
         2026-11-20T08:00:00Z,11,0.0031,1,0,3300,5500000,0,1\n"
    );
    // Of 267 the 241st is one of 250 short ones, the 265th a report, all of which are in one step. Of 11 the 6th, 10th, 11th.
    assert_eq!(
        evening("latency_by_hour", &[]).await,
        "start,requests,errors,p50,p90,p99,max\n\
         2026-11-19T18:00:00Z,267,27,0.05,0.05,60.006,60.006\n\
         2026-11-20T08:00:00Z,11,1,11.0,11.8,12.0,12.0\n"
    );
    let badges = evening("latency_by_hour", &[("route", "/api/users/:id/badges"), ("bucket", "1d")]).await;
    assert!(badges.lines().nth(1).unwrap().starts_with("2026-11-19T00:00:00Z,11,1,5.5,"), "{badges}");
    // Of the two that failed with 500, the first: 5.1 and 10.2.
    assert_eq!(
        evening("status_mix", &[]).await,
        "status,target_status,answered_by,requests,share,p50,first_seen,last_seen\n\
         200,200,target,240,0.860215,0.05,2026-11-19T18:00:00Z,2026-11-20T08:50:00Z\n\
         502,,load_balancer,20,0.071685,0.05,2026-11-19T18:30:00Z,2026-11-19T18:39:30Z\n\
         404,404,target,10,0.035842,0.05,2026-11-19T18:20:00Z,2026-11-19T18:20:09Z\n\
         504,,load_balancer,6,0.021505,60.006,2026-11-19T18:50:00Z,2026-11-19T18:55:00Z\n\
         500,500,target,2,0.007168,5.1,2026-11-19T18:05:00Z,2026-11-20T08:05:00Z\n\
         101,101,target,1,0.003584,,2026-11-19T18:15:00Z,2026-11-19T18:15:00Z\n"
    );
    assert_eq!(
        evening("top_clients", &[]).await,
        "client,requests,share,errors,error_rate,bytes,routes,agents,an_agent,first_seen,last_seen\n\
         203.0.113.7,247,0.885305,26,0.105263,5226500,2,1,Mozilla/5.0,2026-11-19T18:00:00Z,2026-11-19T18:59:45Z\n\
         203.0.113.8,22,0.078853,2,0.090909,11000000,1,1,Mozilla/5.0,2026-11-19T18:00:00Z,2026-11-20T08:50:00Z\n\
         198.51.100.9,10,0.035842,10,1.0,10000,1,1,'=cmd|'/c calc'!A1\u{1b}[2J,2026-11-19T18:20:00Z,2026-11-19T18:20:09Z\n"
    );
}

#[tokio::test]
async fn a_wall_is_found_where_it_is() {
    // The badges' 5.0 to 6.0 and 10.0 to 12.0 seconds are spread out; the six at 60.001 to 60.006 are not.
    assert_eq!(
        evening("timeouts_near_a_limit", &[]).await,
        "limit_seconds,known_as,method,route,requests,pile,expected,failed,may_have_succeeded,statuses,first_seen,last_seen\n\
         60.0,\"idle timeout (load balancer, default), proxy_read_timeout (nginx, default)\",POST,/reports,6,6,0.056,6,6,504,\
         2026-11-19T18:50:00Z,2026-11-19T18:55:00Z\n"
    );
    let none = evening("timeouts_near_a_limit", &[("min_requests", "7")]).await;
    assert_eq!(none.lines().count(), 1, "{none}");
}

#[tokio::test]
async fn growth_is_against_the_first_day() {
    assert_eq!(
        evening("endpoint_growth", &[("limit", "2")]).await,
        "method,route,day,requests,p50,p99,requests_change,p50_change,p99_change\n\
         POST,/reports,2026-11-19,6,60.006,60.006,0.0,0.0,0.0\n\
         GET,/api/users/:id/badges,2026-11-19,11,5.5,6.0,0.0,0.0,0.0\n\
         GET,/api/users/:id/badges,2026-11-20,11,11.0,12.0,0.0,1.0,1.0\n"
    );
}

#[tokio::test]
async fn rejects_have_reasons() {
    assert_eq!(
        evening("rejects_by_reason", &[]).await,
        "reason,format,rejects,share,files,a_file,a_line,a_detail,a_raw\n\
         bad_time,alb,2,0.666667,2,0.log.gz,5,`yesterday` is no time,https yesterday\n\
         too_few_fields,alb,1,0.333333,1,4.log.gz,2,`yesterday` is no time,https yesterday\n"
    );
}

#[tokio::test]
async fn the_story_is_told_in_sentences() {
    assert_eq!(
        evening("story", &[]).await,
        "topic,finding\n\
         traffic,\"278 requests and 1 WebSocket connection from 2026-11-19 18:00 to 2026-11-20 08:50 UTC; 28 of the requests failed \
         (10.07 %), and 0 of the connections.\"\n\
         errors,\"Errors rose from 2026-11-19 18:30 to 18:40 UTC: 20 of 42 requests failed (47.6 %), where this traffic explains 0.8. \
         Statuses: 20 x 502. Answered by the load balancer: 20, by a target: 0, client gone: 0.\"\n\
         cpu,\"During the largest rise maximum CPU was at 99.0 % or more for 10 of 10 minutes while the average never passed 40.0 %. \
         In all, the maximum was there for 12 of 60 minutes (highest: 100.0 %); the highest average was 40.0 %, so an alarm on the \
         average at 80.0 % would not have fired. 39.2 % of requests failed in minutes with the maximum at its limit, 3.2 % in the \
         others.\"\n\
         slow endpoint,\"POST /reports takes 65.0 % of all target time with 2.2 % of the requests (6): median 60.01 s, 99th percentile \
         60.01 s, where the median endpoint has 6.03 s. It returns 0.3 kB per request.\"\n\
         slow endpoint,\"GET /api/users/:id/badges takes 32.8 % of all target time with 7.9 % of the requests (22): median 6.0 s, \
         99th percentile 12.0 s, where the median endpoint has 6.03 s. It returns 500.0 kB per request.\"\n\
         cause,\"20 x target_died (502), all of them on GET /: the target closed the connection before it answered. Check: crashes, \
         restarts, out of memory, worker timeouts on the target at these times; maximum CPU, not average.\"\n\
         cause,\"6 x target_timeout (504), all of them on POST /reports: the target did not answer within the idle timeout. Check: \
         the slow route and what it waits for; the work may have been done all the same.\"\n\
         cause,\"2 x application_error (500), all of them on GET /api/users/:id/badges: the target answered 5xx itself. Check: the \
         application's own log at these times.\"\n\
         coverage,\"Files of 2 load-balancer nodes cover 6 of 8 five-minute slots; the longest gap is 2 slots: lost files, or a node \
         without requests.\"\n\
         rejects,3 lines could not be read: see rejects_by_reason.\n"
    );
    assert_eq!(
        answer(&TestLake::empty().await.session().await, "story", &[]).await,
        "topic,finding\n\
         traffic,There are no requests in this time.\n\
         cpu,There is no CPUUtilization for this time: ingest it to see whether the targets were busy.\n\
         coverage,Whether the log is complete is not known: no file has a name that AWS gives.\n\
         rejects,Every line could be read.\n"
    );
}
