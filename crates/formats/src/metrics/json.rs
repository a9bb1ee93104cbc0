//! JSON values that know where they stand.
//!
//! `serde_json` does the strings; the structure is read here, because a reject needs the place of a single value within
//! its file, and because tools that write `NaN` as a bare word must cost one point and not the file.

use std::borrow::Cow;

/// Nothing in CloudWatch's answers nests deeper than 5.
const MAX_DEPTH: usize = 64;

/// A value and the bytes `start..end` it was read from.
#[derive(Debug)]
pub(super) struct Value<'a> {
    pub(super) node: Node<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug)]
pub(super) enum Node<'a> {
    Null,
    Bool,
    /// May be NaN or infinite.
    Number(f64),
    Text(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Where the text stops being JSON, and what was expected there.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

impl<'a> Value<'a> {
    /// The member `key` of an object; `None` for anything else, and for `null`.
    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value).filter(|v| !v.is_null())
    }

    /// The members of an object; empty for anything else.
    pub(super) fn members(&self) -> &[(Cow<'a, str>, Value<'a>)] {
        match &self.node {
            Node::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of an array; empty for anything else.
    pub(super) fn items(&self) -> &[Value<'a>] {
        match &self.node {
            Node::Array(items) => items,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A finite number written as a number.
    pub(super) fn number(&self) -> Option<f64> {
        match self.node {
            Node::Number(number) if number.is_finite() => Some(number),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self.node, Node::Null)
    }
}

/// Reads the one value that starts at `at`, which is not a space.
pub(super) fn parse(text: &[u8], at: usize) -> Result<Value<'_>, Broken> {
    Reader { text, at }.value(0)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, Broken> {
        if depth > MAX_DEPTH {
            return self.broken("nested too deep");
        }
        let start = self.at;
        let node = match self.peek() {
            Some(b'{') => Node::Object(self.object(depth)?),
            Some(b'[') => Node::Array(self.array(depth)?),
            Some(b'"') => Node::Text(self.string()?),
            Some(_) => self.word()?,
            None => return self.broken("the file ends in the middle of a value"),
        };
        Ok(Value { node, start, end: self.at })
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(Cow<'a, str>, Value<'a>)>, Broken> {
        let mut members = Vec::new();
        while self.another(b'}', members.is_empty())? {
            if self.peek() != Some(b'"') {
                return self.broken("expected a key in quotes");
            }
            let key = self.string()?;
            self.spaces();
            if self.peek() != Some(b':') {
                return self.broken("expected `:` after a key");
            }
            self.at += 1;
            self.spaces();
            members.push((key, self.value(depth + 1)?));
        }
        Ok(members)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value<'a>>, Broken> {
        let mut items = Vec::new();
        while self.another(b']', items.is_empty())? {
            items.push(self.value(depth + 1)?);
        }
        Ok(items)
    }

    /// Steps over the opening bracket or a comma and says whether an element follows; steps over `close` if none does.
    fn another(&mut self, close: u8, first: bool) -> Result<bool, Broken> {
        if first {
            self.at += 1;
        }
        self.spaces();
        match self.peek() {
            Some(b) if b == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) if first => Ok(true),
            Some(b',') => {
                self.at += 1;
                self.spaces();
                Ok(true)
            }
            Some(_) => self.broken("expected `,` or a closing bracket"),
            None => self.broken("the file ends inside an object or a list"),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        let start = self.at;
        let mut end = start + 1;
        let mut escaped = false;
        loop {
            match self.text.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                Some(0..=0x1F) => return Err(Broken { at: end, what: "a line or control character inside a string" }),
                Some(_) => end += 1,
                None => return Err(Broken { at: self.text.len(), what: "the file ends inside a string" }),
            }
        }
        self.at = end + 1;
        let bad = Broken { at: start, what: "a string with a bad escape or bytes that are not UTF-8" };
        if escaped {
            return serde_json::from_slice::<String>(&self.text[start..=end]).map(Cow::Owned).map_err(|_| bad);
        }
        std::str::from_utf8(&self.text[start + 1..end]).map(Cow::Borrowed).map_err(|_| bad)
    }

    /// A number or one of the bare words.
    fn word(&mut self) -> Result<Node<'a>, Broken> {
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')).count();
        let word = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        let node = match word {
            "null" => Node::Null,
            "true" | "false" => Node::Bool,
            "NaN" | "Infinity" | "-Infinity" => Node::Number(f64::NAN),
            _ if word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) => match word.parse() {
                Ok(number) => Node::Number(number),
                Err(_) => return self.broken("not a number"),
            },
            _ => return self.broken("expected a value"),
        };
        self.at += len;
        Ok(node)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn spaces(&mut self) {
        self.at += self.text[self.at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    }

    fn broken<T>(&self, what: &'static str) -> Result<T, Broken> {
        Err(Broken { at: self.at, what })
    }
}
