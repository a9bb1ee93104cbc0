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
fn split_regular<const N: usize>(line: &[u8]) -> Option<Fields<'_, N>> {
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

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // the compiler does not count on what every x86-64 processor has
fn masks(block: &[u8; 64]) -> Masks {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { masks_sse2(block) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn masks_sse2(block: &[u8; 64]) -> Masks {
    use std::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};
    let mut masks = Masks { spaces: 0, quotes: 0, backslashes: 0 };
    let (space, quote, backslash) = (_mm_set1_epi8(b' ' as i8), _mm_set1_epi8(b'"' as i8), _mm_set1_epi8(b'\\' as i8));
    for (i, lane) in block.as_chunks::<16>().0.iter().enumerate() {
        let (low, high) = (lane[..8].try_into().unwrap_or_default(), lane[8..].try_into().unwrap_or_default());
        let bytes = _mm_set_epi64x(i64::from_le_bytes(high), i64::from_le_bytes(low));
        let equal = |to: __m128i| u64::from(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, to)) as u16) << (16 * i);
        masks.spaces |= equal(space);
        masks.quotes |= equal(quote);
        masks.backslashes |= equal(backslash);
    }
    masks
}

#[cfg(not(target_arch = "x86_64"))]
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
