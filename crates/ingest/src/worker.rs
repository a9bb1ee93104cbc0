//! The threads that read, decode and write.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use albatross_formats::{Counts, Format, Outcome, Reader, Reject, Rows, metrics};
use albatross_lake::{Lake, NewFile, Table, TxnId};
use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::runtime::Handle;

use crate::column::Encoder;
use crate::commit::{Batch, Committer};
use crate::large::{self, Piece};
use crate::output::{self, Output};
use crate::prefetch::Prefetch;
use crate::raw::HEAD;
use crate::small::{self, Buffers, Stored};
use crate::source::Source;
use crate::summary::{Event, Failure, Summary};
use crate::{Error, Options, parquet_file, sort, tell};

/// Complete sources are handed to the committer after this time, however few they are.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// A stored file and its text, and rows that are worth a file.
const MIN_MEMORY: usize = small::MAX_BYTES + (24 << 20);
/// Encoding a batch takes up to this share of its rows' memory on top: keys, a column in the new order, the Parquet file.
const ENCODING_SHARE: f64 = 0.6;

/// A source that was read to its end.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) source: Source,
    pub(crate) txn: TxnId,
    pub(crate) format: Format,
    pub(crate) counts: Counts,
    pub(crate) rejects: Vec<Reject>,
    /// Stored bytes and their hash.
    pub(crate) bytes: u64,
    pub(crate) content_hash: u128,
    /// First and last arrival, microseconds since the epoch.
    pub(crate) times: Option<RangeInclusive<i64>>,
}

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

    fn next_source(&self) -> Option<&Source> {
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

/// What became of a source that fits into memory.
enum Small {
    /// Its rows wait with those of others.
    Rows(Box<Done>),
    /// Metrics files are few and small: each is a batch of its own.
    Metrics(Batch),
    /// It does not fit.
    TooLarge,
}

/// Why a source is not ingested.
pub(crate) enum Trouble {
    /// The source's own fault, for a person.
    Source(String),
    /// The lake's: the run ends.
    Lake(Error),
    /// The run was stopped before it was read.
    Stopped,
}

impl From<String> for Trouble {
    fn from(reason: String) -> Trouble {
        Trouble::Source(reason)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Lake(error)
    }
}

pub(crate) struct Worker<'a> {
    pub(crate) shared: &'a Shared<'a>,
    pub(crate) encoder: Encoder,
    messages: Sender<Message>,
    gathered: BTreeMap<Format, Gathered>,
    /// When the first source of `gathered` was read.
    since: Instant,
    buffers: Buffers,
}

/// Rows of complete sources of one format, and of the one that is being read.
struct Gathered {
    reader: Box<dyn Reader>,
    done: Vec<Done>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>, messages: Sender<Message>) -> Result<Worker<'a>, Error> {
        Ok(Worker {
            shared,
            encoder: Encoder::new(parquet_file::ZSTD_LEVEL)?,
            messages,
            gathered: BTreeMap::new(),
            since: Instant::now(),
            buffers: Buffers::default(),
        })
    }

    fn run(mut self, piece_sender: Sender<Piece>) {
        loop {
            // Pieces of large files first: they hold memory.
            if let Ok(piece) = self.shared.pieces.try_recv() {
                self.help(piece);
            } else if let Some(source) = self.shared.next_source() {
                self.source(source, &piece_sender);
            } else {
                break;
            }
        }
        self.flush();
        let Worker { shared, mut encoder, messages, gathered, buffers, .. } = self;
        // Without senders of our own the channels close when the last reader of a large file is done. The committer need not wait until
        // all memory is given back.
        drop((messages, piece_sender));
        drop((gathered, buffers));
        for piece in &shared.pieces {
            large::decode(shared, &mut encoder, piece);
        }
    }

    /// Decodes a piece of a large file, whose rows take the room of what small files need.
    fn help(&mut self, piece: Piece) {
        self.buffers = Buffers::default();
        large::decode(self.shared, &mut self.encoder, piece);
    }

    fn source(&mut self, source: &Source, piece_sender: &Sender<Piece>) {
        let bytes_before = self.gathered_bytes();
        tracing::debug!(source = source.uri.as_str(), bytes = source.size, "source is being read");
        match self.small(source) {
            Ok(Small::Rows(done)) => {
                (self.shared.on_event)(Event::Read { bytes: done.bytes });
                if self.gathered.values().all(|gathered| gathered.done.is_empty()) {
                    self.since = Instant::now();
                }
                if let Some(gathered) = self.gathered.get_mut(&done.format) {
                    gathered.done.push(*done);
                }
                // The next file will be much like this one.
                let bytes = self.gathered_bytes();
                let expected = bytes + bytes.saturating_sub(bytes_before);
                let room = self.shared.batch_bytes(self.buffers.size_bytes());
                if expected > room || self.since.elapsed() >= MAX_WAIT {
                    self.flush();
                }
            }
            Ok(Small::Metrics(batch)) => {
                (self.shared.on_event)(Event::Read { bytes: source.size });
                self.send(Message::Batch(batch));
            }
            Ok(Small::TooLarge) => {
                self.flush();
                self.buffers = Buffers::default();
                match large::read(self, source, piece_sender) {
                    Ok(Some(batch)) => self.send(Message::Batch(batch)),
                    Ok(None) => self.give_up(source, Trouble::Stopped),
                    Err(trouble) => self.give_up(source, trouble),
                }
            }
            Err(trouble) => self.give_up(source, trouble),
        }
    }

    fn gathered_bytes(&self) -> usize {
        self.gathered.values().map(|gathered| gathered.reader.rows().size_bytes()).sum()
    }

    fn small(&mut self, source: &Source) -> Result<Small, Trouble> {
        let mut buffers = std::mem::take(&mut self.buffers);
        let result = match buffers.load(source, self.shared) {
            Ok(Some(stored)) => self.decode_small(source, stored),
            Ok(None) => Ok(Small::TooLarge),
            Err(trouble) => Err(trouble),
        };
        self.buffers = buffers;
        result
    }

    /// Decodes a file that is at hand.
    fn decode_small(&mut self, source: &Source, mut stored: Stored<'_>) -> Result<Small, Trouble> {
        let options = self.shared.options;
        let mut format = None;
        // Where rows of a log go, and how many are there already.
        let mut into: Option<(Format, usize)> = None;
        // Text that is not decoded yet: until the format is known, and of metrics all.
        let mut held = Vec::new();
        let gathered = &mut self.gathered;
        let decoded = stored.each_piece(|piece| -> Result<(), Trouble> {
            if let Some((format, _)) = into {
                reader(gathered, format).push(piece);
                return Ok(());
            }
            // Mostly the first piece is enough, and nothing is copied.
            let text = if held.is_empty() {
                piece
            } else {
                held.extend_from_slice(piece);
                &held
            };
            if format.is_none() {
                format = recognise(source, text, options).ok();
                into = begin(gathered, format, source, options);
            }
            if let Some((format, _)) = into {
                reader(gathered, format).push(text);
            } else if format.is_none() && text.len() > HEAD {
                return Err(unrecognised(text));
            } else if held.is_empty() {
                held.extend_from_slice(piece);
            }
            Ok(())
        });
        let (stored_bytes, content_hash) = (stored.len(), stored.content_hash());
        let finished = into.map(|(format, before)| {
            let reader = reader(gathered, format);
            (reader.finish(), before, reader)
        });
        match (decoded, format, finished) {
            (Ok(true), Some(format), Some((outcome, before, reader))) => {
                let times = range(&reader.rows().arrivals()[before..]);
                let done = Done::new(options, source, format, stored_bytes, content_hash, outcome, times);
                done.map(|done| Small::Rows(Box::new(done))).map_err(|reason| {
                    reader.rows_mut().truncate(before);
                    reason.into()
                })
            }
            (Ok(true), Some(_), None) => self.metrics(source, &held, stored_bytes, content_hash).map(Small::Metrics),
            (Ok(true), None, _) if !held.is_empty() => Err(unrecognised(&held)),
            // Load balancers without traffic leave empty files.
            (Ok(true), None, _) => {
                let format = recognise(source, b"", options)?;
                if begin(gathered, Some(format), source, options).is_none() {
                    return self.metrics(source, b"", stored_bytes, content_hash).map(Small::Metrics);
                }
                let outcome = Outcome::default();
                let done = Done::new(options, source, format, stored_bytes, content_hash, outcome, None)?;
                Ok(Small::Rows(Box::new(done)))
            }
            (not_whole, _, finished) => {
                if let Some((_, before, reader)) = finished {
                    reader.rows_mut().truncate(before);
                }
                not_whole.map(|_| Small::TooLarge)
            }
        }
    }

    pub(crate) fn metrics(
        &self,
        source: &Source,
        text: &[u8],
        stored_bytes: u64,
        content_hash: u128,
    ) -> Result<Batch, Trouble> {
        let name = source.uri.rsplit('/').next().unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default();
        let decoded = metrics::decode(text, &source.uri, stem).map_err(|e| e.to_string())?;
        for warning in decoded.warnings {
            self.send(Message::Warning(source.uri.clone(), warning));
        }
        let rows = decoded.batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let counts = Counts::of_metrics(decoded.records, rows, decoded.rejects.len() as u64, decoded.skipped);
        let outcome = Outcome { counts, rejects: decoded.rejects };
        let options = self.shared.options;
        let done = Done::new(options, source, Format::Metrics, stored_bytes, content_hash, outcome, None)?;
        let files = decoded
            .batches
            .iter()
            .map(|batch| self.shared.store(Table::METRICS, batch))
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Batch { table: Table::METRICS, sources: vec![done], files })
    }

    /// Writes the rows gathered so far and hands them to the committer.
    fn flush(&mut self) {
        for (&format, gathered) in &mut self.gathered {
            let sources = std::mem::take(&mut gathered.done);
            if sources.is_empty() {
                continue;
            }
            let written = self.shared.write(format, gathered.reader.rows(), &mut self.encoder);
            gathered.reader.rows_mut().clear();
            let message = match written {
                Ok(files) => Message::Batch(Batch { table: Table::Rows(format), sources, files }),
                Err(error) => Message::Fatal(error),
            };
            // The committer listens until the last worker has ended.
            drop(self.messages.send(message));
        }
    }

    fn give_up(&self, source: &Source, trouble: Trouble) {
        self.send(match trouble {
            Trouble::Source(reason) => Message::Failure(Failure { source: source.uri.clone(), reason }),
            Trouble::Lake(error) => Message::Fatal(error),
            Trouble::Stopped => {
                tracing::info!(source = source.uri.as_str(), "source left for the next run");
                Message::Left
            }
        });
    }

    fn send(&self, message: Message) {
        // The committer listens until the last worker has ended.
        drop(self.messages.send(message));
    }
}

impl Done {
    /// Checks the share of bad lines.
    pub(crate) fn new(
        options: &Options,
        source: &Source,
        format: Format,
        bytes: u64,
        content_hash: u128,
        outcome: Outcome,
        times: Option<RangeInclusive<i64>>,
    ) -> Result<Done, String> {
        let Outcome { counts, rejects } = outcome;
        tell::read(source, format, bytes, &counts, &rejects);
        let judged = counts.rows + counts.rejects;
        let share = counts.rejects as f64 / judged.max(1) as f64;
        if share > options.max_rejects {
            let first = rejects
                .first()
                .map_or(String::new(), |r| format!("; the first is line {}, byte {}: {}", r.line, r.byte, r.detail));
            let (bad, limit) = (counts.rejects, options.max_rejects * 100.0);
            return Err(format!(
                "{bad} of {judged} lines are bad ({:.1} %), over the limit of {limit} %{first}",
                share * 100.0
            ));
        }
        // Standard input has no name that tells one run from another: its content is its identity.
        let txn = source.txn().unwrap_or_else(|| TxnId::of_source(&source.uri, &format!("{content_hash:032x}"), bytes));
        Ok(Done { source: source.clone(), txn, format, counts, rejects, bytes, content_hash, times })
    }
}

/// Rows of `source` follow, which go to the others of this format; returns how many these are. `None` for metrics, which are no rows of a
/// log, and if the format is not known.
fn begin(
    gathered: &mut BTreeMap<Format, Gathered>,
    format: Option<Format>,
    source: &Source,
    options: &Options,
) -> Option<(Format, usize)> {
    let format = format?;
    if let Entry::Vacant(new) = gathered.entry(format) {
        new.insert(Gathered { reader: format.reader(&options.settings)?, done: Vec::new() });
    }
    let reader = reader(gathered, format);
    reader.begin(&source.uri);
    Some((format, reader.rows().len()))
}

fn reader(gathered: &mut BTreeMap<Format, Gathered>, format: Format) -> &mut dyn Reader {
    &mut *gathered.get_mut(&format).expect("rows of this format have begun").reader
}

/// The format of a source, as the user says, by its name or by the beginning of its text.
pub(crate) fn recognise(source: &Source, text: &[u8], options: &Options) -> Result<Format, Trouble> {
    let head = &text[..text.len().min(HEAD)];
    let format = options.format.or_else(|| Format::recognise(&source.uri, head, &options.settings));
    // Nobody knows of what an empty file is, and it does not matter.
    format.or_else(|| text.is_empty().then_some(Format::Alb)).ok_or_else(|| unrecognised(text))
}

fn unrecognised(text: &[u8]) -> Trouble {
    let first = text[..text.len().min(40)].escape_ascii();
    let tried: Vec<&str> = Format::ALL.into_iter().map(Format::describe).collect();
    Trouble::Source(format!(
        "not recognised: it begins with \"{first}\", which is none of: {}. If it is one of them, say which with --format",
        tried.join(", ")
    ))
}

pub(crate) fn range(arrivals: &[i64]) -> Option<RangeInclusive<i64>> {
    Some(*arrivals.iter().min()?..=*arrivals.iter().max()?)
}
