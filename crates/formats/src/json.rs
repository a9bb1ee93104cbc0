//! JSON objects of one line, member by member, borrowed from the line.
//!
//! Of a log's object only the outermost members matter, and each value is wanted as it is written (`0.001` and not the float next to it)
//! and with its place. So the structure is read here, without a tree; `serde_json` decodes the strings that have escapes.

use std::borrow::Cow;

use memchr::memchr;

use crate::places::places;

/// A member of an object.
pub(crate) struct Member<'a> {
    /// Between its quotes, escapes as written.
    pub(crate) key: &'a [u8],
    /// Whether the key is the one that was expected.
    pub(crate) is_expected: bool,
    pub(crate) value: Value<'a>,
    /// Where the value begins in the line; of a string its first byte.
    pub(crate) at: usize,
}

pub(crate) enum Value<'a> {
    Null,
    /// Between its quotes, escapes as written.
    Text {
        written: &'a [u8],
        has_escapes: bool,
    },
    /// A number, `true`, `false`, a list or an object, as written.
    Other(&'a [u8]),
}

/// Where a line stops being an object, and what was expected there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

/// Reads objects. Memory is used again from line to line.
#[derive(Default)]
pub(crate) struct Scanner {
    /// Where the line's quotes and backslashes are.
    marks: Vec<u32>,
}

impl Scanner {
    pub(crate) fn members<'a>(&mut self, line: &'a [u8]) -> Members<'a, '_> {
        self.marks.clear();
        places(line, b'"', b'\\', &mut self.marks);
        Members { cursor: Cursor { line, at: 0, marks: &self.marks }, is_first: true }
    }
}

/// The members of the object that the whole of a line is, in their order; those before the place where it is broken, too.
pub(crate) struct Members<'a, 'm> {
    cursor: Cursor<'a, 'm>,
    is_first: bool,
}

impl<'a> Members<'a, '_> {
    /// The next member, or `None` behind the last one. If its key is `expected`, that is found out with one comparison.
    #[inline(always)] // a member in memory is read back by other loads than stored it: each waits
    pub(crate) fn next(&mut self, expected: &[u8]) -> Result<Option<Member<'a>>, Broken> {
        let cursor = &mut self.cursor;
        cursor.spaces();
        if self.is_first {
            cursor.take(b'{', "an object")?;
            cursor.spaces();
        }
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            cursor.spaces();
            return if cursor.at < cursor.line.len() { Err(cursor.expected("the end of the line")) } else { Ok(None) };
        }
        if !std::mem::take(&mut self.is_first) {
            cursor.take(b',', "a comma or the end of the object")?;
            cursor.spaces();
        }
        cursor.take(b'"', "a name")?;
        let rest = &cursor.line[cursor.at..];
        // An empty slice may point anywhere, and `memcmp` looks there: its masked load of what is no memory takes some hundred cycles.
        let (key, is_expected) = match (!expected.is_empty()).then(|| rest.strip_prefix(expected)).flatten() {
            Some([b'"', ..]) => {
                let start = cursor.at;
                cursor.at += expected.len() + 1;
                (&cursor.line[start..start + expected.len()], true)
            }
            _ => (cursor.string()?.0, false),
        };
        cursor.spaces();
        cursor.take(b':', "a colon")?;
        cursor.spaces();
        let (value, at) = cursor.value()?;
        Ok(Some(Member { key, is_expected, value, at }))
    }
}

/// Appends the text between quotes, decoded. What has escapes that JSON does not know stays as it is.
pub(crate) fn unescape(text: &[u8], to: &mut Vec<u8>) {
    let start = to.len();
    let mut rest = text;
    while let Some(i) = memchr(b'\\', rest) {
        let byte = match rest.get(i + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            _ => {
                let quoted = [b"\"", text, b"\""].concat();
                let decoded: Result<Cow<'_, str>, _> = serde_json::from_slice(&quoted);
                to.truncate(start);
                to.extend_from_slice(decoded.as_ref().map_or(text, |text| text.as_bytes()));
                return;
            }
        };
        to.extend_from_slice(&rest[..i]);
        to.push(byte);
        rest = &rest[i + 2..];
    }
    to.extend_from_slice(rest);
}

/// As [`unescape`], borrowed where nothing is escaped.
pub(crate) fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    unescape(text, &mut decoded);
    Cow::Owned(decoded)
}

struct Cursor<'a, 'm> {
    line: &'a [u8],
    at: usize,
    /// The quotes and backslashes from `at` on, and perhaps some before it.
    marks: &'m [u32],
}

impl<'a> Cursor<'a, '_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[inline]
    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    #[inline]
    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), Broken> {
        if self.peek() != Some(byte) {
            return Err(self.expected(expected));
        }
        self.at += 1;
        Ok(())
    }

    #[cold]
    fn expected(&self, expected: &'static str) -> Broken {
        Broken { at: self.at, expected }
    }

    /// The rest of a string whose opening quote was taken, and whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<(&'a [u8], bool), Broken> {
        let start = self.at;
        let mut has_escapes = false;
        while let Some((mark, marks)) = self.marks.split_first() {
            let place = *mark as usize;
            self.marks = marks;
            if place < self.at {
                continue;
            }
            if self.line[place] == b'"' {
                self.at = place + 1;
                return Ok((&self.line[start..place], has_escapes));
            }
            has_escapes = true;
            self.at = place + 2;
        }
        self.at = self.line.len();
        Err(self.expected("the end of a string"))
    }

    #[inline(always)]
    fn value(&mut self) -> Result<(Value<'a>, usize), Broken> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                let (written, has_escapes) = self.string()?;
                Ok((Value::Text { written, has_escapes }, start + 1))
            }
            Some(b'{' | b'[') => {
                self.nested()?;
                Ok((Value::Other(&self.line[start..self.at]), start))
            }
            _ => {
                while self.peek().is_some_and(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t')) {
                    self.at += 1;
                }
                match &self.line[start..self.at] {
                    b"" => Err(self.expected("a value")),
                    b"null" => Ok((Value::Null, start)),
                    word => Ok((Value::Other(word), start)),
                }
            }
        }
    }

    /// Goes behind a list or an object.
    fn nested(&mut self) -> Result<(), Broken> {
        let mut depth = 0usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return Ok(()),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        Err(self.expected("the end of a list or an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = (String, String, usize);

    fn read(line: &str, expected: &str) -> (Vec<Found>, Option<Broken>) {
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut scanner = Scanner::default();
        let mut members = scanner.members(line.as_bytes());
        loop {
            let member = match members.next(expected.as_bytes()) {
                Ok(Some(member)) => member,
                Ok(None) => return (found, None),
                Err(broken) => return (found, Some(broken)),
            };
            let value = match member.value {
                Value::Null => "NULL".to_string(),
                Value::Text { written, has_escapes } => {
                    assert_eq!(has_escapes, written.contains(&b'\\'));
                    let mut decoded = b"before ".to_vec();
                    unescape(written, &mut decoded);
                    text(&decoded[7..])
                }
                Value::Other(word) => text(word),
            };
            found.push((text(member.key), value, member.at));
        }
    }

    #[test]
    fn members_in_their_order_with_their_places() {
        let line = r#" {"a":"x \"y\" \u00e9", "b" : -1.50 ,"c":null,"d":[1,{"e":"}"}],"f":true,"g":""} "#;
        let want = [
            ("a", "x \"y\" é", 7),
            ("b", "-1.50", 30),
            ("c", "NULL", 41),
            ("d", "[1,{\"e\":\"}\"}]", 50),
            ("f", "true", 68),
            ("g", "", 78),
        ];
        for expected in ["", "a", "b", "other"] {
            let (found, broken) = read(line, expected);
            assert_eq!(broken, None);
            assert_eq!(found, want.map(|(key, value, at)| (key.to_string(), value.to_string(), at)));
        }
        assert_eq!(read("{}", ""), (Vec::new(), None));
        assert_eq!(read(r#"{"a":"\" and \x22 stay"}"#, "").0[0].1, r#"\" and \x22 stay"#);
        assert_eq!(read(r#"{"a":"\\x22 \/ \t\u00e9\b"}"#, "").0[0].1, "\\x22 / \té\u{8}");
        assert_eq!(read(r#"{"a":"\\x22 \/ \t\r\n"}"#, "").0[0].1, "\\x22 / \t\r\n");
        assert_eq!(read(r#"{"abc":1}"#, "a").0[0].0, "abc");
    }

    #[test]
    fn what_is_broken_says_where() {
        for (line, at, expected) in [
            ("", 0, "an object"),
            ("x", 0, "an object"),
            (r#"{"a":1"#, 6, "a comma or the end of the object"),
            (r#"{"a" 1}"#, 5, "a colon"),
            (r#"{"a":}"#, 5, "a value"),
            (r#"{"a":"x"#, 7, "the end of a string"),
            (r#"{"a":"x\"#, 8, "the end of a string"),
            (r#"{"a":[1,[2]"#, 11, "the end of a list or an object"),
            (r#"{"a":1,}"#, 7, "a name"),
            (r#"{"a":1}{"#, 7, "the end of the line"),
        ] {
            assert_eq!(read(line, "a").1, Some(Broken { at, expected }), "{line}");
        }
    }
}
