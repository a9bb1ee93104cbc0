//! What did not become a row: rejects (bad lines, kept with their place and reason) and skips (lines that are no requests).

/// How much of a bad line is kept, in bytes.
pub(crate) const RAW_BYTES: usize = 4096;

/// Rejects of one source that are kept with their text; further ones are counted only, so that memory stays bounded.
pub const MAX_KEPT_REJECTS: usize = 100_000;

/// Why a line is no row.
pub(crate) enum Other {
    Skip(Skip),
    Reject { reason: &'static str, detail: String },
}

impl Other {
    pub(crate) fn reject(reason: &'static str, detail: String) -> Other {
        Other::Reject { reason, detail }
    }
}

/// What became of a source, besides rows.
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

    /// Counts a record (a line, or what a format has instead) that was read into a row or not. `raw` is what is kept of it.
    #[inline]
    pub(crate) fn count(&mut self, result: Result<(), Other>, line: u64, byte: u64, bytes: &[u8]) {
        self.counts.lines += 1;
        match result {
            Ok(()) => self.counts.rows += 1,
            Err(Other::Skip(skip)) => self.counts.skip(skip),
            Err(Other::Reject { reason, detail }) => {
                self.counts.rejects += 1;
                if self.rejects.len() < MAX_KEPT_REJECTS {
                    self.rejects.push(Reject { line, byte, reason, detail, raw: raw(bytes) });
                }
            }
        }
    }
}

/// A line that could not become a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Line number in its source, from 1.
    pub line: u64,
    /// Offset of the line's first byte in the uncompressed source, from 0.
    pub byte: u64,
    /// Short stable code: `too_few_fields`, `unterminated_quote`, `bad_number`, `bad_timestamp`, `bad_address`, `line_too_long`,
    /// `bad_json`, `no_time`, `no_message`, `no_match` (a line that does not fit the format that the user gave).
    pub reason: &'static str,
    /// What was wrong and where, for a person.
    pub detail: String,
    /// The first 4 KiB of the line; bytes that are not UTF-8 are written `\xHH`.
    pub raw: String,
}

/// Why a line was counted but is neither a row nor a reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// An empty line.
    Empty,
    /// A header, such as `#Fields:`.
    Header,
    /// A line that continues the one before it, whose row it is part of.
    Continuation,
    /// `Enable AccessLog for ELB: ...`, which AWS writes when logging is switched on.
    Control,
    /// A line of an ALB access log.
    RequestLog,
    /// A line of an ALB connection log.
    ConnectionLog,
    /// A line of an ALB health-check log.
    HealthCheckLog,
    /// A line of a Classic ELB access log.
    ClassicLog,
    /// A line of an NLB TLS log.
    NetworkLog,
}

impl Skip {
    pub const ALL: [Skip; 9] = [
        Skip::Empty,
        Skip::Header,
        Skip::Continuation,
        Skip::Control,
        Skip::RequestLog,
        Skip::ConnectionLog,
        Skip::HealthCheckLog,
        Skip::ClassicLog,
        Skip::NetworkLog,
    ];

    /// For messages, with an `s` where there are several: "ALB connection-log line".
    pub fn describe(self) -> &'static str {
        match self {
            Skip::Empty => "empty line",
            Skip::Header => "header line",
            Skip::Continuation => "continuation line",
            Skip::Control => "control line",
            Skip::RequestLog => "ALB access-log line",
            Skip::ConnectionLog => "ALB connection-log line",
            Skip::HealthCheckLog => "ALB health-check line",
            Skip::ClassicLog => "Classic ELB line",
            Skip::NetworkLog => "NLB line",
        }
    }
}

/// What became of the lines of a source. `rows + rejects + skipped() = lines`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub lines: u64,
    pub rows: u64,
    pub rejects: u64,
    skips: [u64; Skip::ALL.len()],
}

impl Counts {
    pub fn skipped(&self) -> u64 {
        self.skips.iter().sum()
    }

    pub fn skipped_as(&self, skip: Skip) -> u64 {
        self.skips[skip as usize]
    }

    pub(crate) fn skip(&mut self, skip: Skip) {
        self.skips[skip as usize] += 1;
    }

    /// A metrics file: every data point read is part of a row or a reject; several of them may make one row.
    pub fn of_metrics(records: u64, rows: u64, rejects: u64, headers: u64) -> Counts {
        let mut counts = Counts { lines: records + headers, rows, rejects, ..Counts::default() };
        counts.skips[Skip::Header as usize] = headers;
        counts
    }

    /// Adds the counts of another piece of the same source, or of another source.
    pub fn add(&mut self, other: &Counts) {
        self.lines += other.lines;
        self.rows += other.rows;
        self.rejects += other.rejects;
        for (sum, n) in self.skips.iter_mut().zip(other.skips) {
            *sum += n;
        }
    }
}

/// Bytes as text: what is not UTF-8 is written `\xHH`, as load balancers write it themselves.
pub(crate) fn escape_invalid_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

/// The part of a bad line that is kept.
pub(crate) fn raw(line: &[u8]) -> String {
    escape_invalid_utf8(&line[..line.len().min(RAW_BYTES)])
}
