//! The threads of an ingest: what they share, and how they are started and ended.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use albatross_formats::{Format, Rows};
use albatross_lake::{Lake, NewFile, Table};
use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, bounded};
use tokio::runtime::Handle;

use crate::column::Encoder;
use crate::commit::{Batch, Committer};
use crate::large::Piece;
use crate::output::{self, Output};
use crate::prefetch::Prefetch;
use crate::source::Source;
use crate::summary::{Event, Failure, Summary};
use crate::worker::Worker;
use crate::{Error, Options, parquet_file, small, sort};

/// A stored file and its text, and rows that are worth a file.
const MIN_MEMORY: usize = small::MAX_BYTES + (24 << 20);
/// Encoding a batch takes up to this share of its rows' memory on top: keys, a column in the new order, the Parquet file.
const ENCODING_SHARE: f64 = 0.6;

/// What workers tell the committer.
pub(crate) enum Message {
    Batch(Batch),
    Failure(Failure),
    Warning(String, String),
    /// A source was given up because the run was stopped.
    Left,
    /// The lake cannot be written.
    Fatal(Error),
}

/// What all workers share.
pub(crate) struct Shared<'a> {
    pub(crate) runtime: &'a Handle,
    pub(crate) lake: &'a Lake,
    pub(crate) options: &'a Options,
    stop: &'a AtomicBool,
    /// Set when the lake fails: everything ends at once.
    abort: AtomicBool,
    pub(crate) on_event: &'a (dyn Fn(Event) + Sync),
    sources: &'a [Source],
    next: AtomicUsize,
    pub(crate) pieces: Receiver<Piece>,
    pub(crate) prefetch: Prefetch,
}

impl Shared<'_> {
    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.abort.load(Ordering::Relaxed)
    }

    pub(crate) fn next_source(&self) -> Option<&Source> {
        if self.stopping() {
            return None;
        }
        self.sources.get(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Rows are written once they hold this many bytes, if the thread has to hold `besides` beside them.
    pub(crate) fn batch_bytes(&self, besides: usize) -> usize {
        let room = self.options.memory_per_thread.max(MIN_MEMORY).saturating_sub(besides);
        (room as f64 / (1.0 + ENCODING_SHARE)) as usize
    }

    /// Sorts, encodes and stores rows of a log, one file per day. Nothing is committed.
    pub(crate) fn write(&self, format: Format, rows: &dyn Rows, encoder: &mut Encoder) -> Result<Vec<NewFile>, Error> {
        let table = Table::Rows(format);
        let order = sort::order(rows.arrivals());
        let mut files = Vec::new();
        for (day, of_day) in sort::days(rows.arrivals(), &order) {
            let mut output = Output::new(self.lake, table, Some(day));
            let metadata = parquet_file::encode(&mut output, &rows.schema(), &rows.columns(), of_day, encoder);
            match metadata.map_err(Error::from).and_then(|metadata| output.store(self.runtime, self.lake, &metadata)) {
                Ok(file) => files.push(file),
                Err(error) => {
                    self.discard(table, &files);
                    return Err(error);
                }
            }
        }
        Ok(files)
    }

    /// Stores a small table as it is. Nothing is committed.
    pub(crate) fn store(&self, table: Table, batch: &RecordBatch) -> Result<NewFile, Error> {
        let mut output = Output::new(self.lake, table, None);
        let mut writer = parquet_file::plain_file(&mut output, batch.schema())?;
        writer.write(batch)?;
        let metadata = writer.finish()?;
        drop(writer);
        output.store(self.runtime, self.lake, &metadata)
    }

    pub(crate) fn discard(&self, table: Table, files: &[NewFile]) {
        output::discard(self.runtime, self.lake, table, files);
    }
}

/// Reads `sources` with all threads. Returns those whose batch lost a race and that nobody else has committed.
pub(crate) fn run(
    runtime: &Handle,
    lake: &Lake,
    options: &Options,
    stop: &AtomicBool,
    on_event: &(dyn Fn(Event) + Sync),
    sources: Vec<Source>,
    summary: &mut Summary,
) -> Result<Vec<Source>, Error> {
    let threads = options.threads.max(1);
    let (piece_sender, pieces) = bounded(threads * 2);
    let (sender, messages) = bounded(threads);
    let shared = Shared {
        runtime,
        lake,
        options,
        stop,
        abort: AtomicBool::new(false),
        on_event,
        sources: &sources,
        next: AtomicUsize::new(0),
        pieces,
        prefetch: Prefetch::start(runtime, &sources),
    };
    let again = std::thread::scope(|scope| {
        for _ in 0..threads {
            let worker = Worker::new(&shared, sender.clone())?;
            let piece_sender = piece_sender.clone();
            scope.spawn(move || worker.run(piece_sender));
        }
        drop((sender, piece_sender));
        let mut committer = Committer::new(&shared, summary);
        let result = committer.run(&messages);
        if result.is_err() {
            shared.abort.store(true, Ordering::Relaxed);
            // Workers that wait for room in the channel must be able to end.
            messages.iter().for_each(|message| {
                if let Message::Batch(batch) = message {
                    shared.discard(batch.table, &batch.files);
                }
            });
        }
        result.map(|()| committer.finish())
    })?;
    if !shared.stopping() {
        return Ok(again);
    }
    let started = shared.next.load(Ordering::Relaxed).min(sources.len());
    for source in sources[started..].iter().chain(&again) {
        tracing::info!(source = source.uri.as_str(), "source left for the next run");
    }
    summary.left += (sources.len() - started + again.len()) as u64;
    Ok(Vec::new())
}
