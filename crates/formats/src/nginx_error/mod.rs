//! nginx error logs.
//!
//! Sources: nginx, "Core functionality" (`error_log`), and the messages as they stand in nginx's source. The log has local time without a zone, which
//! the user has to give. nginx cuts a record at 2048 bytes, in the middle of a value. A message may hold line ends (FastCGI, Lua): lines
//! that continue a record are part of its message.
//!
//! ```text
//! 2026/11/19 19:42:07 [error] 31#31: *4711 client intended to send too large body: 21770024 bytes, client: 203.0.113.7, server: shop.example.com,
//! request: "POST /api/uploads HTTP/1.1", host: "shop.example.com", referrer: "https://shop.example.com/new"
//! ```

mod messages;
mod record;
mod rows;

pub use rows::{Rows, docs, schema};

use crate::Settings;
use crate::lines::Line;
use crate::reader::{LineFormat, LineReader, Reader, any_line};
use crate::reject::{Other, Skip};
use crate::web::time::LocalClock;
use crate::web::{self, plain_host, request_line};
use record::{Head, NoHead};

/// How much of a record is kept. nginx itself writes at most 2 KiB.
const MAX_RECORD_BYTES: usize = 64 << 10;

struct NginxError {
    clock: LocalClock,
    /// The record whose end is not known before the next begins. Empty: none.
    held: Vec<u8>,
    head: Head,
    /// Of its first line.
    number: u64,
    /// Whether its client is yet to come; not known before a line without a head follows.
    is_open: Option<bool>,
}

impl NginxError {
    /// Appends the row of the record that waits.
    fn append(&mut self, rows: &mut Rows) {
        if !self.held.is_empty() {
            append(&self.head, &self.held[self.head.rest..], self.number, rows);
            self.held.clear();
        }
    }

    /// Whether a line without a head belongs to the record that waits: one that has not come to its client yet, or any, if it is a line of a
    /// stack trace.
    fn continues(&mut self, line: &[u8]) -> bool {
        if self.held.is_empty() {
            return false;
        }
        let held = &self.held;
        let is_open = *self.is_open.get_or_insert_with(|| record::is_open(&held[self.head.rest..]));
        if is_open && record::has_client(line) {
            self.is_open = Some(false);
        }
        is_open || line.starts_with(b"\t") || line.starts_with(b"stack traceback:")
    }
}

impl LineFormat for NginxError {
    type Rows = Rows;

    fn begin(&mut self) {
        self.held.clear();
    }

    fn line(&mut self, line: &Line<'_>, rows: &mut Rows) -> Result<(), Other> {
        let bytes = web::text(line.bytes)?;
        match record::head(&bytes, &mut self.clock) {
            Ok(head) => {
                self.append(rows);
                self.head = head;
                self.held.extend_from_slice(&bytes);
                self.number = line.number;
                self.is_open = None;
                Ok(())
            }
            Err(NoHead::BadTime) => {
                let shown = String::from_utf8_lossy(&bytes[..LocalClock::BYTES]).into_owned();
                Err(Other::reject(
                    "bad_timestamp",
                    format!("the time at byte 0 of the line is {shown:?}: there is none such"),
                ))
            }
            Err(NoHead::Other) if self.continues(&bytes) => {
                if self.held.len() + bytes.len() < MAX_RECORD_BYTES {
                    self.held.push(b'\n');
                    self.held.extend_from_slice(&bytes);
                }
                Err(Other::Skip(Skip::Continuation))
            }
            Err(NoHead::Other) if bytes.starts_with(b"nginx: [") => {
                let detail = "a message of nginx's start, which is written without a time".to_string();
                Err(Other::reject("bad_timestamp", detail))
            }
            Err(NoHead::Other) => {
                let detail =
                    "no time, level and process at the line's beginning, and no record that goes on".to_string();
                Err(Other::reject("bad_timestamp", detail))
            }
        }
    }

    fn end(&mut self, rows: &mut Rows) {
        self.append(rows);
    }
}

fn append(head: &Head, rest: &[u8], number: u64, rows: &mut Rows) {
    let body = record::body(rest);
    let suffix = &body.suffix;
    let (method, uri, protocol) = request_line(suffix.request);
    rows.time.push(Some(head.time));
    rows.level.push(head.level);
    rows.pid.push(Some(head.pid));
    rows.tid.push(Some(head.tid));
    rows.connection.push(body.connection);
    rows.message.push(body.message);
    rows.errno.push(body.errno);
    rows.errno_text.push(body.errno_text);
    rows.action.push(body.action);
    rows.client.push(suffix.client);
    rows.server.push(suffix.server);
    rows.request_method.push(method);
    rows.request_uri.push(uri);
    rows.server_protocol.push(protocol);
    rows.subrequest.push(suffix.subrequest);
    rows.upstream.push(suffix.upstream);
    rows.host.push(&plain_host(suffix.host));
    rows.referrer.push(suffix.referrer);
    rows.cause.push(messages::cause(&body));
    rows.body_bytes.push(messages::body_bytes(body.message));
    rows.limit_zone.push(messages::limit_zone(body.message).unwrap_or(b"-"));
    rows.excess.push(messages::excess(body.message));
    rows.extra.push(suffix.extra);
    rows.end_row(number);
}

pub(crate) fn reader(settings: &Settings) -> Box<dyn Reader> {
    let clock = LocalClock::new(settings.zone);
    let format = NginxError { clock, held: Vec::new(), head: Head::default(), number: 0, is_open: None };
    Box::new(LineReader::new(format, Rows::new(settings.routes.clone())))
}

/// Whether the beginning of an uncompressed file holds the beginning of a record.
pub(crate) fn recognise(head: &[u8]) -> bool {
    any_line(head, |line| record::head(line, &mut LocalClock::new(chrono_tz::UTC)).is_ok())
}
