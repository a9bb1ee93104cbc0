//! AWS Application Load Balancer access logs (S3 delivery).
//!
//! Source: AWS, "Access logs for your Application Load Balancer". The format grew from 18 fields (2016) to 36 (2026) and grows on at
//! its end: lines from 18 fields up are read, what stands behind the 36th field is kept in `extra`.
//!
//! ```text
//! https 2026-11-19T19:42:07.163041Z app/shop/50dc6c495c0c9188 203.0.113.7:49120 10.0.1.5:8080 0.001 0.012 0.000 200 200 512 2048
//! "GET https://shop.example.com:443/api/users/4711/badges HTTP/1.1" "curl/8.5.0" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:... "Root=1-..." ...
//! ```

mod line;
mod rows;

pub use rows::{Rows, schema};

use crate::lines::{Line, Lines};
use crate::reject::{Counts, Reject, Skip, raw};
use line::Other;

/// Rejects of one source that are kept with their text; further ones are counted only, so that memory stays bounded.
pub const MAX_KEPT_REJECTS: usize = 100_000;

/// Decodes one source, or a piece of one, line by line into a batch of rows.
pub struct Decoder {
    lines: Lines,
    outcome: Outcome,
}

/// What a decoder made of its bytes, besides rows.
#[derive(Debug, Default)]
pub struct Outcome {
    pub counts: Counts,
    /// In the order of their lines; the first [`MAX_KEPT_REJECTS`] of them.
    pub rejects: Vec<Reject>,
}

impl Outcome {
    /// Adds what a later piece of the same source gave.
    pub fn append(&mut self, mut later: Outcome) {
        self.counts.add(&later.counts);
        let room = MAX_KEPT_REJECTS - self.rejects.len();
        later.rejects.truncate(room);
        self.rejects.append(&mut later.rejects);
    }
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::starting_at(1, 0)
    }
}

impl Decoder {
    /// For a piece of a source that begins at line `line` (from 1), byte `byte` of the uncompressed source.
    pub fn starting_at(line: u64, byte: u64) -> Decoder {
        Decoder { lines: Lines::starting_at(line, byte), outcome: Outcome::default() }
    }

    /// Takes the next bytes, cut anywhere; whole lines become rows of the source that `rows` was last told to begin.
    pub fn push(&mut self, bytes: &[u8], rows: &mut Rows) {
        let outcome = &mut self.outcome;
        self.lines.push(bytes, |line| decode(line, rows, outcome));
        rows.settle();
    }

    /// Ends the source; a last line without a line end counts.
    pub fn finish(mut self, rows: &mut Rows) -> Outcome {
        let outcome = &mut self.outcome;
        self.lines.finish(|line| decode(line, rows, outcome));
        rows.settle();
        self.outcome
    }
}

/// Whether the beginning of an uncompressed file holds a line of this format, or of one that is skipped in it.
pub(crate) fn recognise(head: &[u8]) -> bool {
    let mut found = false;
    let mut lines = Lines::starting_at(1, 0);
    let mut look = |line: Line<'_>| found |= !line.bytes.is_empty() && line::looks_known(line.bytes);
    lines.push(head, &mut look);
    lines.finish(look);
    found
}

fn decode(line: Line<'_>, rows: &mut Rows, outcome: &mut Outcome) {
    outcome.counts.lines += 1;
    let result = if line.too_long {
        Err(Other::reject("line_too_long", format!("over {} bytes without a line end", crate::MAX_LINE_BYTES)))
    } else if line.bytes.is_empty() {
        Err(Other::Skip(Skip::Empty))
    } else {
        line::decode(line.bytes, line.number, rows)
    };
    match result {
        Ok(()) => outcome.counts.rows += 1,
        Err(Other::Skip(skip)) => outcome.counts.skip(skip),
        Err(Other::Reject { reason, detail }) => {
            outcome.counts.rejects += 1;
            if outcome.rejects.len() < MAX_KEPT_REJECTS {
                outcome.rejects.push(Reject {
                    line: line.number,
                    byte: line.offset,
                    reason,
                    detail,
                    raw: raw(line.bytes),
                });
            }
        }
    }
}
