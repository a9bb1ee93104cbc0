//! The tokeniser of AWS's space-separated, quote-aware lines. It borrows from the line and allocates nothing.

#[cfg(target_arch = "x86_64")]
mod x86;

use memchr::{memchr, memchr2};

/// Up to `N` fields of a line, quotes stripped, escapes as written.
pub(crate) struct Fields<'a, const N: usize> {
    line: &'a [u8],
    edges: &'a Edges,
    /// Whether quotes around a field are not part of it.
    quoted: bool,
    /// Where fields stood before `line` was put together from them; [`NOWHERE`] for one that was not there.
    places: Option<&'a [u32; N]>,
    /// What follows the `N`th field, as written.
    pub(crate) surplus: &'a [u8],
}

/// Where the fields of a line begin and end, with their quotes.
pub(crate) struct Edges {
    starts: [u32; SLOTS],
    ends: [u32; SLOTS],
    count: usize,
    is_ascii: bool,
}

/// More than any log has fields: they are written some at a time, whether there are so many or not.
const SLOTS: usize = 64;
const AT_A_TIME: usize = 16;

impl Edges {
    pub(crate) const NONE: Edges = Edges { starts: [0; SLOTS], ends: [0; SLOTS], count: 0, is_ascii: true };

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.is_ascii = true;
    }

    #[inline]
    pub(crate) fn push(&mut self, start: usize, end: usize) {
        self.starts[self.count] = start as u32;
        self.ends[self.count] = end as u32;
        self.count += 1;
    }
}

/// The place of a field that the line did not have.
pub(crate) const NOWHERE: u32 = u32::MAX;

impl<'a, const N: usize> Fields<'a, N> {
    /// Fields that were put together as `line`, unquoted. `places` has where each stood before.
    pub(crate) fn assembled(
        line: &'a [u8],
        edges: &'a Edges,
        places: &'a [u32; N],
        surplus: &'a [u8],
    ) -> Fields<'a, N> {
        Fields { line, edges, quoted: false, places: Some(places), surplus }
    }

    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.edges.count
    }

    #[inline]
    pub(crate) fn is_ascii(&self) -> bool {
        self.edges.is_ascii
    }

    /// Field `i` (from 0); `-` for a field that this line is too old to have.
    #[inline(always)]
    pub(crate) fn get(&self, i: usize) -> &'a [u8] {
        if i >= self.edges.count {
            return b"-";
        }
        match &self.line[self.edges.starts[i] as usize..self.edges.ends[i] as usize] {
            [b'"', inner @ .., b'"'] if self.quoted => inner,
            field => field,
        }
    }

    /// The byte of the line, as it was read, where field `i` begins; `None` if the line has no such field.
    pub(crate) fn place(&self, i: usize) -> Option<usize> {
        match self.places {
            Some(places) => places.get(i).filter(|place| **place != NOWHERE).map(|place| *place as usize),
            None if i >= self.edges.count => None,
            None => {
                let start = self.edges.starts[i] as usize;
                Some(start + usize::from(self.quoted && self.line.get(start) == Some(&b'"')))
            }
        }
    }

    /// Where field `i`, which the line has, stands with its quotes.
    #[inline]
    pub(crate) fn range(&self, i: usize) -> (u32, u32) {
        (self.edges.starts[i], self.edges.ends[i])
    }

    /// Fields `first` to `last` as they are written; empty if the line is too old to have any of them. Spans that are equal are of
    /// equal fields.
    ///
    /// Also an empty one is a place in the line, and not one that is no memory: `memcmp` looks at it, even for no byte at all, and for a load
    /// that must not fault the processor takes some hundred cycles. Lines with 18 of 36 fields took four times as long.
    #[inline(always)]
    pub(crate) fn span(&self, first: usize, last: usize) -> &'a [u8] {
        let Edges { starts, ends, count, .. } = self.edges;
        if first >= *count {
            return &self.line[..0];
        }
        &self.line[starts[first] as usize..ends[last.min(count - 1)] as usize]
    }
}

/// A quoted field that never ends; the byte offset of its opening quote in the line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnterminatedQuote(pub(crate) usize);

/// Finds lines and splits them at single spaces into up to `N` fields. Its memory is used again from line to line.
///
/// A field that begins with `"` ends at the next `"` that has no backslash before it, with or without a space after it (AWS has
/// published lines with none). A backslash escapes the next byte; `""` is an empty field, never an escaped quote. Two spaces in a
/// row enclose an empty field.
pub(crate) struct Splitter<const N: usize> {
    edges: Edges,
    processor: Processor,
    /// The line that [`Splitter::line_end`] has just found, and what it is like.
    found: Option<(Identity, Shape)>,
}

/// A line by where it is in memory. None is known by the time that memory becomes something else: a text ends where no line's end is found.
type Identity = (usize, usize);

fn identity(line: &[u8]) -> Identity {
    (line.as_ptr().addr(), line.len())
}

/// What a line is like, as far as one look at it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// No backslash, and every quote stands at the edge of a field: its edges are known, and this is where it ends. As is nearly every line.
    Regular { end: usize, has_surplus: bool },
    /// It has to be read byte by byte.
    Irregular,
}

impl<const N: usize> Splitter<N> {
    pub(crate) fn new() -> Splitter<N> {
        const { assert!(N + AT_A_TIME < SLOTS) };
        Splitter { edges: Edges::NONE, processor: Processor::find(), found: None }
    }

    /// Where the first line of `text` ends, whose fields are found on the way: who looks for the line's end first reads everything twice.
    #[inline]
    pub(crate) fn line_end(&mut self, text: &[u8]) -> Option<usize> {
        let shape = self.scan(text);
        let end = match shape {
            Shape::Regular { end, .. } => (end < text.len()).then_some(end),
            Shape::Irregular => memchr(b'\n', text),
        };
        self.found = end.map(|end| (identity(&text[..end]), shape));
        end
    }

    /// The first line of the next text was found by others.
    pub(crate) fn forget(&mut self) {
        self.found = None;
    }

    #[inline]
    pub(crate) fn split<'a>(&'a mut self, line: &'a [u8]) -> Result<Fields<'a, N>, UnterminatedQuote> {
        let shape = match self.found.take() {
            Some((found, shape)) if found == identity(line) => shape,
            _ => self.scan(line),
        };
        let surplus = match shape {
            Shape::Regular { end, has_surplus } if end == line.len() => {
                if has_surplus {
                    line[self.edges.starts[N] as usize..].trim_ascii_end()
                } else {
                    b""
                }
            }
            _ => split_any::<N>(line, &mut self.edges)?,
        };
        Ok(Fields { line, edges: &self.edges, quoted: true, places: None, surplus })
    }

    /// Splits a line none of whose fields is quoted.
    pub(crate) fn split_unquoted<'a>(&'a mut self, line: &'a [u8]) -> Fields<'a, N> {
        let Splitter { edges, .. } = self;
        edges.clear();
        edges.is_ascii = line.is_ascii();
        let (mut at, mut surplus): (usize, &[u8]) = (0, b"");
        while at < line.len() {
            if edges.count == N {
                surplus = line[at..].trim_ascii_end();
                break;
            }
            let end = memchr(b' ', &line[at..]).map_or(line.len(), |i| at + i);
            edges.push(at, end);
            at = end + 1;
        }
        Fields { line, edges, quoted: false, places: None, surplus }
    }

    #[inline]
    #[allow(unsafe_code)] // calls to code that is made for what this processor was found to have
    fn scan(&mut self, text: &[u8]) -> Shape {
        match self.processor {
            // SAFETY: it was found.
            #[cfg(target_arch = "x86_64")]
            Processor::Avx512 => unsafe { x86::scan_avx512::<N>(&mut self.edges, text) },
            // SAFETY: it was found.
            #[cfg(target_arch = "x86_64")]
            Processor::Avx2 => unsafe { x86::scan_avx2::<N>(&mut self.edges, text) },
            Processor::Any => scan_by::<N>(&mut self.edges, text, masks, prefix_xor, write_edges),
        }
    }
}

/// What there is faster code for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Processor {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Any,
}

impl Processor {
    fn find() -> Processor {
        Processor::all()[0]
    }

    /// What this processor is, the best first.
    fn all() -> Vec<Processor> {
        let mut all = vec![Processor::Any];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("pclmulqdq")
        {
            if is_x86_feature_detected!("avx2") {
                all.insert(0, Processor::Avx2);
            }
            if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi2") {
                all.insert(0, Processor::Avx512);
            }
        }
        all
    }
}

/// Finds the end of the first line of `text`, or of `text`, and the edges of the line's fields if it is regular.
///
/// Looks at 64 bytes at a time: which are spaces, which are quotes, and by a prefix sum of the quotes which are inside of them. A
/// search per field would begin anew some 36 times a line.
#[inline(always)]
fn scan_by<const N: usize>(
    edges: &mut Edges,
    text: &[u8],
    masks: impl Fn(&[u8; 64]) -> Masks,
    prefix_xor: impl Fn(u64) -> u64,
    write_edges: impl Fn(&mut Edges, usize, u64, usize, usize),
) -> Shape {
    let mut count = 0; // in a register
    let mut has_surplus = false;
    let mut others = 0; // whether any byte is beyond ASCII
    let mut inside = 0u64; // all ones while a quote is open
    let mut after_separator = 1u64; // whether the byte before the block separates fields
    let mut after_close = 0u64; // whether it closes a quote
    let mut at = 0;
    edges.starts[0] = 0;
    let end = loop {
        // What ends without a line feed is read as if there were one.
        let mut padded = [b'\n'; 64];
        let block = match text[at..].first_chunk() {
            Some(block) => block,
            None => {
                padded[..text.len() - at].copy_from_slice(&text[at..]);
                &padded
            }
        };
        let Masks { spaces, quotes, backslashes, newlines, beyond_ascii } = masks(block);
        // Up to the line's end, and that too.
        let line = newlines ^ newlines.wrapping_sub(1);
        others |= beyond_ascii & line;
        let in_quotes = prefix_xor(quotes) ^ inside;
        let opening = quotes & in_quotes;
        let closing = quotes & !in_quotes;
        let separators = (spaces | newlines) & !in_quotes;
        let irregular = opening & !(separators << 1 | after_separator)
            | (closing << 1 | after_close) & !separators
            | newlines & in_quotes
            | backslashes;
        if irregular & line != 0 {
            return Shape::Irregular;
        }
        let separators = separators & line;
        write_edges(edges, count, separators, at, N);
        count += separators.count_ones() as usize;
        if count > N {
            has_surplus = true;
            count = N;
        }
        if newlines != 0 {
            break at + newlines.trailing_zeros() as usize;
        }
        inside = (in_quotes as i64 >> 63) as u64;
        after_separator = separators >> 63;
        after_close = closing >> 63;
        at += 64;
    };
    // A space at the end does not begin a field.
    if !has_surplus && edges.starts[count - 1] as usize == end {
        count -= 1;
    }
    edges.count = count;
    edges.is_ascii = others == 0;
    Shape::Regular { end, has_surplus }
}

/// One bit per byte of a block, the first byte lowest.
struct Masks {
    spaces: u64,
    quotes: u64,
    backslashes: u64,
    newlines: u64,
    beyond_ascii: u64,
}

/// For processors that are not known better.
fn masks(block: &[u8; 64]) -> Masks {
    let mut masks = Masks { spaces: 0, quotes: 0, backslashes: 0, newlines: 0, beyond_ascii: 0 };
    for (i, byte) in block.iter().enumerate() {
        masks.spaces |= u64::from(*byte == b' ') << i;
        masks.quotes |= u64::from(*byte == b'"') << i;
        masks.backslashes |= u64::from(*byte == b'\\') << i;
        masks.newlines |= u64::from(*byte == b'\n') << i;
        masks.beyond_ascii |= u64::from(*byte >> 7) << i;
    }
    masks
}

/// Each bit becomes the parity of itself and all lower bits.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// A field ends at each of the separators of the block at `at`, and one begins behind it, of `most` that count and one more.
///
/// Four at a time whether there are so many or not: how many there are in a block cannot be predicted.
#[inline(always)]
fn write_edges(edges: &mut Edges, mut count: usize, mut separators: u64, at: usize, most: usize) {
    while separators != 0 && count <= most {
        let (Some(ends), Some(starts)) =
            (edges.ends[count..].first_chunk_mut::<4>(), edges.starts[count + 1..].first_chunk_mut::<4>())
        else {
            return; // never: there is room behind `most`
        };
        for (end, start) in ends.iter_mut().zip(starts) {
            *end = at as u32 + separators.trailing_zeros();
            *start = *end + 1;
            separators &= separators.wrapping_sub(1);
        }
        count += 4;
    }
}

/// The definition: field after field, whatever stands in the line. Returns the surplus.
fn split_any<'a, const N: usize>(line: &'a [u8], edges: &mut Edges) -> Result<&'a [u8], UnterminatedQuote> {
    edges.clear();
    edges.is_ascii = line.is_ascii();
    let mut at = 0;
    while at < line.len() {
        if edges.count == N {
            return Ok(line[at..].trim_ascii_end());
        }
        let (end, next) = if line[at] == b'"' {
            let end = closing_quote(line, at + 1).ok_or(UnterminatedQuote(at))?;
            let after = end + 1;
            (after, if line.get(after) == Some(&b' ') { after + 1 } else { after })
        } else {
            let end = memchr(b' ', &line[at..]).map_or(line.len(), |i| at + i);
            (end, end + 1)
        };
        edges.push(at, end);
        at = next;
    }
    Ok(b"")
}

fn closing_quote(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let i = at + memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[i] == b'"' {
            return Some(i);
        }
        at = i + 2;
    }
}

#[cfg(test)]
mod tests;
