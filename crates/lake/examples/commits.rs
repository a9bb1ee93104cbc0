//! How fast one writer commits: `tests/scale/rate.py` runs several of these on one lake.
//!
//! `commits LAKE [--commits N] [--files F] [--sources S]` makes N commits to the table `alb`, one after the other, each with F files and S ids of
//! sources. What is committed is the table's first file again, under other names, so that what is written to the log is as long as ever;
//! such a lake is good for nothing else. Prints a JSON object: the milliseconds until the log was read (`open_ms`), the version it had then
//! (`from`), and the version and the milliseconds of each commit (`commits`), its checkpoint included if it wrote one.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use albatross_lake::{Commit, DataFile, Lake, NewFile, Table, TxnId};
use serde_json::json;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let location = arguments.next().ok_or("commits LAKE [--commits N] [--files F] [--sources S]")?;
    let (mut commits, mut files, mut sources) = (100, 1, 1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().ok_or("a number is missing")?.parse::<u64>().map_err(|e| e.to_string());
        match argument.as_str() {
            "--commits" => commits = number()?,
            "--files" => files = number()?,
            "--sources" => sources = number()?,
            other => return Err(format!("there is no option {other}").into()),
        }
    }
    let table = Table::ALB;
    let first = Lake::open(&location).await?.snapshot(table).await?.files.first().cloned();
    let first = first.ok_or("the lake has no file of `alb`")?;

    let start = Instant::now();
    let lake = Lake::open(&location).await?;
    lake.txns(table).await?;
    let open_ms = milliseconds(start);
    let from = lake.log_extent(table).await?.map_or(0, |extent| extent.version);
    let mut done = Vec::new();
    for _ in 0..commits {
        let files = again(&lake, table, &first, files)?;
        let ids: Vec<TxnId> = (0..sources).map(|_| TxnId::of_source(&Uuid::new_v4().to_string(), "", 0)).collect();
        let start = Instant::now();
        let Commit::Committed { version } = lake.commit(table, &ids, files).await? else {
            return Err("an id came twice".into());
        };
        done.push(json!([version, milliseconds(start)]));
    }
    writeln!(std::io::stdout(), "{}", json!({ "open_ms": open_ms, "from": from, "commits": done }))?;
    Ok(())
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

/// The same file under new names. What is committed on a disk is forced to it, so it must be there: once, and links to that.
fn again(lake: &Lake, table: Table, file: &DataFile, times: u64) -> std::io::Result<Vec<NewFile>> {
    let day = file.day.map(|day| format!("day={day}/")).unwrap_or_default();
    let mut copy = None;
    let mut new_file = || {
        let path = format!("{day}{}.parquet", Uuid::new_v4());
        if let Some(place) = lake.local_path(table, &path) {
            match &copy {
                Some(copy) => std::fs::hard_link(copy, place)?,
                None => drop(std::fs::copy(format!("/{}", file.location), copy.insert(place))?),
            }
        }
        Ok(NewFile { path, size: file.size, rows: file.rows.unwrap_or(0), day: file.day, stats: file.stats.clone() })
    };
    (0..times).map(|_| new_file()).collect()
}
