//! JSON and NDJSON.

use std::io::{self, Write};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};

use super::cell::{Cell, cell, rfc3339, round_trip};
use super::distinct_names;
use super::text::acts;

pub(super) struct Json<'a> {
    out: &'a mut dyn Write,
    keys: Vec<String>,
    /// One array, not one object per line.
    array: bool,
    first: bool,
}

impl<'a> Json<'a> {
    pub(super) fn array(schema: &Schema, out: &'a mut dyn Write) -> io::Result<Json<'a>> {
        out.write_all(b"[")?;
        Ok(Json { array: true, ..Json::lines(schema, out) })
    }

    pub(super) fn lines(schema: &Schema, out: &'a mut dyn Write) -> Json<'a> {
        Json { out, keys: distinct_names(schema).iter().map(|name| quoted(name)).collect(), array: false, first: true }
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in 0..batch.num_rows() {
            if self.array {
                self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
            }
            self.first = false;
            for (i, (key, column)) in self.keys.iter().zip(batch.columns()).enumerate() {
                write!(self.out, "{}{key}:", if i == 0 { "{" } else { "," })?;
                value(self.out, column, row)?;
            }
            self.out.write_all(if self.array { b"}" } else { b"}\n" })?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<()> {
        if self.array {
            self.out.write_all(if self.first { b"]\n" } else { b"\n]\n" })?;
        }
        self.out.flush()
    }
}

fn value(out: &mut dyn Write, array: &dyn Array, row: usize) -> io::Result<()> {
    if array.is_valid(row) {
        match array.data_type() {
            DataType::List(_) => return list(out, array.as_list::<i32>().value(row).as_ref()),
            DataType::LargeList(_) => return list(out, array.as_list::<i64>().value(row).as_ref()),
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                for (i, (field, column)) in fields.iter().zip(columns).enumerate() {
                    write!(out, "{}{}:", if i == 0 { "{" } else { "," }, quoted(field.name()))?;
                    value(out, column, row)?;
                }
                return out.write_all(if fields.is_empty() { b"{}" } else { b"}" });
            }
            _ => {}
        }
    }
    match cell(array, row) {
        Cell::Null => out.write_all(b"null"),
        Cell::Boolean(b) => write!(out, "{b}"),
        Cell::Integer(n) => write!(out, "{n}"),
        Cell::Float(x) if x.is_finite() => out.write_all(round_trip(x).as_bytes()),
        Cell::Float(_) => out.write_all(b"null"), // JSON has no NaN
        Cell::Decimal(digits) => out.write_all(digits.as_bytes()),
        Cell::Time(time) => write!(out, "\"{}\"", rfc3339(time)),
        Cell::Date(date) => write!(out, "\"{date}\""),
        Cell::Text(text) => out.write_all(quoted(&text).as_bytes()),
    }
}

fn list(out: &mut dyn Write, items: &dyn Array) -> io::Result<()> {
    out.write_all(b"[")?;
    for row in 0..items.len() {
        if row > 0 {
            out.write_all(b",")?;
        }
        value(out, items, row)?;
    }
    out.write_all(b"]")
}

/// A JSON string. What acts on a terminal is escaped beyond what JSON asks for; it reads back the same.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if acts(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
