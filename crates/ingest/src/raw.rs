//! Files that are read where they are, without a lake.
//!
//! Their rows stream through a [`Reader`] in pieces: memory is bounded whatever the size of a file, but what was read before a file turns
//! out broken has been given away by then.

use std::io::Read;
use std::ops::ControlFlow;

use albatross_formats::{Counts, Format, Outcome, Reader, Settings, metrics};
use albatross_s3::S3;
use arrow::array::RecordBatch;
use tokio::runtime::Handle;

use crate::decompress::Decompressed;
use crate::large::MAX_METRICS_BYTES;
use crate::source::{self, Source, plain};
use crate::summary::Failure;
use crate::window::Window;

/// Text that is decoded at once.
const PIECE: usize = 1 << 20;
/// How much of a file is looked at to recognise it.
pub(crate) const HEAD: usize = 64 << 10;

/// A file or object that may be a log.
#[derive(Clone, Debug)]
pub struct RawFile(Source);

/// What a file seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Format(Format),
    /// There is nothing in it.
    Empty,
    /// Neither its name nor its beginning is that of a known format.
    Unknown,
}

/// All files behind the inputs, as [`Options::inputs`](crate::Options) has them, that may be of the window; and what could not be listed.
///
/// Blocks; must not be called from an async task.
pub fn find(runtime: &Handle, s3: &S3, inputs: &[String], window: &Window) -> (Vec<RawFile>, Vec<Failure>) {
    let (sources, failures) = source::discover(runtime, s3, inputs, window);
    (sources.into_iter().map(RawFile).collect(), failures)
}

impl RawFile {
    /// Absolute path, `s3://bucket/key`, or `stdin`. Stands in the column `source_file`.
    pub fn uri(&self) -> &str {
        &self.0.uri
    }

    /// Bytes as stored; 0 for standard input.
    pub fn size(&self) -> u64 {
        self.0.size
    }

    /// What it is, by AWS's file name, else by its beginning, which is read only then.
    pub fn recognise(&self, settings: &Settings) -> Result<Kind, String> {
        if let Some(format) = Format::recognise(self.uri(), b"", settings) {
            return Ok(Kind::Format(format));
        }
        let mut head = Vec::new();
        self.open()?.take(HEAD as u64).read_to_end(&mut head).map_err(|e| e.to_string())?;
        Ok(match Format::recognise(self.uri(), &head, settings) {
            Some(format) => Kind::Format(format),
            None if head.is_empty() => Kind::Empty,
            None => Kind::Unknown,
        })
    }

    /// Appends its rows to those of `reader`, and calls `each` now and then, which may take and clear them; ends early, with `None`, if
    /// that breaks.
    ///
    /// # Errors
    /// For a person: the file cannot be read, or is broken. `each` has then seen a part of it.
    pub fn read(
        &self,
        reader: &mut dyn Reader,
        mut each: impl FnMut(&mut dyn Reader) -> ControlFlow<()>,
    ) -> Result<Option<Outcome>, String> {
        reader.begin(self.uri());
        let whole = push_all(&mut self.open()?, reader, &mut each)?;
        let outcome = reader.finish();
        Ok((whole.is_continue() && each(reader).is_continue()).then_some(outcome))
    }

    /// Reads it as metrics, which are decoded as a whole.
    ///
    /// # Errors
    /// For a person: the file cannot be read, or is broken.
    pub fn metrics(&self) -> Result<(Vec<RecordBatch>, Outcome), String> {
        let (batches, outcome) = decode_metrics(&self.0, &mut self.open()?)?;
        Ok((batches, outcome))
    }

    fn open(&self) -> Result<Decompressed<Box<dyn Read + Send>>, String> {
        open(&self.0)
    }
}

/// The uncompressed text of a source.
pub(crate) fn open(source: &Source) -> Result<Decompressed<Box<dyn Read + Send>>, String> {
    Decompressed::new(source.open().map_err(|e| plain(&e))?).map_err(|e| e.to_string())
}

/// Decodes a text to its end, or until `each` breaks.
pub(crate) fn push_all(
    text: &mut impl Read,
    reader: &mut dyn Reader,
    mut each: impl FnMut(&mut dyn Reader) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, String> {
    let mut buffer = vec![0; PIECE];
    loop {
        match text.read(&mut buffer).map_err(|e| e.to_string())? {
            0 => return Ok(ControlFlow::Continue(())),
            read => reader.push(&buffer[..read]),
        }
        if each(reader).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

pub(crate) fn decode_metrics(source: &Source, text: &mut impl Read) -> Result<(Vec<RecordBatch>, Outcome), String> {
    let mut bytes = Vec::new();
    text.take(MAX_METRICS_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() > MAX_METRICS_BYTES {
        return Err(format!("metrics of over {} MiB in one file: split it", MAX_METRICS_BYTES >> 20));
    }
    let stem = source.uri.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
    let decoded = metrics::decode(&bytes, &source.uri, stem).map_err(|e| e.to_string())?;
    let rows = decoded.batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let counts = Counts::of_metrics(decoded.records, rows, decoded.rejects.len() as u64, decoded.skipped);
    Ok((decoded.batches, Outcome { counts, rejects: decoded.rejects }))
}
