//! Log files in, committed rows out.
//!
//! Workers (one thread per core) read whole source files, decode them into columns, and write a Parquet file per day whenever
//! enough rows have gathered; one committer puts what they wrote into the lake, many sources per transaction.
//!
//! - **All of a file or nothing.** Rows of a source that breaks midway are taken back; sources that are too large for memory get Parquet
//!   files of their own, which are thrown away with them.
//! - **Once.** Each source's id is committed together with its rows. A batch that lost a race against another ingest
//!   is thrown away, and what the other one did not take is read again.
//! - **Memory** is bounded by [`Options::memory_per_thread`] times the number of threads, whatever the input's size; with sources in
//!   S3, 64 MB more. (A list of all sources is held, some 300 bytes each.)

mod column;
mod commit;
mod decompress;
mod done;
mod gzip;
mod large;
mod ledger;
mod lake_file;
pub mod maintain;
mod names;
mod output;
mod parquet_file;
mod parquet_text;
mod pool;
mod prefetch;
pub mod raw;
mod small;
mod sort;
mod source;
mod summary;
mod tell;
pub mod verify;
mod window;
mod worker;

pub use source::Given;
pub use summary::{Event, Failure, Planned, Summary};
pub use window::Window;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use albatross_formats::{Format, Settings};
use albatross_lake::{Lake, Table, TxnId};
use albatross_s3::S3;
use tokio::runtime::Handle;

use source::Source;

/// What to ingest, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files, folders and globs on disk, `s3://bucket/prefix`, or `-` for standard input.
    pub inputs: Vec<String>,
    /// Files that cannot hold anything of it are left out.
    pub window: Window,
    /// Of all sources only this part.
    pub shard: Option<Shard>,
    pub s3: S3,
    pub threads: usize,
    /// Bytes a thread may hold; at least 128 MiB.
    pub memory_per_thread: usize,
    /// A source whose share of bad lines (rejects / (rows + rejects)) is above this fails as a whole. 1 accepts any share.
    pub max_rejects: f64,
    /// What all sources are; `None` recognises each by itself.
    pub format: Option<Format>,
    pub settings: Settings,
    /// Stands in the ledger: which rules made the routes.
    pub route_rules: String,
}

/// One of several equal parts of all sources: each machine takes one, and together they take all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: u64,
    pub of: u64,
}

impl Shard {
    /// By the source's name, so that every machine divides alike, whatever it finds.
    fn takes(self, uri: &str) -> bool {
        xxhash_rust::xxh3::xxh3_64(uri.as_bytes()) % self.of == self.number - 1
    }
}

/// The run could not go on. What had been committed before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the lake could not be read or written")]
    Lake(#[from] albatross_lake::Error),
    #[error("writing to the lake failed")]
    Storage(#[from] object_store::Error),
    #[error("{} could not be written", path.display())]
    Disk {
        path: std::path::PathBuf,
        #[source]
        error: std::io::Error,
    },
    #[error("a Parquet file could not be made or read")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("a table could not be made")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("a worker stopped: this is a fault of the program")]
    Worker,
    #[error("other ingests kept taking the same files; run again when they are done")]
    Contended,
}

/// How often a batch may lose its race before giving up.
const MAX_ROUNDS: usize = 10;

/// Ingests everything behind `options.inputs` that is not in the lake yet.
///
/// Blocks; must not be called from an async task. `stop` ends the run early but cleanly: complete sources are committed,
/// the rest is left for the next run. A source that fails is in the summary; an `Err` is a lake that fails.
pub fn ingest(
    runtime: &Handle,
    lake: &Lake,
    options: &Options,
    stop: &AtomicBool,
    on_event: &(dyn Fn(Event) + Sync),
) -> Result<Summary, Error> {
    let (found, failures) = discover(runtime, options);
    take(runtime, lake, options, stop, on_event, found, Summary { failures, ..Summary::default() })
}

/// As [`ingest`], of sources that are given instead of `options.inputs`.
pub fn ingest_given(
    runtime: &Handle,
    lake: &Lake,
    options: &Options,
    given: Vec<Given>,
    stop: &AtomicBool,
    on_event: &(dyn Fn(Event) + Sync),
) -> Result<Summary, Error> {
    let found = given.into_iter().map(Source::from).collect();
    take(runtime, lake, options, stop, on_event, found, Summary::default())
}

/// What [`ingest`] would do; nothing is changed. Without a lake everything is new.
pub fn plan(runtime: &Handle, lake: Option<&Lake>, options: &Options) -> Result<Planned, Error> {
    let (found, failures) = discover(runtime, options);
    let mut summary = Summary { failures, ..Summary::default() };
    let new = match lake {
        Some(lake) => new_ones(runtime, lake, found, &mut summary)?,
        None => found,
    };
    Ok(Planned {
        files: new.iter().map(|source| source.uri.clone()).collect(),
        bytes: new.iter().map(|source| source.size).sum(),
        already: summary.already,
        failures: summary.failures,
    })
}

fn discover(runtime: &Handle, options: &Options) -> (Vec<Source>, Vec<Failure>) {
    let (mut found, failures) = source::discover(runtime, &options.s3, &options.inputs, &options.window);
    found.retain(|source| options.shard.is_none_or(|shard| shard.takes(&source.uri)));
    failures.iter().for_each(Failure::tell);
    (found, failures)
}

/// Those that are not in the lake.
fn new_ones(runtime: &Handle, lake: &Lake, found: Vec<Source>, summary: &mut Summary) -> Result<Vec<Source>, Error> {
    summary.found = found.len() as u64;
    let mut new = found;
    {
        let known = committed(runtime, lake)?;
        new.retain(|source| {
            let there = source.txn().is_some_and(|txn| known.iter().any(|ids| ids.contains(&txn)));
            match there {
                true => tracing::debug!(source = source.uri, "source skipped, it is in the lake already"),
                false => tracing::debug!(source = source.uri, bytes = source.size, "source found"),
            }
            !there
        });
    }
    summary.already = summary.found - new.len() as u64;
    ledger::without_changed(runtime, lake, new, summary)
}

fn take(
    runtime: &Handle,
    lake: &Lake,
    options: &Options,
    stop: &AtomicBool,
    on_event: &(dyn Fn(Event) + Sync),
    found: Vec<Source>,
    mut summary: Summary,
) -> Result<Summary, Error> {
    let mut todo = new_ones(runtime, lake, found, &mut summary)?;
    let bytes = todo.iter().map(|source| source.size).sum();
    tracing::info!(found = summary.found, already = summary.already, files = todo.len(), bytes, "sources listed");
    on_event(Event::Start { files: todo.len() as u64, bytes, already: summary.already });

    for _ in 0..MAX_ROUNDS {
        if todo.is_empty() {
            return Ok(summary);
        }
        todo = pool::run(runtime, lake, options, stop, on_event, todo, &mut summary)?;
    }
    Err(Error::Contended)
}

/// The ids of all sources in the lake, table by table.
fn committed(runtime: &Handle, lake: &Lake) -> Result<Vec<Arc<HashSet<TxnId>>>, Error> {
    let ids = Table::of_rows().map(|table| lake.txns(table));
    Ok(runtime.block_on(futures::future::try_join_all(ids))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=3).map(|number| Shard { number, of: 3 }).collect();
        let mut taken = [0; 3];
        for i in 0..3000 {
            let uri = format!("s3://logs/{i}.log.gz");
            let of: Vec<usize> = (0..3).filter(|&at| shards[at].takes(&uri)).collect();
            assert_eq!(of.len(), 1, "{uri}");
            taken[of[0]] += 1;
        }
        assert!(taken.iter().all(|n| (900..1100).contains(n)), "{taken:?}");
    }
}
