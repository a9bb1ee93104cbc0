//! Numbering the distinct values of a column in the order of their first appearance.

use albatross_formats::{Keys, NULL_KEY};

use super::Present;

const NEW: u32 = u32::MAX;

#[derive(Default)]
pub(super) struct Numbers {
    /// By key: the number of the value.
    by_key: Vec<u32>,
    /// The keys of the values, by number.
    keys: Vec<u32>,
    table: Table,
}

impl Numbers {
    /// Numbers values that have keys already: `ids` gets the number of each that is not NULL.
    pub(super) fn of_keys(
        &mut self,
        keys: Keys<'_>,
        values: usize,
        order: &[u32],
        ids: &mut Vec<u32>,
        present: &mut Present,
    ) {
        self.keys.clear();
        ids.clear();
        present.clear();
        // Half of the columns are the same in all rows, or for rare cases only.
        match constant(keys) {
            Some(NULL_KEY) => present.of(order.iter().map(|_| false)),
            Some(key) => {
                self.keys.push(key);
                ids.resize(order.len(), 0);
            }
            // Of a whole batch the keys are numbers already.
            None if keys.all_used && order.len() == keys.rows.len() => {
                self.keys.extend(0..values as u32);
                match keys.of_group {
                    None => ids.extend(order.iter().map(|&row| keys.rows[row as usize])),
                    Some(_) => ids.extend(order.iter().map(|&row| keys.get(row as usize))),
                }
                leave_out(NULL_KEY, ids, present);
            }
            None => match keys.of_group {
                None => self.number(values, order, |row| keys.rows[row as usize], ids, present),
                Some(_) => self.number(values, order, |row| keys.get(row as usize), ids, present),
            },
        }
    }

    /// The keys of the values that [`Numbers::of_keys`] found, by number.
    pub(super) fn keys(&self) -> &[u32] {
        &self.keys
    }

    /// Numbers the values anew, those first whose number in `alike` (by key) is lower.
    pub(super) fn regroup(&mut self, alike: &[u32], ids: &mut [u32]) {
        // NULL comes first.
        let group = |key: u32| alike[key as usize].wrapping_add(1) as usize;
        let mut next = vec![0u32; self.keys.iter().map(|&key| group(key) + 1).max().unwrap_or(0)];
        self.keys.iter().for_each(|&key| next[group(key)] += 1);
        let mut sum = 0;
        for start in &mut next {
            sum += std::mem::replace(start, sum);
        }
        self.by_key.clear();
        let mut keys = vec![0; self.keys.len()];
        for &key in &self.keys {
            let number = &mut next[group(key)];
            keys[*number as usize] = key;
            self.by_key.push(*number);
            *number += 1;
        }
        self.keys = keys;
        ids.iter_mut().for_each(|id| *id = self.by_key[*id as usize]);
    }

    fn number(
        &mut self,
        values: usize,
        order: &[u32],
        key: impl Fn(u32) -> u32,
        ids: &mut Vec<u32>,
        present: &mut Present,
    ) {
        // NULL has a place of its own behind the values, and so no branch.
        const NULL: u32 = NEW - 1;
        self.by_key.clear();
        self.by_key.resize(values, NEW);
        self.by_key.push(NULL);
        ids.extend(order.iter().map(|&row| {
            let key = key(row);
            let number = &mut self.by_key[(key as usize).min(values)];
            if *number == NEW {
                *number = self.keys.len() as u32;
                self.keys.push(key);
            }
            *number
        }));
        leave_out(NULL, ids, present);
    }

    /// Numbers plain values. `false` if there are more than `limit`.
    pub(super) fn of_values(&mut self, values: &[u64], limit: usize, ids: &mut Vec<u32>) -> bool {
        self.table.clear();
        ids.clear();
        ids.reserve(values.len());
        let mut last = None;
        for &value in values {
            let number = match last {
                Some((known, number)) if known == value => number,
                _ => self.table.number(value),
            };
            last = Some((value, number));
            ids.push(number);
            if number as usize >= limit {
                return false;
            }
        }
        true
    }

    /// The values that [`Numbers::of_values`] found.
    pub(super) fn distinct(&self) -> &[u64] {
        &self.table.values
    }
}

fn leave_out(null: u32, ids: &mut Vec<u32>, present: &mut Present) {
    if ids.contains(&null) {
        present.of(ids.iter().map(|id| *id != null));
        ids.retain(|id| *id != null);
    }
}

/// The key of all rows, where it is the same.
fn constant(keys: Keys<'_>) -> Option<u32> {
    let all_are = |keys: &[u32], value: u32| keys.iter().fold(0, |differing, key| differing | (key ^ value)) == 0;
    match keys.of_group {
        None => keys.rows.first().copied().filter(|&first| all_are(keys.rows, first)),
        Some(of_group) => {
            let first = of_group.first().copied().unwrap_or(NULL_KEY);
            (all_are(of_group, first) && (first == NULL_KEY || !keys.rows.contains(&NULL_KEY))).then_some(first)
        }
    }
}

/// 64-bit values to numbers, by open addressing: general tables hash better than these values need.
#[derive(Default)]
struct Table {
    /// Numbers; [`NEW`] where nothing is. A power of two, at least twice the values.
    slots: Vec<u32>,
    values: Vec<u64>,
}

impl Table {
    fn clear(&mut self) {
        self.values.clear();
        self.slots.clear();
        self.slots.resize(1024, NEW);
    }

    #[inline]
    fn number(&mut self, value: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = place(value) & mask;
        loop {
            match self.slots[at] {
                NEW => break,
                number if self.values[number as usize] == value => return number,
                _ => at = (at + 1) & mask,
            }
        }
        let number = self.values.len() as u32;
        self.slots[at] = number;
        self.values.push(value);
        if self.values.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 4;
        self.slots.clear();
        self.slots.resize(size, NEW);
        for (number, &value) in self.values.iter().enumerate() {
            let mut at = place(value) & (size - 1);
            while self.slots[at] != NEW {
                at = (at + 1) & (size - 1);
            }
            self.slots[at] = number as u32;
        }
    }
}

/// All bits of the value have a part in the lower bits of its place.
#[inline]
fn place(value: u64) -> usize {
    let mixed = u128::from(value ^ 0x9E37_79B9_7F4A_7C15) * 0xA076_1D64_78BD_642F;
    (mixed as u64 ^ (mixed >> 64) as u64) as usize
}
