//! CSV and TSV.

use std::borrow::Cow;
use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::cell::{Cell, cell, rfc3339, round_trip};
use super::text::visible;
use super::{Options, names};

pub(super) struct Csv<'a> {
    out: &'a mut dyn Write,
    separator: char,
    terminal: bool,
}

impl<'a> Csv<'a> {
    pub(super) fn comma(schema: &Schema, out: &'a mut dyn Write, options: &Options) -> io::Result<Csv<'a>> {
        Csv::new(',', schema, out, options)
    }

    pub(super) fn tab(schema: &Schema, out: &'a mut dyn Write, options: &Options) -> io::Result<Csv<'a>> {
        Csv::new('\t', schema, out, options)
    }

    fn new(separator: char, schema: &Schema, out: &'a mut dyn Write, options: &Options) -> io::Result<Csv<'a>> {
        let mut csv = Csv { out, separator, terminal: options.terminal };
        for (i, name) in names(schema).enumerate() {
            csv.separate(i)?;
            csv.text(name)?;
        }
        csv.out.write_all(b"\n")?;
        Ok(csv)
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            for (i, column) in batch.columns().iter().enumerate() {
                self.separate(i)?;
                match cell(column, row) {
                    Cell::Null => {}
                    Cell::Boolean(b) => write!(self.out, "{b}")?,
                    Cell::Integer(n) => write!(self.out, "{n}")?,
                    Cell::Float(x) => self.out.write_all(round_trip(x).as_bytes())?,
                    Cell::Decimal(digits) => self.out.write_all(digits.as_bytes())?,
                    Cell::Time(time) => self.out.write_all(rfc3339(time).as_bytes())?,
                    Cell::Date(date) => write!(self.out, "{date}")?,
                    Cell::Text(text) => self.text(&text)?,
                }
            }
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.out.flush()
    }

    fn separate(&mut self, index: usize) -> io::Result<()> {
        if index > 0 { write!(self.out, "{}", self.separator) } else { Ok(()) }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let text = defused(text);
        let text = if self.terminal { Cow::Owned(visible(&text).into_owned()) } else { text };
        if self.separator == '\t' {
            for c in text.chars() {
                match c {
                    '\t' => self.out.write_all(b"\\t")?,
                    '\n' => self.out.write_all(b"\\n")?,
                    '\r' => self.out.write_all(b"\\r")?,
                    '\\' => self.out.write_all(b"\\\\")?,
                    c => write!(self.out, "{c}")?,
                }
            }
            return Ok(());
        }
        if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
            return write!(self.out, "\"{}\"", text.replace('"', "\"\""));
        }
        self.out.write_all(text.as_bytes())
    }
}

/// A spreadsheet computes a field that starts like this, and what it computes may start programs: OWASP, "CSV
/// Injection". An apostrophe before it makes it a text.
fn defused(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}
