//! Answers as text or Parquet, written while they stream.
//!
//! What a log holds is hostile wherever it is shown: a table or Markdown never passes a control character on, and
//! CSV never begins a text with what a spreadsheet would compute.

mod cell;
mod text;
mod table;
mod markdown;
mod csv;
mod json;
mod parquet;

pub(crate) use cell::shown;
pub use markdown::escaped;
pub use text::visible;

use std::collections::HashSet;
use std::io::Write;
use std::str::FromStr;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people: aligned columns, short times, few digits.
    Table,
    /// RFC 4180 with a header, lines ending in LF. NULL is an empty field, the empty text is `""`.
    Csv,
    /// Separated by tabs, with a header; tab, line feed, carriage return and backslash are `\t`, `\n`, `\r`, `\\`.
    Tsv,
    /// One array of objects.
    Json,
    /// One object per line.
    Ndjson,
    /// A GitHub table.
    Markdown,
    /// One file, zstd.
    Parquet,
}

impl Format {
    pub const ALL: [Format; 7] =
        [Format::Table, Format::Csv, Format::Tsv, Format::Json, Format::Ndjson, Format::Markdown, Format::Parquet];

    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Markdown => "markdown",
            Format::Parquet => "parquet",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    /// Reads a [`Format::name`] or a usual file extension.
    fn from_str(name: &str) -> std::result::Result<Format, String> {
        let lower = name.to_ascii_lowercase();
        let name_of = |short: &str| match short {
            "md" => "markdown".to_owned(),
            "jsonl" => "ndjson".to_owned(),
            other => other.to_owned(),
        };
        Format::ALL.into_iter().find(|format| format.name() == name_of(&lower)).ok_or_else(|| {
            let names: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
            format!("there is no format `{}`: take {}", name.escape_debug(), names.join(", "))
        })
    }
}

/// What the writer needs to know of the reader.
#[derive(Debug, Clone)]
pub struct Options {
    /// Columns of the terminal: a table is wrapped to fit. `None` for no limit.
    pub width: Option<usize>,
    /// Rows held back to find the widths of a table's columns; later rows take what those left.
    pub look_ahead: usize,
    /// The output is a terminal: CSV and TSV show control characters escaped too.
    pub terminal: bool,
    /// A table has a block of lines for each row, however wide the terminal is.
    pub expanded: bool,
    /// Write no more rows than these. Those that are left out are counted, for some seconds.
    pub max_rows: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options { width: None, look_ahead: 1000, terminal: false, expanded: false, max_rows: None }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// All rows of the answer; at least so many if it is not `whole`.
    pub rows: u64,
    /// Of these, written.
    pub shown: u64,
    /// Whether the answer was read to its end.
    pub whole: bool,
}

/// Rows that are left out are counted for this long.
const COUNTING: Duration = Duration::from_secs(3);

/// Writes all rows of an answer, batch by batch.
///
/// # Errors
/// [`Error::Run`] if the query fails midway, [`Error::Write`] if `out` does; what was written so far stays there.
pub async fn write(
    format: Format,
    mut stream: SendableRecordBatchStream,
    out: &mut (dyn Write + Send),
    options: &Options,
) -> Result<Written> {
    let max_rows = options.max_rows.unwrap_or(u64::MAX);
    let mut writer = Writer::new(format, stream.schema(), out, options)?;
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| Error::run(&error))?;
        let room = usize::try_from(max_rows - rows).unwrap_or(usize::MAX);
        rows += batch.num_rows() as u64;
        if room < batch.num_rows() {
            writer.batch(&batch.slice(0, room))?;
            writer.finish()?;
            let (more, whole) = count(&mut stream).await?;
            return Ok(Written { rows: rows + more, shown: max_rows, whole });
        }
        writer.batch(&batch)?;
    }
    writer.finish()?;
    Ok(Written { rows, shown: rows, whole: true })
}

/// Counts the rows that follow, and says whether these are all.
async fn count(stream: &mut SendableRecordBatchStream) -> Result<(u64, bool)> {
    let start = Instant::now();
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        rows += batch.map_err(|error| Error::run(&error))?.num_rows() as u64;
        if start.elapsed() > COUNTING {
            return Ok((rows, false));
        }
    }
    Ok((rows, true))
}

/// All rows of an answer, by the names of its columns: for answers that are small.
///
/// # Errors
/// [`Error::Run`] if the query fails midway, or a row is no `T`.
pub async fn rows<T: DeserializeOwned>(stream: SendableRecordBatchStream) -> Result<Vec<T>> {
    let mut text = Vec::new();
    write(Format::Json, stream, &mut text, &Options::default()).await?;
    serde_json::from_slice(&text).map_err(|error| Error::Run(error.to_string()))
}

/// An answer half written.
enum Writer<'a> {
    Table(table::Table<'a>),
    Csv(csv::Csv<'a>),
    Json(json::Json<'a>),
    Markdown(markdown::Markdown<'a>),
    Parquet(Box<parquet::Parquet<'a>>),
}

impl<'a> Writer<'a> {
    fn new(
        format: Format,
        schema: SchemaRef,
        out: &'a mut (dyn Write + Send),
        options: &Options,
    ) -> Result<Writer<'a>> {
        Ok(match format {
            Format::Table => Writer::Table(table::Table::new(schema, out, options)),
            Format::Csv => Writer::Csv(csv::Csv::comma(&schema, out, options)?),
            Format::Tsv => Writer::Csv(csv::Csv::tab(&schema, out, options)?),
            Format::Json => Writer::Json(json::Json::array(&schema, out)?),
            Format::Ndjson => Writer::Json(json::Json::lines(&schema, out)),
            Format::Markdown => Writer::Markdown(markdown::Markdown::new(&schema, out)?),
            Format::Parquet => Writer::Parquet(Box::new(parquet::Parquet::new(schema, out)?)),
        })
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Writer::Table(writer) => writer.batch(batch)?,
            Writer::Csv(writer) => writer.batch(batch)?,
            Writer::Json(writer) => writer.batch(batch)?,
            Writer::Markdown(writer) => writer.batch(batch)?,
            Writer::Parquet(writer) => writer.batch(batch)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Writer::Table(writer) => writer.finish()?,
            Writer::Csv(writer) => writer.finish()?,
            Writer::Json(writer) => writer.finish()?,
            Writer::Markdown(writer) => writer.finish()?,
            Writer::Parquet(writer) => writer.finish()?,
        }
        Ok(())
    }
}

/// The names, a repeated one with a number: a join may have two columns of one name, of which whatever reads by names would lose one.
fn distinct_names(schema: &Schema) -> Vec<String> {
    let mut taken: HashSet<String> = names(schema).map(str::to_owned).collect();
    let mut seen = HashSet::new();
    let distinct = |name: &str| {
        if seen.insert(name.to_owned()) {
            return name.to_owned();
        }
        let numbered = (2..).map(|n| format!("{name}_{n}")).find(|numbered| taken.insert(numbered.clone()));
        numbered.unwrap_or_default()
    };
    names(schema).map(distinct).collect()
}

fn names(schema: &Schema) -> impl Iterator<Item = &str> {
    schema.fields().iter().map(|field| field.name().as_str())
}
