//! A table in GitHub's Markdown.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::cell::{Cell, cell, is_number, rfc3339};
use super::names;
use super::text::{decimals_for, short_float, significant_decimals, visible};

pub(super) struct Markdown<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Markdown<'a> {
    pub(super) fn new(schema: &Schema, out: &'a mut dyn Write) -> io::Result<Markdown<'a>> {
        let header: Vec<_> = names(schema).map(escaped).collect();
        writeln!(out, "| {} |", header.join(" | "))?;
        let number = |field: &arrow::datatypes::FieldRef| is_number(field.data_type());
        let rule: Vec<_> = schema.fields().iter().map(|f| if number(f) { "---:" } else { "---" }).collect();
        writeln!(out, "| {} |", rule.join(" | "))?;
        Ok(Markdown { out })
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            let cells: Vec<_> = batch.columns().iter().map(|column| shown(&cell(column, row))).collect();
            writeln!(self.out, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.out.flush()
    }
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Boolean(b) => b.to_string(),
        Cell::Integer(n) => n.to_string(),
        Cell::Float(x) => {
            let decimals = decimals_for(*x);
            let decimals = significant_decimals(&short_float(*x, decimals)).min(decimals);
            short_float(*x, decimals)
        }
        Cell::Decimal(digits) => digits.clone(),
        Cell::Time(time) => rfc3339(*time).replace('T', " "),
        Cell::Date(date) => date.to_string(),
        Cell::Text(text) => escaped(text),
    }
}

/// The text as text: no markup, no HTML, no link, no end of the cell.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '#' | '!' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}
