//! The values of one line, by the number that a format gives to what they mean.

use super::json;
use super::pattern::{ABSENT, Range};
use crate::reject::Other;
use crate::value;

/// A kind of value that a format has: one of a fixed set, numbered from 0.
pub(crate) trait Named: Copy {
    fn number(self) -> usize;
    /// For messages.
    fn name(self) -> &'static str;
}

/// Declares such a set: variant, name, and the shape that a value has where it stands without quotes.
macro_rules! named {
    ($(#[$doc:meta])* $enum:ident: $($variant:ident = $name:literal, $shape:expr;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $enum { $($variant,)* }

        impl $enum {
            pub(super) const COUNT: usize = [$($name),*].len();
            const ALL: [(&'static str, $enum); $enum::COUNT] = [$(($name, $enum::$variant)),*];

            pub(super) fn named(name: &str) -> Option<$enum> {
                $enum::ALL.iter().find(|(known, _)| *known == name).map(|(_, found)| *found)
            }

            pub(super) fn shape(self) -> $crate::web::pattern::Shape {
                use $crate::web::pattern::Shape::*;
                match self { $($enum::$variant => $shape,)* }
            }
        }

        impl $crate::web::fields::Named for $enum {
            fn number(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                $enum::ALL[self as usize].0
            }
        }
    };
}
pub(crate) use named;

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
    #[inline(always)]
    pub(crate) fn set(&mut self, field: impl Named, range: Range) {
        let i = field.number();
        if self.ranges[i] == ABSENT {
            self.ranges[i] = range;
        }
    }

    /// A value that does not stand in the line like this.
    pub(crate) fn set_made(&mut self, line: &[u8], field: impl Named, make: impl FnOnce(&mut Vec<u8>)) {
        let from = line.len() + self.made.len();
        make(&mut self.made);
        self.set(field, (from as u32, (line.len() + self.made.len()) as u32));
    }

    /// `None` where the line has no such field.
    #[inline(always)]
    fn find<'a>(&'a self, line: &'a [u8], field: impl Named) -> Option<&'a [u8]> {
        let range = self.ranges[field.number()];
        if range == ABSENT {
            return None;
        }
        let (from, to) = (range.0 as usize, range.1 as usize);
        match line.get(from..to) {
            Some(value) => Some(value),
            None => self.made.get(from - line.len()..to - line.len()),
        }
    }

    /// `-` where the field is empty or the line has none.
    #[inline(always)]
    pub(crate) fn get<'a>(&'a self, line: &'a [u8], field: impl Named) -> &'a [u8] {
        match self.find(line, field) {
            None | Some(b"") => b"-",
            Some(value) => value,
        }
    }

    /// Whether the line has such a field, be it empty.
    pub(crate) fn has(&self, field: impl Named) -> bool {
        self.ranges[field.number()] != ABSENT
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

/// A line's values with the line they stand in.
pub(crate) struct Reading<'a, const N: usize> {
    pub(crate) line: &'a [u8],
    pub(crate) values: &'a Fields<N>,
}

impl<'a, const N: usize> Reading<'a, N> {
    /// `-` where the field is empty or the line has none.
    #[inline(always)]
    pub(crate) fn get(&self, field: impl Named) -> &'a [u8] {
        self.values.get(self.line, field)
    }

    #[inline(always)]
    pub(crate) fn integer(&self, field: impl Named) -> Result<Option<i64>, Other> {
        match self.get(field) {
            b"-" => Ok(None),
            text => value::integer(text).map(Some).ok_or_else(|| self.bad(field, "bad_number", "not an integer")),
        }
    }

    #[inline(always)]
    pub(crate) fn small(&self, field: impl Named) -> Result<Option<i32>, Other> {
        match self.integer(field)? {
            None => Ok(None),
            Some(n) => i32::try_from(n).map(Some).map_err(|_| self.bad(field, "bad_number", "too large")),
        }
    }

    #[inline(always)]
    pub(crate) fn decimal(&self, field: impl Named) -> Result<Option<f64>, Other> {
        match self.get(field) {
            b"-" => Ok(None),
            text => value::decimal(text).map(Some).ok_or_else(|| self.bad(field, "bad_number", "not a number")),
        }
    }

    #[cold]
    pub(crate) fn bad(&self, field: impl Named, reason: &'static str, problem: &str) -> Other {
        let text = self.get(field);
        let at = (text.as_ptr() as usize).wrapping_sub(self.line.as_ptr() as usize);
        let place = if at < self.line.len() { format!(", at byte {at} of the line") } else { String::new() };
        let shown = String::from_utf8_lossy(&text[..text.len().min(64)]);
        Other::reject(reason, format!("{} is {shown:?}: {problem}{place}", field.name()))
    }
}
