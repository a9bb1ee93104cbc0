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
}
