//! One source after the other: lines or objects become events, and events rows.

use std::borrow::Cow;
use std::collections::HashMap;

use super::event::{Event, Meta, Text};
use super::json::by_name;
use super::objects::{Envelope, Kind, Objects, Record};
use super::rows::Rows;
use super::{json, text, time};
use crate::columns;
use crate::json::{Scanner, Value};
use crate::lines::{Line, Lines};
use crate::reader::{BuildRows, Reader};
use crate::reject::{Other, Outcome, Skip, escape_invalid_utf8};

/// Further lines of a message are kept up to this many bytes of it.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// Events that wait for a time, at the beginning of a source: `START` comes before whatever has one.
const MAX_WAITING: usize = 1000;
/// Log streams whose invocation is known.
const MAX_STREAMS: usize = 10_000;

/// Reads sources of this format.
#[derive(Default)]
pub(super) struct Lambda {
    framing: Framing,
    events: Events,
}

enum Framing {
    /// Nothing but spaces so far.
    Open(Lines),
    Lines(Lines),
    Objects(Objects),
}

impl Default for Framing {
    fn default() -> Framing {
        Framing::Open(Lines::starting_at(1, 0))
    }
}

/// Rows, and what is known of the source besides them.
#[derive(Default)]
struct Events {
    rows: Rows,
    outcome: Outcome,
    /// The event whose further lines may follow.
    held: Option<Held>,
    /// Events that have no time and come before any that has.
    waiting: Vec<Held>,
    /// Of the last event that has one.
    last_time: Option<i64>,
    /// The invocation that a log stream is in; empty between two of them.
    requests: HashMap<Vec<u8>, Vec<u8>, foldhash::fast::RandomState>,
    /// Memory for the next event that is held, and for a message without its escapes.
    spare: Vec<u8>,
    message: Vec<u8>,
}

/// An event as it was read.
struct Held {
    number: u64,
    offset: u64,
    /// The line, and further ones of the message.
    text: Vec<u8>,
    /// Where the message begins.
    message: usize,
    /// What stood before it.
    prefix: Option<Prefix>,
    /// The platform's events have one line.
    is_platform: bool,
    is_report: bool,
    /// Empty lines since, which are part of the message if more of it follows.
    empty_lines: usize,
}

/// Time and stream that a tool put before a message.
#[derive(Clone, Copy)]
struct Prefix {
    time: i64,
    /// Where in the line it stands.
    stream: (usize, usize),
    length: usize,
}

impl Reader for Lambda {
    fn begin_at(&mut self, source: &str, line: u64, byte: u64) {
        self.framing = Framing::Open(Lines::starting_at(line, byte));
        let Events { rows, outcome, held, waiting, last_time, requests, .. } = &mut self.events;
        rows.begin(source);
        (*outcome, *held, *last_time) = (Outcome::default(), None, None);
        waiting.clear();
        requests.clear();
    }

    fn push(&mut self, mut bytes: &[u8]) {
        let events = &mut self.events;
        if let Framing::Open(lines) = &mut self.framing {
            let is_space = |b: &u8| b.is_ascii_whitespace() || b"\xEF\xBB\xBF".contains(b);
            let spaces = bytes.iter().take_while(|b| is_space(b)).count();
            lines.push(&bytes[..spaces], |line| events.line(line));
            bytes = &bytes[spaces..];
            let Some(first) = bytes.first() else { return };
            self.framing = if matches!(first, b'{' | b'[') {
                let (number, offset, begun) = lines.position();
                Framing::Objects(Objects::starting_at(number, offset + begun))
            } else {
                Framing::Lines(std::mem::replace(lines, Lines::starting_at(1, 0)))
            };
        }
        match &mut self.framing {
            Framing::Open(lines) | Framing::Lines(lines) => lines.push(bytes, |line| events.line(line)),
            Framing::Objects(objects) => objects.push(bytes, |record| events.record(record)),
        }
        events.rows.settle();
    }

    fn finish(&mut self) -> Outcome {
        let events = &mut self.events;
        match &mut self.framing {
            Framing::Open(lines) | Framing::Lines(lines) => lines.finish(|line| events.line(line)),
            Framing::Objects(objects) => objects.finish(|record| events.record(record)),
        }
        events.end();
        events.rows.settle();
        std::mem::take(&mut events.outcome)
    }

    fn rows(&self) -> &dyn columns::Rows {
        &self.events.rows
    }

    fn rows_mut(&mut self) -> &mut dyn columns::Rows {
        &mut self.events.rows
    }
}

impl Events {
    fn record(&mut self, record: Record<'_>) {
        let line = record.line;
        match record.kind {
            Kind::Text => return self.line(line),
            Kind::Empty => return self.outcome.count(Err(Other::Skip(Skip::Empty)), line.number, line.offset, b""),
            Kind::Object | Kind::Broken => {}
        }
        self.flush();
        let result = if line.too_long {
            Err(too_long())
        } else if record.kind == Kind::Broken {
            Err(Other::reject("bad_json", "the object breaks off: it may be torn".to_owned()))
        } else {
            let Some(result) = self.object(&line, record.envelope) else { return };
            result
        };
        self.outcome.count(result, line.number, line.offset, line.bytes);
    }

    /// An event of a list, or an object that is one for itself. `None` if it waits for a time.
    fn object(&mut self, line: &Line<'_>, envelope: Option<&Envelope>) -> Option<Result<(), Other>> {
        if envelope.is_none() && !is_event(line.bytes) {
            return self.bare_object(line);
        }
        let (mut message, mut at, mut stream, mut group) = (None, None, Text::default(), Text::default());
        let (mut id, mut ingested, mut is_foreign) = (Text::default(), None, false);
        let result = json::members(line.bytes, |member| {
            let value = || json::plain(&member.value);
            by_name! { member.key;
                b"message" => message = Some(member.value),
                b"timestamp" => at = time::whole(&value()),
                b"logStreamName" => stream = value(),
                b"logGroupName" => group = value(),
                b"eventId" | b"id" => id = value(),
                b"ingestionTime" => ingested = time::whole(&value()),
                b"extractedFields" => (),
                _ => is_foreign = true,
            }
        });
        if let Err(broken) = result {
            let detail = format!("{} is missing at byte {} of the object", broken.expected, broken.at);
            return Some(Err(Other::reject("bad_json", detail)));
        }
        // The envelope was torn, and this is what follows it.
        if is_foreign && id.is_empty() {
            return self.bare_object(line);
        }
        if envelope.is_some_and(|envelope| envelope.is_control) {
            return Some(Err(Other::Skip(Skip::Control)));
        }
        let Some(at) = at else {
            let detail = "timestamp is no number of milliseconds since 1970".to_owned();
            return Some(Err(Other::reject("bad_timestamp", detail)));
        };
        let mut text = std::mem::take(&mut self.message);
        text.clear();
        match message {
            Some(Value::Text { written, .. }) => crate::json::unescape(written, &mut text),
            Some(Value::Other(object)) => text.extend_from_slice(object),
            Some(Value::Null) | None => {
                return Some(Err(Other::reject("no_message", "an event has a message".to_owned())));
            }
        }
        let of_envelope = |of: fn(&Envelope) -> &Vec<u8>| envelope.map_or(b"".as_slice(), |e| of(e));
        let meta = Meta {
            log_group: if group.is_empty() { of_envelope(|e| &e.log_group) } else { &group },
            log_stream: if stream.is_empty() { of_envelope(|e| &e.log_stream) } else { &stream },
            event_id: &id,
            ingestion_time: ingested,
        };
        let result = self.row(&text, Some(at), &meta, line.number);
        self.message = text;
        Some(result.map(|_| ()))
    }

    /// An object that is not within anything. `None` if it waits for a time.
    fn bare_object(&mut self, line: &Line<'_>) -> Option<Result<(), Other>> {
        match self.row(line.bytes, None, &Meta::default(), line.number) {
            Ok(true) => Some(Ok(())),
            Ok(false) => {
                self.held = Some(Held::of(line, None, Vec::new()));
                self.flush();
                None
            }
            Err(other) => Some(Err(other)),
        }
    }

    fn line(&mut self, line: Line<'_>) {
        let skip = if line.too_long {
            self.flush();
            Err(too_long())
        } else if line.bytes.iter().all(u8::is_ascii_whitespace) {
            if let Some(held) = &mut self.held {
                held.empty_lines += 1;
            }
            Err(Other::Skip(Skip::Empty))
        } else {
            let prefix = prefix(line.bytes);
            let begins = prefix.is_some() || text::begins_event(line.bytes);
            match &mut self.held {
                Some(held) if !begins && held.goes_on_with(line.bytes) => {
                    held.add(line.bytes);
                    Err(Other::Skip(Skip::Continuation))
                }
                _ => {
                    self.flush();
                    let memory = std::mem::take(&mut self.spare);
                    self.held = Some(Held::of(&line, prefix, memory));
                    return;
                }
            }
        };
        self.outcome.count(skip, line.number, line.offset, line.bytes);
    }

    /// The held event is whole.
    fn flush(&mut self) {
        let Some(held) = self.held.take() else { return };
        match self.held_row(&held) {
            Some(result) => {
                self.outcome.count(result, held.number, held.offset, &held.text);
                self.spare = held.text;
            }
            None if self.waiting.len() < MAX_WAITING => self.waiting.push(held),
            None => self.outcome.count(Err(no_time()), held.number, held.offset, &held.text),
        }
    }

    /// `None` if no time is known yet.
    fn held_row(&mut self, held: &Held) -> Option<Result<(), Other>> {
        let (from, to) = held.prefix.map_or((0, 0), |prefix| prefix.stream);
        let meta = Meta { log_stream: &held.text[from..to], ..Meta::default() };
        let time = held.prefix.map(|prefix| prefix.time);
        match self.row(&held.text[held.message..], time, &meta, held.number) {
            Ok(true) => Some(Ok(())),
            Ok(false) => None,
            Err(other) => Some(Err(other)),
        }
    }

    /// Appends an event; false if neither `time` nor the message nor an event before it has a time.
    fn row(&mut self, message: &[u8], time: Option<i64>, meta: &Meta<'_>, number: u64) -> Result<bool, Other> {
        let message = match std::str::from_utf8(message) {
            Ok(_) => Cow::Borrowed(message),
            Err(_) => Cow::Owned(escape_invalid_utf8(message).into_bytes()),
        };
        let mut event = Event::default();
        text::read(&message, &mut event)?;
        let Some(time) = time.or(event.time).or(self.last_time) else { return Ok(false) };
        if self.last_time.replace(time).is_none() {
            self.place_waiting();
        }
        // Not an empty one: comparing what points nowhere is slow.
        let stream = if meta.log_stream.is_empty() { b"-" } else { meta.log_stream };
        let is_start = event.event == "start" && !event.request_id.is_empty();
        match self.requests.get_mut(stream) {
            Some(request) if is_start => {
                request.clear();
                request.extend_from_slice(&event.request_id);
            }
            None if is_start => {
                if self.requests.len() >= MAX_STREAMS {
                    self.requests.clear();
                }
                self.requests.insert(stream.to_vec(), event.request_id.to_vec());
            }
            Some(request) if event.event == "report" => request.clear(),
            Some(_) | None => {}
        }
        let is_log = event.event == "log" && event.request_id.is_empty();
        let request = is_log.then(|| self.requests.get(stream)).flatten();
        event.append(time, request.map_or(b"", Vec::as_slice), meta, number, &mut self.rows);
        Ok(true)
    }

    /// The first time is known: events before it get it too.
    fn place_waiting(&mut self) {
        for held in std::mem::take(&mut self.waiting) {
            if let Some(result) = self.held_row(&held) {
                self.outcome.count(result, held.number, held.offset, &held.text);
            }
        }
    }

    fn end(&mut self) {
        self.flush();
        for held in std::mem::take(&mut self.waiting) {
            self.outcome.count(Err(no_time()), held.number, held.offset, &held.text);
        }
        // An event is told when the next one begins, a line without one at once.
        self.outcome.rejects.sort_by_key(|reject| reject.line);
    }
}

/// Whether an object outside of any envelope is an event of CloudWatch nevertheless, out of a bare list. Mostly its first names tell.
fn is_event(object: &[u8]) -> bool {
    let mut scanner = Scanner::default();
    let mut members = scanner.members(object);
    while let Ok(Some(member)) = members.next(b"") {
        match member.key {
            b"eventId" | b"ingestionTime" | b"logStreamName" => return true,
            b"time" | b"type" | b"record" | b"level" | b"requestId" => return false,
            _ => {}
        }
    }
    false
}

#[cold]
fn too_long() -> Other {
    Other::reject("line_too_long", format!("over {} bytes", crate::MAX_LINE_BYTES))
}

#[cold]
fn no_time() -> Other {
    Other::reject("no_time", "neither it nor any event before it has a time".to_owned())
}

impl Held {
    fn of(line: &Line<'_>, prefix: Option<Prefix>, mut memory: Vec<u8>) -> Held {
        let message = prefix.map_or(0, |prefix| prefix.length);
        memory.clear();
        memory.extend_from_slice(line.bytes);
        let kind = text::platform_event(&line.bytes[message..]);
        Held {
            number: line.number,
            offset: line.offset,
            text: memory,
            message,
            prefix,
            is_platform: kind.is_some(),
            is_report: matches!(kind, Some("report" | "init_report" | "restore_report")),
            empty_lines: 0,
        }
    }

    /// Whether a line without a time before it, which need not begin an event, is part of this one.
    fn goes_on_with(&self, line: &[u8]) -> bool {
        if self.prefix.is_some() || self.is_report && text::is_part_of_report(line) {
            return true;
        }
        !self.is_platform && !text::may_begin_event(line)
    }

    fn add(&mut self, line: &[u8]) {
        let room = MAX_MESSAGE_BYTES.saturating_sub(self.text.len() - self.message);
        if room > 0 {
            let lines = (self.empty_lines + 1).min(room);
            self.text.extend(std::iter::repeat_n(b'\n', lines));
            self.text.extend_from_slice(&line[..line.len().min(room - lines)]);
        }
        self.empty_lines = 0;
    }
}

/// What `aws logs tail`, `sam logs` or an export to S3 put before a message: a time and perhaps the log stream, or the other way round.
fn prefix(line: &[u8]) -> Option<Prefix> {
    let time_at = |at: usize| {
        let (time, length) = time::iso(line.get(at..)?)?;
        (line[at + 10] == b'T' && line.get(at + length) == Some(&b' ')).then_some((time, at + length + 1))
    };
    if let Some(end) = stream_at(line, 0) {
        let (time, length) = time_at(end + 1)?;
        return Some(Prefix { time, stream: (0, end), length });
    }
    let (time, length) = time_at(0)?;
    match stream_at(line, length) {
        Some(end) => Some(Prefix { time, stream: (length, end), length: end + 1 }),
        None => Some(Prefix { time, stream: (0, 0), length }),
    }
}

/// Where the log stream ends that begins at `at`: `2026/11/19/[$LATEST]0a1b2c...`, with a space behind it.
fn stream_at(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    let name = &rest[..memchr::memchr(b' ', rest)?];
    let date = name.get(..11)?;
    let is_date =
        date.iter().enumerate().all(|(i, b)| if matches!(i, 4 | 7 | 10) { *b == b'/' } else { b.is_ascii_digit() });
    let has_version = memchr::memchr2(b'[', b']', name).is_some_and(|i| name[i] == b'[');
    (is_date && has_version).then_some(at + name.len())
}

/// Whether a line is of such a log: what it begins with tells.
pub(super) fn looks_known(line: &[u8]) -> bool {
    match prefix(line) {
        Some(Prefix { stream: (0, 0), length, .. }) => {
            text::begins_event(&line[length..]) || text::begins_event(line) || json::is_lambda(&line[length..])
        }
        Some(_) => true,
        None => text::begins_event(line),
    }
}
