//! The tokeniser of AWS's space-separated, quote-aware lines. It borrows from the line and allocates nothing.

use memchr::{memchr, memchr2};

/// Up to `N` fields of a line, quotes stripped, escapes as written.
pub(crate) struct Fields<'a, const N: usize> {
    values: [&'a [u8]; N],
    count: usize,
    /// What follows the `N`th field, as written.
    pub(crate) surplus: &'a [u8],
}

impl<'a, const N: usize> Fields<'a, N> {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Field `i` (from 0); `-` for a field that this line is too old to have.
    pub(crate) fn get(&self, i: usize) -> &'a [u8] {
        self.values[i]
    }
}

/// A quoted field that never ends; the byte offset of its opening quote in the line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnterminatedQuote(pub(crate) usize);

/// Splits a line at single spaces.
///
/// A field that begins with `"` ends at the next `"` that has no backslash before it, with or without a space after it (AWS has
/// published lines with none). A backslash escapes the next byte; `""` is an empty field, never an escaped quote. Two spaces in a
/// row enclose an empty field.
pub(crate) fn split<const N: usize>(line: &[u8]) -> Result<Fields<'_, N>, UnterminatedQuote> {
    match split_regular(line) {
        Some(fields) => Ok(fields),
        None => split_any(line),
    }
}

/// The way for nearly every line: no backslash, and every quote stands at the edge of a field. `None` for other lines.
///
/// Looks at 64 bytes at a time: which are spaces, which are quotes, and by a prefix sum of the quotes which are inside of them. A
/// search per field would begin anew some 36 times a line; this halves the cost of splitting.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // calls to code that is made for what this processor was found to have
fn split_regular<const N: usize>(line: &[u8]) -> Option<Fields<'_, N>> {
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") {
        // SAFETY: it was just found.
        unsafe { split_regular_avx2(line) }
    } else {
        split_by(line, masks)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn split_regular<const N: usize>(line: &[u8]) -> Option<Fields<'_, N>> {
    split_by(line, masks)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1")]
fn split_regular_avx2<const N: usize>(line: &[u8]) -> Option<Fields<'_, N>> {
    use std::arch::x86_64::{__m256i, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set_epi64x, _mm256_set1_epi8};
    let (space, quote, backslash) =
        (_mm256_set1_epi8(b' ' as i8), _mm256_set1_epi8(b'"' as i8), _mm256_set1_epi8(b'\\' as i8));
    split_by(line, |block| {
        let words = block.as_chunks::<8>().0;
        let word = |i: usize| i64::from_le_bytes(words[i]);
        // One load each: the compiler sees that the words are neighbours.
        let low = _mm256_set_epi64x(word(3), word(2), word(1), word(0));
        let high = _mm256_set_epi64x(word(7), word(6), word(5), word(4));
        let equal = |to: __m256i| {
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, to)) as u32;
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, to)) as u32;
            u64::from(high) << 32 | u64::from(low)
        };
        Masks { spaces: equal(space), quotes: equal(quote), backslashes: equal(backslash) }
    })
}

#[inline(always)]
fn split_by<const N: usize>(line: &[u8], masks: impl Fn(&[u8; 64]) -> Masks) -> Option<Fields<'_, N>> {
    let mut fields = Fields { values: [b"-".as_slice(); N], count: 0, surplus: b"" };
    let mut start = 0;
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
        let Masks { spaces, quotes, backslashes } = masks(block);
        let in_quotes = prefix_xor(quotes) ^ inside;
        let opening = quotes & in_quotes;
        let closing = quotes & !in_quotes;
        let mut separators = spaces & !in_quotes;
        let regular = opening & !(separators << 1 | after_separator) == 0
            && (closing << 1 | after_close) & !spaces == 0
            && backslashes == 0;
        if !regular {
            return None;
        }
        inside = (in_quotes as i64 >> 63) as u64;
        after_separator = separators >> 63;
        after_close = closing >> 63;
        while separators != 0 {
            let end = i * 64 + separators.trailing_zeros() as usize;
            if end >= line.len() {
                break;
            }
            if fields.count == N {
                fields.surplus = line[start..].trim_ascii_end();
                return Some(fields);
            }
            fields.values[fields.count] = unquoted(&line[start..end]);
            fields.count += 1;
            start = end + 1;
            separators &= separators - 1;
        }
    }
    if inside != 0 {
        return None;
    }
    if start < line.len() {
        if fields.count == N {
            fields.surplus = line[start..].trim_ascii_end();
        } else {
            fields.values[fields.count] = unquoted(&line[start..]);
            fields.count += 1;
        }
    }
    Some(fields)
}

fn unquoted(field: &[u8]) -> &[u8] {
    match field {
        [b'"', inner @ .., b'"'] => inner,
        _ => field,
    }
}

/// One bit per byte of a block, the first byte lowest.
struct Masks {
    spaces: u64,
    quotes: u64,
    backslashes: u64,
}

/// For processors that are not known better.
fn masks(block: &[u8; 64]) -> Masks {
    let mut masks = Masks { spaces: 0, quotes: 0, backslashes: 0 };
    for (i, byte) in block.iter().enumerate() {
        masks.spaces |= u64::from(*byte == b' ') << i;
        masks.quotes |= u64::from(*byte == b'"') << i;
        masks.backslashes |= u64::from(*byte == b'\\') << i;
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
fn split_any<const N: usize>(line: &[u8]) -> Result<Fields<'_, N>, UnterminatedQuote> {
    let mut fields = Fields { values: [b"-".as_slice(); N], count: 0, surplus: b"" };
    let mut at = 0;
    while at < line.len() {
        if fields.count == N {
            fields.surplus = line[at..].trim_ascii_end();
            break;
        }
        let (value, next) = if line[at] == b'"' {
            let end = closing_quote(line, at + 1).ok_or(UnterminatedQuote(at))?;
            let after = end + 1;
            (&line[at + 1..end], if line.get(after) == Some(&b' ') { after + 1 } else { after })
        } else {
            let end = memchr(b' ', &line[at..]).map_or(line.len(), |i| at + i);
            (&line[at..end], end + 1)
        };
        fields.values[fields.count] = value;
        fields.count += 1;
        at = next;
    }
    Ok(fields)
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
        let fields = split::<8>(line.as_bytes()).unwrap();
        (0..fields.count()).map(|i| String::from_utf8(fields.get(i).to_vec()).unwrap()).collect()
    }

    #[test]
    fn quotes_and_spaces() {
        assert_eq!(all(r#"a "b c" d"#), ["a", "b c", "d"]);
        assert_eq!(all(r#"a "say \"hi\" \\" d"#), ["a", r#"say \"hi\" \\"#, "d"]);
        assert_eq!(all(r#""-" "-"1 x"#), ["-", "-", "1", "x"]);
        assert_eq!(all(r#"a  "" c "#), ["a", "", "", "c"]);
        assert_eq!(all(""), [""; 0]);
        assert_eq!(split::<8>(br#"a "b c"#).err(), Some(UnterminatedQuote(2)));
        assert_eq!(split::<8>(br#"a "b\"#).err(), Some(UnterminatedQuote(2)));
    }

    #[test]
    fn the_surplus_is_kept_as_written() {
        let fields = split::<2>(br#"a b "c d" - "#).unwrap();
        assert_eq!((fields.count(), fields.surplus), (2, br#""c d" -"#.as_slice()));
        assert_eq!(split::<2>(b"a b").unwrap().surplus, b"");
        assert_eq!(split::<2>(b"a").unwrap().get(1), b"-");
    }

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
                    let any = split_any::<5>(line.as_bytes());
                    assert_eq!(
                        split_by::<5>(line.as_bytes(), masks).is_some(),
                        split_regular::<5>(line.as_bytes()).is_some()
                    );
                    if let Some(regular) = split_regular::<5>(line.as_bytes()) {
                        let any = any.as_ref().unwrap_or_else(|e| panic!("{line:?}: {e:?}"));
                        assert_eq!(
                            (regular.values, regular.count, regular.surplus),
                            (any.values, any.count, any.surplus),
                            "{line:?}"
                        );
                    }
                }
            }
        }
        // The fast way is the one that lines really take.
        assert!(
            split_regular::<40>(br#"https 2026 app/x 1.2.3.4:5 - 0.0 "GET https://x/ HTTP/1.1" "a b" - "-" x"#)
                .is_some()
        );
    }
}
