//! The members of a JSON object, borrowed from its text.
//!
//! The structure is read here, strings are left to `serde_json` where they hold escapes: what a log has as a number or a nested value is
//! wanted as it is written, and nothing is allocated for a line.

use std::borrow::Cow;

use memchr::memchr2;

/// Nested deeper, an object is not read: nothing that writes logs does that.
const MAX_DEPTH: usize = 128;

/// A value as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// With its quotes.
    Text(&'a [u8]),
    /// A number, a word, or a nested value.
    Other(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The string without quotes and escapes, anything else as it is written.
    pub(crate) fn text(self) -> Cow<'a, [u8]> {
        match self {
            Value::Text(quoted) => unescape(quoted),
            Value::Other(written) => Cow::Borrowed(written),
        }
    }

    /// The string without quotes, escapes as written; anything else as it is written; `-` for `null`.
    pub(crate) fn written(self) -> &'a [u8] {
        match self {
            Value::Text(quoted) => &quoted[1..quoted.len() - 1],
            Value::Other(b"null") => b"-",
            Value::Other(written) => written,
        }
    }

    pub(crate) fn is_null(self) -> bool {
        self == Value::Other(b"null")
    }
}

/// Without the quotes; as written where an escape is none, such as half of a surrogate pair.
pub(crate) fn unescape(quoted: &[u8]) -> Cow<'_, [u8]> {
    let inner = &quoted[1..quoted.len() - 1];
    match memchr::memchr(b'\\', inner) {
        None => Cow::Borrowed(inner),
        Some(_) => serde_json::from_slice::<String>(quoted).map_or(Cow::Borrowed(inner), |s| s.into_bytes().into()),
    }
}

/// Where the text stops being the object that was expected, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Reads the members one by one: keys without quotes, escapes as written. After the last one, [`Members::end`] tells where the object ended.
pub(crate) struct Members<'a> {
    text: &'a [u8],
    at: usize,
    first: bool,
    done: bool,
}

impl<'a> Members<'a> {
    /// `text` begins with the object, perhaps behind spaces.
    pub(crate) fn of(text: &'a [u8]) -> Members<'a> {
        Members { text, at: 0, first: true, done: false }
    }

    /// Behind the object's closing bracket, once all members were read.
    pub(crate) fn end(&self) -> usize {
        self.at
    }

    fn advance(&mut self) -> Result<Option<(&'a [u8], Value<'a>)>, Broken> {
        self.spaces();
        if self.first {
            self.expect(b'{', "expected an object")?;
            self.spaces();
        }
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                return Ok(None);
            }
            Some(b',') if !self.first => {
                self.at += 1;
                self.spaces();
            }
            _ if self.first => {}
            _ => return self.broken("expected `,` or `}`"),
        }
        self.first = false;
        if self.peek() != Some(b'"') {
            return self.broken("expected a key in quotes");
        }
        let key = self.string()?;
        self.spaces();
        self.expect(b':', "expected `:` after a key")?;
        self.spaces();
        let value = self.value()?;
        Ok(Some((&key[1..key.len() - 1], value)))
    }

    fn value(&mut self) -> Result<Value<'a>, Broken> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => return Ok(Value::Text(self.string()?)),
            Some(b'{' | b'[') => self.nested()?,
            Some(_) => {
                let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
                self.at += self.text[start..].iter().take_while(|b| is_word(b)).count();
                if self.at == start {
                    return self.broken("expected a value");
                }
            }
            None => return self.broken("it ends before a value"),
        }
        Ok(Value::Other(&self.text[start..self.at]))
    }

    /// Steps over a nested value by its brackets.
    fn nested(&mut self) -> Result<(), Broken> {
        let mut open = [0u8; MAX_DEPTH];
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(bracket @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return self.broken("nested too deep");
                    }
                    open[depth] = bracket;
                    depth += 1;
                }
                Some(bracket @ (b'}' | b']')) => {
                    depth -= 1;
                    // A bracket and the one that closes it are two apart in ASCII.
                    if open[depth] + 2 != bracket {
                        return self.broken("a bracket is closed by another kind");
                    }
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => return self.broken("it ends within a nested value"),
            }
            self.at += 1;
        }
    }

    /// With its quotes.
    fn string(&mut self) -> Result<&'a [u8], Broken> {
        let start = self.at;
        let mut at = start + 1;
        loop {
            let Some(found) = self.text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) else {
                return self.broken("the quote is never closed");
            };
            at += found;
            if self.text[at] == b'"' {
                self.at = at + 1;
                return Ok(&self.text[start..self.at]);
            }
            at += 2;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Broken> {
        if self.peek() != Some(byte) {
            return self.broken(what);
        }
        self.at += 1;
        Ok(())
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn broken<T>(&self, what: &'static str) -> Result<T, Broken> {
        Err(Broken { at: self.at, what })
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<(&'a [u8], Value<'a>), Broken>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let member = self.advance().transpose();
        self.done = !matches!(member, Some(Ok(_)));
        member
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<(String, String)>, Broken> {
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Members::of(text.as_bytes()).map(|m| m.map(|(key, value)| (string(key), string(&value.text())))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Result<Vec<(String, String)>, Broken> {
        Ok(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn members_are_given_as_written() {
        assert_eq!(all("{}"), pairs(&[]));
        assert_eq!(all(" { \"a\" : 1.50 ,\n\"b\":null} "), pairs(&[("a", "1.50"), ("b", "null")]));
        let text = r#"{"a":"x\"\u00e9\n","b":{"c":["}",{"d":2}]},"e":[],"f":"half \ud800"}"#;
        let want = [("a", "x\"é\n"), ("b", r#"{"c":["}",{"d":2}]}"#), ("e", "[]"), ("f", r"half \ud800")];
        assert_eq!(all(text), pairs(&want));
        let mut members = Members::of(b"{\"a\":1}{\"a\":2}");
        assert_eq!(members.by_ref().count(), 1);
        assert_eq!(members.end(), 7);
    }

    #[test]
    fn what_is_no_object_is_broken_where_it_stops_being_one() {
        for (text, at) in [
            ("", 0),
            ("x", 0),
            ("{", 1),
            (r#"{"a""#, 4),
            (r#"{"a":"#, 5),
            (r#"{"a":1"#, 6),
            (r#"{"a":1,}"#, 7),
            (r#"{"a":1 "b":2}"#, 7),
            (r#"{a:1}"#, 1),
            (r#"{"a":[1}"#, 7),
            (r#"{"a":"x"#, 5),
            (r#"{"a":"x\"#, 5),
            (r#"{"a":}"#, 5),
        ] {
            assert_eq!(all(text).map_err(|broken| broken.at), Err(at), "{text}");
        }
        assert_eq!(all(&format!("{{\"a\":{}", "[".repeat(200))).map_err(|b| b.what), Err("nested too deep"));
    }
}
