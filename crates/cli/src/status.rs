//! `albatross status`: what is in the lake, from its log, the statistics in it and the ledger. No row of a request is read, so that it
//! is quick on a lake of any size.

mod tables;

use std::collections::BTreeMap;
use std::io::Write;

use albatross_lake::{Lake, Table};
use albatross_query::{Catalogue, Clock, Format, Options, SendableRecordBatchStream, Session, write};
use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use crate::args::Status;
use crate::exit::Exit;
use crate::s3::S3Args;
use crate::show::{count, plural, safe, size};
use tables::{Drift, SmallFiles, TableStatus};

/// Reasons for rejects that are listed.
const REASONS: usize = 10;

struct LakeStatus {
    root: String,
    tables: Vec<TableStatus>,
    small: SmallFiles,
    drift: Drift,
    /// By format.
    sources: Vec<Json>,
    newest: Option<Json>,
    rejects: Vec<Json>,
    /// `None` if no file has a name that AWS gives.
    coverage: Option<Coverage>,
}

/// Sums over the query of this name.
#[derive(Default)]
struct Coverage {
    load_balancers: u64,
    nodes: u64,
    expected: u64,
    seen: u64,
    late: u64,
    missing: u64,
    alone: u64,
}

pub(crate) fn run(lake: &str, s3: &S3Args, args: &Status) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        let lake = Lake::open_with(lake, &s3.s3()).await?;
        LakeStatus::of(&lake).await
    })?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{:#}", status.json())?;
    } else {
        status.text(&mut out)?;
    }
    Ok(Exit::Fine)
}

impl LakeStatus {
    async fn of(lake: &Lake) -> Result<LakeStatus> {
        let mut tables = Vec::new();
        for table in Table::ALL {
            // Tables are made when they get their first rows.
            tables.extend(TableStatus::of(lake, table).await?);
        }
        let requests = lake.snapshot(Table::ALB).await?;
        let session = Session::open(lake).await?;
        let sql = async |sql: &str| rows(session.sql(sql).await?).await;
        let sources = sql(
            "SELECT format, count(*) AS files, sum(bytes) AS bytes, sum(lines) AS lines, sum(\"rows\") AS \"rows\", \
             sum(rejects) AS rejects, sum(skipped) AS skipped FROM ingested GROUP BY format ORDER BY format",
        )
        .await?;
        let newest = sql(
            "SELECT source_file, interval_end, last_time, ingested_at FROM ingested \
             ORDER BY ingested_at DESC NULLS LAST, coalesce(interval_end, last_time) DESC NULLS LAST, source_file DESC LIMIT 1",
        )
        .await?;
        let rejects =
            sql("SELECT reason, count(*) AS lines FROM rejects GROUP BY reason ORDER BY lines DESC, reason").await?;
        let catalogue = Catalogue::load(None)?;
        let clock = Clock::system(Tz::UTC);
        let nodes = session.query(catalogue.get("coverage")?, &BTreeMap::new(), &clock).await?;
        Ok(LakeStatus {
            root: lake.root().to_string(),
            tables,
            small: SmallFiles::of(&requests),
            drift: Drift::of(&requests),
            sources,
            newest: newest.into_iter().next(),
            rejects,
            coverage: Coverage::of(&rows(nodes).await?),
        })
    }

    fn json(&self) -> Json {
        json!({
            "lake": self.root,
            "files": self.tables.iter().map(|table| table.files).sum::<u64>(),
            "bytes": self.tables.iter().map(|table| table.bytes).sum::<u64>(),
            "tables": self.tables.iter().map(TableStatus::json).collect::<Vec<_>>(),
            "sources": self.sources,
            "newest": self.newest,
            "rejects": self.rejects,
            "coverage": self.coverage.as_ref().map(Coverage::json),
            "drift": self.drift.json(),
            "small_files": self.small.json(),
        })
    }

    fn text(&self, out: &mut impl Write) -> Result<()> {
        let (files, bytes) = self.tables.iter().fold((0, 0), |(f, b), table| (f + table.files, b + table.bytes));
        writeln!(out, "lake {}: {}, {}", safe(&self.root), plural(files, "file"), size(bytes))?;
        for table in &self.tables {
            writeln!(out, "  {}", table.text())?;
        }
        for source in &self.sources {
            let n = |key| number(source, key);
            // Points of a metric at one time, its average and its maximum, become one row.
            let lines = match n("lines") == n("rows") + n("rejects") + n("skipped") {
                true => format!("{} =", plural(n("lines"), "line")),
                false => format!("{} merged into", plural(n("lines"), "point")),
            };
            writeln!(
                out,
                "sources {}: {}, {} as stored; {lines} {} rows + {} rejects + {} skipped",
                text(source, "format"),
                plural(n("files"), "file"),
                size(n("bytes")),
                count(n("rows")),
                count(n("rejects")),
                count(n("skipped")),
            )?;
        }
        if let Some(newest) = &self.newest {
            let last = if newest["last_time"].is_null() {
                String::new()
            } else {
                format!("last arrival {}, ", text(newest, "last_time"))
            };
            let ingested = text(newest, "ingested_at");
            writeln!(out, "newest source {}: {last}ingested {ingested}", text(newest, "source_file"))?;
        }
        match &self.coverage {
            Some(coverage) => writeln!(out, "{}", coverage.text())?,
            None if self.sources.is_empty() => {}
            None => writeln!(out, "coverage: not known, no file has a name that AWS gives")?,
        }
        for reject in self.rejects.iter().take(REASONS) {
            writeln!(out, "rejects {}: {}", text(reject, "reason"), plural(number(reject, "lines"), "line"))?;
        }
        if self.rejects.len() > REASONS {
            writeln!(out, "rejects for {} other reasons", self.rejects.len() - REASONS)?;
        }
        for line in [self.drift.text(), self.small.text()].into_iter().flatten() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

impl Coverage {
    fn of(nodes: &[Json]) -> Option<Coverage> {
        let mut sum = Coverage { nodes: nodes.len() as u64, ..Coverage::default() };
        let mut load_balancers: Vec<&str> = nodes.iter().filter_map(|node| node["elb"].as_str()).collect();
        load_balancers.sort_unstable();
        load_balancers.dedup();
        sum.load_balancers = load_balancers.len() as u64;
        for node in nodes {
            sum.expected += number(node, "expected");
            sum.seen += number(node, "seen");
            sum.late += number(node, "late");
            sum.missing += number(node, "missing");
            sum.alone += number(node, "alone");
        }
        (sum.nodes > 0).then_some(sum)
    }

    fn json(&self) -> Json {
        let Coverage { load_balancers, nodes, expected, seen, late, missing, alone } = self;
        json!({
            "load_balancers": load_balancers, "nodes": nodes, "expected": expected, "seen": seen, "late": late,
            "missing": missing, "alone": alone,
        })
    }

    fn text(&self) -> String {
        let mut text = format!(
            "coverage: {} of {} five-minute slots of {}, {}",
            count(self.seen),
            count(self.expected),
            plural(self.load_balancers, "load balancer"),
            plural(self.nodes, "node"),
        );
        if self.missing > 0 {
            let alone = match self.alone {
                0 => String::new(),
                alone => format!(" ({} while other nodes delivered)", count(alone)),
            };
            text += &format!("; {} missing{alone}", count(self.missing));
        }
        if self.late > 0 {
            text += &format!("; {} late", count(self.late));
        }
        if self.missing + self.late > 0 {
            text += ": albatross query coverage_gaps";
        }
        text
    }
}

async fn rows(stream: SendableRecordBatchStream) -> Result<Vec<Json>> {
    let mut text = Vec::new();
    write(Format::Json, stream, &mut text, &Options::default()).await?;
    Ok(serde_json::from_slice(&text)?)
}

fn number(row: &Json, key: &str) -> u64 {
    row[key].as_u64().unwrap_or(0)
}

fn text(row: &Json, key: &str) -> String {
    safe(row[key].as_str().unwrap_or("?"))
}

fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn short(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
