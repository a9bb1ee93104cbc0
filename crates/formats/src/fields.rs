//! The tokeniser of AWS's space-separated, quote-aware lines. It borrows from the line and allocates nothing.

use memchr::{memchr, memchr2};

/// Up to `N` fields of a line, quotes stripped, escapes as written.
pub(crate) struct Fields<'a, const N: usize> {
    line: &'a [u8],
    /// Where each field begins and ends in the line, with its quotes.
    starts: [u32; N],
    ends: [u32; N],
    count: usize,
    is_ascii: bool,
    /// Whether quotes around a field are not part of it.
    quoted: bool,
    /// Where fields stood before `line` was put together from them; [`NOWHERE`] for one that was not there.
    places: Option<&'a [u32; N]>,
    /// What follows the `N`th field, as written.
    pub(crate) surplus: &'a [u8],
}

/// The place of a field that the line did not have.
pub(crate) const NOWHERE: u32 = u32::MAX;

impl<'a, const N: usize> Fields<'a, N> {
    /// None yet.
    #[inline]
    pub(crate) fn of(line: &'a [u8]) -> Fields<'a, N> {
        Fields {
            line,
            starts: [0; N],
            ends: [0; N],
            count: 0,
            is_ascii: true,
            quoted: true,
            places: None,
            surplus: b"",
        }
    }

    /// Fields that were put together as `line`, in order, unquoted, the `i`th from `starts[i]` to `ends[i]`. `places` has where each
    /// stood before.
    pub(crate) fn assembled(
        line: &'a [u8],
        starts: [u32; N],
        ends: [u32; N],
        places: &'a [u32; N],
        surplus: &'a [u8],
    ) -> Fields<'a, N> {
        Fields { starts, ends, count: N, quoted: false, places: Some(places), surplus, ..Fields::of(line) }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// Field `i` (from 0); `-` for a field that this line is too old to have.
    #[inline]
    pub(crate) fn get(&self, i: usize) -> &'a [u8] {
        if i >= self.count {
            return b"-";
        }
        match &self.line[self.starts[i] as usize..self.ends[i] as usize] {
            [b'"', inner @ .., b'"'] if self.quoted => inner,
            field => field,
        }
    }

    /// The byte of the line, as it was read, where field `i` begins; `None` if the line has no such field.
    pub(crate) fn place(&self, i: usize) -> Option<usize> {
        match self.places {
            Some(places) => places.get(i).filter(|place| **place != NOWHERE).map(|place| *place as usize),
            None if i >= self.count => None,
            None => {
                let start = self.starts[i] as usize;
                Some(start + usize::from(self.quoted && self.line.get(start) == Some(&b'"')))
            }
        }
    }

    /// Fields `first` to `last` as they are written; empty if the line is too old to have any of them. Spans that are equal are of
    /// equal fields.
    #[inline]
    pub(crate) fn span(&self, first: usize, last: usize) -> &'a [u8] {
        if first >= self.count {
            return b"";
        }
        &self.line[self.starts[first] as usize..self.ends[last.min(self.count - 1)] as usize]
    }

    #[inline]
    fn add(&mut self, start: usize, end: usize) {
        self.starts[self.count] = start as u32;
        self.ends[self.count] = end as u32;
        self.count += 1;
    }
}

/// A quoted field that never ends; the byte offset of its opening quote in the line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnterminatedQuote(pub(crate) usize);

/// Splits the line of `fields` at single spaces.
///
/// A field that begins with `"` ends at the next `"` that has no backslash before it, with or without a space after it (AWS has
/// published lines with none). A backslash escapes the next byte; `""` is an empty field, never an escaped quote. Two spaces in a
/// row enclose an empty field.
///
/// Filled in place: fields are some three hundred bytes, and handing them from function to function takes as long as finding them.
#[inline]
pub(crate) fn split<const N: usize>(fields: &mut Fields<'_, N>) -> Result<(), UnterminatedQuote> {
    if split_regular(fields) {
        return Ok(());
    }
    *fields = Fields::of(fields.line);
    split_any(fields)
}

/// The way for nearly every line: no backslash, and every quote stands at the edge of a field. `false` for other lines.
///
/// Looks at 64 bytes at a time: which are spaces, which are quotes, and by a prefix sum of the quotes which are inside of them. A
/// search per field would begin anew some 36 times a line; this halves the cost of splitting.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // calls to code that is made for what this processor was found to have
#[inline]
fn split_regular<const N: usize>(fields: &mut Fields<'_, N>) -> bool {
    if is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("pclmulqdq") {
        if is_x86_feature_detected!("avx512bw") {
            // SAFETY: it was just found.
            return unsafe { split_regular_avx512(fields) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: it was just found.
            return unsafe { split_regular_avx2(fields) };
        }
    }
    split_by(fields, masks, prefix_xor)
}

#[cfg(not(target_arch = "x86_64"))]
fn split_regular<const N: usize>(fields: &mut Fields<'_, N>) -> bool {
    split_by(fields, masks, prefix_xor)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,bmi1,pclmulqdq")]
#[allow(unsafe_code)] // a load
fn split_regular_avx512<const N: usize>(fields: &mut Fields<'_, N>) -> bool {
    use std::arch::x86_64::{_mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_set1_epi8};
    let (space, quote, backslash) =
        (_mm512_set1_epi8(b' ' as i8), _mm512_set1_epi8(b'"' as i8), _mm512_set1_epi8(b'\\' as i8));
    let masks = |block: &[u8; 64]| {
        // SAFETY: a block has 64 bytes, and this load needs no alignment.
        let block = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        Masks {
            spaces: _mm512_cmpeq_epi8_mask(block, space),
            quotes: _mm512_cmpeq_epi8_mask(block, quote),
            backslashes: _mm512_cmpeq_epi8_mask(block, backslash),
            // The highest bit of each byte.
            beyond_ascii: _mm512_movepi8_mask(block),
        }
    };
    split_by(fields, masks, |bits| prefix_xor_clmul(bits))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,pclmulqdq")]
#[allow(unsafe_code)] // two loads
fn split_regular_avx2<const N: usize>(fields: &mut Fields<'_, N>) -> bool {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    };
    let (space, quote, backslash) =
        (_mm256_set1_epi8(b' ' as i8), _mm256_set1_epi8(b'"' as i8), _mm256_set1_epi8(b'\\' as i8));
    let masks = |block: &[u8; 64]| {
        let at: *const __m256i = block.as_ptr().cast();
        // SAFETY: a block has 64 bytes, and these loads need no alignment.
        let (low, high) = unsafe { (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))) };
        let equal = |to: __m256i| {
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, to)) as u32;
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, to)) as u32;
            u64::from(high) << 32 | u64::from(low)
        };
        let beyond_ascii = u64::from(_mm256_movemask_epi8(_mm256_or_si256(low, high)) as u32);
        Masks { spaces: equal(space), quotes: equal(quote), backslashes: equal(backslash), beyond_ascii }
    };
    split_by(fields, masks, |bits| prefix_xor_clmul(bits))
}

/// As [`prefix_xor`]: a product without carries with a number that is all ones.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "pclmulqdq")]
#[inline]
fn prefix_xor_clmul(bits: u64) -> u64 {
    use std::arch::x86_64::{_mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x};
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set_epi64x(0, -1));
    _mm_cvtsi128_si64(product) as u64
}

#[inline(always)]
fn split_by<const N: usize>(
    fields: &mut Fields<'_, N>,
    masks: impl Fn(&[u8; 64]) -> Masks,
    prefix_xor: impl Fn(u64) -> u64,
) -> bool {
    let line = fields.line;
    let mut count = 0; // in a register
    let mut start = 0;
    let mut others = 0; // whether any byte is beyond ASCII
    let mut inside = 0u64; // all ones while a quote is open
    let mut after_separator = 1u64; // whether the byte before the block separates fields
    let mut after_close = 0u64; // whether it closes a quote
    let mut padded = [b' '; 64];
    for (i, block) in line.chunks(64).enumerate() {
        let block: &[u8; 64] = match block.try_into() {
            Ok(block) => block,
            Err(_) => {
                padded[..block.len()].copy_from_slice(block);
                &padded
            }
        };
        let Masks { spaces, quotes, backslashes, beyond_ascii } = masks(block);
        others |= beyond_ascii;
        let in_quotes = prefix_xor(quotes) ^ inside;
        let opening = quotes & in_quotes;
        let closing = quotes & !in_quotes;
        let mut separators = spaces & !in_quotes;
        let regular = opening & !(separators << 1 | after_separator) == 0
            && (closing << 1 | after_close) & !spaces == 0
            && backslashes == 0;
        if !regular {
            return false;
        }
        inside = (in_quotes as i64 >> 63) as u64;
        after_separator = separators >> 63;
        after_close = closing >> 63;
        // What the last block is filled up with separates nothing.
        let filled = line.len() - i * 64;
        if filled < 64 {
            separators &= (1 << filled) - 1;
        }
        while separators != 0 {
            let end = i * 64 + separators.trailing_zeros() as usize;
            if count >= N {
                fields.count = N;
                fields.surplus = line[start..].trim_ascii_end();
                fields.is_ascii = line.is_ascii();
                return true;
            }
            fields.starts[count] = start as u32;
            fields.ends[count] = end as u32;
            count += 1;
            start = end + 1;
            separators &= separators - 1;
        }
    }
    if inside != 0 {
        return false;
    }
    fields.count = count;
    fields.is_ascii = others == 0;
    if start < line.len() {
        if count == N {
            fields.surplus = line[start..].trim_ascii_end();
        } else {
            fields.add(start, line.len());
        }
    }
    true
}

/// One bit per byte of a block, the first byte lowest. Of `beyond_ascii` it only matters whether there is any.
struct Masks {
    spaces: u64,
    quotes: u64,
    backslashes: u64,
    beyond_ascii: u64,
}

/// For processors that are not known better.
fn masks(block: &[u8; 64]) -> Masks {
    let mut masks = Masks { spaces: 0, quotes: 0, backslashes: 0, beyond_ascii: 0 };
    for (i, byte) in block.iter().enumerate() {
        masks.spaces |= u64::from(*byte == b' ') << i;
        masks.quotes |= u64::from(*byte == b'"') << i;
        masks.backslashes |= u64::from(*byte == b'\\') << i;
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

/// The definition: field after field, whatever stands in the line.
fn split_any<const N: usize>(fields: &mut Fields<'_, N>) -> Result<(), UnterminatedQuote> {
    let line = fields.line;
    fields.is_ascii = line.is_ascii();
    let mut at = 0;
    while at < line.len() {
        if fields.count == N {
            fields.surplus = line[at..].trim_ascii_end();
            break;
        }
        let (end, next) = if line[at] == b'"' {
            let end = closing_quote(line, at + 1).ok_or(UnterminatedQuote(at))?;
            let after = end + 1;
            (after, if line.get(after) == Some(&b' ') { after + 1 } else { after })
        } else {
            let end = memchr(b' ', &line[at..]).map_or(line.len(), |i| at + i);
            (end, end + 1)
        };
        fields.add(at, end);
        at = next;
    }
    Ok(())
}

/// Splits the line of `fields`, none of which is quoted, at single spaces.
pub(crate) fn split_unquoted<const N: usize>(fields: &mut Fields<'_, N>) {
    let line = fields.line;
    fields.quoted = false;
    fields.is_ascii = line.is_ascii();
    let mut at = 0;
    while at < line.len() {
        if fields.count == N {
            fields.surplus = line[at..].trim_ascii_end();
            break;
        }
        let end = memchr(b' ', &line[at..]).map_or(line.len(), |i| at + i);
        fields.add(at, end);
        at = end + 1;
    }
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

    fn fields<const N: usize>(line: &[u8]) -> Result<Fields<'_, N>, UnterminatedQuote> {
        let mut fields = Fields::of(line);
        split(&mut fields).map(|()| fields)
    }

    fn all(line: &str) -> Vec<String> {
        let fields = fields::<8>(line.as_bytes()).unwrap();
        (0..fields.count()).map(|i| String::from_utf8(fields.get(i).to_vec()).unwrap()).collect()
    }

    #[test]
    fn quotes_and_spaces() {
        assert_eq!(all(r#"a "b c" d"#), ["a", "b c", "d"]);
        assert_eq!(all(r#"a "say \"hi\" \\" d"#), ["a", r#"say \"hi\" \\"#, "d"]);
        assert_eq!(all(r#""-" "-"1 x"#), ["-", "-", "1", "x"]);
        assert_eq!(all(r#"a  "" c "#), ["a", "", "", "c"]);
        assert_eq!(all(""), [""; 0]);
        assert_eq!(fields::<8>(br#"a "b c"#).err(), Some(UnterminatedQuote(2)));
        assert_eq!(fields::<8>(br#"a "b\"#).err(), Some(UnterminatedQuote(2)));
    }

    #[test]
    fn the_surplus_is_kept_as_written() {
        let two = fields::<2>(br#"a b "c d" - "#).unwrap();
        assert_eq!((two.count(), two.surplus), (2, br#""c d" -"#.as_slice()));
        assert_eq!(fields::<2>(b"a b").unwrap().surplus, b"");
        assert_eq!(fields::<2>(b"a").unwrap().get(1), b"-");
    }

    #[test]
    fn unquoted_fields_keep_their_quotes() {
        let line = br#"tls - "h2","http/1.1" 2026 - "#;
        let mut fields = Fields::<4>::of(line);
        split_unquoted(&mut fields);
        assert_eq!((fields.count(), fields.get(2), fields.surplus), (4, br#""h2","http/1.1""#.as_slice(), &b"-"[..]));
        assert_eq!(fields.place(2), Some(6));
    }

    /// Where wider registers are found they hide this one.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    fn check_avx2(bytes: &[u8], is_regular: bool, want: &Fields<'_, 5>) {
        let has =
            [is_x86_feature_detected!("avx2"), is_x86_feature_detected!("bmi1"), is_x86_feature_detected!("pclmulqdq")];
        if has == [true; 3] {
            let mut got = Fields::<5>::of(bytes);
            // SAFETY: it was just found.
            assert_eq!(unsafe { split_regular_avx2(&mut got) }, is_regular);
            if is_regular {
                assert_eq!(
                    (got.starts, got.ends, got.count, got.surplus),
                    (want.starts, want.ends, want.count, want.surplus)
                );
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn check_avx2(_: &[u8], _: bool, _: &Fields<'_, 5>) {}

    #[test]
    fn both_ways_agree() {
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
        ];
        let filler = ["", "x", "some words of some length to move the edges of blocks about, and \"quoted ones too\" "];
        for sample in samples {
            for fill in filler {
                for repeat in 1..70 {
                    let line = format!("{}{sample}{}{sample}", fill.repeat(repeat % 7), "y".repeat(repeat));
                    let bytes = line.as_bytes();
                    let [mut any, mut regular, mut portable] = [(); 3].map(|()| Fields::<5>::of(bytes));
                    let any_result = split_any(&mut any);
                    let is_regular = split_regular(&mut regular);
                    assert_eq!(split_by(&mut portable, masks, prefix_xor), is_regular);
                    check_avx2(bytes, is_regular, &portable);
                    if is_regular {
                        any_result.unwrap_or_else(|e| panic!("{line:?}: {e:?}"));
                        let parts = |f: &Fields<'_, 5>| (f.starts, f.ends, f.count, f.is_ascii);
                        assert_eq!(parts(&regular), parts(&any), "{line:?}");
                        assert_eq!(parts(&portable), parts(&any), "{line:?}");
                        assert_eq!(regular.surplus, any.surplus, "{line:?}");
                        for (first, last) in [(0, 1), (1, 3), (2, 4), (4, 4)] {
                            let span = fields::<5>(regular.span(first, last)).unwrap();
                            // An empty field at the end is one only because of the space behind it.
                            for i in (first..=last).filter(|i| regular.get(*i) != b"") {
                                assert_eq!(span.get(i - first), regular.get(i), "{line:?}");
                            }
                        }
                    }
                }
            }
        }
        // The fast way is the one that lines really take.
        assert!(split_regular(&mut Fields::<40>::of(
            br#"https 2026 app/x 1.2.3.4:5 - 0.0 "GET https://x/ HTTP/1.1" "a b" - "-" x"#
        )));
    }
}
