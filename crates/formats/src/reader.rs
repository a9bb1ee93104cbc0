//! Reading sources into rows: what every format made of lines shares.

use crate::columns::Rows;
use crate::lines::{Line, Lines, line_end};
use crate::reject::{Other, Outcome, Skip};

/// Reads sources of one format, one after the other or piece by piece, into a batch of rows of the format's table.
pub trait Reader: Send {
    /// The next bytes are the beginning of `source`.
    fn begin(&mut self, source: &str) {
        self.begin_at(source, 1, 0);
    }

    /// The next bytes are a piece of `source` that begins at line `line` (from 1), byte `byte` of its uncompressed text. Only for formats
    /// whose lines say all by themselves ([`Format::is_sequential`](crate::Format::is_sequential)).
    fn begin_at(&mut self, source: &str, line: u64, byte: u64);

    /// Takes the next bytes, cut anywhere; whole lines become rows.
    fn push(&mut self, bytes: &[u8]);

    /// Ends the source, or the piece; a last line without a line end counts.
    fn finish(&mut self) -> Outcome;

    /// Those of all sources since they were cleared. To take back a source, truncate them to the length they had when it began.
    fn rows(&self) -> &dyn Rows;
    fn rows_mut(&mut self) -> &mut dyn Rows;
}

/// Rows that can be appended to. [`rows!`](crate::columns::rows) implements it.
pub(crate) trait BuildRows: Rows {
    /// Rows from here on come from `source`.
    fn begin(&mut self, source: &str);
    /// Finishes rows that wait to be interned.
    fn settle(&mut self);
}

/// A format made of lines.
pub(crate) trait LineFormat: Send {
    type Rows: BuildRows;

    /// Forgets what it knows of the source before.
    fn begin(&mut self) {}

    /// Where the first line of `text` ends, if it does: the place of its line feed. For a format that learns more on the way.
    fn line_end(&mut self, text: &[u8]) -> Option<usize> {
        line_end(text)
    }

    /// Makes a row of a line, or says why not. Checks all of it before any column is touched.
    fn line(&mut self, line: &Line<'_>, rows: &mut Self::Rows) -> Result<(), Other>;

    /// The source has ended: appends a row that was counted but waits for more lines.
    fn end(&mut self, _rows: &mut Self::Rows) {}
}

/// The reader of a format made of lines.
pub(crate) struct LineReader<F: LineFormat> {
    format: F,
    rows: F::Rows,
    lines: Lines,
    outcome: Outcome,
}

impl<F: LineFormat> LineReader<F> {
    pub(crate) fn new(format: F, rows: F::Rows) -> LineReader<F> {
        LineReader { format, rows, lines: Lines::starting_at(1, 0), outcome: Outcome::default() }
    }
}

impl<F: LineFormat> Reader for LineReader<F> {
    fn begin_at(&mut self, source: &str, line: u64, byte: u64) {
        self.format.begin();
        self.rows.begin(source);
        self.lines = Lines::starting_at(line, byte);
        self.outcome = Outcome::default();
    }

    fn push(&mut self, bytes: &[u8]) {
        let LineReader { format, rows, lines, outcome } = self;
        lines.push_by(bytes, format, F::line_end, |format, line| read(&line, format, rows, outcome));
        rows.settle();
    }

    fn finish(&mut self) -> Outcome {
        let LineReader { format, rows, lines, outcome } = self;
        lines.finish(|line| read(&line, format, rows, outcome));
        format.end(rows);
        rows.settle();
        std::mem::take(outcome)
    }

    fn rows(&self) -> &dyn Rows {
        &self.rows
    }

    fn rows_mut(&mut self) -> &mut dyn Rows {
        &mut self.rows
    }
}

fn read<F: LineFormat>(line: &Line<'_>, format: &mut F, rows: &mut F::Rows, outcome: &mut Outcome) {
    let result = if line.too_long {
        Err(Other::reject("line_too_long", format!("over {} bytes without a line end", crate::MAX_LINE_BYTES)))
    } else if line.bytes.is_empty() {
        Err(Other::Skip(Skip::Empty))
    } else {
        format.line(line, rows)
    };
    outcome.count(result, line.number, line.offset, line.bytes);
}

/// Whether any of the first lines of an uncompressed file is as `looks_known` wants it.
pub(crate) fn any_line(head: &[u8], mut looks_known: impl FnMut(&[u8]) -> bool) -> bool {
    let mut found = false;
    let mut lines = Lines::starting_at(1, 0);
    let mut look = |line: Line<'_>| found = found || !line.bytes.is_empty() && looks_known(line.bytes);
    lines.push(head, &mut look);
    lines.finish(look);
    found
}
