//! A table for people.
//!
//! The first rows are held back to find how wide each column is and how many digits its numbers need. What does not
//! fit the terminal is wrapped; if even that does not help, each row becomes a block of `column  value` lines.

use std::io::{self, Write};
use std::mem;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Timelike, Utc};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::cell::{Cell, cell, is_number};
use super::text::{decimals_for, short_float, significant_decimals, visible};
use super::{Options, names};

const GAP: &str = "  ";
/// A text column is not made narrower than this.
const MIN_WIDTH: usize = 16;
/// A wrapped text has at most this many lines; the rest of it is cut.
const MAX_LINES: usize = 20;

pub(super) struct Table<'a> {
    out: &'a mut (dyn Write + Send),
    schema: SchemaRef,
    options: Options,
    held_back: Vec<RecordBatch>,
    layout: Option<Layout>,
    rows: u64,
}

impl<'a> Table<'a> {
    pub(super) fn new(schema: SchemaRef, out: &'a mut (dyn Write + Send), options: &Options) -> Table<'a> {
        Table { out, schema, options: options.clone(), held_back: Vec::new(), layout: None, rows: 0 }
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        if self.layout.is_some() {
            return self.rows(batch);
        }
        self.held_back.push(batch.clone());
        let held_back: usize = self.held_back.iter().map(RecordBatch::num_rows).sum();
        if held_back >= self.options.look_ahead { self.begin() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.layout.is_none() {
            self.begin()?;
        }
        self.out.flush()
    }

    /// Decides on the layout and writes what was held back.
    fn begin(&mut self) -> io::Result<()> {
        let layout = Layout::new(&self.schema, &self.held_back, &self.options);
        layout.head(self.out)?;
        self.layout = Some(layout);
        for batch in mem::take(&mut self.held_back) {
            self.rows(&batch)?;
        }
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let Some(layout) = &self.layout else {
            return Ok(());
        };
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let cells = layout.columns.iter().zip(batch.columns());
            let cells: Vec<String> = cells.map(|(column, array)| column.style.shown(&cell(array, row))).collect();
            layout.row(self.out, &cells, self.rows)?;
        }
        Ok(())
    }
}

struct Layout {
    columns: Vec<Column>,
    shape: Shape,
}

#[derive(PartialEq)]
enum Shape {
    /// A row is a line, or some lines where texts are wrapped.
    Lines,
    /// A row is a block with one line per column; texts may take this many columns of the screen.
    Blocks { width: usize },
    /// `EXPLAIN`: texts of many lines, shown as they are.
    Plan,
}

struct Column {
    name: String,
    style: Style,
    right: bool,
    /// Of the widest value.
    values: usize,
    /// On the screen.
    width: usize,
}

impl Column {
    /// The least that the name needs when it is broken at `_`.
    fn name_part(&self) -> usize {
        self.name.split_inclusive('_').map(UnicodeWidthStr::width).max().unwrap_or(0)
    }
}

impl Layout {
    fn new(schema: &SchemaRef, batches: &[RecordBatch], options: &Options) -> Layout {
        let column = |(index, name): (usize, &str)| {
            let cells = || batches.iter().flat_map(|b| (0..b.num_rows()).map(move |row| cell(b.column(index), row)));
            let style = Style::new(cells());
            let name = visible(name).into_owned();
            let widest = cells().map(|cell| style.shown(&cell).width()).max().unwrap_or(0);
            Column {
                right: is_number(schema.field(index).data_type()),
                values: widest,
                width: widest.max(name.width()),
                style,
                name,
            }
        };
        let mut columns: Vec<Column> = names(schema).enumerate().map(column).collect();
        let shape = match options {
            _ if names(schema).eq(["plan_type", "plan"]) => Shape::Plan,
            Options { expanded: true, width, .. } => blocks(&columns, *width),
            Options { width, .. } => shrink(&mut columns, *width),
        };
        Layout { columns, shape }
    }

    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.shape != Shape::Lines {
            return Ok(());
        }
        let names: Vec<Vec<String>> = self.columns.iter().map(|column| wrap(&column.name, column.width)).collect();
        let height = names.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..height {
            // Names stand on the rule below them.
            let part = |lines: &Vec<String>| (i + lines.len()).checked_sub(height).map(|i| lines[i].clone());
            self.line(out, &names.iter().map(|lines| part(lines).unwrap_or_default()).collect::<Vec<_>>())?;
        }
        let rules: Vec<String> = self.columns.iter().map(|column| "-".repeat(column.width)).collect();
        self.line(out, &rules)
    }

    fn row(&self, out: &mut dyn Write, cells: &[String], number: u64) -> io::Result<()> {
        match self.shape {
            Shape::Lines => self.lines(out, cells),
            Shape::Blocks { width } => {
                writeln!(out, "-- row {number}")?;
                let names = self.columns.iter().map(|column| column.name.width()).max().unwrap_or(0);
                for (column, text) in self.columns.iter().zip(cells) {
                    for (i, part) in wrap(text, width).iter().enumerate() {
                        let name = if i == 0 { column.name.as_str() } else { "" };
                        writeln!(out, "{}{GAP}{part}", padded(name, names, false))?;
                    }
                }
                Ok(())
            }
            Shape::Plan => {
                for text in cells {
                    for line in text.split("\\n") {
                        writeln!(out, "{line}")?;
                    }
                }
                Ok(())
            }
        }
    }

    fn lines(&self, out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
        if self.columns.iter().zip(cells).all(|(column, cell)| column.right || cell.width() <= column.width) {
            return self.line(out, cells);
        }
        let wrapped: Vec<Vec<String>> =
            self.columns.iter().zip(cells).map(|(column, text)| wrap(text, column.width)).collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..height {
            let line: Vec<String> = wrapped.iter().map(|parts| parts.get(i).cloned().unwrap_or_default()).collect();
            self.line(out, &line)?;
        }
        Ok(())
    }

    fn line(&self, out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
        let cells: Vec<String> =
            self.columns.iter().zip(cells).map(|(column, text)| padded(text, column.width, column.right)).collect();
        writeln!(out, "{}", cells.join(GAP).trim_end())
    }
}

/// Makes columns narrower until all of them fit: first by breaking their names, then by wrapping the widest texts. If
/// that is not enough, gives up on lines.
fn shrink(columns: &mut [Column], limit: Option<usize>) -> Shape {
    let total = |columns: &[Column]| {
        columns.iter().map(|column| column.width).sum::<usize>() + GAP.len() * columns.len().saturating_sub(1)
    };
    let fits = |columns: &[Column]| limit.is_none_or(|limit| total(columns) <= limit);
    if fits(columns) {
        return Shape::Lines;
    }
    for column in columns.iter_mut() {
        column.width = column.values.max(column.name_part());
    }
    while !fits(columns) {
        let floor = |column: &Column| column.name_part().max(MIN_WIDTH);
        let texts = columns
            .iter_mut()
            .filter(|column| !column.right && matches!(column.style, Style::Text) && column.width > floor(column));
        let Some(widest) = texts.max_by_key(|column| column.width) else {
            return blocks(columns, limit);
        };
        widest.width -= 1;
    }
    Shape::Lines
}

fn blocks(columns: &[Column], limit: Option<usize>) -> Shape {
    let names = columns.iter().map(|column| column.name.width()).max().unwrap_or(0);
    Shape::Blocks { width: limit.unwrap_or(usize::MAX).saturating_sub(names + GAP.len()).max(MIN_WIDTH) }
}

/// How the values of a column are shown.
enum Style {
    Text,
    Float { decimals: usize },
    Time(Precision),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Minutes,
    Seconds,
    Millis,
    Micros,
}

impl Style {
    fn new<'c>(cells: impl Iterator<Item = Cell<'c>>) -> Style {
        let mut floats: Vec<f64> = Vec::new();
        let mut precision = None;
        for cell in cells {
            match cell {
                Cell::Float(x) => floats.push(x),
                Cell::Time(time) => precision = precision.max(Some(precision_of(time))),
                _ => {}
            }
        }
        if let Some(precision) = precision {
            return Style::Time(precision);
        }
        if floats.is_empty() {
            return Style::Text;
        }
        let size = floats.iter().filter(|x| x.is_finite()).fold(0.0, |size: f64, x| size.max(x.abs()));
        let decimals = decimals_for(size);
        let needed = floats.iter().map(|x| significant_decimals(&format!("{x:.decimals$}"))).max();
        Style::Float { decimals: needed.unwrap_or(0).min(decimals) }
    }

    /// Safe to be shown in a terminal.
    fn shown(&self, cell: &Cell<'_>) -> String {
        match cell {
            Cell::Null => "-".to_owned(),
            Cell::Boolean(b) => b.to_string(),
            Cell::Integer(n) => n.to_string(),
            Cell::Float(x) => match self {
                Style::Float { decimals } => short_float(*x, *decimals),
                _ => short_float(*x, decimals_for(*x)),
            },
            Cell::Decimal(digits) => digits.clone(),
            Cell::Time(time) => {
                let precision = match self {
                    Style::Time(precision) => *precision.max(&precision_of(*time)),
                    _ => precision_of(*time),
                };
                let format = match precision {
                    Precision::Minutes => "%Y-%m-%d %H:%MZ",
                    Precision::Seconds => "%Y-%m-%d %H:%M:%SZ",
                    Precision::Millis => "%Y-%m-%d %H:%M:%S%.3fZ",
                    Precision::Micros => "%Y-%m-%d %H:%M:%S%.6fZ",
                };
                time.format(format).to_string()
            }
            Cell::Date(date) => date.to_string(),
            Cell::Text(text) => visible(text).into_owned(),
        }
    }
}

fn precision_of(time: DateTime<Utc>) -> Precision {
    match (time.second(), time.nanosecond()) {
        (0, 0) => Precision::Minutes,
        (_, 0) => Precision::Seconds,
        (_, n) if n % 1_000_000 == 0 => Precision::Millis,
        _ => Precision::Micros,
    }
}

/// The text in lines of at most `width`, broken between words where possible.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive([' ', '/', '&', ',', ';', '_']) {
        let visible_width = word.trim_end().width();
        if used > 0 && used + visible_width > width {
            lines.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > width && c != ' ' {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += wide;
        }
    }
    if lines.len() > MAX_LINES {
        lines.truncate(MAX_LINES);
        if let Some(last) = lines.last_mut() {
            last.pop();
            last.push('…');
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

fn padded(text: &str, width: usize, right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(text.width()));
    if right { space + text } else { text.to_owned() + &space }
}
