//! Byte strings: distinct ones, numbered, and plain ones in a row.

use std::hash::{BuildHasher, Hasher};

use arrow::datatypes::DataType;

use super::{Column, MAX_WAITING, NULL_KEY, Values};

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
        // With room from the beginning an empty string, too, has a place: see `Fields::span`.
        Strings { slots, hasher: Default::default(), offsets: vec![0], bytes: Vec::with_capacity(64) }
    }
}

impl Strings {
    const EMPTY: u64 = u64::MAX;

    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    #[inline(always)]
    pub fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        &self.bytes[self.offsets[id] as usize..self.offsets[id + 1] as usize]
    }

    /// The seed is random: whoever writes the log must not choose what collides.
    #[inline(always)]
    fn hash(&self, value: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(value);
        (hasher.finish() >> 32) as u32
    }

    /// Where a string of this hash is looked for first.
    #[inline(always)]
    fn place(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    /// The number of `value`; of a new value the hash to insert it with.
    #[inline(always)]
    pub(super) fn find(&self, value: &[u8]) -> Result<u32, u32> {
        let hash = self.hash(value);
        self.find_hashed(hash, value).ok_or(hash)
    }

    #[inline(always)]
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

    pub(super) fn insert(&mut self, hash: u32, value: &[u8]) -> u32 {
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
    #[inline(never)]
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
    pub(super) fn intern_all(&mut self, waiting: &Text, keys: &mut Vec<u32>) {
        let mut hashes = [0u32; MAX_WAITING];
        let mut slots = [0u64; MAX_WAITING];
        let mut ranges = [(0u32, 0u32); MAX_WAITING];
        let count = waiting.len();
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

    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len() + self.offsets.len() * 4 + self.slots.len() * 8
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(Strings::EMPTY);
        self.offsets.truncate(1);
        self.bytes.clear();
    }
}

/// `a == b` without the call that comparing slices is: most values of a log are short.
#[inline(always)]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // The ends first: that is where the values of a column differ.
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(x), Some(y)) => x == y && a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).all(|(x, y)| x == y),
        _ => a.iter().zip(b).all(|(x, y)| x == y),
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

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn has_nulls(&self) -> bool {
        self.ends.iter().any(|end| end & Text::NULL != 0)
    }

    /// NULL for `-`.
    #[inline(always)]
    pub fn push(&mut self, value: &[u8]) {
        self.push_value((value != b"-").then_some(value));
    }

    /// Also where `-` is a value.
    #[inline(always)]
    pub(crate) fn push_value(&mut self, value: Option<&[u8]>) {
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.ends.push(self.bytes.len() as u32 | if value.is_none() { Text::NULL } else { 0 });
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values::Text(self)
    }
}

impl Column for Text {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.bytes.truncate(self.ends.last().map_or(0, |&end| (end & !Text::NULL) as usize));
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    fn size_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }
}
