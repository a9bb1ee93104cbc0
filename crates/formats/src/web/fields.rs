//! The values of one line, by the number that a format gives to what they mean.

use super::json;
use super::pattern::{ABSENT, Range};

/// Values stand in the line, or in text made from it (what was escaped, or put together). Used again for each line.
pub(crate) struct Fields<const N: usize> {
    /// Those from the line's end on are in `made`, as if it stood behind the line.
    ranges: [Range; N],
    made: Vec<u8>,
    /// What has no number: as written, or members of a JSON object.
    extra: Vec<u8>,
}

impl<const N: usize> Fields<N> {
    pub(crate) fn new() -> Fields<N> {
        Fields { ranges: [ABSENT; N], made: Vec::new(), extra: Vec::new() }
    }

    /// Forgets the line before.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.ranges = [ABSENT; N];
        self.made.clear();
        self.extra.clear();
    }

    /// The first value for a number stays.
    #[inline]
    pub(crate) fn set(&mut self, i: usize, range: Range) {
        if self.ranges[i] == ABSENT {
            self.ranges[i] = range;
        }
    }

    /// A value that does not stand in the line like this.
    pub(crate) fn set_made(&mut self, line: &[u8], i: usize, make: impl FnOnce(&mut Vec<u8>)) {
        let from = line.len() + self.made.len();
        make(&mut self.made);
        self.set(i, (from as u32, (line.len() + self.made.len()) as u32));
    }

    /// `None` where the line has no such field.
    #[inline]
    pub(crate) fn find<'a>(&'a self, line: &'a [u8], i: usize) -> Option<&'a [u8]> {
        let (from, to) = (self.ranges[i].0 as usize, self.ranges[i].1 as usize);
        match line.get(from..to) {
            Some(value) => Some(value),
            None => self.made.get(from.checked_sub(line.len())?..to - line.len()),
        }
    }

    /// `-` where the field is empty or the line has none.
    #[inline]
    pub(crate) fn get<'a>(&'a self, line: &'a [u8], i: usize) -> &'a [u8] {
        match self.find(line, i) {
            None | Some(b"") => b"-",
            Some(value) => value,
        }
    }

    pub(crate) fn has(&self, i: usize) -> bool {
        self.ranges[i] != ABSENT
    }

    /// Keeps what stands behind the known fields, as written.
    pub(crate) fn add_surplus(&mut self, surplus: &[u8]) {
        let surplus = surplus.trim_ascii();
        if !surplus.is_empty() {
            if !self.extra.is_empty() {
                self.extra.push(b' ');
            }
            self.extra.extend_from_slice(surplus);
        }
    }

    /// Keeps a field that has a name but no column. `value` is plain text.
    pub(crate) fn add_named(&mut self, name: &str, value: &[u8]) {
        self.begin_member();
        json::write_string(&mut self.extra, name.as_bytes());
        self.extra.push(b':');
        json::write_string(&mut self.extra, value);
    }

    /// Keeps a member of a JSON object, name and value as they are written there.
    pub(crate) fn add_member(&mut self, name: &[u8], value: &[u8]) {
        self.begin_member();
        self.extra.extend_from_slice(name);
        self.extra.push(b':');
        self.extra.extend_from_slice(value);
    }

    fn begin_member(&mut self) {
        self.extra.push(if self.extra.is_empty() { b'{' } else { b',' });
    }

    pub(crate) fn end_members(&mut self) {
        if !self.extra.is_empty() {
            self.extra.push(b'}');
        }
    }

    /// `-` where nothing is left over.
    pub(crate) fn extra(&self) -> &[u8] {
        if self.extra.is_empty() { b"-" } else { &self.extra }
    }
}
