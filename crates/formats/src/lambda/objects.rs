//! Framing of sources that begin with JSON: objects one after the other, with newlines between them or without, and lists of events within
//! an envelope, which may be larger than memory.
//!
//! Each event of a list and each other object is a record, and so is each line between them that is no JSON. Envelopes are none.

use memchr::{memchr, memchr3};

use super::json::members;
use crate::MAX_LINE_BYTES;
use crate::json::{self, Value};
use crate::lines::Line;
use crate::reject::RAW_BYTES;

/// What CloudWatch says about a list of events before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) log_group: Vec<u8>,
    pub(super) log_stream: Vec<u8>,
    /// It only asks whether the destination can be reached.
    pub(super) is_control: bool,
}

impl Envelope {
    /// `header` is the object up to its list.
    fn of(header: &[u8]) -> Envelope {
        let mut envelope = Envelope::default();
        // The object does not end here.
        let _ = members(header, |member| {
            let Value::Text { written: value, .. } = member.value else { return };
            match member.key {
                b"logGroup" | b"logGroupName" => envelope.log_group = json::unescaped(value).into_owned(),
                b"logStream" | b"logStreamName" => envelope.log_stream = json::unescaped(value).into_owned(),
                b"messageType" => envelope.is_control = value == b"CONTROL_MESSAGE",
                _ => {}
            }
        });
        envelope
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole object.
    Object,
    /// An object that breaks off.
    Broken,
    /// A line that is no JSON.
    Text,
    /// A line without anything.
    Empty,
}

/// A record and where it stands: `number` counts records from 1, which is the line where each line has one.
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    pub(super) line: Line<'a>,
    /// Of the list that it is in.
    pub(super) envelope: Option<&'a Envelope>,
}

/// Splits a stream into records. The result does not depend on how the stream is cut into pieces.
pub(super) struct Objects {
    state: State,
    /// Brackets that are open.
    depth: u32,
    in_string: bool,
    /// The last byte was a backslash in a string.
    is_escaped: bool,
    /// Nothing but spaces in this line so far.
    is_blank: bool,
    /// The last byte was a line feed.
    at_line_start: bool,
    envelope: Option<Envelope>,
    /// The record at hand, its full length and where it begins.
    text: Vec<u8>,
    length: u64,
    start: u64,
    number: u64,
    offset: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Object,
    /// What follows the list of an envelope.
    Tail,
    Text,
}

impl Objects {
    /// Begins with record `number` (from 1), at byte `offset` of the source.
    pub(super) fn starting_at(number: u64, offset: u64) -> Objects {
        Objects {
            state: State::Between,
            depth: 0,
            in_string: false,
            is_escaped: false,
            is_blank: true,
            at_line_start: true,
            envelope: None,
            text: Vec::new(),
            length: 0,
            start: 0,
            number,
            offset,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Record<'_>)) {
        let mut at = 0;
        while at < bytes.len() {
            at = match self.state {
                State::Between => self.between(bytes, at, &mut sink),
                State::Object | State::Tail => self.object(bytes, at, &mut sink),
                State::Text => match memchr(b'\n', &bytes[at..]) {
                    Some(end) => {
                        self.keep(&bytes[at..at + end]);
                        self.emit(Kind::Text, &mut sink);
                        self.line_ends();
                        at + end + 1
                    }
                    None => {
                        self.keep(&bytes[at..]);
                        bytes.len()
                    }
                },
            };
        }
        self.offset += bytes.len() as u64;
    }

    pub(super) fn finish(&mut self, mut sink: impl FnMut(Record<'_>)) {
        match self.state {
            State::Object => self.emit(Kind::Broken, &mut sink),
            State::Text => self.emit(Kind::Text, &mut sink),
            State::Between | State::Tail => {}
        }
    }

    fn between(&mut self, bytes: &[u8], at: usize, sink: &mut impl FnMut(Record<'_>)) -> usize {
        match bytes[at] {
            b'\n' => {
                if self.is_blank && self.envelope.is_none() {
                    self.begin(State::Between, at);
                    self.emit(Kind::Empty, sink);
                }
                self.line_ends();
            }
            b' ' | b'\t' | b'\r' => {}
            b',' | b'[' | b'}' => self.is_blank = false,
            b']' => {
                self.is_blank = false;
                if self.envelope.is_some() {
                    self.begin(State::Tail, at);
                    self.depth = 1;
                }
            }
            b'{' => {
                self.begin(State::Object, at);
                return at;
            }
            _ => {
                self.begin(State::Text, at);
                return at;
            }
        }
        at + 1
    }

    /// Goes on with an object, or with what follows the list of one. Returns where to go on.
    fn object(&mut self, bytes: &[u8], from: usize, sink: &mut impl FnMut(Record<'_>)) -> usize {
        let mut at = from;
        while at < bytes.len() {
            if self.in_string {
                if self.is_escaped {
                    self.is_escaped = false;
                    at += 1;
                    continue;
                }
                let Some(found) = memchr3(b'"', b'\\', b'\n', &bytes[at..]) else { break };
                at += found;
                match bytes[at] {
                    b'"' => self.in_string = false,
                    b'\\' => self.is_escaped = true,
                    // JSON has no line feed in a string: the object was torn.
                    _ => {
                        self.keep(&bytes[from..at]);
                        self.breaks_off(sink);
                        self.line_ends();
                        return at + 1;
                    }
                }
                at += 1;
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                // Nobody's objects go on like this: another one begins where this one was torn.
                b'{' if self.at_line_start && self.depth > 0 => {
                    self.keep(&bytes[from..at]);
                    self.breaks_off(sink);
                    return at;
                }
                b'[' if self.depth == 1 && self.state == State::Object => {
                    self.keep(&bytes[from..at]);
                    if is_list(&self.text) {
                        self.envelope = Some(Envelope::of(&self.text));
                        self.state = State::Between;
                        return at + 1;
                    }
                    self.depth += 1;
                    self.at_line_start = false;
                    self.keep(b"[");
                    return at + 1;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.keep(&bytes[from..=at]);
                        match self.state {
                            State::Tail => self.envelope = None,
                            _ => self.emit(Kind::Object, sink),
                        }
                        self.state = State::Between;
                        return at + 1;
                    }
                }
                _ => {}
            }
            self.at_line_start = bytes[at] == b'\n';
            at += 1;
        }
        self.keep(&bytes[from..]);
        bytes.len()
    }

    fn begin(&mut self, state: State, at: usize) {
        self.state = state;
        self.depth = 0;
        self.in_string = false;
        self.is_escaped = false;
        self.is_blank = false;
        self.at_line_start = false;
        self.text.clear();
        self.length = 0;
        self.start = self.offset + at as u64;
    }

    /// Of an object that goes on no further. A list goes on.
    fn breaks_off(&mut self, sink: &mut impl FnMut(Record<'_>)) {
        match self.state {
            State::Tail => self.envelope = None,
            _ => self.emit(Kind::Broken, sink),
        }
        self.state = State::Between;
    }

    fn line_ends(&mut self) {
        self.is_blank = true;
        self.at_line_start = true;
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.state == State::Tail {
            return;
        }
        if self.length <= MAX_LINE_BYTES as u64 {
            self.text.extend_from_slice(bytes);
        } else {
            let room = RAW_BYTES.saturating_sub(self.text.len());
            self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
            self.text.truncate(RAW_BYTES);
        }
    }

    fn emit(&mut self, kind: Kind, sink: &mut impl FnMut(Record<'_>)) {
        let bytes = self.text.strip_suffix(b"\r").unwrap_or(&self.text);
        let too_long = self.length > MAX_LINE_BYTES as u64;
        let line = Line { bytes, number: self.number, offset: self.start, too_long };
        sink(Record { kind, line, envelope: self.envelope.as_ref() });
        self.number += 1;
        self.state = State::Between;
    }
}

/// Whether a list that begins here is one of events.
fn is_list(begun: &[u8]) -> bool {
    let key = begun.trim_ascii_end().strip_suffix(b":").map(<[u8]>::trim_ascii_end);
    key.is_some_and(|key| key.ends_with(b"\"events\"") || key.ends_with(b"\"logEvents\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records as `kind group text`.
    fn records(text: &str, piece: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut sink = |record: Record<'_>| {
            let group = record.envelope.map_or("-".into(), |e| String::from_utf8_lossy(&e.log_group));
            let start = record.line.offset as usize;
            let text = String::from_utf8_lossy(record.line.bytes);
            found.push(format!("{} {start} {:?} {group} {text}", record.line.number, record.kind));
        };
        let mut objects = Objects::starting_at(1, 0);
        text.as_bytes().chunks(piece).for_each(|piece| objects.push(piece, &mut sink));
        objects.finish(sink);
        found
    }

    fn check(text: &str, want: &[&str]) {
        for piece in 1..text.len() + 1 {
            assert_eq!(records(text, piece), want, "pieces of {piece}");
        }
    }

    #[test]
    fn objects_with_and_without_newlines() {
        check("{\"a\":1}\n{\"b\":\"}\\\"\"}\r\n", &["1 0 Object - {\"a\":1}", "2 8 Object - {\"b\":\"}\\\"\"}"]);
        check("{\"a\":[{}]}{\"b\":{}}", &["1 0 Object - {\"a\":[{}]}", "2 10 Object - {\"b\":{}}"]);
        check("[{\"a\":1},\n {\"b\":2}]", &["1 1 Object - {\"a\":1}", "2 11 Object - {\"b\":2}"]);
        check("{\n  \"a\": 1\n}\n\n{}", &["1 0 Object - {\n  \"a\": 1\n}", "2 13 Empty - ", "3 14 Object - {}"]);
    }

    #[test]
    fn events_of_envelopes() {
        check(
            r#"{"logGroup":"g","x":["events"],"logEvents":[{"m":"]}"},{"m":2}],"events":"]"}{"logGroup":"h", "logEvents" : [{}]}"#,
            &["1 44 Object g {\"m\":\"]}\"}", "2 55 Object g {\"m\":2}", "3 109 Object h {}"],
        );
        check(
            "{\n    \"events\": [\n        {\n            \"m\": 1\n        }\n    ],\n    \"s\": [],\n    \"t\": \"]}\"\n}\n{\"z\":1}",
            &["1 26 Object  {\n            \"m\": 1\n        }", "2 93 Object - {\"z\":1}"],
        );
        check(
            "{\"events\":[],\"a\":\"\\\"\"}{\"value\":\"events\",\"b\":[1]}",
            &["1 22 Object - {\"value\":\"events\",\"b\":[1]}"],
        );
    }

    #[test]
    fn what_is_torn_costs_itself_only() {
        check("{\"a\":\"x\n{\"b\":2}\n", &["1 0 Broken - {\"a\":\"x", "2 8 Object - {\"b\":2}"]);
        check("{\"a\":1,\n{\"b\":2}\n", &["1 0 Broken - {\"a\":1,\n", "2 8 Object - {\"b\":2}"]);
        check("{\"a\":{\"b\"\n\n{\"c\":3}", &["1 0 Broken - {\"a\":{\"b\"\n\n", "2 11 Object - {\"c\":3}"]);
        check(
            "{\"a\":1}\nSTART of text\r\n\n{\"b\":2}\nlast",
            &[
                "1 0 Object - {\"a\":1}",
                "2 8 Text - START of text",
                "3 23 Empty - ",
                "4 24 Object - {\"b\":2}",
                "5 32 Text - last",
            ],
        );
        check(
            "{\"logGroup\":\"g\",\"logEvents\":[{\"m\":1},{\"m\"\n{\"n\":2}]}{\"z\"",
            &["1 29 Object g {\"m\":1}", "2 37 Broken g {\"m\"\n", "3 42 Object g {\"n\":2}", "4 51 Broken - {\"z\""],
        );
    }

    #[test]
    fn memory_is_bounded() {
        let text = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}", "x".repeat(MAX_LINE_BYTES));
        let mut seen = Vec::new();
        let mut objects = Objects::starting_at(1, 0);
        text.as_bytes().chunks(100_000).for_each(|piece| {
            objects.push(piece, |record| seen.push((record.line.too_long, record.line.bytes.len())));
        });
        objects.finish(|_| {});
        assert_eq!(seen, [(true, RAW_BYTES), (false, 7)]);
    }
}
