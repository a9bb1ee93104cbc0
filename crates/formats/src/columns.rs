//! Columnar builders of one batch: append, truncate to an earlier length, finish as an Arrow array.
//!
//! NULL is a reserved value in the vectors (and not a bitmap beside them), so that taking back the rows of a broken file is a
//! `Vec::truncate` per column. Strings that repeat are interned while they are decoded: a batch holds each value once.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, PrimitiveArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, TimeUnit, UInt32Type};
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

/// Packs 64 rows at a time.
fn validity(rows: usize, is_valid: impl FnMut(usize) -> bool) -> NullBuffer {
    NullBuffer::new(BooleanBuffer::collect_bool(rows, is_valid))
}

/// A column under construction.
pub(crate) trait Column: Default {
    fn data_type() -> DataType;
    fn truncate(&mut self, rows: usize);
    /// Bytes held.
    fn size_bytes(&self) -> usize;
    fn finish(self) -> ArrayRef;
}

macro_rules! primitive {
    ($(#[$doc:meta])* $name:ident, $native:ty, null = $null:expr, is_null = $is_null:expr, $data_type:expr, $array:expr) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name(Vec<$native>);

        impl $name {
            #[inline]
            pub(crate) fn push(&mut self, value: Option<$native>) {
                self.0.push(value.unwrap_or($null));
            }
        }

        impl Column for $name {
            fn data_type() -> DataType {
                $data_type
            }
            fn truncate(&mut self, rows: usize) {
                self.0.truncate(rows);
            }
            fn size_bytes(&self) -> usize {
                self.0.len() * size_of::<$native>()
            }
            fn finish(self) -> ArrayRef {
                fn is_null(value: &$native) -> bool {
                    let is_null: fn(&$native) -> bool = $is_null;
                    is_null(value)
                }
                let nulls = self.0.iter().any(is_null).then(|| validity(self.0.len(), |row| !is_null(&self.0[row])));
                let array: fn(ScalarBuffer<$native>, Option<NullBuffer>) -> ArrayRef = $array;
                array(self.0.into(), nulls)
            }
        }
    };
}

primitive!(
    /// Microseconds since the epoch, UTC.
    Timestamp, i64, null = i64::MIN, is_null = |v| *v == i64::MIN,
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    |values, nulls| Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone("UTC"))
);
primitive!(Float, f64, null = f64::NAN, is_null = |v| v.is_nan(), DataType::Float64, |values, nulls| Arc::new(
    Float64Array::new(values, nulls)
));
primitive!(Int, i32, null = i32::MIN, is_null = |v| *v == i32::MIN, DataType::Int32, |values, nulls| Arc::new(
    Int32Array::new(values, nulls)
));
primitive!(Long, i64, null = i64::MIN, is_null = |v| *v == i64::MIN, DataType::Int64, |values, nulls| Arc::new(
    Int64Array::new(values, nulls)
));

impl Timestamp {
    pub(crate) fn values(&self) -> &[i64] {
        &self.0
    }
}

/// Distinct byte strings, numbered in the order of their first appearance.
#[derive(Default)]
pub(crate) struct Interner {
    table: HashTable<u32>,
    hasher: foldhash::fast::FixedState,
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl Interner {
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The number of `value`, and whether it is new.
    pub(crate) fn intern(&mut self, value: &[u8]) -> (u32, bool) {
        let hash = |bytes: &[u8]| {
            let mut hasher = self.hasher.build_hasher();
            hasher.write(bytes);
            hasher.finish()
        };
        let h = hash(value);
        if let Some(&id) = self.table.find(h, |&id| same(get(&self.offsets, &self.bytes, id), value)) {
            return (id, false);
        }
        let id = self.offsets.len() as u32;
        self.table.insert_unique(h, id, |&id| hash(get(&self.offsets, &self.bytes, id)));
        self.bytes.extend_from_slice(value);
        self.offsets.push(self.bytes.len() as u32);
        (id, true)
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        get(&self.offsets, &self.bytes, id)
    }

    fn size_bytes(&self) -> usize {
        self.bytes.len() + self.offsets.len() * 4 + self.table.capacity() * 5
    }

    fn finish(self) -> StringArray {
        let offsets: Vec<i32> = std::iter::once(0).chain(self.offsets.iter().map(|&o| o as i32)).collect();
        StringArray::new(OffsetBuffer::new(offsets.into()), self.bytes.into(), None)
    }
}

/// Value `id`, whose end is `offsets[id]` and whose start is the end of the one before.
fn get<'a>(offsets: &[u32], bytes: &'a [u8], id: u32) -> &'a [u8] {
    let id = id as usize;
    let start = if id == 0 { 0 } else { offsets[id - 1] as usize };
    &bytes[start..offsets[id] as usize]
}

/// `a == b` without the call that comparing slices is: most values of a log are short.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // The ends first: that is where the values of a column differ.
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(x), Some(y)) => x == y && a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).all(|(x, y)| x == y),
        _ => a.iter().zip(b).all(|(x, y)| x == y),
    }
}

const NULL: u32 = u32::MAX;

/// Strings that repeat: keys into an interner.
#[derive(Default)]
pub(crate) struct Dict {
    keys: Vec<u32>,
    values: Interner,
}

impl Dict {
    /// NULL for `-`.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        if value == b"-" {
            self.keys.push(NULL);
            return;
        }
        self.push_verbatim(value);
    }

    /// `-` too is a value.
    #[inline]
    pub(crate) fn push_verbatim(&mut self, value: &[u8]) {
        // In real logs most columns repeat the row before: one comparison instead of a hash.
        if let Some(&last) = self.keys.last()
            && last != NULL
            && same(self.values.get(last), value)
        {
            self.keys.push(last);
            return;
        }
        let key = self.values.intern(value).0;
        self.keys.push(key);
    }

    pub(crate) fn push_key(&mut self, key: Option<u32>) {
        self.keys.push(key.unwrap_or(NULL));
    }

    pub(crate) fn values(&mut self) -> &mut Interner {
        &mut self.values
    }
}

impl Column for Dict {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
    }

    fn size_bytes(&self) -> usize {
        self.keys.len() * 4 + self.values.size_bytes()
    }

    fn finish(self) -> ArrayRef {
        let nulls = self.keys.contains(&NULL).then(|| validity(self.keys.len(), |row| self.keys[row] != NULL));
        let mut keys = self.keys;
        if nulls.is_some() {
            keys.iter_mut().for_each(|key| *key = if *key == NULL { 0 } else { *key });
        }
        let keys = PrimitiveArray::<UInt32Type>::new(keys.into(), nulls);
        Arc::new(DictionaryArray::new(keys, Arc::new(self.values.finish())))
    }
}

/// Strings that hardly ever repeat (trace ids): bytes one after the other.
#[derive(Default)]
pub(crate) struct Text {
    ends: Vec<u32>,
    bytes: Vec<u8>,
    nulls: Vec<u32>,
}

impl Text {
    /// NULL for `-`.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        if value == b"-" {
            self.nulls.push(self.ends.len() as u32);
        } else {
            self.bytes.extend_from_slice(value);
        }
        self.ends.push(self.bytes.len() as u32);
    }
}

impl Column for Text {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.bytes.truncate(self.ends.last().map_or(0, |&end| end as usize));
        self.nulls.truncate(self.nulls.partition_point(|&row| (row as usize) < rows));
    }

    fn size_bytes(&self) -> usize {
        self.bytes.len() + (self.ends.len() + self.nulls.len()) * 4
    }

    fn finish(self) -> ArrayRef {
        let nulls = (!self.nulls.is_empty()).then(|| {
            let mut valid = vec![true; self.ends.len()];
            self.nulls.iter().for_each(|&row| valid[row as usize] = false);
            NullBuffer::from(valid)
        });
        let offsets: Vec<i32> = std::iter::once(0).chain(self.ends.iter().map(|&o| o as i32)).collect();
        Arc::new(StringArray::new(OffsetBuffer::new(offsets.into()), self.bytes.into(), nulls))
    }
}
