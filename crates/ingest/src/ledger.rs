//! The rows of `rejects` and `ingested`, and what the ledger knows of a file that has changed.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use albatross_lake::{Lake, Table, TxnId};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, Utc};
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Handle;

use crate::decompress::Stored;
use crate::done::Done;
use crate::source::{Source, plain};
use crate::summary::{Failure, Summary};
use crate::{Error, names};

fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn integers(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(values.map(|v| i64::try_from(v).unwrap_or(i64::MAX)).collect::<Int64Array>())
}

fn timestamps(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Rows of the table `rejects`.
pub(crate) fn rejects(sources: &[&Done]) -> Result<RecordBatch, Error> {
    let all = || sources.iter().flat_map(|done| done.rejects.iter().map(move |reject| (*done, reject)));
    let now = Utc::now().timestamp_micros();
    let columns = vec![
        text(all().map(|(done, _)| Some(done.source.uri.as_str()))),
        integers(all().map(|(_, r)| r.line)),
        integers(all().map(|(_, r)| r.byte)),
        text(all().map(|(_, r)| Some(r.reason))),
        text(all().map(|(_, r)| Some(r.detail.as_str()))),
        text(all().map(|(_, r)| Some(r.raw.as_str()))),
        text(all().map(|(done, _)| Some(done.format.name()))),
        timestamps(all().map(|_| Some(now))),
    ];
    Ok(RecordBatch::try_new(Table::Rejects.file_schema(), columns)?)
}

/// Rows of the table `ingested`.
pub(crate) fn ingested(sources: &[&Done], route_rules: &str) -> Result<RecordBatch, Error> {
    let now = Utc::now().timestamp_micros();
    let hex: Vec<(String, String)> =
        sources.iter().map(|done| (done.txn.to_string(), format!("{:032x}", done.content_hash))).collect();
    let names: Vec<names::AwsName> = sources.iter().map(|done| names::parse(&done.source.uri)).collect();
    let columns = vec![
        text(sources.iter().map(|done| Some(done.source.uri.as_str()))),
        text(hex.iter().map(|(txn, _)| Some(txn.as_str()))),
        text(sources.iter().map(|done| Some(done.format.name()))),
        integers(sources.iter().map(|done| done.bytes)),
        integers(sources.iter().map(|done| done.counts.lines)),
        integers(sources.iter().map(|done| done.counts.rows)),
        integers(sources.iter().map(|done| done.counts.rejects)),
        integers(sources.iter().map(|done| done.counts.skipped())),
        text(hex.iter().map(|(_, hash)| Some(hash.as_str()))),
        timestamps(sources.iter().map(|done| done.times.as_ref().map(|times| *times.start()))),
        timestamps(sources.iter().map(|done| done.times.as_ref().map(|times| *times.end()))),
        text(names.iter().map(|name| name.elb.as_deref())),
        text(names.iter().map(|name| name.node_ip.as_deref())),
        timestamps(names.iter().map(|name| name.interval_end.as_ref().map(DateTime::timestamp_micros))),
        text(sources.iter().map(|_| Some(route_rules))),
        timestamps(sources.iter().map(|_| Some(now))),
    ];
    Ok(RecordBatch::try_new(Table::Ingested.file_schema(), columns)?)
}

/// Sorts out files that are in the lake in an earlier version, which only their path tells.
///
/// A file that was merely touched or copied over itself has the content that was ingested: it counts as such. One whose content
/// has changed is a failure, for its earlier lines would come twice.
pub(crate) fn without_changed(
    runtime: &Handle,
    lake: &Lake,
    mut todo: Vec<Source>,
    summary: &mut Summary,
) -> Result<Vec<Source>, Error> {
    if todo.iter().all(|source| !source.is_sized()) {
        return Ok(todo);
    }
    let committed = crate::committed(runtime, lake)?;
    let known = runtime.block_on(content_hashes(lake, &committed))?;
    todo.retain(|source| {
        let Some(ingested) = known.get(&source.uri) else { return true };
        match content_hash(source) {
            // Reading it later says what is wrong.
            Err(_) => true,
            Ok(hash) if hash == *ingested => {
                tracing::debug!(source = source.uri.as_str(), "source skipped, its content is in the lake already");
                summary.already += 1;
                false
            }
            Ok(_) => {
                let reason = "it has changed since it was ingested; its earlier lines are in the lake and none were added. \
                              To add what is new, give the new lines as a file of their own";
                let failure = Failure::new(&source.uri, reason);
                failure.tell();
                summary.failures.push(failure);
                false
            }
        }
    });
    Ok(todo)
}

fn content_hash(source: &Source) -> Result<String, String> {
    let mut stored = Stored::new(source.open().map_err(|e| plain(&e))?);
    io::copy(&mut stored, &mut io::sink()).map_err(|e| plain(&e))?;
    Ok(format!("{:032x}", stored.content_hash()))
}

/// Content hashes of all ingested files, by path.
async fn content_hashes(lake: &Lake, committed: &[Arc<HashSet<TxnId>>]) -> Result<HashMap<String, String>, Error> {
    let mut known = HashMap::new();
    for file in lake.snapshot(Table::Ingested).await?.files {
        let bytes = lake.object_store().get(&file.location).await?.bytes().await?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
        let columns = ["source_file", "txn", "content_hash"];
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
        for batch in builder.with_projection(mask).build()? {
            let batch = batch?;
            let [uris, txns, hashes] =
                columns.map(|name| batch.column_by_name(name).map(|c| c.as_string::<i32>().clone()));
            let (Some(uris), Some(txns), Some(hashes)) = (uris, txns, hashes) else { continue };
            for i in (0..batch.num_rows()).filter(|&i| uris.is_valid(i) && hashes.is_valid(i)) {
                if TxnId::from_hex(txns.value(i)).is_some_and(|txn| committed.iter().any(|ids| ids.contains(&txn))) {
                    known.insert(uris.value(i).to_string(), hashes.value(i).to_string());
                }
            }
        }
    }
    Ok(known)
}
