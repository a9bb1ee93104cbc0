//! Messages in JSON: events of the platform, and lines of an application that logs objects.
//!
//! Source: AWS, "Lambda Telemetry API Event schema reference" and "Configuring JSON and plain text log formats".

use super::event::{Event, Text};
use super::time;
use crate::json::{self, Broken, Member, Members, Value};
use crate::reject::Other;
use crate::value;

/// Reads a message that is an object; `None` where it is none.
pub(super) fn event<'a>(message: &'a [u8]) -> Option<Result<Event<'a>, Other>> {
    if message.first() != Some(&b'{') {
        return None;
    }
    let mut kind: Text<'a> = Text::default();
    let mut record = None;
    let mut application = Event { event: "log".into(), ..Event::default() };
    let mut error_message: Text<'a> = Text::default();
    let result = members(message, |member| {
        let value = plain(&member.value);
        match member.key {
            b"type" => kind = value,
            b"record" => record = Some(member.value),
            b"time" | b"timestamp" | b"@timestamp" if application.time.is_none() => {
                application.time = time::whole(&value)
            }
            b"level" | b"log_level" | b"severity" if application.level.is_empty() => application.level = value,
            b"message" | b"msg" if application.message.is_empty() => application.message = value,
            b"requestId" | b"AWSRequestId" | b"AWSrequestId" | b"aws_request_id" | b"function_request_id" => {
                application.request_id = value;
            }
            b"errorType" => application.error_type = value,
            b"errorMessage" => error_message = value,
            b"xray_trace_id" => application.xray_trace_id = value,
            b"function_name" => application.function = value,
            b"function_version" => application.version = value,
            key => application.add_extra(key, &value),
        }
    });
    result.ok()?;
    if let (Some(name), Some(record)) = (kind.strip_prefix(b"platform."), &record) {
        let event = Event { event: snake_case(name).into(), message: message.into(), ..Event::default() };
        return Some(platform(record, Event { time: application.time, ..event }));
    }
    // Of the Telemetry API, which has what was written as a whole.
    if let (b"function" | b"extension", Some(record)) = (kind.as_ref(), &record) {
        application.event = if kind == b"function".as_slice() { "log".into() } else { "extension".into() };
        application.message = plain(record);
        return Some(Ok(application));
    }
    if !kind.is_empty() {
        application.add_extra(b"type", &kind);
    }
    if let Some(record) = &record {
        application.add_extra(b"record", &plain(record));
    }
    if application.message.is_empty() {
        application.message = std::mem::take(&mut error_message);
    }
    if application.message.is_empty() {
        application.message = message.into();
        application.extra.clear();
    } else if !error_message.is_empty() {
        application.add_extra(b"errorMessage", &error_message);
    }
    if application.error_type.is_empty() && application.message.first() == Some(&b'{') {
        application.error_type = error_type(&application.message).into_owned().into();
    }
    Some(Ok(application))
}

/// Whether an object is one of Lambda's: of the platform, or with a request id.
pub(super) fn is_lambda(object: &[u8]) -> bool {
    let (mut is_platform, mut has_id, mut has_time) = (false, false, false);
    // What is broken may be cut: the beginning of a file is enough.
    let _ = members(object, |member| match (member.key, member.value) {
        (b"type", Value::Text(kind)) => is_platform |= kind.starts_with(b"platform."),
        (b"requestId" | b"AWSRequestId" | b"AWSrequestId" | b"aws_request_id" | b"function_request_id", _) => {
            has_id = true
        }
        (b"time" | b"timestamp", _) => has_time = true,
        _ => {}
    });
    is_platform || has_id && has_time
}

/// Gives the members of the object that the whole of `text` is; those before the place where it is broken, too.
pub(super) fn members<'a>(text: &'a [u8], mut each: impl FnMut(Member<'a>)) -> Result<(), Broken> {
    let mut members = Members::of(text);
    while let Some(member) = members.next(b"")? {
        each(member);
    }
    Ok(())
}

/// `errorType` of an object; empty if it has none.
pub(super) fn error_type(object: &[u8]) -> Text<'_> {
    let mut found = Text::default();
    // Where the object breaks off, what came before counts.
    let _ = members(object, |member| {
        if member.key == b"errorType" {
            found = plain(&member.value);
        }
    });
    found
}

/// A string without its escapes, anything else as it is written, nothing for `null`.
pub(super) fn plain<'a>(value: &Value<'a>) -> Text<'a> {
    match value {
        Value::Null => Text::default(),
        Value::Text(text) => json::unescaped(text),
        Value::Other(written) => (*written).into(),
    }
}

fn platform<'a>(record: &Value<'a>, mut event: Event<'a>) -> Result<Event<'a>, Other> {
    let Value::Other(object) = *record else { return Ok(event) };
    let mut metrics = None;
    // The object that it is in was read whole.
    let _ = members(object, |member| {
        let value = plain(&member.value);
        match member.key {
            b"requestId" => event.request_id = value,
            b"metrics" => metrics = Some(member.value),
            b"status" => event.status = value,
            b"errorType" => event.error_type = value,
            b"version" | b"functionVersion" => event.version = value,
            b"phase" => event.phase = value,
            b"runtimeVersion" => event.runtime_version = value,
            b"functionName" => event.function = value,
            b"functionArn" if event.function.is_empty() => {
                event.function = value.split(|b| *b == b':').nth(6).unwrap_or_default().to_vec().into();
            }
            b"tracing" => event.xray_trace_id = trace_id(&value),
            // In the message.
            b"spans" | b"runtimeVersionArn" | b"functionArn" => {}
            key => event.add_extra(key, &value),
        }
    });
    let Some(Value::Other(metrics)) = metrics else { return Ok(event) };
    let mut wrong = None;
    let _ = members(metrics, |member| {
        let value = plain(&member.value);
        let number = value::decimal(&value).or_else(|| std::str::from_utf8(&value).ok()?.parse().ok());
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() && !value.is_empty() {
            wrong.get_or_insert((member.key, value.clone()));
        }
        let whole = number.map(|number| number as i64);
        match (member.key, event.event.as_ref()) {
            (b"durationMs", "init_report") => event.init_duration_ms = number,
            (b"durationMs", "restore_report") => event.restore_duration_ms = number,
            (b"durationMs", _) => event.duration_ms = number,
            (b"billedDurationMs", _) => event.billed_duration_ms = whole,
            (b"memorySizeMB", _) => event.memory_size_mb = whole,
            (b"maxMemoryUsedMB", _) => event.max_memory_used_mb = whole,
            (b"initDurationMs", _) => event.init_duration_ms = number,
            (b"restoreDurationMs", _) => event.restore_duration_ms = number,
            (b"billedRestoreDurationMs", _) => event.billed_restore_duration_ms = whole,
            (key, _) => event.add_extra(key, &value),
        }
    });
    match wrong {
        None => Ok(event),
        Some((key, value)) => {
            let (key, value) = (String::from_utf8_lossy(key), value);
            let shown = String::from_utf8_lossy(&value[..value.len().min(64)]);
            Err(Other::reject("bad_number", format!("{key} is {shown:?}: not a number")))
        }
    }
}

/// `{"spanId": ..., "type": "X-Amzn-Trace-Id", "value": "Root=1-...;Parent=...;Sampled=1"}`
fn trace_id(tracing: &[u8]) -> Text<'static> {
    let mut root = Text::default();
    let _ = members(tracing, |member| {
        if member.key == b"value" {
            let value = plain(&member.value);
            let of_root = value.split(|b| *b == b';').find_map(|part| part.strip_prefix(b"Root="));
            root = of_root.unwrap_or(&value).to_vec().into();
        }
    });
    root
}

/// `runtimeDone` as `runtime_done`.
fn snake_case(name: &[u8]) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in String::from_utf8_lossy(name).chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
