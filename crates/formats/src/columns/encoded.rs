//! Strings that a log has percent-encoded, as logged and as the client sent them.

use arrow::datatypes::DataType;

use super::{Column, Keyed, Part, Values, Wide};
use crate::percent;

/// A column of strings as logged; [`Decoded`] is a column `in` it. Decoded once per distinct string.
#[derive(Default)]
pub(crate) struct Encoded {
    logged: Wide,
    decoded: Part,
}

impl Encoded {
    /// NULL for `-`.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.logged.push(value);
    }

    pub(crate) fn values(&self) -> Values<'_> {
        self.logged.values()
    }
}

impl Keyed for Encoded {
    fn keys(&self) -> &[u32] {
        self.logged.keys()
    }

    fn all_used(&self) -> bool {
        self.logged.all_used()
    }
}

impl Column for Encoded {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn truncate(&mut self, rows: usize) {
        self.logged.truncate(rows);
    }

    fn clear(&mut self) {
        self.logged.clear();
        self.decoded.clear();
    }

    fn size_bytes(&self) -> usize {
        self.logged.size_bytes() + self.decoded.size_bytes()
    }

    fn settle(&mut self) {
        for id in self.logged.intern_waiting() {
            // Lines reach this point as UTF-8.
            let logged = std::str::from_utf8(self.logged.get(id)).unwrap_or_default();
            self.decoded.add_verbatim(percent::decode(logged).as_bytes());
        }
    }
}

/// The strings of an [`Encoded`] with their percent-encoding taken off once.
#[derive(Default)]
pub(crate) struct Decoded;

impl Decoded {
    pub(crate) fn values<'a>(&self, encoded: &'a Encoded) -> Values<'a> {
        encoded.decoded.values(encoded)
    }
}

/// What it is made of holds it.
impl Column for Decoded {
    fn data_type() -> DataType {
        DataType::Utf8
    }
    fn truncate(&mut self, _: usize) {}
    fn clear(&mut self) {}
    fn size_bytes(&self) -> usize {
        0
    }
}
