//! Messages in text: the platform's lines, and what runtimes put before the application's own.
//!
//! Source: AWS, "Viewing CloudWatch logs for Lambda functions" and the pages on logging of the runtimes; lines that users published.

use std::borrow::Cow;

use super::event::{Event, Text};
use super::{json, time};
use crate::reject::Other;
use crate::value;

/// Reads a message. Fails where a number of the platform is none.
pub(super) fn event<'a>(message: &'a [u8]) -> Result<Event<'a>, Other> {
    let message = message.trim_ascii_end();
    if let Some(event) = json::event(message) {
        return event;
    }
    if let Some((name, rest)) = platform(message) {
        let mut event = Event { event: name.into(), message: message.into(), ..Event::default() };
        return match name {
            "start" => {
                let (id, version) = split_at(rest, b" Version: ");
                event.request_id = id.into();
                event.version = version.into();
                Ok(event)
            }
            "exit" => {
                event.request_id = rest.get(..UUID).unwrap_or_default().into();
                // "... Error: Runtime exited with error: signal: killed", and in the next line "Runtime.ExitError".
                let last = rest.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
                event.error_type = if last.starts_with(b"Runtime.") { last.into() } else { Text::default() };
                Ok(event)
            }
            "extension" => Ok(event),
            _ => parts(message, rest, event),
        };
    }
    Ok(application(message))
}

/// The event of a line of the platform, and what says more: `key: value`, separated by tabs.
fn platform(message: &[u8]) -> Option<(&'static str, &[u8])> {
    let behind = |word: &[u8]| message.strip_prefix(word);
    let id = |rest: &[u8]| rest.strip_prefix(b"RequestId: ").is_some_and(begins_with_uuid);
    let found = if let Some(rest) = behind(b"START RequestId: ").filter(|rest| begins_with_uuid(rest)) {
        ("start", rest)
    } else if let Some(rest) = behind(b"END ").filter(|rest| id(rest)) {
        ("end", rest)
    } else if let Some(rest) = behind(b"REPORT ").filter(|rest| id(rest)) {
        ("report", rest)
    } else if let Some(rest) = behind(b"INIT_START ").filter(|rest| rest.starts_with(b"Runtime Version: ")) {
        ("init_start", rest)
    } else if let Some(rest) = behind(b"RESTORE_START ").filter(|rest| rest.starts_with(b"Runtime Version: ")) {
        ("restore_start", rest)
    } else if let Some(rest) = behind(b"INIT_REPORT ").filter(|rest| rest.starts_with(b"Init Duration: ")) {
        ("init_report", rest)
    } else if let Some(rest) = behind(b"RESTORE_REPORT ").filter(|rest| rest.starts_with(b"Restore Duration: ")) {
        ("restore_report", rest)
    } else if let Some(rest) = behind(b"RequestId: ").filter(|rest| begins_with_uuid(rest)) {
        let is_end = |text: &&[u8]| text.starts_with(b" Error: ") || text.starts_with(b" Process exited");
        rest.get(UUID..).filter(is_end)?;
        ("exit", rest)
    } else if [b"EXTENSION\tName: ".as_slice(), b"TELEMETRY\tName: ", b"LOGS\tName: "]
        .iter()
        .any(|w| behind(w).is_some())
    {
        ("extension", message)
    } else {
        return None;
    };
    Some(found)
}

/// The event of a line of the platform.
pub(super) fn platform_event(line: &[u8]) -> Option<&'static str> {
    platform(line).map(|(name, _)| name)
}

/// A piece that belongs to the line of a report, although it stands in a line of its own.
pub(super) fn is_part_of_report(line: &[u8]) -> bool {
    [b"XRAY TraceId: ".as_slice(), b"Status: ", b"Init Duration: "].iter().any(|key| line.starts_with(key))
}

fn parts<'a>(message: &'a [u8], rest: &'a [u8], mut event: Event<'a>) -> Result<Event<'a>, Other> {
    for part in rest.split(|b| matches!(b, b'\t' | b'\n')).map(<[u8]>::trim_ascii).filter(|part| !part.is_empty()) {
        let (key, value) = split_at(part, b": ");
        let milliseconds = || number(message, key, value, b"ms").map(Some);
        let whole = |unit| number(message, key, value, unit).map(|number| Some(number as i64));
        match key {
            b"RequestId" => event.request_id = value.into(),
            b"Duration" => event.duration_ms = milliseconds()?,
            b"Billed Duration" => event.billed_duration_ms = whole(b"ms")?,
            b"Memory Size" => event.memory_size_mb = whole(b"MB")?,
            b"Max Memory Used" => event.max_memory_used_mb = whole(b"MB")?,
            b"Init Duration" => event.init_duration_ms = milliseconds()?,
            b"Restore Duration" => event.restore_duration_ms = milliseconds()?,
            b"Billed Restore Duration" => event.billed_restore_duration_ms = whole(b"ms")?,
            b"XRAY TraceId" => event.xray_trace_id = value.into(),
            b"Status" => event.status = value.into(),
            b"Error Type" => event.error_type = value.into(),
            b"Phase" => event.phase = value.into(),
            b"Runtime Version" => event.runtime_version = value.into(),
            // In the message, and in each other event of the version.
            b"Runtime Version ARN" => {}
            _ => event.add_extra(key, value),
        }
    }
    Ok(event)
}

/// `3000.00 ms`
fn number(message: &[u8], key: &[u8], text: &[u8], unit: &[u8]) -> Result<f64, Other> {
    let digits = text.strip_suffix(unit).map(<[u8]>::trim_ascii_end);
    digits.and_then(value::decimal).ok_or_else(|| {
        let (key, unit) = (String::from_utf8_lossy(key), String::from_utf8_lossy(unit));
        let shown = String::from_utf8_lossy(&text[..text.len().min(64)]);
        let at = (text.as_ptr() as usize).wrapping_sub(message.as_ptr() as usize);
        Other::reject("bad_number", format!("{key} is {shown:?}: not a number of {unit}, at byte {at} of the message"))
    })
}

/// What the application wrote. Runtimes put time, request id and level before it, in this order (Node.js), with the level first and in
/// brackets (Python), or as a layout says (Java); behind each stands a tab or a space.
fn application(message: &[u8]) -> Event<'_> {
    let mut event = Event { event: "log".into(), ..Event::default() };
    let mut rest = message;
    while let Some((length, found)) = header(rest, &event) {
        match found {
            Header::Time(time) => event.time = Some(time),
            Header::Id(id) => event.request_id = id.into(),
            Header::NoId => {}
            Header::Level(level) => event.level = level.into(),
        }
        rest = match rest.get(length) {
            Some(_) => &rest[length + 1..],
            None => b"",
        };
    }
    // A line that is nothing but a level says that.
    event.message = if rest.is_empty() { message } else { rest }.into();
    if let Some(after) = rest.strip_prefix(b"Task timed out after ") {
        event.event = "timeout".into();
        event.timeout_s = value::decimal(split_at(after, b" ").0);
    } else if let Some(error) = failure(rest, event.level == b"ERROR".as_slice()) {
        event.is_failure = true;
        event.error_type = error;
    }
    event
}

enum Header<'a> {
    Time(i64),
    Id(&'a [u8]),
    /// `undefined`: Node.js outside of an invocation.
    NoId,
    Level(&'a [u8]),
}

/// What stands at the beginning, if it is none that the event has already, and its length.
fn header<'a>(text: &'a [u8], event: &Event<'_>) -> Option<(usize, Header<'a>)> {
    let ends = |length: usize| matches!(text.get(length), None | Some(b' ' | b'\t'));
    if event.time.is_none()
        && let Some((time, length)) = time::iso(text).filter(|(_, length)| ends(*length))
    {
        return Some((length, Header::Time(time)));
    }
    let length = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let word = &text[..length];
    if event.request_id.is_empty() && ends(length) {
        if length == UUID && begins_with_uuid(word) {
            return Some((length, Header::Id(word)));
        }
        if word == b"undefined" && event.time.is_some() && text.get(length) == Some(&b'\t') {
            return Some((length, Header::NoId));
        }
    }
    if event.level.is_empty() && ends(length) {
        let bare = word.strip_prefix(b"[").and_then(|word| word.strip_suffix(b"]")).unwrap_or(word);
        if is_level(bare) {
            return Some((length, Header::Level(bare)));
        }
    }
    None
}

/// The class of an exception that ended the invocation, as the runtime reports it. Empty where it does not say.
fn failure(text: &[u8], is_error: bool) -> Option<Text<'_>> {
    for begin in [b"Invoke Error".as_slice(), b"Uncaught Exception", b"Unhandled Promise Rejection"] {
        // Node.js: `Invoke Error <TAB> {"errorType":"TypeError",...}`
        if let Some(object) = text.strip_prefix(begin).and_then(|rest| rest.trim_ascii_start().strip_prefix(b"{")) {
            let object = &text[text.len() - object.len() - 1..];
            return Some(json::error_type(object));
        }
    }
    // Python: `[ERROR] KeyError: 'id'`, and then the traceback.
    let (class, rest) = split_at(text, b":");
    let is_class = !class.is_empty()
        && class.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'))
        && (class.starts_with(b"Runtime.")
            || class.ends_with(b"Error")
            || class.ends_with(b"Exception")
            || memchr::memmem::find(rest, b"\nTraceback (most recent call last):").is_some());
    (is_error && is_class).then_some(Cow::Borrowed(class))
}

fn is_level(word: &[u8]) -> bool {
    const LEVELS: [&[u8]; 11] = [
        b"TRACE",
        b"DEBUG",
        b"INFO",
        b"NOTICE",
        b"WARN",
        b"WARNING",
        b"ERROR",
        b"SEVERE",
        b"CRITICAL",
        b"FATAL",
        b"EMERGENCY",
    ];
    LEVELS.contains(&word)
}

/// Whether a line can only be the beginning of an event: one of the platform, or what runtimes put before the application's own.
pub(super) fn begins_event(line: &[u8]) -> bool {
    if platform(line).is_some() {
        return true;
    }
    // Python: `[INFO] <TAB> time <TAB> id <TAB>`
    let bracket = line.first() == Some(&b'[');
    let head = line.get(..64.min(line.len())).unwrap_or_default();
    let rest = match memchr::memchr(b'\t', head) {
        Some(tab) if bracket => &line[tab + 1..],
        _ => line,
    };
    let Some((_, length)) = time::iso(rest) else { return false };
    match rest.get(length) {
        Some(b'\t') => {
            let id = &rest[length + 1..];
            begins_with_uuid(id) || id.starts_with(b"undefined\t") || id.starts_with(b"\t")
        }
        Some(b' ') => {
            let id = &rest[length + 1..];
            begins_with_uuid(id) && id[UUID..].starts_with(b" Task timed out after ")
        }
        _ => false,
    }
}

/// Whether a line may well be the beginning of an event, where nothing else tells: an object, or a level in brackets.
pub(super) fn may_begin_event(line: &[u8]) -> bool {
    line.starts_with(b"{") && json::event(line).is_some()
        || line.starts_with(b"[") && matches!(header(line, &Event::default()), Some((_, Header::Level(_))))
}

const UUID: usize = 36;

/// `3364d63a-a9d2-11e8-9e1c-7f3b2a3d4c5e`
fn begins_with_uuid(text: &[u8]) -> bool {
    text.get(..UUID).is_some_and(|id| {
        id.iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
    })
}

/// What stands before `separator`, and behind it; nothing where there is none.
fn split_at<'a>(text: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    match memchr::memmem::find(text, separator) {
        Some(at) => (&text[..at], &text[at + separator.len()..]),
        None => (text, b""),
    }
}
