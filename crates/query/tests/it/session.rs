//! SQL over a lake: what it shows, what it refuses, and which files it reads.

use std::time::Duration;

use albatross_lake::Table;
use albatross_query::{Answer, Error, Format, Options, Session, write};
use chrono::TimeDelta;

use crate::fixture::{Row, TestLake, V, died, request, sql, time, timed, with, without};

/// Four files: two of the 18th, one of the 19th, one of the 20th; an hour of requests each, one a minute.
async fn days() -> TestLake {
    let mut lake = TestLake::empty().await;
    for (day, hour) in [("2026-11-18", "08"), ("2026-11-18", "20"), ("2026-11-19", "12"), ("2026-11-20", "12")] {
        let start = time(&format!("{day}T{hour}:00:00.000123Z"));
        let rows: Vec<Row> = (0..60).map(|i| request(start + TimeDelta::minutes(i))).collect();
        lake.add(Table::ALB, Some(day), &rows).await;
    }
    lake
}

/// How many files the statement's scans read.
async fn files_read(lake: &TestLake, statement: &str) -> usize {
    let plan = sql(&lake.session().await, &format!("EXPLAIN {statement}"), Format::Ndjson).await;
    let (_, physical) = plan.split_once("physical_plan").unwrap();
    physical.matches(".parquet").count()
}

#[tokio::test]
async fn a_scan_touches_only_the_files_that_matter() {
    let lake = days().await;
    for (filter, files) in [
        ("true", 4),
        ("started_at >= '2026-11-19T12:30:00Z'", 2),
        ("started_at >= '2026-11-18T09:00:00Z' AND started_at < '2026-11-19T12:00:00Z'", 1),
        ("started_at BETWEEN '2026-11-18T08:30:00Z' AND '2026-11-18T20:30:00Z'", 2),
        ("started_at < '2026-01-01T00:00:00Z'", 0),
        ("day = '2026-11-18'", 2),
        ("day > DATE '2026-11-18' AND started_at < '2026-11-20T00:00:00Z'", 1),
        ("day IN ('2026-11-19', '2026-11-20')", 2),
        ("extract(day FROM day) = 20", 1),
        ("elb_status_code >= 500", 0),
        ("elb_status_code IN (200, 502)", 4),
        ("client_ip = '198.51.100.1'", 0),
        ("client_ip LIKE '203.%' AND day <> '2026-11-18'", 2),
        ("cause IS NOT NULL", 0),
        // What cannot be decided for whole files.
        ("extract(minute FROM started_at) = 5", 4),
        ("duration > (SELECT avg(duration) FROM alb)", 8),
    ] {
        assert_eq!(files_read(&lake, &format!("SELECT path FROM alb WHERE {filter}")).await, files, "{filter}");
    }
    assert_eq!(files_read(&lake, "SELECT path FROM alb LIMIT 61").await, 2);
    let view = "SELECT path FROM requests WHERE arrival < '2026-11-18T12:00:00Z'";
    assert_eq!(files_read(&lake, view).await, 1);
}

#[tokio::test]
async fn filters_give_the_same_rows_as_without_pruning() {
    let lake = days().await;
    let session = lake.session().await;
    for (filter, rows) in [
        ("started_at >= '2026-11-19T12:30:00.000123Z'", 90),
        ("started_at > '2026-11-19T12:30:00.000123Z'", 89),
        ("started_at >= '2026-11-18T08:00:00.000123Z'", 240),
        ("started_at < '2026-11-18T08:00:00.000123Z'", 0),
        ("started_at <= '2026-11-20T12:59:00.000123Z'", 240),
        ("started_at < '2026-11-20T12:59:00.000123Z'", 239),
        ("day = '2026-11-18' AND extract(hour FROM started_at) = 20", 60),
        ("day NOT IN ('2026-11-18')", 120),
        ("day IS NULL", 0),
        ("extract(minute FROM started_at) = 5", 4),
        ("duration >= (SELECT avg(duration) FROM alb) - 0.001", 240),
        ("random() < 2 AND day = '2026-11-20'", 60),
    ] {
        let statement = format!("SELECT count(*) AS n FROM alb WHERE {filter}");
        assert_eq!(sql(&session, &statement, Format::Csv).await, format!("n\n{rows}\n"), "{filter}");
    }
}

#[tokio::test]
async fn what_the_statistics_know_needs_no_scan() {
    let lake = days().await;
    for statement in [
        "SELECT count(*) FROM alb",
        "SELECT count(*), count(cause), min(elb_status_code), max(sent_bytes), max(day) FROM alb",
        "SELECT count(*) FROM alb WHERE day >= '2026-11-19'",
        // A range of time that no file reaches out of.
        "SELECT count(*) FROM alb WHERE started_at >= '2026-11-18T00:00:00Z' AND started_at < '2026-11-20T00:00:00Z'",
    ] {
        assert_eq!(files_read(&lake, statement).await, 0, "{statement}");
    }
    let session = lake.session().await;
    let answer = sql(&session, "SELECT count(*) AS n, count(cause) AS c, max(day) AS d FROM alb", Format::Csv).await;
    assert_eq!(answer, "n,c,d\n240,0,2026-11-20\n");
    // Bounds of times are rounded to milliseconds, and those of texts are cut: they do not answer.
    let answer = sql(&session, "SELECT min(started_at) AS a, max(started_at) AS b FROM alb", Format::Csv).await;
    assert_eq!(answer, "a,b\n2026-11-18T08:00:00.000123Z,2026-11-20T12:59:00.000123Z\n");
    let (first, last) = session.span().unwrap();
    assert_eq!(first, time("2026-11-18T08:00:00.000Z"));
    assert!(last >= time("2026-11-20T12:59:00.000123Z") && last < time("2026-11-20T12:59:00.003Z"), "{last}");
}

#[tokio::test]
async fn a_scan_is_plain_parquet_with_the_filter_inside() {
    let lake = days().await;
    let statement = "EXPLAIN SELECT path FROM alb WHERE started_at >= '2026-11-19T12:30:00Z' AND elb_status_code = 200";
    let plan = sql(&lake.session().await, statement, Format::Table).await;
    let (_, physical) = plan.split_once("physical_plan\n").unwrap();
    assert!(physical.trim_start().starts_with("DataSourceExec: "), "{physical}");
    assert!(physical.contains("file_type=parquet, predicate=started_at@0 >= "), "{physical}");
}

#[tokio::test]
async fn a_large_file_is_read_by_all_cores() {
    let mut lake = TestLake::empty().await;
    // Over 1 MB that does not compress: hexadecimal digits of a simple generator.
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 8
    };
    let rows: Vec<Row> = (0..10_000)
        .map(|i| {
            let agent: String = (0..16).map(|_| format!("{:014x}", noise())).collect();
            with(request(time("12:00:00") + TimeDelta::seconds(i)), row! {"user_agent": agent.as_str()})
        })
        .collect();
    lake.add(Table::ALB, Some("2026-11-19"), &rows).await;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let statement = "EXPLAIN SELECT count(DISTINCT user_agent) FROM alb";
    let plan = sql(&lake.session().await, statement, Format::Table).await;
    let groups = if cores == 1 { "{1 group: ".to_owned() } else { format!("{{{cores} groups: ") };
    assert!(plan.contains(&groups), "{plan}");
}

#[tokio::test]
async fn a_file_from_before_a_column_was_added_has_null_there() {
    let mut lake = TestLake::empty().await;
    lake.add_without(Table::ALB, Some("2026-11-18"), &[request(time("2026-11-18T10:00:00Z"))], &["host", "route"])
        .await;
    lake.add(Table::ALB, Some("2026-11-19"), &[request(time("10:00:00"))]).await;
    let session = lake.session().await;
    let statement = "SELECT day, host, path FROM alb ORDER BY day";
    let expected = "day,host,path\n2026-11-18,,/\n2026-11-19,shop.example,/\n";
    assert_eq!(sql(&session, statement, Format::Csv).await, expected);
    let statement = "SELECT count(*) AS n FROM alb WHERE host = 'shop.example'";
    assert_eq!(sql(&session, statement, Format::Csv).await, "n\n1\n");
}

#[tokio::test]
async fn whatever_would_change_something_is_refused() {
    let session = days().await.session().await;
    for (statement, name) in [
        ("INSERT INTO alb SELECT * FROM alb", "INSERT"),
        ("UPDATE alb SET path = '/'", "UPDATE"),
        ("DELETE FROM alb", "DELETE"),
        ("TRUNCATE TABLE alb", "TRUNCATE"),
        ("DROP TABLE alb", "DROP"),
        ("CREATE TABLE t AS SELECT 1", "CREATE"),
        ("CREATE VIEW v AS SELECT 1", "CREATE"),
        ("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'", "CREATE"),
        ("COPY alb TO 'out.parquet'", "COPY"),
        ("COPY (SELECT 1) TO 'out.csv' STORED AS CSV", "COPY"),
        ("SET datafusion.execution.batch_size = 1", "SET"),
        ("RESET datafusion.execution.batch_size", "RESET"),
        ("BEGIN", "BEGIN"),
        ("PREPARE p AS SELECT 1", "PREPARE"),
        ("EXECUTE p", "EXECUTE"),
        ("EXPLAIN INSERT INTO alb SELECT * FROM alb", "INSERT"),
        ("EXPLAIN ANALYZE DROP TABLE alb", "DROP"),
    ] {
        match session.sql(statement).await.err() {
            Some(Error::ReadOnly { statement: refused }) => assert_eq!(refused, name, "{statement}"),
            other => panic!("{statement}: {other:?}"),
        }
    }
    for statement in [
        "SELECT 1; DROP TABLE alb",
        "SELECT * INTO copy FROM alb",
        "WITH x AS (DELETE FROM alb RETURNING *) SELECT * FROM x",
        "WITH x AS (SELECT 1) INSERT INTO alb SELECT * FROM x",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
    ] {
        assert!(session.sql(statement).await.is_err(), "{statement}");
    }
    assert_eq!(sql(&session, "SELECT count(*) AS n FROM alb", Format::Csv).await, "n\n240\n");
}

#[tokio::test]
async fn whatever_reads_is_allowed() {
    let session = days().await.session().await;
    for statement in [
        "SELECT 1;",
        "(SELECT 1) UNION ALL VALUES (2)",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
        "EXPLAIN SELECT * FROM alb",
        "EXPLAIN ANALYZE SELECT count(*) FROM alb",
        "EXPLAIN FORMAT TREE SELECT * FROM alb",
        "DESCRIBE alb",
        "DESCRIBE requests",
        "SHOW TABLES",
        "SHOW COLUMNS FROM alb",
        "SHOW FUNCTIONS LIKE 'approx%'",
        "SHOW datafusion.execution.batch_size",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM causes",
    ] {
        assert!(!sql(&session, statement, Format::Csv).await.is_empty(), "{statement}");
    }
}

#[tokio::test]
async fn tables_are_shown_in_order() {
    let shown = sql(&days().await.session().await, "SHOW TABLES", Format::Csv).await;
    let (lake, engine): (Vec<&str>, Vec<&str>) = shown.lines().skip(1).partition(|row| row.contains(",lake,"));
    assert!(lake.is_sorted_by_key(|row| row.split(',').nth(2).unwrap()) && lake.len() > 20, "{shown}");
    assert!(engine.is_sorted() && shown.ends_with(&format!("{}\n", engine.join("\n"))), "{shown}");
}

/// No thread is at work for an answer that nobody waits for, even one that would take hours.
#[test]
fn a_statement_ends_when_its_answer_is_dropped() {
    let series = "generate_series(1, 3000000) AS a(x), generate_series(1, 3000000) AS b(y)";
    for (partitions, statement) in [
        (2, format!("SELECT sum(x * y % 7) FROM {series}")),
        (2, format!("SELECT count(*) FROM {series} WHERE x + y < 0")),
        (2, format!("SELECT count(*) FROM {series} WHERE x % 2 = y % 2 AND x + y < 0")),
        (1, format!("SELECT count(*) FROM {series} WHERE x + y < 0")),
        (1, format!("SELECT sum(x * y % 7) FROM {series}")),
    ] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let all = runtime.block_on(async {
            let mut session = Session::without_lake(None).unwrap();
            run(&mut session, &format!("SET datafusion.execution.target_partitions = {partitions}")).await.unwrap();
            let answer = session.sql(&statement).await.unwrap();
            let (mut out, options) = (std::io::sink(), Options::default());
            let written = write(Format::Csv, answer, &mut out, &options);
            // Not tokio's clock: it stands still while all threads are at work.
            let (enough, had_enough) = futures::channel::oneshot::channel::<()>();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(500));
                drop(enough);
            });
            tokio::select! {
                _ = written => true,
                _ = had_enough => false,
            }
        });
        assert!(!all, "{statement} should take longer");
        // Waits for all tasks to yield or to end.
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(runtime);
            let _ = done.send(());
        });
        assert!(ended.recv_timeout(Duration::from_secs(20)).is_ok(), "{statement}, {partitions}: still at work");
    }
}

#[tokio::test]
async fn errors_are_short_and_say_what_is_wrong() {
    let session = days().await.session().await;
    let error = async |statement: &str| session.sql(statement).await.err().unwrap().to_string();
    assert_eq!(error("").await, "there is no statement");
    assert_eq!(error("SELECT 1; SELECT 2").await, "give one statement at a time");
    for (statement, said) in [
        ("SELECT * FORM alb", "Expected: end of statement, found: FORM (line 1, column 10)"),
        ("SELECT 'x", "Unterminated string literal (line 1, column 8)"),
        ("SELECT * FROM nothing", "there is no table `nothing` (line 1, column 15)"),
        ("SELECT * FROM request", "there is no table `request`; did you mean `requests`? (line 1, column 15)"),
        ("SELECT\n  path,\n  ruote\nFROM alb", "there is no column `ruote`; did you mean `route`? (line 3, column 3)"),
        ("SELECT a.ruote FROM alb a", "there is no column `ruote` in `a`; did you mean `route`? (line 1, column 10)"),
        ("SELECT b.route FROM alb a", "there is no table `b` in this statement, only `a` (line 1, column 8)"),
        ("SELECT cout(*) FROM alb", "there is no function `cout`; did you mean `count`?"),
        ("SELECT quagga FROM alb", "there is no column `quagga` (line 1, column 8)"),
        ("SELECT path, cuont(*) FROM alb", "there is no function `cuont`; did you mean `count`? (line 1, column 14)"),
        ("SELECT path FROM alb WHERE elb_status_cod = 5", "did you mean `elb_status_code`? (line 1, column 28)"),
    ] {
        let message = error(statement).await;
        assert!(message.contains(said), "{statement}: {message}");
    }
    assert_eq!(error("SELECT $x").await, "a `$name` has a value only in queries of the catalogue");
}

async fn run(session: &mut Session, statement: &str) -> Result<(), Error> {
    session.run(statement).await.map(|answer| assert!(matches!(answer, Answer::Done), "{statement}"))
}

#[tokio::test]
async fn a_session_has_options_and_views_of_its_own() {
    let mut lake = days().await;
    let mut session = lake.session().await;
    for statement in [
        "SET datafusion.execution.batch_size = 7",
        "CREATE VIEW late AS SELECT * FROM alb WHERE day > '2026-11-18'",
        "CREATE OR REPLACE VIEW later AS SELECT * FROM late WHERE day > '2026-11-19'",
    ] {
        run(&mut session, statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let count = "SELECT (SELECT count(*) FROM late) AS late, (SELECT count(*) FROM later) AS later";
    assert_eq!(sql(&session, count, Format::Csv).await, "late,later\n120,60\n");
    let setting = "SHOW datafusion.execution.batch_size";
    assert_eq!(sql(&session, setting, Format::Csv).await, "name,value\ndatafusion.execution.batch_size,7\n");
    assert!(session.tables().contains(&"later".to_owned()) && session.is_view("later").await);

    // Views see what is committed later, once the session is refreshed.
    assert!(!session.refresh(&lake.lake).await.unwrap());
    lake.add(Table::ALB, Some("2026-11-21"), &[request(time("2026-11-21T00:00:00Z"))]).await;
    assert!(session.refresh(&lake.lake).await.unwrap());
    assert_eq!(sql(&session, count, Format::Csv).await, "late,later\n121,61\n");
    assert_eq!(session.span().unwrap().1.date_naive().to_string(), "2026-11-21");
    assert_eq!(sql(&session, setting, Format::Csv).await, "name,value\ndatafusion.execution.batch_size,7\n");

    for (statement, said) in [
        ("CREATE VIEW late AS SELECT 1", "there is a view `late` already"),
        ("CREATE OR REPLACE VIEW alb AS SELECT 1", "`alb` is of the lake"),
        ("CREATE OR REPLACE VIEW requests AS SELECT 1", "`requests` is of the lake"),
        ("DROP VIEW requests", "`requests` is no view of this session"),
        ("DROP TABLE late", "DROP is refused"),
        ("CREATE TABLE t AS SELECT 1", "CREATE is refused"),
        ("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'", "CREATE is refused"),
        ("INSERT INTO late SELECT * FROM late", "INSERT is refused"),
        ("COPY late TO 'out.csv'", "COPY is refused"),
        ("SET no.such = 1", "no"),
    ] {
        let error = run(&mut session, statement).await.unwrap_err().to_string();
        assert!(error.contains(said), "{statement}: {error}");
    }
    for (statement, said) in [
        ("SET TIME ZONE 'Europe/Berlin'", None),
        ("SET TIME ZONE TO '+02:00'", None),
        ("SET TIME ZONE 'Mars/Base'", Some("there is no time zone `Mars/Base`: give one such as")),
        ("SET timezone = 'Mars'", Some("there is no time zone `Mars`")),
    ] {
        let error = run(&mut session, statement).await.err().map(|error| error.to_string());
        assert_eq!(error.is_some(), said.is_some(), "{statement}: {error:?}");
        assert!(error.unwrap_or_default().contains(said.unwrap_or_default()), "{statement}");
    }
    assert!(sql(&session, "SHOW TIME ZONE", Format::Ndjson).await.contains("\"+02:00\""));
    let functions = session.functions();
    assert!(functions.contains(&"approx_distinct".to_owned()));
    assert!(functions.iter().all(|name| !name.contains(' ')), "nobody can call these: {functions:?}");
    run(&mut session, "DROP VIEW later").await.unwrap();
    run(&mut session, "RESET datafusion.execution.batch_size").await.unwrap();
    assert!(session.sql("SELECT * FROM later").await.is_err());
}

#[tokio::test]
async fn requests_is_one_shape_for_all_layers() {
    let mut lake = TestLake::empty().await;
    let at = time("18:00:00");
    lake.add(
        Table::ALB,
        Some("2026-11-19"),
        &[
            died(with(request(at), row! {"target_ip": "2001:db8::1", "trace_id": "Root=1-2"})),
            without(with(timed(request(at), at, 600.0), row! {"type": "wss"}), &["target_ip", "target_port"]),
        ],
    )
    .await;
    assert_eq!(
        sql(&lake.session().await, "SELECT * FROM requests ORDER BY duration", Format::Csv).await,
        "arrival,duration,layer,client,method,host,path,route,status,upstream_status,bytes,agent,trace_id,target,cause,\
         received_bytes,request_id,connection_id,forwarded_for,source_file,line\n\
         2026-11-19T18:00:00Z,0.05,alb,203.0.113.7,GET,shop.example,/,/,502,,250,Mozilla/5.0,Root=1-2,[2001:db8::1]:8080,target_died,\
         300,,,,test.log.gz,1\n\
         2026-11-19T18:00:00Z,,alb,203.0.113.7,GET,shop.example,/,/,200,200,1000,Mozilla/5.0,,,,300,,,,test.log.gz,1\n"
    );
}

#[tokio::test]
async fn alb_access_logs_is_the_table_of_athena() {
    let mut lake = TestLake::empty().await;
    let nothing = Row::from([("started_at", V::T(time("18:00:00"))), ("type", V::from("http"))]);
    lake.add(Table::ALB, Some("2026-11-19"), &[request(time("18:00:00.000001")), nothing]).await;
    let session = lake.session().await;
    let names = "type,time,elb,client_ip,client_port,target_ip,target_port,request_processing_time,\
        target_processing_time,response_processing_time,elb_status_code,target_status_code,received_bytes,sent_bytes,\
        request_verb,request_url,request_proto,user_agent,ssl_cipher,ssl_protocol,target_group_arn,trace_id,domain_name,\
        chosen_cert_arn,matched_rule_priority,request_creation_time,actions_executed,redirect_url,lambda_error_reason,\
        target_port_list,target_status_code_list,classification,classification_reason,conn_trace_id,day";
    assert_eq!(names.split(',').count(), 35);
    assert_eq!(
        sql(&session, "SELECT * FROM alb_access_logs ORDER BY type", Format::Csv).await,
        format!(
            "{names}\n\
             http,'-,'-,'-,,\"\",,-1.0,-1.0,-1.0,,'-,,,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,'-,2026/11/19\n\
             https,2026-11-19T18:00:00.050001Z,app/shop/50dc6c495c0c9188,203.0.113.7,40000,10.0.1.11,8080,0.0,0.05,0.0,\
             200,200,300,1000,GET,https://shop.example:443/,HTTP/2.0,Mozilla/5.0,'-,'-,'-,'-,'-,'-,0,\
             2026-11-19T18:00:00.000001Z,forward,'-,'-,'-,'-,'-,'-,'-,2026/11/19\n"
        )
    );
    let types = sql(
        &session,
        "SELECT data_type FROM information_schema.columns WHERE table_name = 'alb_access_logs'",
        Format::Csv,
    );
    let types: Vec<_> = types.await.lines().skip(1).map(str::to_owned).collect();
    let of = |kind: &str| types.iter().filter(|t| *t == kind).count();
    assert_eq!((of("Utf8View") + of("Utf8"), of("Int32"), of("Int64"), of("Float64")), (27, 3, 2, 3), "{types:?}");
}

#[tokio::test]
async fn a_pasted_athena_query_runs() {
    let lake = TestLake::evening().await;
    let pasted = "SELECT target_status_code, count(*) AS n FROM \"default\".\"alb_access_logs\" \
        WHERE elb_status_code >= 500 AND target_processing_time = -1 AND day = '2026/11/19' \
        AND parse_datetime(time, 'yyyy-MM-dd''T''HH:mm:ss.SSSSSS''Z') > parse_datetime('2026-11-19', 'yyyy-MM-dd') \
        GROUP BY target_status_code";
    assert_eq!(sql(&lake.session().await, pasted, Format::Csv).await, "target_status_code,n\n'-,26\n");
}

#[tokio::test]
async fn days_of_athena_leave_out_files() {
    let lake = days().await;
    for (source, files) in [
        ("alb_access_logs", 4),
        ("alb_access_logs WHERE day = '2026/11/18'", 2),
        ("db.alb_logs AS l WHERE l.day >= '2026/11/19'", 2),
        ("alb_logs WHERE day BETWEEN '2026/11/01' AND '2026/11/17'", 0),
        ("alb_logs WHERE day LIKE '2026/11/2%'", 1),
        ("alb_logs WHERE day >= date_format(date '2026-11-21' - interval '1' day, '%Y/%m/%d')", 1),
        // The texts of times are the times themselves.
        ("alb_logs WHERE from_iso8601_timestamp(time) >= parse_datetime('2026-11-19', 'yyyy-MM-dd')", 2),
        ("alb_logs WHERE date_parse(time, '%Y-%m-%dT%H:%i:%s.%fZ') < date_parse('2026-11-18 09', '%Y-%m-%d %H')", 1),
        (
            "alb_logs WHERE parse_datetime(time,'yyyy-MM-dd''T''HH:mm:ss.SSSSSS''Z') \
             BETWEEN parse_datetime('2026-11-20-00:00:00','yyyy-MM-dd-HH:mm:ss') \
             AND parse_datetime('2026-11-21-00:00:00','yyyy-MM-dd-HH:mm:ss')",
            1,
        ),
        ("alb_logs WHERE time > '2026-11-20'", 4),
    ] {
        assert_eq!(files_read(&lake, &format!("SELECT client_ip FROM {source}")).await, files, "{source}");
    }
}

/// Requests end 50 ms after 123 microseconds past each minute.
#[tokio::test]
async fn reading_the_text_of_a_time_is_exact_to_the_millisecond() {
    let lake = days().await;
    let session = lake.session().await;
    let count = async |condition: &str| {
        let statement = format!("SELECT count(*) AS n FROM alb_logs WHERE day = '2026/11/19' AND {condition}");
        sql(&session, &statement, Format::Csv).await.lines().nth(1).map(str::to_owned).unwrap()
    };
    for reads in ["from_iso8601_timestamp(time)", "from_iso8601_timestamp(time || '')"] {
        for (condition, rows) in [
            ("= from_iso8601_timestamp('2026-11-19T12:30:00.050Z')", "1"),
            ("> from_iso8601_timestamp('2026-11-19T12:30:00.050Z')", "29"),
            (">= from_iso8601_timestamp('2026-11-19T12:30:00.050Z')", "30"),
            ("<= from_iso8601_timestamp('2026-11-19T12:30:00.050Z')", "31"),
            ("< from_iso8601_timestamp('2026-11-19T12:30:00.050Z')", "30"),
            ("<> from_iso8601_timestamp('2026-11-19T12:30:00.050Z')", "59"),
            ("> timestamp '2026-11-19 12:30:00.050100'", "29"),
        ] {
            assert_eq!(count(&format!("{reads} {condition}")).await, rows, "{reads} {condition}");
        }
    }
}

#[tokio::test]
async fn statements_of_athena_are_taken_as_athena_takes_them() {
    let lake = TestLake::evening().await;
    let session = lake.session().await;
    let answer = async |expression: &str, table: &str| {
        sql(&session, &format!("SELECT {expression} AS x FROM {table} LIMIT 1"), Format::Csv).await.split_off(2)
    };
    // The same function twice: here as Trino has it, there as DataFusion.
    for (expression, athena, ours) in [
        ("concat('a', NULL)", "\n", "a\n"),
        ("regexp_replace('aa', 'a', 'b')", "bb\n", "ba\n"),
        ("date_format(timestamp '2026-11-19 19:42:07', '%H:%M')", "19:November\n", "19:42\n"),
        ("to_unixtime(timestamp '2026-11-19 19:42:07.5')", "1795117327.5\n", "1795117327\n"),
    ] {
        assert_eq!(answer(expression, "alb_access_logs").await, athena, "{expression}");
        assert_eq!(answer(expression, "alb").await, ours, "{expression}");
    }
    // What only Athena has is there for all.
    assert_eq!(answer("url_extract_host('https://a.example/')", "alb").await, "a.example\n");
    assert_eq!(answer("regexp_extract(\"$path\", '[a-z]+')", "alb_logs").await, "test\n");
    for (statement, message) in [
        (
            "CREATE EXTERNAL TABLE IF NOT EXISTS alb_access_logs (type string) ROW FORMAT SERDE 'x'",
            "CREATE EXTERNAL TABLE is not needed",
        ),
        ("MSCK REPAIR TABLE alb_access_logs", "MSCK"),
        ("ALTER TABLE alb_access_logs ADD PARTITION (day='2026/11/19')", "ALTER"),
        ("SELECT contains('10.0.0.0/8', CAST(client_ip AS IPADDRESS)) FROM alb_logs", "there is no type IPADDRESS"),
        ("SELECT \"$path\" FROM alb", "$path"),
    ] {
        let error = session.sql(statement).await.err().unwrap_or_else(|| panic!("{statement}")).to_string();
        assert!(error.contains(message), "{statement}: {error}");
    }
}

#[tokio::test]
async fn ingested_promises_only_what_was_committed() {
    let lake = TestLake::evening().await;
    let session = lake.session().await;
    assert_eq!(sql(&session, "SELECT count(*) AS n, sum(rows) AS r FROM ingested", Format::Csv).await, "n,r\n7,210\n");
}

#[tokio::test]
async fn a_session_stays_with_its_snapshot() {
    let mut lake = days().await;
    let session = lake.session().await;
    lake.add(Table::ALB, Some("2026-11-21"), &[request(time("2026-11-21T00:00:00Z"))]).await;
    assert_eq!(sql(&session, "SELECT count(*) AS n FROM alb", Format::Csv).await, "n\n240\n");
    assert_eq!(sql(&lake.session().await, "SELECT count(*) AS n FROM alb", Format::Csv).await, "n\n241\n");
}
