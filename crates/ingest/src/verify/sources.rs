//! The sources once more: every line of them is in the lake, once.

use std::ops::ControlFlow;

use albatross_formats::{Counts, Format, Reader, Settings, Values};

use super::ledger::{Entry, Ledger};
use super::{Run, Seen};
use crate::Error;
use crate::raw;
use crate::source::{self, Source};
use crate::window::Window;

/// Rows are thrown away when they hold this.
const MAX_ROWS_BYTES: usize = 32 << 20;
const STDIN: &str = "stdin";

impl Run<'_> {
    pub(super) fn sources(&mut self, ledger: &Ledger, inputs: &[String]) -> Result<(), Error> {
        let sources = if inputs.is_empty() {
            let mut names: Vec<&String> = ledger.sources.keys().filter(|name| *name != STDIN).collect();
            names.sort();
            let mut sources = Vec::new();
            for name in names {
                match source::find(self.runtime, &self.options.s3, name) {
                    Ok(Some(source)) => sources.push(source),
                    Ok(None) => self.summary.gone.push(name.clone()),
                    Err(reason) => self.find(name, format!("it cannot be read: {reason}")),
                }
            }
            sources
        } else {
            let (sources, failures) = source::discover(self.runtime, &self.options.s3, inputs, &Window::default());
            for failure in failures {
                self.find(failure.source, failure.reason);
            }
            sources
        };
        for source in sources {
            if self.stopping() {
                break;
            }
            match ledger.sources.get(&source.uri) {
                None => self.find(&source.uri, "it is not in the lake"),
                Some(entry) => {
                    self.summary.read_again += 1;
                    let seen = self.seen.remove(&source.uri).unwrap_or_default();
                    for what in compare(&source, entry, &self.options.settings, &seen) {
                        self.find(&source.uri, what);
                    }
                    self.seen.insert(source.uri, seen);
                }
            }
        }
        Ok(())
    }
}

/// What of a source is other than the lake says.
fn compare(source: &Source, entry: &Entry, settings: &Settings, seen: &Seen) -> Vec<String> {
    let (counts, hash, lost) = match decode(source, &entry.format, settings, seen) {
        Ok(decoded) => decoded,
        Err(reason) => return vec![format!("it cannot be read: {reason}")],
    };
    if format!("{hash:032x}") != entry.content_hash {
        return vec!["it has changed since it was ingested".to_owned()];
    }
    let mut faults = Vec::new();
    let is = [counts.lines, counts.rows, counts.rejects, counts.skipped()];
    let was = [entry.lines, entry.rows, entry.rejects, entry.skipped].map(|n| n.max(0) as u64);
    if is != was {
        let words = |[lines, rows, rejects, skipped]: [u64; 4]| {
            format!("{lines} lines, {rows} rows + {rejects} rejects + {skipped} skipped")
        };
        faults.push(format!("it has {}; the ledger says {}", words(is), words(was)));
    }
    // Rows that were dropped with their day are counted with the ledger.
    if let Some((lines, first)) = lost
        && seen.rows == counts.rows
    {
        faults.push(format!("{lines} of its lines are not in the lake, such as line {first}"));
    }
    faults
}

type Decoded = (Counts, u128, Option<(u64, i64)>);

/// Counts and content hash, and which lines that are rows have not been seen: how many, and the first.
fn decode(source: &Source, format: &str, settings: &Settings, seen: &Seen) -> Result<Decoded, String> {
    let format = Format::named(format).ok_or_else(|| format!("its format `{format}` is not known"))?;
    let mut text = raw::open(source)?;
    let Some(mut decoder) = format.reader(settings) else {
        let (_, outcome) = raw::decode_metrics(source, &mut text)?;
        return Ok((outcome.counts, text.content_hash(), None));
    };
    decoder.begin(&source.uri);
    let mut lost: Option<(u64, i64)> = None;
    let mut check = |decoder: &mut dyn Reader, all: bool| {
        if all || decoder.rows().size_bytes() > MAX_ROWS_BYTES {
            // The line is the last column.
            if let Some(Values::Sequence(lines)) = decoder.rows().columns().last() {
                for &line in lines.iter().filter(|line| !seen.has(**line)) {
                    lost.get_or_insert((0, line)).0 += 1;
                }
            }
            decoder.rows_mut().clear();
        }
    };
    let _ = raw::push_all(&mut text, &mut *decoder, |decoder| {
        check(decoder, false);
        ControlFlow::Continue(())
    })?;
    let outcome = decoder.finish();
    check(&mut *decoder, true);
    Ok((outcome.counts, text.content_hash(), lost))
}
