//! The builders of single columns.

use std::marker::PhantomData;
use std::ops::Range;

use arrow::datatypes::{DataType, TimeUnit};

use super::strings::same;
use super::{Column, Keyed, Keys, NULL_INT, NULL_KEY, NULL_LONG, Strings, Text, Values};

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
            pub(crate) fn values(&self) -> Values<'_> {
                $values(&self.0)
            }
        }

        impl Column for $name {
            fn data_type() -> DataType {
                $data_type
            }
            fn truncate(&mut self, rows: usize) {
                self.0.truncate(rows);
            }
            fn clear(&mut self) {
                self.0.clear();
            }
            fn size_bytes(&self) -> usize {
                self.0.len() * size_of::<$native>()
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
/// Strings that repeat: keys into distinct values.
#[derive(Default)]
pub(crate) struct Dict {
    keys: Vec<u32>,
    strings: Strings,
    /// There may be strings that no row has.
    has_unused: bool,
}

impl Dict {
    /// NULL for `-`.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: &[u8]) {
        if value == b"-" { self.keys.push(NULL_KEY) } else { self.push_verbatim(value) }
    }

    /// Also where `-` is a value.
    #[inline(always)]
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

    /// What stands behind a line's known fields; NULL for nothing.
    #[inline(always)]
    pub(crate) fn push_surplus(&mut self, surplus: &[u8]) {
        if surplus.is_empty() { self.keys.push(NULL_KEY) } else { self.push_verbatim(surplus) }
    }

    /// For [`Dict::push_key`].
    pub(crate) fn intern(&mut self, value: &[u8]) -> u32 {
        self.has_unused = true;
        self.strings.intern(value).0
    }

    /// Takes back all rows, and all strings but one. Returns its key.
    pub(crate) fn clear_but(&mut self, key: u32) -> u32 {
        let kept = ((key as usize) < self.strings.len()).then(|| self.strings.get(key).to_vec());
        self.clear();
        kept.map_or(0, |kept| self.intern(&kept))
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values::Strings(Keys { rows: &self.keys, of_group: None, all_used: !self.has_unused }, &self.strings)
    }
}

impl Column for Dict {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
        self.has_unused = true;
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.strings.clear();
        self.has_unused = false;
    }

    fn size_bytes(&self) -> usize {
        self.keys.len() * 4 + self.strings.size_bytes()
    }
}

/// What has a fixed set of names, numbered from 0.
pub(crate) trait Names: Copy {
    const NAMES: &'static [&'static str];
    fn number(self) -> u32;
}

/// A column of such names.
pub(crate) struct Enum<E> {
    keys: Vec<u32>,
    /// All of them, so that keys are the enum's own numbers.
    strings: Strings,
    names: PhantomData<E>,
}

impl<E: Names> Default for Enum<E> {
    fn default() -> Enum<E> {
        let mut strings = Strings::default();
        for name in E::NAMES {
            strings.intern(name.as_bytes());
        }
        Enum { keys: Vec::new(), strings, names: PhantomData }
    }
}

impl<E: Names> Enum<E> {
    #[inline]
    pub(crate) fn push(&mut self, value: Option<E>) {
        self.keys.push(value.map_or(NULL_KEY, E::number));
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values::Strings(Keys { rows: &self.keys, of_group: None, all_used: false }, &self.strings)
    }
}

impl<E: Names> Column for Enum<E> {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.keys.truncate(rows);
    }

    fn clear(&mut self) {
        self.keys.clear();
    }

    fn size_bytes(&self) -> usize {
        self.keys.len() * 4
    }
}

/// Strings of which there are many, though they repeat: clients, agents, connections, URLs. Interned some rows at a time.
#[derive(Default)]
pub(crate) struct Wide {
    dict: Dict,
    waiting: Text,
}

impl Wide {
    /// NULL for `-`.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.waiting.push(value);
    }

    /// As `settle`; returns the numbers of the values that are new.
    pub(crate) fn intern_waiting(&mut self) -> Range<u32> {
        let strings = &mut self.dict.strings;
        let before = strings.len() as u32;
        strings.intern_all(&self.waiting, &mut self.dict.keys);
        self.waiting.clear();
        before..strings.len() as u32
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        self.dict.strings.get(id)
    }

    pub(crate) fn values(&self) -> Values<'_> {
        self.dict.values()
    }
}

impl Keyed for Wide {
    fn keys(&self) -> &[u32] {
        &self.dict.keys
    }

    fn all_used(&self) -> bool {
        !self.dict.has_unused
    }
}

impl Column for Wide {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.dict.truncate(rows);
        self.waiting.clear();
    }

    fn clear(&mut self) {
        self.dict.clear();
        self.waiting.clear();
    }

    fn size_bytes(&self) -> usize {
        self.dict.size_bytes()
    }

    fn settle(&mut self) {
        self.intern_waiting();
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
    /// There may be spans that no row has.
    has_unused: bool,
}

impl Group {
    /// The number of `span`; of a new one the hash to insert it with.
    #[inline(always)]
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
        self.has_unused = true;
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.spans.clear();
        self.has_unused = false;
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.keys.len() * 4 + self.spans.size_bytes()
    }
}

impl Keyed for Group {
    fn keys(&self) -> &[u32] {
        &self.keys
    }

    fn all_used(&self) -> bool {
        !self.has_unused
    }
}

fn of<'a>(group: &'a impl Keyed, of_group: &'a [u32]) -> Keys<'a> {
    Keys { rows: group.keys(), of_group: Some(of_group), all_used: group.all_used() }
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

    pub(crate) fn values<'a>(&'a self, group: &'a impl Keyed) -> Values<'a> {
        Values::Strings(of(group, &self.of_group), &self.strings)
    }
}

impl Column for Part {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    /// The group's keys are truncated.
    fn truncate(&mut self, _: usize) {}

    fn clear(&mut self) {
        self.of_group.clear();
        self.strings.clear();
    }

    fn size_bytes(&self) -> usize {
        self.of_group.len() * 4 + self.strings.size_bytes()
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

    pub(crate) fn values<'a>(&'a self, group: &'a impl Keyed) -> Values<'a> {
        Values::Ints(of(group, &self.of_group), &self.distinct)
    }
}

impl Column for IntPart {
    fn data_type() -> DataType {
        DataType::Int32
    }

    fn truncate(&mut self, _: usize) {}

    fn clear(&mut self) {
        self.of_group.clear();
        self.distinct.clear();
    }

    fn size_bytes(&self) -> usize {
        (self.of_group.len() + self.distinct.len()) * 4
    }
}
