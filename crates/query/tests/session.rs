//! SQL over a lake: what it shows, what it refuses, and which files it reads.

#![allow(unreachable_pub)]
mod common;

use albatross_lake::Table;
use albatross_query::{Error, Format, Session};
use common::{TestLake, clock, request, sql, time, with};

#[tokio::test]
async fn try_it() {
    let mut lake = TestLake::empty().await;
    lake.add(Table::Alb, Some("2026-11-19"), &[request(time("18:00:00"))]).await;
    let session = lake.session().await;
    for f in &lake.lake.snapshot(Table::Alb).await.unwrap().files {
        panic_print(&format!("{:?} {:?}\n", f.rows, f.stats.get("started_at")));
    }
    for q in [
        "explain select count(*) from alb where started_at >= arrow_cast(1795111200000000, 'Timestamp(Microsecond, Some(\"UTC\"))')",
        "explain select count(*) from alb where started_at < arrow_cast(1795111200100000, 'Timestamp(Microsecond, Some(\"UTC\"))')",
        "explain select count(*) from alb where day >= '2026-11-19'",
        "select count(*) from alb",
        "explain select count(*) from alb where started_at >= '2026-11-19T18:00:00Z'",
        "select * from requests",
        "select * from alb_access_logs",
        "show tables",
        "describe alb",
        "select * from ingested",
    ] {
        panic_print(&sql(&session, q, Format::Table).await);
    }
    let _ = (
        clock(),
        Error::NoSuchQuery { name: String::new(), hint: String::new() },
        with,
        std::any::type_name::<Session>(),
    );
}
fn panic_print(s: &str) {
    use std::io::Write;
    std::io::stderr().write_all(s.as_bytes()).unwrap();
}
