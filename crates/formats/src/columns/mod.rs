//! Columnar builders of one batch: append, truncate to an earlier length, lend the values to whoever encodes them.
//!
//! NULL is a reserved value in the vectors (and not a bitmap beside them), so that taking back the rows of a broken file is a
//! `Vec::truncate` per column. Strings that repeat are interned while they are decoded: a batch holds each value once. Fields that
//! stand side by side and vary together are looked up as one ([`Group`]). A batch is cleared and filled again, so its memory is
//! faulted in once.
//!
//! What a row calls for each of its fields is always inlined, here and where fields are read: a line has some forty such calls, each as
//! dear as what it does, and the compiler takes the readers for too large to do so by itself. 0.82 to 0.95 of decoding, 0.95 of an ingest.

mod builders;
mod encoded;
mod strings;
mod url_columns;

pub(crate) use builders::{Counter, Dict, Enum, Float, Group, Int, IntPart, Long, Names, Part, Timestamp, Wide};
pub(crate) use encoded::{Decoded, Encoded};
pub(crate) use strings::same;
pub use strings::{Strings, Text};
pub(crate) use url_columns::{Host, Path, Route, Url};

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, SchemaRef, UInt32Type};

/// NULL among keys.
pub const NULL_KEY: u32 = u32::MAX;
/// NULL among 64-bit integers and times.
pub const NULL_LONG: i64 = i64::MIN;
/// NULL among 32-bit integers.
pub const NULL_INT: i32 = i32::MIN;

/// Values that wait to be interned together, at most: their bytes stay in the nearest cache.
pub(crate) const MAX_WAITING: usize = 64;

/// The values of one column in the order of their rows, borrowed from the batch.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// 64-bit integers that stay near each other: times (microseconds since the epoch) and line numbers. NULL is [`NULL_LONG`].
    Sequence(&'a [i64]),
    /// Other 64-bit integers. NULL is [`NULL_LONG`].
    Long(&'a [i64]),
    /// NULL is [`NULL_INT`].
    Int(&'a [i32]),
    /// NULL is NaN; no value is.
    Float(&'a [f64]),
    /// Strings that hardly ever repeat.
    Text(&'a Text),
    /// Strings that repeat.
    Strings(Keys<'a>, &'a Strings),
    /// The same, with a number for each of the strings: those of one number are alike.
    AlikeStrings(Keys<'a>, &'a Strings, &'a [u32]),
    /// Integers of which there are few.
    Ints(Keys<'a>, &'a [i32]),
}

/// For each row the number of its value; NULL is [`NULL_KEY`].
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    pub rows: &'a [u32],
    /// What stands in `rows` are numbers of a group; this has the value's number for each.
    pub of_group: Option<&'a [u32]>,
    /// Whether each value is that of a row, as far as is known: not after rows were taken back.
    pub all_used: bool,
}

impl Keys<'_> {
    #[inline]
    pub fn get(&self, row: usize) -> u32 {
        match (self.rows[row], self.of_group) {
            (NULL_KEY, _) => NULL_KEY,
            (key, None) => key,
            (group, Some(of_group)) => of_group[group as usize],
        }
    }
}

impl Values<'_> {
    /// As an Arrow array of a column of this type; strings that repeat become a dictionary.
    pub(crate) fn to_array(self, data_type: &DataType) -> ArrayRef {
        let longs = |values: &[i64]| values.iter().map(|v| (*v != NULL_LONG).then_some(*v)).collect::<Vec<_>>();
        let key = |key: u32| (key != NULL_KEY).then_some(key);
        match self {
            Values::Sequence(values) | Values::Long(values) => match data_type {
                DataType::Timestamp(..) => {
                    Arc::new(TimestampMicrosecondArray::from(longs(values)).with_timezone("UTC"))
                }
                _ => Arc::new(Int64Array::from(longs(values))),
            },
            Values::Int(values) => {
                Arc::new(Int32Array::from_iter(values.iter().map(|v| (*v != NULL_INT).then_some(*v))))
            }
            Values::Float(values) => {
                Arc::new(Float64Array::from_iter(values.iter().map(|v| (!v.is_nan()).then_some(*v))))
            }
            Values::Text(text) => {
                Arc::new((0..text.len()).map(|row| text.get(row).map(as_str)).collect::<StringArray>())
            }
            Values::Strings(keys, strings) | Values::AlikeStrings(keys, strings, _) => {
                let keys = (0..keys.rows.len()).map(|row| key(keys.get(row)));
                let values: StringArray = (0..strings.len()).map(|id| Some(as_str(strings.get(id as u32)))).collect();
                Arc::new(DictionaryArray::new(PrimitiveArray::<UInt32Type>::from_iter(keys), Arc::new(values)))
            }
            Values::Ints(keys, distinct) => Arc::new(Int32Array::from_iter(
                (0..keys.rows.len()).map(|row| key(keys.get(row)).map(|key| distinct[key as usize])),
            )),
        }
    }
}

/// Only text that was checked to be UTF-8 comes into a batch.
fn as_str(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// What has keys that columns are made of.
pub(crate) trait Keyed {
    fn keys(&self) -> &[u32];
    /// As in [`Keys`].
    fn all_used(&self) -> bool;
}

/// What every builder of a column, or of a group of columns, can do. How values are pushed and lent differs.
pub(crate) trait Column: Default {
    /// Of the column in the lake.
    fn data_type() -> DataType;
    /// Takes back all rows from the `rows`th on.
    fn truncate(&mut self, rows: usize);
    /// Takes back all rows; the memory stays.
    fn clear(&mut self);
    /// Bytes held, roughly.
    fn size_bytes(&self) -> usize;
    /// Interns values that wait for it, of which there must never be more than [`MAX_WAITING`].
    fn settle(&mut self) {}
}

/// A batch of rows of one table under construction, of one or more sources.
pub trait Rows: Send {
    /// The columns as they stand in the lake. All are nullable. Time is the first: when a row arrived, or when it happened.
    fn schema(&self) -> SchemaRef;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The first column: microseconds since the epoch, never NULL.
    fn arrivals(&self) -> &[i64];
    /// The values of each column of [`Rows::schema`].
    fn columns(&self) -> Vec<Values<'_>>;
    /// Bytes held, roughly.
    fn size_bytes(&self) -> usize;
    /// Takes back all rows from the `rows`th on: those of a source that turned out to be broken.
    fn truncate(&mut self, rows: usize);
    /// Takes back all rows; the memory stays for the next ones, which may be of the same source.
    fn clear(&mut self);
    /// The rows in the order they came, as Arrow has it. Strings that repeat are dictionaries; otherwise as [`Rows::schema`].
    fn to_batch(&self) -> RecordBatch {
        let schema = self.schema();
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        let arrays = schema.fields().iter().zip(self.to_arrays(&all)).map(|(field, array)| (field.name(), array, true));
        RecordBatch::try_from_iter_with_nullable(arrays).expect("every row appends to every column")
    }
    /// Those columns of [`Rows::to_batch`] that stand at these places of [`Rows::schema`].
    fn to_arrays(&self, columns: &[usize]) -> Vec<ArrayRef> {
        let (schema, values) = (self.schema(), self.columns());
        columns.iter().map(|&at| values[at].to_array(schema.field(at).data_type())).collect()
    }
}

/// Declares the columns of a table, in order: documentation, builder and name in the lake (that of the field, unless `as` gives
/// another). `source_file` and `line` are added at the end. Makes a struct `Rows` and a function `schema`.
///
/// `in` names the field whose keys a [`Part`] or the like is made of: a group, or a URL. A row is appended by pushing one value to every
/// column and group that has values of its own, and then [`end_row`](Rows::end_row). Per-batch helpers that are no columns
/// go into `state`.
macro_rules! rows {
    (
        $(state { $($(#[doc = $state_doc:literal])* $state:ident: $state_type:ty,)* })?
        $(groups { $($(#[doc = $group_doc:literal])* $group:ident,)* })?
        columns {
            $(#[doc = $first_doc:literal])* $first:ident: Timestamp,
            $($(#[doc = $doc:literal])* $field:ident $(as $name:literal)?: $type:ty $(, in $in:ident)?;)*
        }
    ) => {
        /// A batch of rows of one or more sources under construction.
        #[derive(Default)]
        pub struct Rows {
            $($($(#[doc = $state_doc])* pub(super) $state: $state_type,)*)?
            $($($(#[doc = $group_doc])* pub(super) $group: $crate::columns::Group,)*)?
            $(#[doc = $first_doc])* pub(super) $first: $crate::columns::Timestamp,
            $($(#[doc = $doc])* pub(super) $field: $type,)*
            /// Where the line stands.
            source_file: $crate::columns::Dict,
            /// Line number in `source_file`, from 1.
            line: $crate::columns::Counter,
            /// Key of the source that is being read.
            source: u32,
            /// Rows since columns were settled.
            unsettled: usize,
        }

        /// The columns in order, as they stand in the lake. All are nullable; `-` is NULL everywhere.
        pub fn schema() -> ::arrow::datatypes::SchemaRef {
            use ::arrow::datatypes::{Field, Schema};
            use $crate::columns::Column;
            let name = |field: &'static str, given: &[&'static str]| given.first().copied().unwrap_or(field);
            ::std::sync::Arc::new(Schema::new(vec![
                Field::new(stringify!($first), $crate::columns::Timestamp::data_type(), true),
                $(Field::new(name(stringify!($field), &[$($name)?]), <$type>::data_type(), true),)*
                Field::new("source_file", $crate::columns::Dict::data_type(), true),
                Field::new("line", $crate::columns::Counter::data_type(), true),
            ]))
        }

        /// What the columns hold, in order: name and description, which may be empty.
        pub fn docs() -> &'static [(&'static str, &'static str)] {
            const fn name(field: &'static str, given: &[&'static str]) -> &'static str {
                if given.is_empty() { field } else { given[0] }
            }
            const DOCS: &[(&str, &str)] = &[
                (stringify!($first), concat!($($first_doc),*)),
                $((name(stringify!($field), &[$($name)?]), concat!($($doc),*)),)*
                ("source_file", " Where the line stands."),
                ("line", " Line number in `source_file`, from 1."),
            ];
            DOCS
        }

        impl $crate::columns::Rows for Rows {
            fn schema(&self) -> ::arrow::datatypes::SchemaRef {
                schema()
            }

            fn len(&self) -> usize {
                self.$first.as_slice().len()
            }

            fn arrivals(&self) -> &[i64] {
                self.$first.as_slice()
            }

            fn columns(&self) -> Vec<$crate::columns::Values<'_>> {
                vec![
                    self.$first.values(),
                    $(self.$field.values($(&self.$in)?),)*
                    self.source_file.values(),
                    self.line.values(),
                ]
            }

            fn size_bytes(&self) -> usize {
                use $crate::columns::Column;
                $($(self.$group.size_bytes() +)*)? $(self.$field.size_bytes() +)*
                self.$first.size_bytes() + self.source_file.size_bytes() + self.line.size_bytes()
            }

            fn truncate(&mut self, rows: usize) {
                use $crate::columns::Column;
                $($(self.$group.truncate(rows);)*)?
                $(self.$field.truncate(rows);)*
                self.$first.truncate(rows);
                self.source_file.truncate(rows);
                self.line.truncate(rows);
            }

            fn clear(&mut self) {
                use $crate::columns::Column;
                $($(self.$group.clear();)*)?
                $(self.$field.clear();)*
                self.$first.clear();
                self.source = self.source_file.clear_but(self.source);
                self.line.clear();
            }
        }

        impl $crate::reader::BuildRows for Rows {
            fn begin(&mut self, source: &str) {
                self.source = self.source_file.intern(source.as_bytes());
            }

            #[inline(never)]
            fn settle(&mut self) {
                use $crate::columns::Column;
                $(self.$field.settle();)*
                self.unsettled = 0;
            }
        }

        impl Rows {
            /// Ends a row. `line` is its number in the source.
            #[inline(always)]
            pub(super) fn end_row(&mut self, line: u64) {
                self.source_file.push_key(Some(self.source));
                self.line.push(Some(line as i64));
                self.unsettled += 1;
                if self.unsettled == $crate::columns::MAX_WAITING {
                    $crate::reader::BuildRows::settle(self);
                }
            }
        }
    };
}
pub(crate) use rows;

/// Appends neighbouring fields of a line, which are columns as they stand: a [`Group`] and its parts.
macro_rules! group {
    ($rows:ident, $line:ident, $group:ident, $first:literal..=$last:literal, [$($part:ident),*]) => {
        let span = $line.span($first, $last);
        let key = $rows.$group.find(span).unwrap_or_else(|hash| {
            let mut fields = ($first..=$last).map(|i| $line.get(i));
            $($rows.$part.add(fields.next().unwrap_or(b"-"));)*
            $rows.$group.insert(hash, span)
        });
        $rows.$group.push(key);
    };
}
pub(crate) use group;
