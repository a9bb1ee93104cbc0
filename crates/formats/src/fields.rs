//! The tokeniser of AWS's space-separated, quote-aware lines. It borrows from the line and allocates nothing.

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
    #[inline]
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
    #[inline]
    pub(crate) fn span(&self, first: usize, last: usize) -> &'a [u8] {
        let Edges { starts, ends, count, .. } = self.edges;
        if first >= *count {
            return b"";
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

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // loads and stores
mod x86 {
    use std::arch::x86_64::*;

    use super::{AT_A_TIME, Edges, Masks, Shape, scan_by, write_edges};

    /// Bytes ahead that are fetched into the cache: text that was just inflated lies in memory, and what fetches ahead by itself stops at
    /// each page.
    const AHEAD: usize = 2048;

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt,pclmulqdq")]
    pub(super) fn scan_avx512<const N: usize>(edges: &mut Edges, text: &[u8]) -> Shape {
        let [space, quote, backslash, newline] = [b' ', b'"', b'\\', b'\n'].map(|byte| _mm512_set1_epi8(byte as i8));
        let numbers: [u8; 64] = std::array::from_fn(|i| i as u8);
        // SAFETY: 64 bytes are loaded of 64.
        let numbers = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
        let masks = |block: &[u8; 64]| {
            // SAFETY: 64 bytes are loaded of 64, and to fetch ahead is no access.
            let block = unsafe {
                _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(AHEAD).cast());
                _mm512_loadu_si512(block.as_ptr().cast())
            };
            Masks {
                spaces: _mm512_cmpeq_epi8_mask(block, space),
                quotes: _mm512_cmpeq_epi8_mask(block, quote),
                backslashes: _mm512_cmpeq_epi8_mask(block, backslash),
                newlines: _mm512_cmpeq_epi8_mask(block, newline),
                // The highest bit of each byte.
                beyond_ascii: _mm512_movepi8_mask(block),
            }
        };
        // The numbers of the separators' bytes, side by side.
        let write = |edges: &mut Edges, count: usize, separators: u64, at: usize, most: usize| {
            let places = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(_mm512_maskz_compress_epi8(separators, numbers)));
            let places = _mm512_add_epi32(places, _mm512_set1_epi32(at as i32));
            if let (Some(ends), Some(starts)) = (
                edges.ends[count..].first_chunk_mut::<AT_A_TIME>(),
                edges.starts[count + 1..].first_chunk_mut::<AT_A_TIME>(),
            ) {
                // SAFETY: 16 numbers are stored to 16.
                unsafe {
                    _mm512_storeu_si512(ends.as_mut_ptr().cast(), places);
                    _mm512_storeu_si512(starts.as_mut_ptr().cast(), _mm512_add_epi32(places, _mm512_set1_epi32(1)));
                }
            }
            if separators.count_ones() as usize > AT_A_TIME {
                let mut rest = separators;
                (0..AT_A_TIME).for_each(|_| rest &= rest - 1);
                write_edges(edges, count + AT_A_TIME, rest, at, most);
            }
        };
        scan_by::<N>(edges, text, masks, |bits| prefix_xor(bits), write)
    }

    #[target_feature(enable = "avx2,bmi1,popcnt,pclmulqdq")]
    pub(super) fn scan_avx2<const N: usize>(edges: &mut Edges, text: &[u8]) -> Shape {
        let [space, quote, backslash, newline] = [b' ', b'"', b'\\', b'\n'].map(|byte| _mm256_set1_epi8(byte as i8));
        let masks = |block: &[u8; 64]| {
            let at: *const __m256i = block.as_ptr().cast();
            // SAFETY: twice 32 bytes are loaded of 64, and to fetch ahead is no access.
            let (low, high) = unsafe {
                _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(AHEAD).cast());
                (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)))
            };
            let bits = |low: __m256i, high: __m256i| {
                let (low, high) = (_mm256_movemask_epi8(low) as u32, _mm256_movemask_epi8(high) as u32);
                u64::from(high) << 32 | u64::from(low)
            };
            let equal = |to: __m256i| bits(_mm256_cmpeq_epi8(low, to), _mm256_cmpeq_epi8(high, to));
            Masks {
                spaces: equal(space),
                quotes: equal(quote),
                backslashes: equal(backslash),
                newlines: equal(newline),
                beyond_ascii: bits(low, high),
            }
        };
        scan_by::<N>(edges, text, masks, |bits| prefix_xor(bits), write_edges)
    }

    /// As the portable one: a product without carries with a number that is all ones.
    #[target_feature(enable = "pclmulqdq")]
    #[inline]
    fn prefix_xor(bits: u64) -> u64 {
        let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set_epi64x(0, -1));
        _mm_cvtsi128_si64(product) as u64
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
mod tests {
    use super::*;

    fn all(line: &str) -> Vec<String> {
        let mut splitter = Splitter::<8>::new();
        let fields = splitter.split(line.as_bytes()).unwrap();
        (0..fields.count()).map(|i| String::from_utf8(fields.get(i).to_vec()).unwrap()).collect()
    }

    fn torn(line: &[u8]) -> Option<UnterminatedQuote> {
        Splitter::<8>::new().split(line).err()
    }

    #[test]
    fn quotes_and_spaces() {
        assert_eq!(all(r#"a "b c" d"#), ["a", "b c", "d"]);
        assert_eq!(all(r#"a "say \"hi\" \\" d"#), ["a", r#"say \"hi\" \\"#, "d"]);
        assert_eq!(all(r#""-" "-"1 x"#), ["-", "-", "1", "x"]);
        assert_eq!(all(r#"a  "" c "#), ["a", "", "", "c"]);
        assert_eq!(all(""), [""; 0]);
        assert_eq!(torn(br#"a "b c"#), Some(UnterminatedQuote(2)));
        assert_eq!(torn(br#"a "b\"#), Some(UnterminatedQuote(2)));
    }

    #[test]
    fn the_surplus_is_kept_as_written() {
        let mut splitter = Splitter::<2>::new();
        let two = splitter.split(br#"a b "c d" - "#).unwrap();
        assert_eq!((two.count(), two.surplus), (2, br#""c d" -"#.as_slice()));
        assert_eq!(splitter.split(b"a b").unwrap().surplus, b"");
        assert_eq!(splitter.split(b"a b ").unwrap().surplus, b"");
        assert_eq!(splitter.split(b"a").unwrap().get(1), b"-");
        let long = format!("a b {}", "c ".repeat(500));
        assert_eq!(splitter.split(long.as_bytes()).unwrap().surplus, long[4..].trim_end().as_bytes());
    }

    #[test]
    fn unquoted_fields_keep_their_quotes() {
        let line = br#"tls - "h2","http/1.1" 2026 - "#;
        let mut splitter = Splitter::<4>::new();
        let fields = splitter.split_unquoted(line);
        assert_eq!((fields.count(), fields.get(2), fields.surplus), (4, br#""h2","http/1.1""#.as_slice(), &b"-"[..]));
        assert_eq!(fields.place(2), Some(6));
    }

    /// What the line is split into, with or without its end being found before.
    type Parts<'a> = Result<(Vec<(u32, u32)>, bool, &'a [u8]), UnterminatedQuote>;

    fn by_definition(line: &[u8]) -> Parts<'_> {
        let mut edges = Edges::NONE;
        let surplus = split_any::<5>(line, &mut edges)?;
        let (ranges, is_ascii, _) = parts(&Fields { line, edges: &edges, quoted: true, places: None, surplus: b"" });
        Ok((ranges, is_ascii, surplus))
    }

    fn parts<'a>(fields: &Fields<'a, 5>) -> (Vec<(u32, u32)>, bool, &'a [u8]) {
        ((0..fields.count()).map(|i| fields.range(i)).collect(), fields.is_ascii(), fields.surplus)
    }

    #[test]
    fn all_ways_agree() {
        let samples = [
            r#"a "b c" d"#,
            r#"a "b" "#,
            r#"a "b""#,
            r#"a b"c d"e f"#,
            r#""-" "-"1 x"#,
            r#"a  "" c "#,
            r#"a "b \"c\" d" e"#,
            r#""a b"#,
            r#"a "b c"#,
            r#"a "b" c "d"#,
            r#""""#,
            r#"" ""#,
            r#"a"b"#,
            r#""a"b""#,
            " ",
            "  a",
            "a ",
            "\"",
            "",
            r#"a ",," b"#,
            "ä ",
            "a b c d e",
            "a b c d e ",
            "a b c d e f",
            "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a",
        ];
        let filler = ["", "x", "some words of some length to move the edges of blocks about, and \"quoted ones too\" "];
        let after = ["", "\n", "\nthe \"next line", "\n\"next\" \\ \n ä \n"];
        for (sample, fill) in samples.iter().flat_map(|sample| filler.map(|fill| (sample, fill))) {
            for repeat in 0..70 {
                let line = format!("{}{sample}{}{sample}", fill.repeat(repeat % 7), "y".repeat(repeat));
                for (processor, after) in Processor::all().into_iter().flat_map(|p| after.map(|after| (p, after))) {
                    let mut splitter = Splitter::<5> { processor, ..Splitter::new() };
                    let text = format!("{line}{after}");
                    let end = splitter.line_end(text.as_bytes());
                    assert_eq!(end, (!after.is_empty()).then_some(line.len()), "{processor:?} {text:?}");
                    let line = &text.as_bytes()[..line.len()];
                    let want = by_definition(line);
                    for _ in 0..2 {
                        let got = splitter.split(line).map(|fields| parts(&fields));
                        assert_eq!(got, want, "{processor:?} {text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn spans_hold_whole_fields() {
        let line = br#"one "two three" four "" "five""#;
        let (mut splitter, mut again) = (Splitter::<5>::new(), Splitter::<5>::new());
        let fields = splitter.split(line).unwrap();
        for (first, last) in [(0, 1), (1, 3), (2, 4), (4, 4)] {
            let span = again.split(fields.span(first, last)).unwrap();
            assert_eq!(span.count(), last - first + 1);
            assert!((first..=last).all(|i| span.get(i - first) == fields.get(i)));
        }
    }

    #[test]
    fn another_line_is_not_taken_for_the_one_that_was_found() {
        let mut splitter = Splitter::<5>::new();
        let text = b"a b c\nd e\n";
        assert_eq!(splitter.line_end(text), Some(5));
        // As behind a byte order mark, or before a carriage return.
        assert_eq!(splitter.split(&text[2..5]).unwrap().count(), 2);
        assert_eq!(splitter.line_end(&text[6..]), Some(3));
        assert_eq!(splitter.split(&text[6..8]).unwrap().count(), 1);
    }

    #[test]
    fn the_fast_way_is_the_one_that_lines_really_take() {
        let line = br#"https 2026 app/x 1.2.3.4:5 - 0.0 "GET https://x/ HTTP/1.1" "a b" - "-" x"#;
        for processor in Processor::all() {
            let mut splitter = Splitter::<40> { processor, ..Splitter::new() };
            assert_eq!(splitter.scan(line), Shape::Regular { end: line.len(), has_surplus: false });
        }
    }
}
