//! Messages in JSON: events of the platform, and lines of an application that logs objects.
//!
//! Source: AWS, "Lambda Telemetry API Event schema reference" and "Configuring JSON and plain text log formats".

use std::borrow::Cow;

use super::event::{Event, Text};
use super::time;
use crate::json::{self, Broken, Member, Scanner, Value};
use crate::reject::Other;
use crate::value;

/// Does what stands beside the name. As a `match`, each name would be a call of `memcmp`; of a known length it is a comparison or two.
macro_rules! by_name {
    ($name:expr; $($($known:literal)|+ => $then:expr,)* _ => $other:expr $(,)?) => {{
        let name: &[u8] = $name;
        $(if $(name.as_array() == Some($known))||+ { $then } else)* { $other }
    }};
}
pub(super) use by_name;

/// Whether the whole of a text is an object.
pub(super) fn is_object(text: &[u8]) -> bool {
    members(text, |_| {}).is_ok()
}

/// Reads a message that is an object into `event`; false if it is none.
pub(super) fn read<'a>(message: &'a [u8], event: &mut Event<'a>) -> Result<bool, Other> {
    let mut kind: &[u8] = b"";
    let mut record = None;
    let mut error_message: Text<'a> = Text::default();
    event.event = "log".into();
    let result = members(message, |member| {
        let value = || plain(&member.value);
        by_name! { member.key;
            b"type" => match member.value {
                Value::Text { written, .. } => kind = written,
                value => event.add_extra(b"type", &plain(&value)),
            },
            b"record" => record = Some(member.value),
            b"time" | b"timestamp" | b"@timestamp" => match event.time {
                None => event.time = time::whole(&value()),
                Some(_) => event.add_extra(member.key, &value()),
            },
            b"level" | b"log_level" | b"severity" => event.level = value(),
            b"message" | b"msg" => event.message = value(),
            b"requestId" | b"AWSRequestId" | b"AWSrequestId" | b"aws_request_id" | b"function_request_id" =>
                event.request_id = value(),
            b"errorType" => event.error_type = value(),
            b"errorMessage" => error_message = value(),
            b"xray_trace_id" => event.xray_trace_id = value(),
            b"function_name" => event.function = value(),
            b"function_version" => event.version = value(),
            _ => event.add_extra(member.key, &value()),
        }
    });
    if result.is_err() {
        return Ok(false);
    }
    match (kind.strip_prefix(b"platform."), record) {
        (Some(name), Some(record)) => {
            event.event = event_name(name);
            event.message = message.into();
            return platform(&record, event).map(|()| true);
        }
        // Of the Telemetry API, which has what was written as a whole.
        (None, Some(record)) if matches!(kind, b"function" | b"extension") => {
            event.event = if kind == b"function" { "log".into() } else { "extension".into() };
            event.message = plain(&record);
            return Ok(true);
        }
        (_, Some(record)) => event.add_extra(b"record", &plain(&record)),
        (_, None) => {}
    }
    if !kind.is_empty() {
        event.add_extra(b"type", kind);
    }
    if event.message.is_empty() {
        event.message = std::mem::take(&mut error_message);
    }
    if event.message.is_empty() {
        event.message = message.into();
        event.extra.clear();
    } else if !error_message.is_empty() {
        event.add_extra(b"errorMessage", &error_message);
    }
    if event.error_type.is_empty() && event.message.first() == Some(&b'{') {
        event.error_type = error_type(&event.message).into_owned().into();
    }
    Ok(true)
}

/// Whether an object is one of Lambda's: of the platform, or with a request id.
pub(super) fn is_lambda(object: &[u8]) -> bool {
    let (mut is_platform, mut is_telemetry, mut has_record, mut has_id, mut has_time) =
        (false, false, false, false, false);
    // What is broken may be cut: the beginning of a file is enough.
    let _ = members(object, |member| match (member.key, member.value) {
        (b"type", Value::Text { written: kind, .. }) => {
            is_platform |= kind.starts_with(b"platform.");
            is_telemetry |= matches!(kind, b"function" | b"extension");
        }
        (b"record", _) => has_record = true,
        (b"requestId" | b"AWSRequestId" | b"AWSrequestId" | b"aws_request_id" | b"function_request_id", _) => {
            has_id = true
        }
        (b"time" | b"timestamp", _) => has_time = true,
        _ => {}
    });
    is_platform || is_telemetry && has_record && has_time || has_id && has_time
}

/// Gives the members of the object that the whole of `text` is; those before the place where it is broken, too.
pub(super) fn members<'a>(text: &'a [u8], mut each: impl FnMut(Member<'a>)) -> Result<(), Broken> {
    let mut scanner = Scanner::default();
    let mut members = scanner.members(text);
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
        Value::Text { written, has_escapes: false } => (*written).into(),
        Value::Text { written, .. } => json::unescaped(written),
        Value::Other(written) => (*written).into(),
    }
}

fn platform<'a>(record: &Value<'a>, event: &mut Event<'a>) -> Result<(), Other> {
    let Value::Other(object) = *record else { return Ok(()) };
    let mut metrics = None;
    // The object that it is in was read whole.
    let _ = members(object, |member| {
        let value = plain(&member.value);
        by_name! { member.key;
            b"requestId" => event.request_id = value,
            b"metrics" => metrics = Some(member.value),
            b"status" => event.status = value,
            b"errorType" => event.error_type = value,
            b"version" | b"functionVersion" => event.version = value,
            b"phase" => event.phase = value,
            b"runtimeVersion" => event.runtime_version = value,
            b"functionName" => event.function = value,
            b"functionArn" => if event.function.is_empty() {
                event.function = value.split(|b| *b == b':').nth(6).unwrap_or_default().to_vec().into();
            },
            b"tracing" => event.xray_trace_id = trace_id(&value),
            // In the message.
            b"spans" | b"runtimeVersionArn" => {},
            _ => event.add_extra(member.key, &value),
        }
    });
    let Some(Value::Other(metrics)) = metrics else { return Ok(()) };
    let mut wrong = None;
    let _ = members(metrics, |member| {
        let value = plain(&member.value);
        let number = value::decimal(&value).or_else(|| std::str::from_utf8(&value).ok()?.parse().ok());
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() && !value.is_empty() {
            wrong.get_or_insert((member.key, value.clone()));
        }
        let whole = number.map(|number| number as i64);
        by_name! { member.key;
            b"durationMs" => match event.event.as_ref() {
                "init_report" => event.init_duration_ms = number,
                "restore_report" => event.restore_duration_ms = number,
                _ => event.duration_ms = number,
            },
            b"billedDurationMs" => event.billed_duration_ms = whole,
            b"memorySizeMB" => event.memory_size_mb = whole,
            b"maxMemoryUsedMB" => event.max_memory_used_mb = whole,
            b"initDurationMs" => event.init_duration_ms = number,
            b"restoreDurationMs" => event.restore_duration_ms = number,
            b"billedRestoreDurationMs" => event.billed_restore_duration_ms = whole,
            _ => event.add_extra(member.key, &value),
        }
    });
    match wrong {
        None => Ok(()),
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
fn event_name(name: &[u8]) -> Cow<'static, str> {
    by_name! { name;
        b"start" => "start".into(),
        b"report" => "report".into(),
        b"runtimeDone" => "runtime_done".into(),
        _ => {
            let mut snake = String::with_capacity(name.len() + 4);
            for c in String::from_utf8_lossy(name).chars() {
                if c.is_ascii_uppercase() {
                    snake.push('_');
                }
                snake.push(c.to_ascii_lowercase());
            }
            snake.into()
        }
    }
}
