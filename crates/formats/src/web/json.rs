//! Objects of one line, as JSON has them or nearly so: a `log_format` made by hand leaves numbers empty, writes `-` or a list for one
//! (`0.001, 0.002`), and escapes quotes as `\x22`, which no JSON parser takes.

use super::pattern::Range;

/// A value of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without its quotes.
    Text,
    /// Without its quotes, and with backslashes in it.
    Escaped,
    /// A number, `true`, `null`, or whatever stands there instead.
    Bare,
    /// An object or a list, with its brackets.
    Nested,
}

/// What is not as it has to be, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem(pub(crate) usize, pub(crate) &'static str);

/// Gives the members of the object: name without its quotes, value.
pub(crate) fn members(line: &[u8], mut each: impl FnMut(Range, Range, Kind)) -> Result<(), Problem> {
    let mut at = skip_space(line, 0);
    if line.get(at) != Some(&b'{') {
        return Err(Problem(at, "an object begins with {"));
    }
    at = skip_space(line, at + 1);
    while line.get(at) != Some(&b'}') {
        if line.get(at) != Some(&b'"') {
            return Err(Problem(at, "a name in quotes is missing"));
        }
        let (name_end, _) = string(line, at + 1, |next| next == b':')?;
        let name = (at as u32 + 1, name_end as u32);
        at = skip_space(line, name_end + 1);
        if line.get(at) != Some(&b':') {
            return Err(Problem(at, "a colon is missing"));
        }
        at = skip_space(line, at + 1);
        let (from, to, kind) = match line.get(at) {
            Some(b'"') => {
                let (end, has_backslash) = string(line, at + 1, |next| matches!(next, b',' | b'}'))?;
                let kind = if has_backslash { Kind::Escaped } else { Kind::Text };
                at += 1;
                (at, end, kind)
            }
            Some(b'{' | b'[') => (at, nested(line, at)?, Kind::Nested),
            _ => {
                let end = bare(line, at)?;
                (at, at + line[at..end].trim_ascii_end().len(), Kind::Bare)
            }
        };
        each(name, (from as u32, to as u32), kind);
        at = skip_space(line, if matches!(kind, Kind::Text | Kind::Escaped) { to + 1 } else { to });
        match line.get(at) {
            Some(b',') => at = skip_space(line, at + 1),
            Some(b'}') => {}
            _ => return Err(Problem(at, "the object does not go on and does not end: the line may be torn")),
        }
    }
    match skip_space(line, at + 1) {
        end if end == line.len() => Ok(()),
        more => Err(Problem(more, "something stands behind the object")),
    }
}

/// Where the first of two bytes is. Names and values are short, mostly: eight bytes at a time are searched without a call.
#[inline(always)]
fn first_of([a, b]: [u8; 2], text: &[u8]) -> Option<usize> {
    const NEAR: usize = 32;
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // The top bit of each byte that is zero; perhaps also of those behind the first one.
    let zero = |word: u64| word.wrapping_sub(EACH) & !word & (EACH << 7);
    for (i, word) in text.as_chunks::<8>().0.iter().take(NEAR / 8).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zero(word ^ (EACH * u64::from(a))) | zero(word ^ (EACH * u64::from(b)));
        if found != 0 {
            return Some(i * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let searched = text.len().min(NEAR) / 8 * 8;
    memchr::memchr2(a, b, &text[searched..]).map(|at| searched + at)
}

#[inline(always)]
fn skip_space(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the string that begins at `from` ends, and whether backslashes are in it. A quote ends it that has no backslash before it, and
/// behind it what may follow, or the line's end: so quotes that nobody escaped stay part of the value.
#[inline(always)]
fn string(line: &[u8], from: usize, may_follow: impl Fn(u8) -> bool) -> Result<(usize, bool), Problem> {
    let mut at = from;
    let mut has_backslash = false;
    while let Some(i) = line.get(at..).and_then(|rest| first_of([b'"', b'\\'], rest)).map(|i| at + i) {
        if line[i] == b'\\' {
            has_backslash = true;
            at = i + 2;
        } else if line.get(skip_space(line, i + 1)).is_none_or(|next| may_follow(*next)) {
            return Ok((i, has_backslash));
        } else {
            at = i + 1;
        }
    }
    Err(Problem(from - 1, "a quote is never closed: the line may be torn"))
}

fn nested(line: &[u8], from: usize) -> Result<usize, Problem> {
    let mut depth = 0usize;
    let mut at = from;
    while let Some(byte) = line.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => at = string(line, at + 1, |next| matches!(next, b',' | b'}' | b']' | b':'))?.0,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
    Err(Problem(from, "a bracket is never closed: the line may be torn"))
}

/// Where a value without quotes ends: at the object's end, or at a comma with the next name behind it.
#[inline(always)]
fn bare(line: &[u8], from: usize) -> Result<usize, Problem> {
    let mut at = from;
    while let Some(i) = line.get(at..).and_then(|rest| first_of([b',', b'}'], rest)).map(|i| at + i) {
        if line[i] == b'}' || line.get(skip_space(line, i + 1)) == Some(&b'"') {
            return Ok(i);
        }
        at = i + 1;
    }
    Err(Problem(from, "the object does not end: the line may be torn"))
}

/// Appends what the text of a JSON string stands for. What is no escape of JSON stays as written, `\x22` as well.
pub(crate) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(i) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..i]);
        let (plain, length) = match rest.get(i + 1) {
            Some(c @ (b'"' | b'\\' | b'/')) => (*c as char, 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'u') => code_point(&rest[i..]).unwrap_or(('\\', 1)),
            _ => ('\\', 1),
        };
        out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[i + length..];
    }
    out.extend_from_slice(rest);
}

/// `\u00e9`, or two of them for what is beyond 16 bits: the character, and how long it is as written.
fn code_point(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, 6));
    }
    let second = unit(6).filter(|unit| (0xDC00..0xE000).contains(unit))?;
    let code = 0x10000 + ((first.checked_sub(0xD800)? & 0x3FF) << 10) + (second - 0xDC00);
    char::from_u32(code).map(|c| (c, 12))
}

/// Appends text as a string of JSON.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(line: &str) -> Result<Vec<(&str, &str, Kind)>, Problem> {
        let mut found = Vec::new();
        let text = |(from, to): Range| &line[from as usize..to as usize];
        members(line.as_bytes(), |name, value, kind| found.push((text(name), text(value), kind))).map(|()| found)
    }

    #[test]
    fn members_of_json_and_of_what_is_nearly_json() {
        assert_eq!(all("{}"), Ok(vec![]));
        assert_eq!(
            all(r#" { "a" : "b, c", "d":"\"", "e":1.5,"f":null, "g" : {"h":["}"]} } "#),
            Ok(vec![
                ("a", "b, c", Kind::Text),
                ("d", "\\\"", Kind::Escaped),
                ("e", "1.5", Kind::Bare),
                ("f", "null", Kind::Bare),
                ("g", r#"{"h":["}"]}"#, Kind::Nested),
            ])
        );
        assert_eq!(
            all(r#"{"empty":,"dash": -, "list":0.001, 0.002 , "raw":"a "b" c","x":"\x22","last":}"#),
            Ok(vec![
                ("empty", "", Kind::Bare),
                ("dash", "-", Kind::Bare),
                ("list", "0.001, 0.002", Kind::Bare),
                ("raw", r#"a "b" c"#, Kind::Text),
                ("x", r"\x22", Kind::Escaped),
                ("last", "", Kind::Bare),
            ])
        );
        for torn in
            [r#"{"a"#, r#"{"a""#, r#"{"a":"#, r#"{"a":"b"#, r#"{"a":"b""#, r#"{"a":1"#, r#"{"a":{"b":1"#, "{", "", "x"]
        {
            assert!(all(torn).is_err(), "{torn}");
        }
        assert_eq!(all(r#"{"a":1} x"#), Err(Problem(8, "something stands behind the object")));
    }

    #[test]
    fn the_first_of_two_bytes_wherever_it_is() {
        for length in 0..60 {
            let mut text = vec![b'x'; length];
            assert_eq!(first_of([b'"', b'\\'], &text), None);
            for at in (0..length).rev() {
                // Bytes next to those looked for, of which a carry could make one.
                text[at] = b'"' + 1;
                assert_eq!(first_of([b'"', b'\\'], &text), (at + 1 < length).then_some(at + 1), "{text:?}");
                text[at] = if at % 2 == 0 { b'"' } else { b'\\' };
                assert_eq!(first_of([b'"', b'\\'], &text), Some(at), "{text:?}");
            }
        }
    }

    #[test]
    fn escapes() {
        let plain = |text: &str| {
            let mut out = Vec::new();
            unescape(text.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(plain(r#"a\"b\\c\/d\n\u00e9\ud83d\ude00"#), "a\"b\\c/d\né😀");
        assert_eq!(plain(r"\x22 \ud83d \u12 \"), r"\x22 \ud83d \u12 \");
        let mut out = Vec::new();
        write_string(&mut out, b"a\"\\\n\xc3\xa9");
        assert_eq!(out, "\"a\\\"\\\\\\u000aé\"".as_bytes());
    }
}
