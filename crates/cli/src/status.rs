//! `albatross status`: what is in the lake, from its log alone, and from the ledger.

use std::io::Write;

use albatross_lake::{Lake, Table, Value};
use albatross_query::{Format, Options, Session, write};
use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use crate::args::Status;
use crate::exit::Exit;
use crate::s3::S3Args;
use crate::show::{count, plural, safe, size};

struct TableStatus {
    name: &'static str,
    version: Option<u64>,
    files: u64,
    rows: u64,
    bytes: u64,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
}

pub(crate) fn run(lake: &str, s3: &S3Args, args: &Status) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (root, tables, sources, rejects) = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push(table_status(&lake, table).await?);
        }
        let session = Session::open(&lake).await?;
        let sources = rows(
            &session,
            "SELECT format, count(*) AS files, sum(bytes) AS bytes, sum(lines) AS lines, sum(\"rows\") AS \"rows\", \
             sum(rejects) AS rejects, sum(skipped) AS skipped FROM ingested GROUP BY format ORDER BY format",
        )
        .await?;
        let rejects =
            rows(&session, "SELECT reason, count(*) AS lines FROM rejects GROUP BY reason ORDER BY lines DESC, reason")
                .await?;
        anyhow::Ok((lake.root().to_string(), tables, sources, rejects))
    })?;
    let mut out = std::io::stdout().lock();
    if args.json {
        let tables: Vec<_> = tables.iter().map(TableStatus::json).collect();
        let status = json!({ "lake": root, "tables": tables, "sources": sources, "rejects": rejects });
        writeln!(out, "{status:#}")?;
        return Ok(Exit::Fine);
    }
    writeln!(out, "lake {}", safe(&root))?;
    for table in &tables {
        let span = match (table.first, table.last) {
            (Some(first), Some(last)) => format!(", {} to {}", short(first), short(last)),
            _ => String::new(),
        };
        let log = table.version.map_or(String::new(), |version| format!(", log at version {version}"));
        writeln!(
            out,
            "  {:<9} {:>13} in {:>9}, {:>8}{span}{log}",
            table.name,
            plural(table.rows, "row"),
            plural(table.files, "file"),
            size(table.bytes)
        )?;
    }
    for source in &sources {
        let n = |key: &str| source[key].as_u64().unwrap_or(0);
        writeln!(
            out,
            "sources {}: {}, {} as stored; {} = {} rows + {} rejects + {} skipped",
            source["format"].as_str().unwrap_or_default(),
            plural(n("files"), "file"),
            size(n("bytes")),
            plural(n("lines"), "line"),
            count(n("rows")),
            count(n("rejects")),
            count(n("skipped")),
        )?;
    }
    for reject in &rejects {
        let lines = reject["lines"].as_u64().unwrap_or(0);
        writeln!(out, "rejects {}: {}", safe(reject["reason"].as_str().unwrap_or_default()), plural(lines, "line"))?;
    }
    Ok(Exit::Fine)
}

impl TableStatus {
    fn json(&self) -> serde_json::Value {
        let time = |t: Option<DateTime<Utc>>| t.map(|t| t.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        json!({
            "table": self.name, "version": self.version, "files": self.files, "rows": self.rows, "bytes": self.bytes,
            "first": time(self.first), "last": time(self.last),
        })
    }
}

async fn table_status(lake: &Lake, table: Table) -> Result<TableStatus> {
    let snapshot = lake.snapshot(table).await?;
    let column = if table == Table::Alb { "started_at" } else { "time" };
    let times = || snapshot.files.iter().filter_map(|file| file.stats.get(column));
    let time = |value: &Option<Value>| match value {
        Some(Value::Timestamp(micros)) => DateTime::from_timestamp_micros(*micros),
        _ => None,
    };
    Ok(TableStatus {
        name: table.name(),
        version: snapshot.version,
        files: snapshot.files.len() as u64,
        rows: snapshot.files.iter().filter_map(|file| file.rows).sum(),
        bytes: snapshot.files.iter().map(|file| file.size).sum(),
        first: times().filter_map(|stat| time(&stat.min)).min(),
        last: times().filter_map(|stat| time(&stat.max)).max(),
    })
}

async fn rows(session: &Session, sql: &str) -> Result<Vec<serde_json::Value>> {
    let mut text = Vec::new();
    write(Format::Json, session.sql(sql).await?, &mut text, &Options::default()).await?;
    Ok(serde_json::from_slice(&text)?)
}

fn short(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
