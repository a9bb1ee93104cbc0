//! AWS Lambda's logs in CloudWatch: what the platform and the application write, a row per event.
//!
//! Sources: AWS, "Viewing CloudWatch logs for Lambda functions", "Configuring JSON and plain text log formats", "Lambda Telemetry API Event
//! schema reference", `aws logs filter-log-events`, "Exporting log data to Amazon S3", "Real-time processing of log data with subscriptions".
//!
//! | form | what it looks like |
//! |---|---|
//! | text | messages as they are; further lines of a message follow it |
//! | export to S3, `aws logs tail`, `sam logs` | `time message`, `time stream message`, `stream time message`; further lines have no time before them |
//! | `filter-log-events`, `get-log-events` | `{"events": [{"timestamp": ..., "message": ...}]}`, indented or not; also the bare list |
//! | subscription, Firehose | `{"logGroup": ..., "logStream": ..., "logEvents": [...]}`, one after the other, with newlines or without |
//! | JSON | an object per event: `platform.report` and the like, or what the application logs |
//!
//! ```text
//! REPORT RequestId: 3364d63a-a9d2-11e8-9e1c-7f3b2a3d4c5e<TAB>Duration: 3000.00 ms<TAB>Billed Duration: 3000 ms<TAB>Memory Size: 128 MB<TAB>...
//! ```
//!
//! A source whose first character is `{` or `[` is JSON: its events and objects are what is counted (and numbered in `line`), whatever lines
//! they stand on, and envelopes are not. In any other source it is lines. Messages in text may be JSON, and messages in JSON text.

mod event;
mod json;
mod objects;
mod rows;
mod source;
mod text;
mod time;

pub use rows::{Rows, docs, schema};

use crate::Settings;
use crate::reader::{Reader, any_line};

pub(crate) fn reader(_settings: &Settings) -> Box<dyn Reader> {
    Box::new(source::Lambda::default())
}

/// Whether the beginning of an uncompressed file is that of a Lambda log.
pub(crate) fn recognise(head: &[u8]) -> bool {
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if !start.starts_with(b"{") && !start.starts_with(b"[{") && !is_list(start) {
        return any_line(head, source::looks_known);
    }
    // Of an envelope the group or the stream tells, or what is in the messages.
    let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    let is_envelope = has("\"logEvents\"") || has("\"events\"") || has("\"message\"");
    let tells =
        ["\"/aws/lambda/", "[$LATEST]", " RequestId: ", "Runtime Version: ", "Task timed out after ", "\\\"platform."];
    // Of a list, as an extension gets it, the first event mostly does; if not, another may.
    is_envelope && tells.into_iter().any(has)
        || has("\"type\":\"platform.")
        || json::is_lambda(start.strip_prefix(b"[").unwrap_or(start))
        || any_line(head, json::is_lambda)
}

/// A list of objects with spaces before the first one.
fn is_list(start: &[u8]) -> bool {
    start.strip_prefix(b"[").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}
