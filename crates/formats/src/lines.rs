//! Framing: bytes in any pieces become lines, each with its number and byte offset.

use memchr::memchr;

use crate::reject::RAW_BYTES;

/// A line longer than this is not parsed: it is reported with its first bytes, and memory stays bounded whatever the input is.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// One line, without its line end (`\n` or `\r\n`).
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    /// From 1.
    pub(crate) number: u64,
    /// Offset of the first byte in the stream, from 0.
    pub(crate) offset: u64,
    /// Over [`MAX_LINE_BYTES`]; `bytes` then holds its beginning only.
    pub(crate) too_long: bool,
}

/// Where the first line of `text` ends, if it does.
#[inline]
pub(crate) fn line_end(text: &[u8]) -> Option<usize> {
    memchr(b'\n', text)
}

/// Splits a stream into lines. The result does not depend on how the stream is cut into pieces.
pub(crate) struct Lines {
    /// The beginning of a line whose end has not been seen.
    carry: Vec<u8>,
    /// Full length of the carried line; more than `carry` holds once the line is too long.
    carry_len: u64,
    number: u64,
    offset: u64,
}

impl Lines {
    /// Begins at line `number` (from 1), byte `offset` of the source.
    pub(crate) fn starting_at(number: u64, offset: u64) -> Lines {
        Lines { carry: Vec::new(), carry_len: 0, number, offset }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Line<'_>)) {
        self.push_by(bytes, &mut (), |(), text| line_end(text), |(), line| sink(line));
    }

    /// As `push`; `find` says where the first line of a text ends, of which it may keep something in `state` for `sink`, which is given that
    /// line next.
    #[inline]
    pub(crate) fn push_by<S>(
        &mut self,
        mut bytes: &[u8],
        state: &mut S,
        find: impl Fn(&mut S, &[u8]) -> Option<usize>,
        mut sink: impl FnMut(&mut S, Line<'_>),
    ) {
        if self.carry_len > 0 {
            let Some(end) = line_end(bytes) else { return self.keep(bytes) };
            self.keep(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let carry = std::mem::take(&mut self.carry);
            let length = std::mem::take(&mut self.carry_len);
            self.emit(&carry, length, 1, |line| sink(state, line));
            self.carry = carry;
            self.carry.clear();
        }
        while let Some(end) = find(state, bytes) {
            self.emit(&bytes[..end], end as u64, 1, |line| sink(state, line));
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Number and offset of the line that is being read, and how much of it was.
    pub(crate) fn position(&self) -> (u64, u64, u64) {
        (self.number, self.offset, self.carry_len)
    }

    /// Ends the stream: a last line without a line end is a line too.
    pub(crate) fn finish(&mut self, sink: impl FnMut(Line<'_>)) {
        if self.carry_len > 0 {
            let carry = std::mem::take(&mut self.carry);
            let length = std::mem::take(&mut self.carry_len);
            self.emit(&carry, length, 0, sink);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.carry_len += bytes.len() as u64;
        if self.carry_len <= MAX_LINE_BYTES as u64 {
            self.carry.extend_from_slice(bytes);
        } else {
            let room = (RAW_BYTES + 1).saturating_sub(self.carry.len());
            self.carry.extend_from_slice(&bytes[..bytes.len().min(room)]);
            self.carry.truncate(RAW_BYTES + 1);
        }
    }

    fn emit(&mut self, line: &[u8], length: u64, line_end: u64, sink: impl FnOnce(Line<'_>)) {
        let mut bytes = line;
        if self.offset == 0 {
            bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        }
        let too_long = length > MAX_LINE_BYTES as u64;
        bytes =
            if too_long { &bytes[..bytes.len().min(RAW_BYTES)] } else { bytes.strip_suffix(b"\r").unwrap_or(bytes) };
        sink(Line { bytes, number: self.number, offset: self.offset, too_long });
        self.number += 1;
        self.offset += length + line_end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<(Vec<u8>, u64, u64, bool)> {
        let mut out = Vec::new();
        let mut lines = Lines::starting_at(1, 0);
        for piece in pieces {
            lines.push(piece, |l| out.push((l.bytes.to_vec(), l.number, l.offset, l.too_long)));
        }
        lines.finish(|l| out.push((l.bytes.to_vec(), l.number, l.offset, l.too_long)));
        out
    }

    #[test]
    fn line_ends_numbers_and_offsets() {
        let got = split(&[b"\xEF\xBB\xBFa\r\n\nb", b"b\nlast"]);
        let want: Vec<(&[u8], u64, u64)> = vec![(b"a", 1, 0), (b"", 2, 6), (b"bb", 3, 7), (b"last", 4, 10)];
        assert_eq!(got.len(), want.len());
        for ((bytes, number, offset, too_long), (b, n, o)) in got.iter().zip(want) {
            assert_eq!((bytes.as_slice(), *number, *offset, *too_long), (b, n, o, false));
        }
    }

    #[test]
    fn a_line_over_the_limit_keeps_only_its_beginning_whatever_the_pieces() {
        let mut input = vec![b'x'; MAX_LINE_BYTES + 10];
        input.extend_from_slice(b"\nnext\n");
        let whole = split(&[&input]);
        let pieces: Vec<&[u8]> = input.chunks(100_000).collect();
        assert_eq!(whole, split(&pieces));
        assert_eq!(whole[0].0.len(), RAW_BYTES);
        assert!(whole[0].3);
        assert_eq!(whole[1], (b"next".to_vec(), 2, MAX_LINE_BYTES as u64 + 11, false));
    }
}
