//! Fields of a line as what they are, or why they are not.

use crate::fields::Fields;
use crate::reject::Other;
use crate::value::{self, Clock};

/// The fields of a line with their names. NULL is `-`, nothing, or no such field.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'l, 'a, const N: usize> {
    line: &'l Fields<'a, N>,
    names: &'static [&'static str; N],
}

impl<'l, 'a, const N: usize> Typed<'l, 'a, N> {
    pub(crate) fn new(line: &'l Fields<'a, N>, names: &'static [&'static str; N]) -> Typed<'l, 'a, N> {
        Typed { line, names }
    }

    /// Microseconds since the epoch.
    #[inline(always)]
    pub(crate) fn timestamp(self, i: usize, clock: &mut Clock) -> Result<Option<i64>, Other> {
        match self.line.get(i) {
            b"-" | b"" => Ok(None),
            field => clock
                .timestamp(field)
                .map(Some)
                .ok_or_else(|| self.bad(i, "bad_timestamp", "not an ISO 8601 time in UTC")),
        }
    }

    /// Microseconds since the epoch, also of a time in UTC that does not say so.
    pub(crate) fn timestamp_utc(self, i: usize) -> Result<Option<i64>, Other> {
        match self.line.get(i) {
            b"-" | b"" => Ok(None),
            field => value::timestamp_utc(field)
                .map(Some)
                .ok_or_else(|| self.bad(i, "bad_timestamp", "not an ISO 8601 time in UTC")),
        }
    }

    /// -1 is NULL, 0.000 is 0.
    #[inline(always)]
    pub(crate) fn seconds(self, i: usize) -> Result<Option<f64>, Other> {
        match self.line.get(i) {
            b"-" | b"-1" | b"" => Ok(None),
            field => match value::decimal(field) {
                Some(value) => Ok((value >= 0.0).then_some(value)),
                None => Err(self.bad(i, "bad_number", "not a number of seconds")),
            },
        }
    }

    #[inline(always)]
    pub(crate) fn long(self, i: usize) -> Result<Option<i64>, Other> {
        match self.line.get(i) {
            b"-" | b"" => Ok(None),
            field => value::integer(field).map(Some).ok_or_else(|| self.bad(i, "bad_number", "not an integer")),
        }
    }

    /// Statuses, ports and the like have few digits; what does not fit 32 bits cannot be one.
    #[inline(always)]
    pub(crate) fn int(self, i: usize) -> Result<Option<i32>, Other> {
        Ok(self.long(i)?.map(|value| i32::try_from(value).unwrap_or(i32::MAX)))
    }

    /// Address (`-` for none) and port.
    #[inline(always)]
    pub(crate) fn address(self, i: usize) -> Result<(&'a [u8], Option<i32>), Other> {
        match self.line.get(i) {
            b"-" | b"" => Ok((b"-", None)),
            field => match value::address(field) {
                Some((ip, port)) => Ok((ip, port.map(i32::from))),
                None => Err(self.bad(i, "bad_address", "not an address and port")),
            },
        }
    }

    /// Why the line is rejected: field `i`.
    #[cold]
    pub(crate) fn bad(self, i: usize, reason: &'static str, problem: &str) -> Other {
        let field = self.line.get(i);
        let place = self.line.place(i).map(|at| format!(", at byte {at} of the line")).unwrap_or_default();
        let shown = String::from_utf8_lossy(&field[..field.len().min(64)]);
        Other::reject(reason, format!("field {} ({}) is {shown:?}: {problem}{place}", i + 1, self.names[i]))
    }
}
