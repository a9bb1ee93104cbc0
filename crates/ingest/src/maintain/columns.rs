//! From Arrow back to what the encoder takes.

use std::sync::Arc;

use albatross_formats::{Keys, NULL_INT, NULL_KEY, NULL_LONG, Settings, Strings, Text, Values};
use albatross_lake::Table;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema, TimestampMicrosecondType};
use arrow::error::ArrowError;

/// Rows of a log, column by column, as they are while they are being ingested.
pub(super) struct Columns {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Sequence(Vec<i64>),
    Long(Vec<i64>),
    Int(Vec<i32>),
    Float(Vec<f64>),
    Text(Text),
    Strings(Box<Interned>),
}

#[derive(Default)]
struct Interned {
    keys: Vec<u32>,
    strings: Strings,
    /// The dictionary that was met last: batches of one file share it. For each of its values our key; [`UNKNOWN`] before it is needed.
    dictionary: Option<ArrayRef>,
    known: Vec<u32>,
    /// Whether strings of one route are alike, so that zstd sees what they share: URLs and paths.
    by_route: bool,
}

const UNKNOWN: u32 = NULL_KEY;

/// What makes strings alike: by column, for each of its distinct strings the key of its route.
pub(super) struct Alike(Vec<Vec<u32>>);

impl Columns {
    /// So many rows fit without growing, which would take twice the memory for a while.
    pub(super) fn with_capacity(table: Table, rows: usize) -> Columns {
        let Table::Rows(format) = table else { unreachable!("only logs are merged") };
        let reader = format.reader(&Settings::default()).expect("only logs are merged");
        let interned = |by_route| {
            let keys = Vec::with_capacity(rows);
            Column::Strings(Box::new(Interned { keys, by_route, ..Interned::default() }))
        };
        let columns = reader.rows().columns().into_iter().map(|values| match values {
            Values::Sequence(_) => Column::Sequence(Vec::with_capacity(rows)),
            Values::Long(_) => Column::Long(Vec::with_capacity(rows)),
            Values::Int(_) | Values::Ints(..) => Column::Int(Vec::with_capacity(rows)),
            Values::Float(_) => Column::Float(Vec::with_capacity(rows)),
            Values::Text(_) => Column::Text(Text::default()),
            Values::Strings(..) => interned(false),
            Values::AlikeStrings(..) => interned(true),
        });
        let columns = columns.collect();
        Columns { names: format.schema().fields().iter().map(|f| f.name().clone()).collect(), columns, rows: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// The types in which batches are best read: strings that repeat as dictionaries.
    pub(super) fn wanted(&self, file: &Schema) -> Schema {
        let fields = file.fields().iter().map(|field| {
            let at = self.names.iter().position(|name| name == field.name());
            match at.map(|at| &self.columns[at]) {
                Some(Column::Strings(_)) => {
                    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                    Arc::new(field.as_ref().clone().with_data_type(dictionary))
                }
                _ => field.clone(),
            }
        });
        Schema::new(fields.collect::<Vec<_>>())
    }

    /// Appends the rows of a batch, by the columns' names. One that it lacks is NULL.
    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for (name, column) in self.names.iter().zip(&mut self.columns) {
            match batch.column_by_name(name) {
                Some(array) => column.append(array).ok_or_else(|| {
                    ArrowError::SchemaError(format!("`{name}` is {}, which it cannot be", array.data_type()))
                })?,
                None => column.append_nulls(batch.num_rows()),
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// There are no more rows: frees what only appending needs.
    pub(super) fn seal(&mut self) {
        for column in &mut self.columns {
            if let Column::Strings(strings) = column {
                strings.dictionary = None;
                strings.known = Vec::new();
            }
        }
    }

    /// Microseconds since the epoch.
    pub(super) fn arrivals(&self) -> &[i64] {
        match self.columns.first() {
            Some(Column::Sequence(arrivals)) => arrivals,
            _ => &[],
        }
    }

    pub(super) fn alike(&self) -> Alike {
        Alike(self.columns.iter().map(|column| self.routes_of(column)).collect())
    }

    fn routes_of(&self, column: &Column) -> Vec<u32> {
        let (Column::Strings(of), Some(routes)) = (column, self.strings("route")) else { return Vec::new() };
        if !of.by_route {
            return Vec::new();
        }
        let mut route_of = vec![NULL_KEY; of.strings.len()];
        for (&key, &route) in of.keys.iter().zip(&routes.keys) {
            if key != NULL_KEY {
                route_of[key as usize] = route;
            }
        }
        route_of
    }

    fn strings(&self, name: &str) -> Option<&Interned> {
        match &self.columns[self.names.iter().position(|n| n == name)?] {
            Column::Strings(strings) => Some(strings),
            _ => None,
        }
    }

    /// The values of each column, in order.
    pub(super) fn values<'a>(&'a self, alike: &'a Alike) -> Vec<Values<'a>> {
        let value = |(column, routes): (&'a Column, &'a Vec<u32>)| match column {
            Column::Sequence(values) => Values::Sequence(values),
            Column::Long(values) => Values::Long(values),
            Column::Int(values) => Values::Int(values),
            Column::Float(values) => Values::Float(values),
            Column::Text(text) => Values::Text(text),
            Column::Strings(column) => {
                let keys = Keys { rows: &column.keys, of_group: None, all_used: false };
                match column.by_route {
                    true => Values::AlikeStrings(keys, &column.strings, routes),
                    false => Values::Strings(keys, &column.strings),
                }
            }
        };
        self.columns.iter().zip(&alike.0).map(value).collect()
    }
}

impl Column {
    /// `None` if the array is of another type.
    fn append(&mut self, array: &ArrayRef) -> Option<()> {
        match self {
            Column::Sequence(values) | Column::Long(values) => match array.data_type() {
                DataType::Int64 => {
                    values.extend(array.as_primitive::<Int64Type>().iter().map(|v| v.unwrap_or(NULL_LONG)));
                }
                _ => values.extend(
                    array.as_primitive_opt::<TimestampMicrosecondType>()?.iter().map(|v| v.unwrap_or(NULL_LONG)),
                ),
            },
            Column::Int(values) => {
                values.extend(array.as_primitive_opt::<Int32Type>()?.iter().map(|v| v.unwrap_or(NULL_INT)));
            }
            Column::Float(values) => {
                values.extend(array.as_primitive_opt::<Float64Type>()?.iter().map(|v| v.unwrap_or(f64::NAN)));
            }
            // For a text `-` is NULL.
            Column::Text(text) => {
                array.as_string_opt::<i32>()?.iter().for_each(|v| text.push(v.map_or(b"-", str::as_bytes)));
            }
            Column::Strings(strings) => strings.append(array)?,
        }
        Some(())
    }

    fn append_nulls(&mut self, rows: usize) {
        match self {
            Column::Sequence(values) | Column::Long(values) => values.extend(std::iter::repeat_n(NULL_LONG, rows)),
            Column::Int(values) => values.extend(std::iter::repeat_n(NULL_INT, rows)),
            Column::Float(values) => values.extend(std::iter::repeat_n(f64::NAN, rows)),
            Column::Text(text) => (0..rows).for_each(|_| text.push(b"-")),
            Column::Strings(strings) => strings.keys.extend(std::iter::repeat_n(NULL_KEY, rows)),
        }
    }
}

impl Interned {
    fn append(&mut self, array: &ArrayRef) -> Option<()> {
        let array = array.as_dictionary_opt::<Int32Type>()?;
        let values = array.values();
        if !self.dictionary.as_ref().is_some_and(|known| Arc::ptr_eq(known, values)) {
            self.known.clear();
            self.known.resize(values.len(), UNKNOWN);
            self.dictionary = Some(values.clone());
        }
        let values = values.as_string_opt::<i32>()?;
        self.keys.extend(array.keys().iter().map(|key| {
            let Some(key) = key.map(|key| key as usize).filter(|&key| values.is_valid(key)) else { return NULL_KEY };
            if self.known[key] == UNKNOWN {
                self.known[key] = self.strings.intern(values.value(key).as_bytes()).0;
            }
            self.known[key]
        }));
        Some(())
    }
}
