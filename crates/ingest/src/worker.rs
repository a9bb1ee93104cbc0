//! A thread that reads, decodes and writes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use albatross_formats::{Counts, Format, Outcome, Reader, metrics};
use albatross_lake::Table;
use crossbeam_channel::Sender;

use crate::column::Encoder;
use crate::commit::Batch;
use crate::done::{Done, Trouble, range, recognise, unrecognised};
use crate::large::{self, Piece};
use crate::pool::{Message, Shared};
use crate::raw::HEAD;
use crate::small::{Buffers, Stored};
use crate::source::Source;
use crate::summary::{Event, Failure};
use crate::{Error, Options, parquet_file};

/// Complete sources are handed to the committer after this time, however few they are.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// What became of a source that fits into memory.
enum Small {
    /// Its rows wait with those of others.
    Rows(Box<Done>),
    /// Metrics files are few and small: each is a batch of its own.
    Metrics(Batch),
    /// It does not fit.
    TooLarge,
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
    pub(crate) fn new(shared: &'a Shared<'a>, messages: Sender<Message>) -> Result<Worker<'a>, Error> {
        Ok(Worker {
            shared,
            encoder: Encoder::new(parquet_file::ZSTD_LEVEL)?,
            messages,
            gathered: BTreeMap::new(),
            since: Instant::now(),
            buffers: Buffers::default(),
        })
    }

    pub(crate) fn run(mut self, piece_sender: Sender<Piece>) {
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
