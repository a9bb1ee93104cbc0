//! Files that do not fit into memory, and standard input.
//!
//! One thread decompresses (gzip cannot be split), cutting the text into pieces of whole lines; every thread that has nothing
//! better to do decodes pieces, the reader too when the queue is full. Rows go to Parquet files of this source alone, which
//! are deleted if its end turns out to be broken.

use std::io::Read;
use std::ops::RangeInclusive;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use albatross_formats::{Format, MAX_LINE_BYTES, Outcome, Reader};
use albatross_lake::{NewFile, Table};
use crossbeam_channel::{Sender, TrySendError};

use crate::Error;
use crate::column::Encoder;
use crate::commit::Batch;
use crate::decompress::Decompressed;
use crate::done::{Done, Trouble, range, recognise};
use crate::pool::Shared;
use crate::small::{self, check_size};
use crate::source::{Source, plain};
use crate::summary::Event;
use crate::worker::Worker;

/// Text per piece.
const PIECE_BYTES: usize = 4 << 20;
/// A metrics file is decoded as a whole and must not be larger than this.
pub(crate) const MAX_METRICS_BYTES: usize = 256 << 20;

/// Whole lines of a large source.
pub(crate) struct Piece {
    file: Arc<Large>,
    text: Vec<u8>,
    /// Of the first line: number from 1, byte offset.
    line: u64,
    byte: u64,
}

/// A large source while its pieces are being decoded.
struct Large {
    uri: String,
    format: Format,
    /// Its pieces are decoded by one reader, one after the other.
    in_order: bool,
    state: Mutex<State>,
    /// Told when a piece is done.
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// Pieces sent and not yet decoded.
    pending: usize,
    /// Readers that nobody uses at the moment, and the rows they have gathered.
    parked: Vec<Box<dyn Reader>>,
    outcome: Outcome,
    times: Option<RangeInclusive<i64>>,
    files: Vec<NewFile>,
    failure: Option<Error>,
}

impl Large {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a source of any size to its end. `None` if the run was stopped meanwhile.
pub(crate) fn read(worker: &mut Worker<'_>, source: &Source, pieces: &Sender<Piece>) -> Result<Option<Batch>, Trouble> {
    let shared = worker.shared;
    let file = source.open().map_err(|e| plain(&e))?;
    let mut reader = Decompressed::new(file).map_err(|e| e.to_string())?;
    let mut cutter = Cutter::new();
    let mut piece = cutter.next(&mut reader).map_err(|e| e.to_string())?;
    let head = piece.as_ref().map_or(&[][..], |piece| &piece.text);
    let format = recognise(source, head, shared.options)?;
    let in_order = format.is_sequential(head);
    if format == Format::Metrics {
        return metrics(worker, source, reader, piece.map_or(Vec::new(), |p| p.text)).map(Some);
    }

    let uri = source.uri.clone();
    let large = Arc::new(Large { uri, format, in_order, state: Mutex::default(), done: Condvar::new() });
    let mut reported = 0;
    let result = loop {
        let Some(Cut { text, line, byte }) = piece else { break Ok(()) };
        large.state().pending += 1;
        let next = Piece { file: Arc::clone(&large), text, line, byte };
        if in_order {
            decode(shared, &mut worker.encoder, next);
        } else if let Err(TrySendError::Full(next) | TrySendError::Disconnected(next)) = pieces.try_send(next) {
            decode(shared, &mut worker.encoder, next);
        }
        (shared.on_event)(Event::Read { bytes: reader.stored_bytes() - reported });
        reported = reader.stored_bytes();
        if shared.stopping() {
            break Ok(());
        }
        match cutter.next(&mut reader) {
            Ok(next) => piece = next,
            Err(error) => break Err(error.to_string()),
        }
    };
    let mut state = wait(shared, &mut worker.encoder, &large);
    let result =
        result.and_then(|()| if shared.stopping() { Ok(()) } else { check_size(source, reader.stored_bytes()) });
    let (bytes, hash) = (reader.stored_bytes(), reader.content_hash());
    finish(shared, &mut worker.encoder, source, format, &mut state, result, bytes, hash).inspect_err(|_| {
        shared.discard(Table::Rows(format), &state.files);
    })
}

/// All pieces are decoded: the rest of the rows is written, or all is given up.
#[allow(clippy::too_many_arguments)] // what was read, and of what
fn finish(
    shared: &Shared<'_>,
    encoder: &mut Encoder,
    source: &Source,
    format: Format,
    state: &mut State,
    read: Result<(), String>,
    bytes: u64,
    content_hash: u128,
) -> Result<Option<Batch>, Trouble> {
    if let Some(error) = state.failure.take() {
        return Err(error.into());
    }
    read?;
    if shared.stopping() {
        shared.discard(Table::Rows(format), &state.files);
        return Ok(None);
    }
    let mut readers = std::mem::take(&mut state.parked);
    for reader in &mut readers {
        // Of pieces nothing is left; what was read in order ends here.
        state.outcome.append(reader.finish());
        state.times = joined(state.times.take(), range(reader.rows().arrivals()));
    }
    let outcome = std::mem::take(&mut state.outcome);
    let done = Done::new(shared.options, source, format, bytes, content_hash, outcome, state.times.take())?;
    for reader in readers {
        if !reader.rows().is_empty() {
            let files = shared.write(format, reader.rows(), encoder)?;
            state.files.extend(files);
        }
    }
    Ok(Some(Batch { table: Table::Rows(format), sources: vec![done], files: std::mem::take(&mut state.files) }))
}

/// From the first of both to the last.
fn joined(a: Option<RangeInclusive<i64>>, b: Option<RangeInclusive<i64>>) -> Option<RangeInclusive<i64>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(*a.start().min(b.start())..=*a.end().max(b.end())),
        (a, b) => a.or(b),
    }
}

/// Helps to decode until all pieces of this source are done.
fn wait<'a>(shared: &Shared<'_>, encoder: &mut Encoder, large: &'a Large) -> MutexGuard<'a, State> {
    loop {
        if large.state().pending == 0 {
            return large.state();
        }
        match shared.pieces.try_recv() {
            Ok(piece) => decode(shared, encoder, piece),
            Err(_) => {
                let state = large.state();
                // Nobody but this thread adds pieces, so those that are left are with other threads.
                let state = large.done.wait_while(state, |s| s.pending > 0).unwrap_or_else(PoisonError::into_inner);
                return state;
            }
        }
    }
}

/// Rows of a large file are written once they hold this: with what encoding takes they fit where a small file and its text would be.
fn batch_bytes() -> usize {
    small::MAX_BYTES / 2
}

/// Decodes one piece; when enough rows have gathered, writes them.
pub(crate) fn decode(shared: &Shared<'_>, encoder: &mut Encoder, piece: Piece) {
    let Piece { file, text, line, byte } = piece;
    let reader = {
        let mut state = file.state();
        match state.failure {
            Some(_) => None,
            None => state.parked.pop().or_else(|| {
                let mut reader = file.format.reader(&shared.options.settings)?;
                reader.begin(&file.uri);
                Some(reader)
            }),
        }
    };
    let mut outcome = Outcome::default();
    let mut times = None;
    let mut written = Ok(Vec::new());
    let reader = reader.map(|mut reader| {
        let before = reader.rows().len();
        if file.in_order {
            reader.push(&text);
        } else {
            reader.begin_at(&file.uri, line, byte);
            reader.push(&text);
            outcome = reader.finish();
        }
        drop(text);
        times = range(&reader.rows().arrivals()[before..]);
        if reader.rows().size_bytes() >= batch_bytes() {
            written = shared.write(file.format, reader.rows(), encoder);
            reader.rows_mut().clear();
        }
        reader
    });
    let mut state = file.state();
    state.pending -= 1;
    state.parked.extend(reader);
    state.outcome.append(outcome);
    state.times = joined(state.times.take(), times);
    match written {
        Ok(files) => state.files.extend(files),
        Err(error) => state.failure = Some(error),
    }
    drop(state);
    file.done.notify_all();
}

fn metrics(
    worker: &Worker<'_>,
    source: &Source,
    mut reader: Decompressed<Box<dyn Read + Send>>,
    mut text: Vec<u8>,
) -> Result<Batch, Trouble> {
    let room = (MAX_METRICS_BYTES - text.len()) as u64 + 1;
    (&mut reader).take(room).read_to_end(&mut text).map_err(|e| e.to_string())?;
    if text.len() > MAX_METRICS_BYTES {
        return Err(format!("metrics of over {} MiB in one file: split it", MAX_METRICS_BYTES >> 20).into());
    }
    let (stored_bytes, content_hash) = (reader.stored_bytes(), reader.content_hash());
    check_size(source, stored_bytes)?;
    worker.metrics(source, &text, stored_bytes, content_hash)
}

/// Cuts a stream after line ends.
struct Cutter {
    /// What followed the last line end.
    rest: Vec<u8>,
    line: u64,
    byte: u64,
}

struct Cut {
    text: Vec<u8>,
    line: u64,
    byte: u64,
}

impl Cutter {
    fn new() -> Cutter {
        Cutter { rest: Vec::new(), line: 1, byte: 0 }
    }

    /// The next whole lines, about [`PIECE_BYTES`]; `None` at the end.
    ///
    /// Of a line that is longer than any line may be only the beginning is passed on, enough to be rejected for its length.
    fn next(&mut self, reader: &mut impl Read) -> std::io::Result<Option<Cut>> {
        let mut text = std::mem::take(&mut self.rest);
        let mut dropped = 0;
        let end = loop {
            let before = text.len();
            let wanted = PIECE_BYTES.saturating_sub(before).max(64 << 10);
            text.reserve(wanted);
            let n = reader.by_ref().take(wanted as u64).read_to_end(&mut text)?;
            if n == 0 {
                break text.len();
            }
            // Behind a shortened line byte offsets begin anew: it ends its piece.
            let line_end = if dropped > 0 {
                memchr::memchr(b'\n', &text[before..])
            } else {
                memchr::memrchr(b'\n', &text[before..])
            };
            if let Some(line_end) = line_end {
                break before + line_end + 1;
            }
            if text.len() > 2 * MAX_LINE_BYTES {
                let keep = MAX_LINE_BYTES + 1;
                dropped += (text.len() - keep) as u64;
                text.truncate(keep);
            }
        };
        if end == 0 {
            return Ok(None);
        }
        self.rest.extend_from_slice(&text[end..]);
        text.truncate(end);
        let cut = Cut { line: self.line, byte: self.byte, text };
        self.line += memchr::memchr_iter(b'\n', &cut.text).count() as u64;
        self.byte += cut.text.len() as u64 + dropped;
        Ok(Some(cut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_long_lines_are_shortened() {
        let mut text = b"short\n".repeat(1_000_000);
        let long_at = text.len() as u64;
        text.extend(std::iter::repeat_n(b'x', 5 * MAX_LINE_BYTES));
        text.extend_from_slice(b"\nafter\nlast");
        let mut cutter = Cutter::new();
        let mut reader = text.as_slice();
        let (mut lines, mut cuts) = (0, Vec::new());
        while let Some(cut) = cutter.next(&mut reader).unwrap() {
            assert_eq!(cut.line, lines + 1);
            lines += memchr::memchr_iter(b'\n', &cut.text).count() as u64;
            assert!(cut.text.len() < 2 * PIECE_BYTES);
            cuts.push(cut);
        }
        assert_eq!(lines, 1_000_002);
        let after = cuts.iter().find(|c| c.text.starts_with(b"after\n")).unwrap();
        assert_eq!(after.byte, long_at + 5 * MAX_LINE_BYTES as u64 + 1);
        assert_eq!(cuts[0].byte, 0);
        assert_eq!(cuts[1].byte, cuts[0].text.len() as u64);
    }
}
