//! What an event says, however it is written.

use std::borrow::Cow;

use super::rows::Rows;

/// A text; empty is NULL.
pub(super) type Text<'a> = Cow<'a, [u8]>;

/// The columns that come out of an event's message.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) event: Cow<'static, str>,
    /// Its own, in microseconds since the epoch.
    pub(super) time: Option<i64>,
    pub(super) request_id: Text<'a>,
    pub(super) level: Text<'a>,
    pub(super) message: Text<'a>,
    pub(super) duration_ms: Option<f64>,
    pub(super) billed_duration_ms: Option<i64>,
    pub(super) memory_size_mb: Option<i64>,
    pub(super) max_memory_used_mb: Option<i64>,
    pub(super) init_duration_ms: Option<f64>,
    pub(super) restore_duration_ms: Option<f64>,
    pub(super) billed_restore_duration_ms: Option<i64>,
    pub(super) status: Text<'a>,
    pub(super) error_type: Text<'a>,
    pub(super) timeout_s: Option<f64>,
    pub(super) xray_trace_id: Text<'a>,
    pub(super) phase: Text<'a>,
    pub(super) runtime_version: Text<'a>,
    pub(super) function: Text<'a>,
    pub(super) version: Text<'a>,
    /// It says itself that the invocation failed by an exception.
    pub(super) is_failure: bool,
    pub(super) extra: Vec<u8>,
}

/// What a file says about an event besides its message. Texts that it does not have are empty.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meta<'a> {
    pub(super) log_group: &'a [u8],
    pub(super) log_stream: &'a [u8],
    pub(super) event_id: &'a [u8],
    pub(super) ingestion_time: Option<i64>,
}

impl Event<'_> {
    pub(super) fn add_extra(&mut self, name: &[u8], value: &[u8]) {
        if !self.extra.is_empty() {
            self.extra.push(b' ');
        }
        self.extra.extend_from_slice(name);
        self.extra.push(b'=');
        self.extra.extend_from_slice(value);
    }

    /// `-` when nothing is wrong.
    fn cause(&self) -> &'static str {
        let memory_is_full =
            || self.max_memory_used_mb.zip(self.memory_size_mb).is_some_and(|(used, size)| used >= size);
        match (self.status.as_ref(), self.error_type.as_ref()) {
            (_, b"Runtime.OutOfMemory") => "lambda_out_of_memory",
            // Before there was a type for it.
            (_, b"Runtime.ExitError") if memory_is_full() => "lambda_out_of_memory",
            (b"timeout", _) | (_, b"Sandbox.Timedout") => "lambda_timeout",
            (_, b"Runtime.ExitError") => "lambda_crash",
            (b"" | b"success", _) => match self.event.as_ref() {
                "timeout" => "lambda_timeout",
                "exit" => "lambda_crash",
                _ if self.is_failure => "lambda_error",
                _ => "-",
            },
            _ => "lambda_error",
        }
    }

    /// `request_id` where the event itself has none.
    pub(super) fn append(&self, time: i64, request_id: &[u8], meta: &Meta<'_>, number: u64, rows: &mut Rows) {
        rows.time.push(Some(time));
        rows.event.push(self.event.as_bytes());
        rows.request_id.push(or_null(if self.request_id.is_empty() { request_id } else { &self.request_id }));
        rows.level.push(or_null(&self.level));
        rows.message.push_value((!self.message.is_empty()).then_some(&self.message));
        rows.duration_ms.push(self.duration_ms);
        rows.billed_duration_ms.push(self.billed_duration_ms);
        rows.memory_size_mb.push(self.memory_size_mb.map(narrow));
        rows.max_memory_used_mb.push(self.max_memory_used_mb.map(narrow));
        rows.init_duration_ms.push(self.init_duration_ms);
        rows.restore_duration_ms.push(self.restore_duration_ms);
        rows.billed_restore_duration_ms.push(self.billed_restore_duration_ms);
        rows.status.push(or_null(&self.status));
        rows.error_type.push(or_null(&self.error_type));
        rows.timeout_s.push(self.timeout_s);
        rows.cause.push(self.cause().as_bytes());
        rows.xray_trace_id.push(or_null(&self.xray_trace_id));
        rows.phase.push(or_null(&self.phase));
        rows.runtime_version.push(or_null(&self.runtime_version));
        rows.function.push(or_null(or(&self.function, function_of_group(meta.log_group))));
        rows.version.push(or_null(or(&self.version, version_of_stream(meta.log_stream))));
        rows.log_group.push(or_null(meta.log_group));
        rows.log_stream.push(or_null(meta.log_stream));
        rows.event_id.push(or_null(meta.event_id));
        rows.ingestion_time.push(meta.ingestion_time);
        rows.extra.push_value((!self.extra.is_empty()).then_some(self.extra.as_slice()));
        rows.end_row(number);
    }
}

fn or<'a>(text: &'a [u8], other: &'a [u8]) -> &'a [u8] {
    if text.is_empty() { other } else { text }
}

fn or_null(text: &[u8]) -> &[u8] {
    or(text, b"-")
}

fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// `/aws/lambda/NAME`; empty for other groups, which are named as their owner likes.
fn function_of_group(group: &[u8]) -> &[u8] {
    group.strip_prefix(b"/aws/lambda/").unwrap_or_default()
}

/// `2026/11/19/[$LATEST]0a1b...`, or `2026/11/19/NAME[$LATEST]0a1b...`
fn version_of_stream(stream: &[u8]) -> &[u8] {
    let version = || {
        let begin = memchr::memchr(b'[', stream)? + 1;
        stream.get(begin..begin + memchr::memchr(b']', &stream[begin..])?)
    };
    version().unwrap_or_default()
}
