//! Small lakes with known rows, written through the lake's own API.

use std::collections::BTreeMap;
use std::sync::Arc;

use albatross_lake::{Commit, Lake, NewFile, Table, TxnId};
use albatross_query::{Catalogue, Clock, Format, Options, Session, write};
use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, SchemaRef};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use object_store::ObjectStoreExt;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

/// A value of a row; what a row lacks is NULL.
#[derive(Debug, Clone)]
pub(crate) enum V {
    I(i64),
    F(f64),
    T(DateTime<Utc>),
    S(String),
}

impl From<i64> for V {
    fn from(n: i64) -> V {
        V::I(n)
    }
}

impl From<f64> for V {
    fn from(x: f64) -> V {
        V::F(x)
    }
}

impl From<&str> for V {
    fn from(text: &str) -> V {
        V::S(text.to_owned())
    }
}

impl From<DateTime<Utc>> for V {
    fn from(time: DateTime<Utc>) -> V {
        V::T(time)
    }
}

pub(crate) type Row = BTreeMap<&'static str, V>;

/// `row! { "column": value, ... }`
macro_rules! row {
    ($($column:literal : $value:expr),* $(,)?) => {
        $crate::fixture::Row::from([$(($column, $crate::fixture::V::from($value))),*])
    };
}

/// `time("18:05:30")` on the fixture's day, or a whole `2026-11-20T00:00:00Z`.
pub(crate) fn time(text: &str) -> DateTime<Utc> {
    let whole = if text.contains('T') { text.to_owned() } else { format!("2026-11-19T{text}Z") };
    whole.parse().unwrap_or_else(|_| panic!("{text}"))
}

pub(crate) struct TestLake {
    pub(crate) lake: Lake,
    _folder: TempDir,
    files: u64,
}

impl TestLake {
    pub(crate) async fn empty() -> TestLake {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(folder.path().join("lake").to_str().unwrap()).await.unwrap();
        TestLake { lake, _folder: folder, files: 0 }
    }

    /// Commits the rows as one file, as a source file of its own.
    pub(crate) async fn add(&mut self, table: Table, day: Option<&str>, rows: &[Row]) {
        let txn = TxnId::of_source("test", table.name(), self.files);
        self.commit(txn, table, day, batch(&table.file_schema(), rows)).await;
    }

    /// As [`TestLake::add`], in a file that lacks these columns.
    pub(crate) async fn add_without(&mut self, table: Table, day: Option<&str>, rows: &[Row], columns: &[&str]) {
        let schema = table.file_schema();
        let kept: Vec<usize> =
            (0..schema.fields().len()).filter(|&i| !columns.contains(&schema.field(i).name().as_str())).collect();
        let batch = batch(&schema, rows).project(&kept).unwrap();
        let txn = TxnId::of_source("test", table.name(), self.files);
        self.commit(txn, table, day, batch).await;
    }

    async fn commit(&mut self, txn: TxnId, table: Table, day: Option<&str>, batch: RecordBatch) {
        let day: Option<NaiveDate> = day.map(|day| day.parse().unwrap());
        let folder = day.map(|day| format!("day={day}/")).unwrap_or_default();
        let path = format!("{folder}{:04}.parquet", self.files);
        // Small row groups and pages, so that there is something to leave out inside of files too.
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(64)).set_data_page_row_count_limit(16).build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let metadata = writer.close().unwrap();
        let size = bytes.len() as u64;
        self.lake.object_store().put(&self.lake.location(table, &path), bytes.into()).await.unwrap();
        let file = NewFile::from_parquet(path, size, day, &metadata);
        let commit = self.lake.commit(table, &[txn], vec![file]).await.unwrap();
        assert!(matches!(commit, Commit::Committed { .. }));
        self.files += 1;
    }

    pub(crate) async fn session(&self) -> Session {
        Session::open(&self.lake).await.unwrap()
    }
}

fn batch(schema: &SchemaRef, rows: &[Row]) -> RecordBatch {
    for row in rows {
        for name in row.keys() {
            assert!(schema.field_with_name(name).is_ok(), "no column {name}");
        }
    }
    let column = |name: &str, data_type: &DataType| -> ArrayRef {
        let values = || rows.iter().map(|row| row.get(name));
        let int = |v: Option<&V>| v.map(|v| if let V::I(n) = v { *n } else { panic!("{name}: {v:?}") });
        match data_type {
            DataType::Int32 => Arc::new(values().map(|v| int(v).map(|n| n as i32)).collect::<Int32Array>()),
            DataType::Int64 => Arc::new(values().map(int).collect::<Int64Array>()),
            DataType::Float64 => {
                let float = |v: &V| if let V::F(x) = v { *x } else { panic!("{name}: {v:?}") };
                Arc::new(values().map(|v| v.map(float)).collect::<Float64Array>())
            }
            DataType::Utf8 => {
                let text = |v: &V| if let V::S(text) = v { text.clone() } else { panic!("{name}: {v:?}") };
                Arc::new(values().map(|v| v.map(text)).collect::<StringArray>())
            }
            DataType::Timestamp(_, _) => {
                let micros = |v: &V| if let V::T(t) = v { t.timestamp_micros() } else { panic!("{name}: {v:?}") };
                let array: TimestampMicrosecondArray = values().map(|v| v.map(micros)).collect();
                Arc::new(array.with_timezone("UTC"))
            }
            other => panic!("{name}: {other}"),
        }
    };
    let columns = schema.fields().iter().map(|f| column(f.name(), f.data_type())).collect();
    RecordBatch::try_new(schema.clone(), columns).unwrap()
}

/// A request that went well: 50 ms in the target, 1,000 bytes.
pub(crate) fn request(at: DateTime<Utc>) -> Row {
    timed(
        row! {
            "type": "https", "elb": "app/shop/50dc6c495c0c9188", "client_ip": "203.0.113.7", "client_port": 40000,
            "target_ip": "10.0.1.11", "target_port": 8080, "elb_status_code": 200, "target_status_code": 200,
            "received_bytes": 300, "sent_bytes": 1000, "request_verb": "GET", "request_url": "https://shop.example:443/",
            "request_proto": "HTTP/2.0", "host": "shop.example", "path": "/", "route": "/", "answered_by": "target",
            "user_agent": "Mozilla/5.0", "matched_rule_priority": 0, "actions_executed": "forward",
            "source_file": "test.log.gz", "line": 1,
        },
        at,
        0.05,
    )
}

/// Sets arrival, end, and the time in the target.
pub(crate) fn timed(mut row: Row, at: DateTime<Utc>, seconds: f64) -> Row {
    let end = at + TimeDelta::microseconds((seconds * 1e6) as i64);
    row.extend(row! {
        "started_at": at, "request_creation_time": at, "time": end, "duration": seconds,
        "request_processing_time": 0.0, "target_processing_time": seconds, "response_processing_time": 0.0,
    });
    row
}

/// The row with other values in some columns.
pub(crate) fn with(mut row: Row, changes: Row) -> Row {
    row.extend(changes);
    row
}

/// The row with NULL in some columns.
pub(crate) fn without(mut row: Row, columns: &[&str]) -> Row {
    row.retain(|name, _| !columns.contains(name));
    row
}

/// The load balancer's own 502, made when the target closed the connection.
pub(crate) fn died(row: Row) -> Row {
    let row = with(
        row,
        row! {"elb_status_code": 502, "answered_by": "load_balancer", "cause": "target_died", "sent_bytes": 250},
    );
    without(row, &["target_status_code", "target_processing_time", "response_processing_time"])
}

pub(crate) fn clock() -> Clock {
    Clock { now: time("2026-11-20T08:30:00Z"), zone: Tz::UTC }
}

/// The answer of a statement in some format.
pub(crate) async fn sql(session: &Session, sql: &str, format: Format) -> String {
    let stream = session.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut out = Vec::new();
    write(format, stream, &mut out, &Options::default()).await.unwrap();
    String::from_utf8(out).unwrap()
}

/// The answer of a built-in query as CSV, given some of its parameters.
pub(crate) async fn answer(session: &Session, name: &str, given: &[(&str, &str)]) -> String {
    let catalogue = Catalogue::load(None).unwrap();
    let query = catalogue.get(name).unwrap();
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let stream = session.query(query, &given, &clock()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut out = Vec::new();
    write(Format::Csv, stream, &mut out, &Options::default()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    String::from_utf8(out).unwrap()
}

impl TestLake {
    pub(crate) async fn add_cpu(&mut self) {
        self.add(Table::METRICS, None, &cpu()).await;
    }

    pub(crate) async fn add_everyday(&mut self) {
        self.add(Table::ALB, Some("2026-11-19"), &everyday()).await;
    }

    /// CPU in periods of five minutes, two of the twelve at the limit.
    pub(crate) async fn add_coarse_cpu(&mut self) {
        let periods = |i: i64| {
            let hot = i == 6 || i == 7;
            row! {
                "time": time("18:00:00") + TimeDelta::minutes(5 * i), "period_s": 300, "metric": "CPUUtilization",
                "resource": "web", "average": if hot { 48.0 } else { 20.0 }, "maximum": if hot { 100.0 } else { 35.0 },
            }
        };
        self.add(Table::METRICS, None, &(0..12).map(periods).collect::<Vec<_>>()).await;
    }

    /// A busy hour, its rows dealt out to so many files, from the first to the last row or the other way round.
    pub(crate) async fn busy(files: usize, backwards: bool) -> TestLake {
        let mut lake = TestLake::empty().await;
        let tables = [(Table::ALB, busy()), (Table::METRICS, busy_cpu()), (Table::Rejects, same_line_twice())];
        for (table, mut rows) in tables {
            if backwards {
                rows.reverse();
            }
            for file in 0..files {
                let rows: Vec<Row> = rows.iter().skip(file).step_by(files).cloned().collect();
                lake.add(table, (table == Table::ALB).then_some("2026-11-19"), &rows).await;
            }
        }
        lake
    }

    /// The evening of 19 November 2026, and a look at the next morning. See the single parts.
    pub(crate) async fn evening() -> TestLake {
        let mut lake = TestLake::empty().await;
        let mut rows = everyday();
        rows.extend(badges(time("18:00:00"), 1.0));
        rows.extend(reports());
        rows.extend(scanner());
        rows.push(with(
            timed(request(time("18:15:00")), time("18:15:00"), 600.0),
            row! {"type": "wss", "elb_status_code": 101, "target_status_code": 101, "sent_bytes": 5_000_000},
        ));
        rows.sort_by_key(|row| match row["started_at"] {
            V::T(time) => time,
            _ => unreachable!(),
        });
        lake.add(Table::ALB, Some("2026-11-19"), &rows).await;
        lake.add(Table::ALB, Some("2026-11-20"), &surplus(badges(time("2026-11-20T08:00:00Z"), 2.0))).await;
        lake.add_cpu().await;
        lake.add(Table::Rejects, None, &rejects()).await;
        let (ids, rows) = ledger();
        lake.add(Table::Ingested, None, &rows).await;
        lake.lake.commit(Table::ALB, &ids, Vec::new()).await.unwrap();
        lake
    }
}

/// 240 requests for `/`, one every 15 seconds from 18:00 to 19:00, 50 ms and 1,000 bytes each.
///
/// From 18:30 to 18:40 every other one gets a 502: 20 of 40.
fn everyday() -> Vec<Row> {
    let outage = time("18:30:00")..time("18:40:00");
    (0..240)
        .map(|i| {
            let at = time("18:00:00") + TimeDelta::seconds(15 * i);
            let row = request(at);
            if i % 2 == 0 && outage.contains(&at) { died(row) } else { row }
        })
        .collect()
}

/// 11 requests of 5.0, 5.1 ... 6.0 seconds times `factor`, one every 5 minutes, 500 kB each; the second one fails.
fn badges(from: DateTime<Utc>, factor: f64) -> Vec<Row> {
    (0..11)
        .map(|i| {
            let at = from + TimeDelta::minutes(5 * i);
            let row = with(
                timed(request(at), at, (50 + i) as f64 / 10.0 * factor),
                row! {
                    "route": "/api/users/:id/badges", "path": "/api/users/7/badges", "sent_bytes": 500_000,
                    "target_ip": "10.0.1.12", "client_ip": "203.0.113.8",
                },
            );
            match i {
                1 => with(row, row! {"elb_status_code": 500, "target_status_code": 500, "cause": "application_error"}),
                _ => row,
            }
        })
        .collect()
}

/// Three of the last four lines have two fields more than documented: from 08:35 on, but not at 08:40.
fn surplus(mut rows: Vec<Row>) -> Vec<Row> {
    for i in [7, 9, 10] {
        rows[i].extend(row! {"extra": r#""a \" b" -"#});
    }
    rows
}

/// 6 requests that hit the idle timeout of 60 seconds, one a minute from 18:50.
fn reports() -> Vec<Row> {
    (0..6)
        .map(|i| {
            let at = time("18:50:00") + TimeDelta::minutes(i);
            let row = with(
                timed(request(at), at, 60.001 + i as f64 / 1000.0),
                row! {
                    "elb_status_code": 504, "answered_by": "load_balancer", "cause": "target_timeout", "request_verb": "POST",
                    "route": "/reports", "path": "/reports", "sent_bytes": 250,
                },
            );
            without(row, &["target_status_code", "target_processing_time", "response_processing_time"])
        })
        .collect()
}

/// 10 pages that are not there, in ten seconds from 18:20.
fn scanner() -> Vec<Row> {
    (0..10)
        .map(|i| {
            with(
                request(time("18:20:00") + TimeDelta::seconds(i)),
                row! {
                    "elb_status_code": 404, "target_status_code": 404, "cause": "client_error", "client_ip": "198.51.100.9",
                    "route": "/wp-login.php", "path": "/wp-login.php", "user_agent": "=cmd|'/c calc'!A1\u{1b}[2J",
                },
            )
        })
        .collect()
}

/// 6,000 requests from 18:00 to 18:50, of 1 ms to 40 s, mostly short. One in 50 fails, one in 97 has no duration, one in 101
/// is a WebSocket connection.
fn busy() -> Vec<Row> {
    let mut random = 1_u64;
    (0..6_000_i64)
        .map(|i| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let x = (random >> 40) as f64 / (1 << 24) as f64;
            let at = time("18:00:00") + TimeDelta::milliseconds(500 * i);
            let route = ["/", "/feed", "/search"][i as usize % 3];
            let client = format!("203.0.113.{}", i % 40);
            let target = format!("10.0.1.{}", i % 4);
            let row = with(
                timed(request(at), at, (1e3 * (x * 10.6).exp()).round() / 1e6),
                row! {"route": route, "client_ip": client.as_str(), "target_ip": target.as_str()},
            );
            let row = if i % 50 == 7 { died(row) } else { row };
            match i {
                _ if i % 97 == 0 => without(row, &["duration"]),
                _ if i % 101 == 0 => with(row, row! {"type": "wss"}),
                _ => row,
            }
        })
        .collect()
}

/// CPU of three resources, whose average has no end in binary.
fn busy_cpu() -> Vec<Row> {
    (0..150)
        .map(|i| {
            row! {
                "time": time("18:00:00") + TimeDelta::minutes(i / 3), "period_s": 60, "metric": "CPUUtilization",
                "resource": ["web", "queue", "cron"][i as usize % 3], "average": (i * i % 71) as f64 + 0.1,
                "maximum": (i * i % 97) as f64 + 3.3,
            }
        })
        .collect()
}

/// A file was read twice, and had another line at the same place.
fn same_line_twice() -> Vec<Row> {
    let reject = |detail: &str, raw: &str| {
        row! {
            "source_file": "0.log.gz", "line": 5, "byte": 100, "reason": "bad_time", "detail": detail, "raw": raw,
            "format": "alb",
        }
    };
    vec![reject("`yesterday` is no time", "https yesterday"), reject("`morning` is no time", "https morning")]
}

/// CPU of one service, a row a minute from 18:00 to 19:00: average 20 and maximum 35, but 40 and 100 from 18:29 to 18:41.
fn cpu() -> Vec<Row> {
    (0..60)
        .map(|i| {
            let hot = (29..41).contains(&i);
            row! {
                "time": time("18:00:00") + TimeDelta::minutes(i), "period_s": 60, "metric": "CPUUtilization", "resource": "web",
                "average": if hot { 40.0 } else { 20.0 }, "maximum": if hot { 100.0 } else { 35.0 }, "unit": "Percent",
                "source_file": "cpu.json",
            }
        })
        .collect()
}

/// Files of two nodes: of the first one, the slots that end at 18:20 and 18:25 are missing, and 18:10 has two files. The last
/// file was never committed. Returned with the ids of those that were.
fn ledger() -> (Vec<TxnId>, Vec<Row>) {
    let files = [
        ("10.0.0.5", "18:05:00"),
        ("10.0.0.5", "18:10:00"),
        ("10.0.0.5", "18:10:00"),
        ("10.0.0.5", "18:15:00"),
        ("10.0.0.5", "18:30:00"),
        ("10.0.0.6", "18:05:00"),
        ("10.0.0.6", "18:10:00"),
        ("10.0.0.6", "18:15:00"),
    ];
    let mut ids: Vec<TxnId> = (0..files.len() as u64).map(|i| TxnId::of_source("file", "", i)).collect();
    let rows = files.iter().zip(&ids).enumerate().map(|(i, ((node, end), id))| {
        row! {
            "source_file": format!("{i}.log.gz").as_str(), "txn": id.to_string().as_str(), "format": "alb", "bytes": 1000,
            "lines": 31, "rows": 30, "rejects": 1, "skipped": 0, "elb": "app/shop/50dc6c495c0c9188", "node_ip": *node,
            "interval_end": time(end), "first_time": time(end) - TimeDelta::minutes(5), "last_time": time(end),
        }
    });
    let rows = rows.collect();
    ids.pop();
    (ids, rows)
}

fn rejects() -> Vec<Row> {
    [("0.log.gz", 5, "bad_time"), ("4.log.gz", 2, "too_few_fields"), ("1.log.gz", 9, "bad_time")]
        .into_iter()
        .map(|(file, line, reason)| {
            row! {
                "source_file": file, "line": line, "byte": 100, "reason": reason, "detail": "`yesterday` is no time",
                "raw": "https yesterday", "format": "alb",
            }
        })
        .collect()
}
