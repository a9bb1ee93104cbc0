//! Columnar builders of one batch: append, truncate to an earlier length, lend the values to whoever encodes them.
//!
//! NULL is a reserved value in the vectors (and not a bitmap beside them), so that taking back the rows of a broken file is a
//! `Vec::truncate` per column. Strings that repeat are interned while they are decoded: a batch holds each value once. Fields that
//! stand side by side and vary together are looked up as one ([`Group`]). A batch is cleared and filled again, so its memory is
//! faulted in once.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, PrimitiveArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit, UInt32Type};

/// NULL among keys.
pub const NULL_KEY: u32 = u32::MAX;
/// NULL among 64-bit integers and times.
pub const NULL_LONG: i64 = i64::MIN;
/// NULL among 32-bit integers.
pub const NULL_INT: i32 = i32::MIN;

/// Values that wait to be interned together, at most: their bytes stay in the nearest cache.
const MAX_WAITING: usize = 64;

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
                Arc::new((0..text.ends.len()).map(|row| text.get(row).map(as_str)).collect::<StringArray>())
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

macro_rules! primitive {
    ($(#[$doc:meta])* $name:ident, $native:ty, null = $null:expr, $data_type:expr, $values:path) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name(Vec<$native>);

        impl $name {
            #[inline]
            pub(crate) fn push(&mut self, value: Option<$native>) {
                self.0.push(value.unwrap_or($null));
            }
            pub(crate) fn data_type() -> DataType {
                $data_type
            }
            pub(crate) fn truncate(&mut self, rows: usize) {
                self.0.truncate(rows);
            }
            pub(crate) fn clear(&mut self) {
                self.0.clear();
            }
            pub(crate) fn size_bytes(&self) -> usize {
                self.0.len() * size_of::<$native>()
            }
            pub(crate) fn values(&self) -> Values<'_> {
                $values(&self.0)
            }
        }
    };
}

primitive!(
    /// Microseconds since the epoch, UTC.
    Timestamp, i64, null = NULL_LONG, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), Values::Sequence
);
primitive!(Counter, i64, null = NULL_LONG, DataType::Int64, Values::Sequence);
primitive!(Long, i64, null = NULL_LONG, DataType::Int64, Values::Long);
primitive!(Int, i32, null = NULL_INT, DataType::Int32, Values::Int);
primitive!(Float, f64, null = f64::NAN, DataType::Float64, Values::Float);

impl Timestamp {
    pub(crate) fn as_slice(&self) -> &[i64] {
        &self.0
    }
}

/// Distinct byte strings, numbered in the order of their first appearance.
pub struct Strings {
    /// Open addressing: 32 bits of a string's hash, then its number; [`Strings::EMPTY`] where nothing is. As many as a power of two.
    slots: Vec<u64>,
    hasher: foldhash::fast::RandomState,
    /// Where value `i` begins, and behind the last one where it ends.
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl Default for Strings {
    fn default() -> Strings {
        let slots = vec![Strings::EMPTY; 64];
        Strings { slots, hasher: Default::default(), offsets: vec![0], bytes: Vec::new() }
    }
}

impl Strings {
    const EMPTY: u64 = u64::MAX;

    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    #[inline]
    pub fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        &self.bytes[self.offsets[id] as usize..self.offsets[id + 1] as usize]
    }

    /// The seed is random: whoever writes the log must not choose what collides.
    #[inline]
    fn hash(&self, value: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(value);
        (hasher.finish() >> 32) as u32
    }

    /// Where a string of this hash is looked for first.
    #[inline]
    fn place(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    /// The number of `value`; of a new value the hash to insert it with.
    #[inline]
    fn find(&self, value: &[u8]) -> Result<u32, u32> {
        let hash = self.hash(value);
        self.find_hashed(hash, value).ok_or(hash)
    }

    #[inline]
    fn find_hashed(&self, hash: u32, value: &[u8]) -> Option<u32> {
        let mut at = self.place(hash);
        loop {
            let slot = self.slots[at];
            if slot == Strings::EMPTY {
                return None;
            }
            if (slot >> 32) as u32 == hash && same(self.get(slot as u32), value) {
                return Some(slot as u32);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn insert(&mut self, hash: u32, value: &[u8]) -> u32 {
        let id = self.len() as u32;
        self.bytes.extend_from_slice(value);
        self.offsets.push(self.bytes.len() as u32);
        if self.len() * 8 > self.slots.len() * 5 {
            let old = std::mem::take(&mut self.slots);
            self.slots.resize(old.len() * 2, Strings::EMPTY);
            old.into_iter().filter(|slot| *slot != Strings::EMPTY).for_each(|slot| self.put(slot));
        }
        self.put(u64::from(hash) << 32 | u64::from(id));
        id
    }

    fn put(&mut self, slot: u64) {
        let mut at = self.place((slot >> 32) as u32);
        while self.slots[at] != Strings::EMPTY {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = slot;
    }

    /// The number of `value`, and whether it is new.
    pub fn intern(&mut self, value: &[u8]) -> (u32, bool) {
        match self.find(value) {
            Ok(id) => (id, false),
            Err(hash) => (self.insert(hash, value), true),
        }
    }

    /// Appends the numbers of the waiting values to `keys`.
    ///
    /// Values of which there are many lie all over the memory, and each look-up would wait for it several times over. In loops of
    /// nothing but independent loads the processor waits for all of them at once. That took 15 % off the time of an ingest.
    fn intern_all(&mut self, waiting: &Text, keys: &mut Vec<u32>) {
        let mut hashes = [0u32; MAX_WAITING];
        let mut slots = [0u64; MAX_WAITING];
        let mut ranges = [(0u32, 0u32); MAX_WAITING];
        let count = waiting.ends.len();
        for (i, hash) in hashes[..count].iter_mut().enumerate() {
            *hash = self.hash(waiting.get(i).unwrap_or_default());
        }
        for (slot, &hash) in slots.iter_mut().zip(&hashes[..count]) {
            *slot = self.slots[self.place(hash)];
        }
        let mut touched = 0;
        for ((range, &slot), &hash) in ranges.iter_mut().zip(&slots).zip(&hashes[..count]) {
            if slot != Strings::EMPTY && (slot >> 32) as u32 == hash {
                let id = slot as u32 as usize;
                *range = (self.offsets[id], self.offsets[id + 1]);
                touched ^= self.bytes.get(range.0 as usize).copied().unwrap_or(0);
            }
        }
        std::hint::black_box(touched);
        for i in 0..count {
            let Some(value) = waiting.get(i) else {
                keys.push(NULL_KEY);
                continue;
            };
            let (start, end) = ranges[i];
            keys.push(match &self.bytes[start as usize..end as usize] {
                known if start < end && same(known, value) => slots[i] as u32,
                _ => match self.find_hashed(hashes[i], value) {
                    Some(id) => id,
                    None => self.insert(hashes[i], value),
                },
            });
        }
    }

    fn size_bytes(&self) -> usize {
        self.bytes.len() + self.offsets.len() * 4 + self.slots.len() * 8
    }

    fn clear(&mut self) {
        self.slots.fill(Strings::EMPTY);
        self.offsets.truncate(1);
        self.bytes.clear();
    }
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

/// Strings that repeat: keys into distinct values.
#[derive(Default)]
pub(crate) struct Dict {
    keys: Vec<u32>,
    strings: Strings,
}

impl Dict {
    /// NULL for `-`.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        if value == b"-" { self.keys.push(NULL_KEY) } else { self.push_verbatim(value) }
    }

    /// Also where `-` is a value.
    #[inline]
    pub(crate) fn push_verbatim(&mut self, value: &[u8]) {
        // Rows that follow each other are alike.
        let key = match self.keys.last() {
            Some(&last) if last != NULL_KEY && same(self.strings.get(last), value) => last,
            _ => self.strings.intern(value).0,
        };
        self.keys.push(key);
    }

    #[inline]
    pub(crate) fn push_key(&mut self, key: Option<u32>) {
        self.keys.push(key.unwrap_or(NULL_KEY));
    }

    pub(crate) fn intern(&mut self, value: &[u8]) -> u32 {
        self.strings.intern(value).0
    }

    pub(crate) fn data_type() -> DataType {
        DataType::Utf8
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.strings.clear();
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.keys.len() * 4 + self.strings.size_bytes()
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values::Strings(Keys { rows: &self.keys, of_group: None }, &self.strings)
    }
}

/// Strings of which there are many, though they repeat: clients, agents, connections, URLs. Interned some rows at a time.
#[derive(Default)]
pub(crate) struct Wide {
    keys: Vec<u32>,
    strings: Strings,
    waiting: Text,
}

impl Wide {
    /// NULL for `-`. The column must be settled after [`MAX_WAITING`] values at the latest.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.waiting.push(value);
    }

    #[inline]
    pub(crate) fn must_settle(&self) -> bool {
        self.waiting.ends.len() == MAX_WAITING
    }

    /// Interns what waits. Returns the numbers of the values that are new.
    pub(crate) fn settle(&mut self) -> Range<u32> {
        let before = self.strings.len() as u32;
        self.strings.intern_all(&self.waiting, &mut self.keys);
        self.waiting.clear();
        before..self.strings.len() as u32
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        self.strings.get(id)
    }

    pub(crate) fn data_type() -> DataType {
        DataType::Utf8
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.strings.clear();
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.keys.len() * 4 + self.strings.size_bytes()
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values::Strings(Keys { rows: &self.keys, of_group: None }, &self.strings)
    }
}

/// Adds what makes a column's strings alike: a number for each distinct string.
pub(crate) fn alike<'a>(values: Values<'a>, of_string: &'a [u32]) -> Values<'a> {
    match values {
        Values::Strings(keys, strings) => Values::AlikeStrings(keys, strings, of_string),
        other => other,
    }
}

/// What has keys that columns are made of.
pub(crate) trait Keyed {
    fn keys(&self) -> &[u32];
}

impl Keyed for Wide {
    fn keys(&self) -> &[u32] {
        &self.keys
    }
}

impl Keyed for Group {
    fn keys(&self) -> &[u32] {
        &self.keys
    }
}

/// Neighbouring fields of a line that vary together, as they are written: one comparison or lookup a row for all of them, and the
/// columns made of them ([`Part`], [`IntPart`]) hold something per distinct group only.
///
/// Half of a line's fields are the same in nearly all lines.
#[derive(Default)]
pub(crate) struct Group {
    keys: Vec<u32>,
    spans: Strings,
}

impl Group {
    /// The number of `span`; of a new one the hash to insert it with.
    #[inline]
    pub(crate) fn find(&self, span: &[u8]) -> Result<u32, u32> {
        match self.keys.last() {
            Some(&last) if last != NULL_KEY && self.spans.get(last) == span => Ok(last),
            _ => self.spans.find(span),
        }
    }

    /// Every part has to be told what it is in the new span.
    pub(crate) fn insert(&mut self, hash: u32, span: &[u8]) -> u32 {
        self.spans.insert(hash, span)
    }

    #[inline]
    pub(crate) fn push(&mut self, key: u32) {
        self.keys.push(key);
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.spans.clear();
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.keys.len() * 4 + self.spans.size_bytes()
    }
}

/// A column of strings that is part of a group.
#[derive(Default)]
pub(crate) struct Part {
    /// By the group's key.
    of_group: Vec<u32>,
    strings: Strings,
}

impl Part {
    /// What the column is in the newest group; NULL for `-`.
    pub(crate) fn add(&mut self, value: &[u8]) {
        let key = if value == b"-" { NULL_KEY } else { self.strings.intern(value).0 };
        self.of_group.push(key);
    }

    /// Also where `-` is a value.
    pub(crate) fn add_verbatim(&mut self, value: &[u8]) {
        let key = self.strings.intern(value).0;
        self.of_group.push(key);
    }

    pub(crate) fn add_key(&mut self, key: u32) {
        self.of_group.push(key);
    }

    pub(crate) fn of_group(&self) -> &[u32] {
        &self.of_group
    }

    /// What the column is in the newest groups, at most [`MAX_WAITING`]. Returns the keys of them all, and the numbers of the
    /// values that are new.
    pub(crate) fn add_all(&mut self, values: &Text) -> (&[u32], Range<u32>) {
        let (groups, before) = (self.of_group.len(), self.strings.len() as u32);
        self.strings.intern_all(values, &mut self.of_group);
        (&self.of_group[groups..], before..self.strings.len() as u32)
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        self.strings.get(id)
    }

    pub(crate) fn strings(&mut self) -> &mut Strings {
        &mut self.strings
    }

    pub(crate) fn data_type() -> DataType {
        DataType::Utf8
    }

    /// The group's keys are truncated.
    pub(crate) fn truncate(&mut self, _: usize) {}

    pub(crate) fn clear(&mut self) {
        self.of_group.clear();
        self.strings.clear();
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.of_group.len() * 4 + self.strings.size_bytes()
    }

    pub(crate) fn values<'a>(&'a self, group: &'a impl Keyed) -> Values<'a> {
        Values::Strings(Keys { rows: group.keys(), of_group: Some(&self.of_group) }, &self.strings)
    }
}

/// A column of integers that is part of a group.
#[derive(Default)]
pub(crate) struct IntPart {
    of_group: Vec<u32>,
    distinct: Vec<i32>,
}

impl IntPart {
    pub(crate) fn add(&mut self, value: Option<i32>) {
        let key = value.map_or(NULL_KEY, |value| {
            let known = self.distinct.iter().position(|v| *v == value);
            known.unwrap_or_else(|| {
                self.distinct.push(value);
                self.distinct.len() - 1
            }) as u32
        });
        self.of_group.push(key);
    }

    pub(crate) fn data_type() -> DataType {
        DataType::Int32
    }

    pub(crate) fn truncate(&mut self, _: usize) {}

    pub(crate) fn clear(&mut self) {
        self.of_group.clear();
        self.distinct.clear();
    }

    pub(crate) fn size_bytes(&self) -> usize {
        (self.of_group.len() + self.distinct.len()) * 4
    }

    pub(crate) fn values<'a>(&'a self, group: &'a impl Keyed) -> Values<'a> {
        Values::Ints(Keys { rows: group.keys(), of_group: Some(&self.of_group) }, &self.distinct)
    }
}

/// Strings that hardly ever repeat (trace ids): bytes one after the other.
#[derive(Default)]
pub struct Text {
    /// Where each row's bytes end; with [`Text::NULL`] if it has none.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Text {
    const NULL: u32 = 1 << 31;

    /// `None` for NULL.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] & !Text::NULL };
        let end = self.ends[row];
        (end & Text::NULL == 0).then(|| &self.bytes[start as usize..end as usize])
    }

    /// NULL for `-`.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        let null = value == b"-";
        if !null {
            self.bytes.extend_from_slice(value);
        }
        self.ends.push(self.bytes.len() as u32 | if null { Text::NULL } else { 0 });
    }

    pub(crate) fn data_type() -> DataType {
        DataType::Utf8
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.bytes.truncate(self.ends.last().map_or(0, |&end| (end & !Text::NULL) as usize));
    }

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values::Text(self)
    }
}
