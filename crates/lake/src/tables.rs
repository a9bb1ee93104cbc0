//! The tables of a lake and their columns.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use albatross_formats::Format;

/// The partition column of the tables of logs: the UTC date of their first column. It is in the file's path and in the log,
/// not inside the Parquet file.
pub const DAY: &str = "day";

/// A Delta table of the lake; it lives in the folder [`Table::name`] under the lake's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// What sources of this format hold: one row per request, event or period.
    Rows(Format),
    /// Lines that could not be read.
    Rejects,
    /// One row per source file. Derived: the transaction ids of the tables of rows are the truth.
    Ingested,
}

impl Table {
    pub const ALB: Table = Table::Rows(Format::Alb);
    pub const METRICS: Table = Table::Rows(Format::Metrics);

    const COUNT: usize = Format::ALL.len() + 2;

    /// The tables of rows first, as [`Format::ALL`] has them.
    pub const ALL: [Table; Table::COUNT] = {
        let mut all = [Table::Rejects; Table::COUNT];
        let mut i = 0;
        while i < Format::ALL.len() {
            all[i] = Table::Rows(Format::ALL[i]);
            i += 1;
        }
        all[Table::COUNT - 1] = Table::Ingested;
        all
    };

    /// Those of [`Table::ALL`] that hold what sources are made of.
    pub fn of_rows() -> impl Iterator<Item = Table> {
        Format::ALL.into_iter().map(Table::Rows)
    }

    pub fn name(self) -> &'static str {
        match self {
            Table::Rows(format) => format.name(),
            Table::Rejects => "rejects",
            Table::Ingested => "ingested",
        }
    }

    /// The columns inside the Parquet files, in order. All are nullable.
    pub fn file_schema(self) -> SchemaRef {
        match self {
            Table::Rows(format) => format.schema(),
            Table::Rejects => rejects(),
            Table::Ingested => ingested(),
        }
    }

    /// The columns a reader sees: those of the files, then the partition column if there is one.
    pub fn schema(self) -> SchemaRef {
        let files = self.file_schema();
        if !self.is_partitioned() {
            return files;
        }
        let day = Arc::new(Field::new(DAY, DataType::Date32, true));
        Arc::new(Schema::new(files.fields().iter().cloned().chain([day]).collect::<Vec<_>>()))
    }

    /// Whether it is a table of logs: a folder per day, files sorted by [`Table::time_column`].
    pub fn is_partitioned(self) -> bool {
        matches!(self, Table::Rows(format) if format != Format::Metrics)
    }

    /// The column that says when: of logs the first one, by which they are sorted.
    pub fn time_column(self) -> String {
        match self {
            Table::Rows(_) => self.file_schema().field(0).name().clone(),
            Table::Rejects | Table::Ingested => "ingested_at".to_owned(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A rejected line, and where it was.
fn rejects() -> SchemaRef {
    columns(&[
        ("source_file", DataType::Utf8),
        ("line", DataType::Int64),  // counted from 1
        ("byte", DataType::Int64),  // offset of the line in the uncompressed stream
        ("reason", DataType::Utf8), // short stable code
        ("detail", DataType::Utf8),
        ("raw", DataType::Utf8), // first 4 KiB of the line, invalid UTF-8 as \xHH
        ("format", DataType::Utf8),
        ("ingested_at", timestamp()),
    ])
}

/// A source file that is in the lake. `lines = rows + rejects + skipped` for formats made of lines.
fn ingested() -> SchemaRef {
    columns(&[
        ("source_file", DataType::Utf8),
        ("txn", DataType::Utf8), // 32 hex digits, see TxnId
        ("format", DataType::Utf8),
        ("bytes", DataType::Int64), // as stored, compressed or not
        ("lines", DataType::Int64),
        ("rows", DataType::Int64),
        ("rejects", DataType::Int64),
        ("skipped", DataType::Int64),     // headers and control lines
        ("content_hash", DataType::Utf8), // 32 hex digits, xxh3-128 of the bytes as stored
        ("first_time", timestamp()),
        ("last_time", timestamp()),
        ("elb", DataType::Utf8), // the next three from the name AWS gave the file, else NULL
        ("node_ip", DataType::Utf8),
        ("interval_end", timestamp()),
        ("route_rules", DataType::Utf8), // version of the rules that made `route`, `1` or `1+<checksum of the user's>`
        ("ingested_at", timestamp()),
    ])
}

/// Microseconds in UTC: the one timestamp every Delta engine reads without a newer protocol.
fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn columns(columns: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(
        columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect::<Vec<_>>(),
    ))
}
