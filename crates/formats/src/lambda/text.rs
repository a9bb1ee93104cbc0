//! Messages in text: the platform's lines, and what runtimes put before the application's own.
//!
//! Source: AWS, "Viewing CloudWatch logs for Lambda functions" and the pages on logging of the runtimes; lines that users published.

use std::borrow::Cow;

use super::event::{Event, Text};
use super::json::by_name;
use super::{json, time};
use crate::reject::Other;
use crate::value;

/// Reads a message into `event`, which is filled in place: it is some hundred bytes. Fails where a number of the platform is none.
pub(super) fn read<'a>(message: &'a [u8], event: &mut Event<'a>) -> Result<(), Other> {
    let message = message.trim_ascii_end();
    if message.first() == Some(&b'{') {
        if json::read(message, event)? {
            return Ok(());
        }
        *event = Event::default();
    }
    let Some((name, rest)) = platform(message) else {
        application(message, event);
        return Ok(());
    };
    event.event = name.into();
    event.message = message.into();
    match name {
        "start" => {
            event.request_id = rest[..UUID].into();
            event.version = rest[UUID..].strip_prefix(b" Version: ").unwrap_or_default().into();
        }
        "end" => event.request_id = rest.strip_prefix(b"RequestId: ").unwrap_or_default().into(),
        "exit" => {
            event.request_id = rest[..UUID].into();
            // "... Error: Runtime exited with error: signal: killed", and in the next line "Runtime.ExitError".
            let last = rest.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
            event.error_type = if last.starts_with(b"Runtime.") { last.into() } else { Text::default() };
        }
        "extension" => {}
        _ => return parts(message, rest, event),
    }
    Ok(())
}

/// The event of a line of the platform, and what says more: `key: value`, separated by tabs.
fn platform(message: &[u8]) -> Option<(&'static str, &[u8])> {
    let with_id = |rest: &&[u8]| behind(rest, b"RequestId: ").is_some_and(begins_with_uuid);
    // Most lines are the application's: the first byte tells.
    match message.first()? {
        b'S' => {
            let rest = behind(message, b"START RequestId: ").filter(|rest| begins_with_uuid(rest))?;
            Some(("start", rest))
        }
        b'E' => match behind(message, b"END ").filter(with_id) {
            Some(rest) => Some(("end", rest)),
            None => behind(message, b"EXTENSION\tName: ").map(|rest| ("extension", rest)),
        },
        b'I' => match behind(message, b"INIT_START ").filter(|rest| rest.starts_with(b"Runtime Version: ")) {
            Some(rest) => Some(("init_start", rest)),
            None => {
                let rest = behind(message, b"INIT_REPORT ").filter(|rest| rest.starts_with(b"Init Duration: "))?;
                Some(("init_report", rest))
            }
        },
        b'R' => {
            if let Some(rest) = behind(message, b"REPORT ").filter(with_id) {
                Some(("report", rest))
            } else if let Some(rest) = behind(message, b"RequestId: ").filter(|rest| begins_with_uuid(rest)) {
                let end = &rest[UUID..];
                (end.starts_with(b" Error: ") || end.starts_with(b" Process exited")).then_some(("exit", rest))
            } else if let Some(rest) = behind(message, b"RESTORE_START ") {
                rest.starts_with(b"Runtime Version: ").then_some(("restore_start", rest))
            } else {
                let rest = behind(message, b"RESTORE_REPORT ")?;
                rest.starts_with(b"Restore Duration: ").then_some(("restore_report", rest))
            }
        }
        b'T' => behind(message, b"TELEMETRY\tName: ").map(|rest| ("extension", rest)),
        b'L' => behind(message, b"LOGS\tName: ").map(|rest| ("extension", rest)),
        _ => None,
    }
}

/// The event of a line of the platform.
pub(super) fn platform_event(line: &[u8]) -> Option<&'static str> {
    platform(line).map(|(name, _)| name)
}

/// A piece that belongs to the line of a report, although it stands in a line of its own.
pub(super) fn is_part_of_report(line: &[u8]) -> bool {
    [b"XRAY TraceId: ".as_slice(), b"Status: ", b"Init Duration: "].iter().any(|key| line.starts_with(key))
}

fn parts<'a>(message: &'a [u8], rest: &'a [u8], event: &mut Event<'a>) -> Result<(), Other> {
    let mut rest = rest;
    while !rest.is_empty() {
        let part = rest[..end_of_part(rest)].trim_ascii();
        rest = &rest[end_of_part(rest)..];
        if part.is_empty() {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let (key, value) = split_at(part, b": ");
        let milliseconds = || number(message, key, value, b"ms").map(Some);
        let whole = |unit: &[u8]| number(message, key, value, unit).map(|number| Some(number as i64));
        by_name! { key;
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
            b"Runtime Version ARN" => {},
            _ => event.add_extra(key, value),
        }
    }
    Ok(())
}

/// Parts end at a tab. Where a copy on its way here has spaces for tabs, they end before the next known name.
fn end_of_part(rest: &[u8]) -> usize {
    const NAMES: [&[u8]; 14] = [
        b"Duration: ",
        b"Billed Duration: ",
        b"Memory Size: ",
        b"Max Memory Used: ",
        b"Init Duration: ",
        b"Restore Duration: ",
        b"Billed Restore Duration: ",
        b"XRAY TraceId: ",
        b"SegmentId: ",
        b"Sampled: ",
        b"Status: ",
        b"Error Type: ",
        b"Phase: ",
        b"Runtime Version ARN: ",
    ];
    let end = rest.iter().position(|b| matches!(b, b'\t' | b'\n')).unwrap_or(rest.len());
    let begins_part = |at: &usize| NAMES.iter().any(|name| rest[*at..end].starts_with(name));
    // Within a name no other one begins: `Billed Duration` is seen as a whole, for its value comes behind it.
    let first_value = rest[..end].windows(2).position(|window| window == b": ").unwrap_or(end);
    let mut spaces = memchr::memchr_iter(b' ', &rest[..end]).filter(|at| *at > first_value + 1).map(|at| at + 1);
    spaces.find(begins_part).unwrap_or(end)
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
fn application<'a>(message: &'a [u8], event: &mut Event<'a>) {
    event.event = "log".into();
    let mut rest = message;
    while let Some((length, found)) = header(rest, event) {
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
    // None of them is longer than a request id.
    let head = &text[..text.len().min(UUID + 1)];
    let length = head.iter().position(|b| matches!(b, b' ' | b'\t' | b'\n')).unwrap_or(head.len());
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
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_');
    let (class, rest) = text.split_at(text.iter().take_while(|b| is_part(b)).count());
    let is_class = is_error
        && !class.is_empty()
        && rest.starts_with(b":")
        && (class.starts_with(b"Runtime.")
            || class.ends_with(b"Error")
            || class.ends_with(b"Exception")
            || memchr::memmem::find(rest, b"\nTraceback (most recent call last):").is_some());
    is_class.then_some(Cow::Borrowed(class))
}

fn is_level(word: &[u8]) -> bool {
    match word.len() {
        4 => [b"INFO", b"WARN"].contains(&word.as_array().unwrap_or(b"    ")),
        5 => [b"ERROR", b"DEBUG", b"TRACE", b"FATAL"].contains(&word.as_array().unwrap_or(b"     ")),
        6 => [b"NOTICE", b"SEVERE"].contains(&word.as_array().unwrap_or(b"      ")),
        7 => word == b"WARNING",
        8 => word == b"CRITICAL",
        9 => word == b"EMERGENCY",
        _ => false,
    }
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
    line.starts_with(b"{") && json::is_object(line)
        || line.starts_with(b"[") && matches!(header(line, &Event::default()), Some((_, Header::Level(_))))
}

const UUID: usize = 36;

/// `3364d63a-a9d2-11e8-9e1c-7f3b2a3d4c5e`
fn begins_with_uuid(text: &[u8]) -> bool {
    const IS_PART: [bool; 256] = {
        let mut is_part = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            is_part[byte] = (byte as u8).is_ascii_hexdigit() || byte as u8 == b'-';
            byte += 1;
        }
        is_part
    };
    let Some(id) = text.first_chunk::<UUID>() else { return false };
    // First what hardly any other text has.
    [id[8], id[13], id[18], id[23]] == *b"----" && id.iter().fold(true, |all, b| all & IS_PART[usize::from(*b)])
}

/// What follows the word that a text begins with. Of a known length, it is compared without a call.
fn behind<'a, const N: usize>(text: &'a [u8], word: &[u8; N]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_first_chunk::<N>()?;
    (head == word).then_some(rest)
}

/// What stands before `separator`, and behind it; nothing where there is none. What it is applied to is short.
fn split_at<'a>(text: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    match text.windows(separator.len()).position(|window| window == separator) {
        Some(at) => (&text[..at], &text[at + separator.len()..]),
        None => (text, b""),
    }
}
