//! Apache httpd access logs: `common`, `combined`, `combinedio`, the forms with a virtual host before them, and any `LogFormat` that the user
//! gives.
//!
//! Source: Apache, "Apache Module mod_log_config", "Log Files", "Apache Module mod_logio". `%t` is when the request came, not when it was
//! answered. Quotes in values are `\"`, bytes beyond ASCII `\xhh` in lower case.
//!
//! ```text
//! www.example.com:443 203.0.113.7 - - [19/Nov/2026:19:42:07 +0000] "GET /api/users/4711 HTTP/1.1" 200 512 "-" "curl/8.5.0"
//! ```
//!
//! The unit of a number at the line's end cannot be told from the line: it is kept in `extra`, and a `LogFormat` says what it is. nginx's
//! `combined` is the same as Apache's; a source is taken for Apache's only if a sign tells (an escape, `-` for a size, a port at the
//! virtual host, `common`, `combinedio`).

mod combined;
mod directives;
mod log_format;
mod row;
mod rows;
mod time;

pub use log_format::{LogFormat, LogFormatError};
pub use rows::{Rows, docs, schema};

use std::borrow::Cow;
use std::cell::Cell;

use chrono_tz::Tz;

use crate::Settings;
use crate::lines::Line;
use crate::reader::{LineFormat, LineReader, Reader, any_line};
use crate::reject::Other;
use crate::web;
use crate::web::pattern::{ABSENT, Range};
use crate::web::time::ZonedClock;
use combined::{Combined, Tail};
use directives::Field;
use log_format::Slot;
use row::Values;
use time::Moment;

struct Apache {
    /// What the user says the lines look like.
    format: Option<LogFormat>,
    zone: Tz,
    year: Option<i32>,
    combined: Combined,
    values: Values,
    /// Where the values of `format` stand.
    ranges: Vec<Range>,
}

impl LineFormat for Apache {
    type Rows = Rows;

    #[inline]
    fn line(&mut self, line: &Line<'_>, rows: &mut Rows) -> Result<(), Other> {
        let bytes = web::text(line.bytes)?;
        self.values.clear();
        let moment = match &self.format {
            Some(format) => {
                read_as(format, &bytes, &mut self.ranges, &mut self.values)?;
                moment(format, &bytes, &self.ranges, self.zone, self.year)?
            }
            None => self.combined.read(&bytes, &mut self.values).map(|_| None)?,
        };
        row::append(&bytes, &self.values, moment, line.number, rows)
    }
}

/// Finds the values of a line of the user's format.
fn read_as(format: &LogFormat, line: &[u8], ranges: &mut [Range], values: &mut Values) -> Result<(), Other> {
    let end = format.pattern.find(line, ranges).map_err(|mismatch| {
        let name = format.slot_name(mismatch.slot);
        let detail = format!("{name} does not fit the LogFormat at byte {} of the line", mismatch.at);
        Other::reject("no_match", detail)
    })?;
    for (slot, range) in format.slots.iter().zip(ranges) {
        match slot {
            Slot::Known(field) => values.set(*field, *range),
            Slot::Time(_) => {}
            Slot::Other(name) => match line.get(range.0 as usize..range.1 as usize) {
                None | Some(b"-" | b"") => {}
                Some(value) => values.add_named(name, value),
            },
        }
    }
    values.end_members();
    values.add_surplus(&line[end..]);
    if values.get(line, Field::Request) == b"-" && values.has(Field::Path) && values.get(line, Field::Query) != b"-" {
        // `%q` has its question mark.
        let whole = [values.get(line, Field::Path), values.get(line, Field::Query)].concat();
        values.set_made(line, Field::RequestUri, |out| out.extend_from_slice(&whole));
    }
    Ok(())
}

/// The time that `%{...}t` gives. `None` where the line has `%t`.
fn moment(
    format: &LogFormat,
    line: &[u8],
    ranges: &[Range],
    zone: Tz,
    year: Option<i32>,
) -> Result<Option<Moment>, Other> {
    let parts = format.slots.iter().zip(ranges).filter_map(|(slot, range)| match slot {
        Slot::Time(part) => Some((part, line.get(range.0 as usize..range.1 as usize)?)),
        _ => None,
    });
    let has_begin = format.slots.iter().any(|slot| matches!(slot, Slot::Known(Field::Time)));
    if has_begin {
        return Ok(None);
    }
    let first = parts.clone().next().map_or(ABSENT, |(_, text)| {
        let from = (text.as_ptr() as usize - line.as_ptr() as usize) as u32;
        (from, from + text.len() as u32)
    });
    time::assemble(parts, zone, year).map(Some).map_err(|problem| {
        let shown = line.get(first.0 as usize..first.1 as usize).map(String::from_utf8_lossy).unwrap_or_default();
        Other::reject("bad_timestamp", format!("the time at byte {} of the line is {shown:?}: {problem}", first.0))
    })
}

pub(crate) fn reader(settings: &Settings) -> Box<dyn Reader> {
    let format = settings.apache_log_format.clone();
    let ranges = vec![ABSENT; format.as_ref().map_or(0, |format| format.slots.len())];
    let (zone, year) = (settings.zone, settings.year);
    let apache = Apache { format, zone, year, combined: Combined::new(), values: Values::new(), ranges };
    Box::new(LineReader::new(apache, Rows::new(settings.routes.clone())))
}

/// Whether the beginning of an uncompressed file holds lines of Apache's, and not of nginx's, or one of the user's `LogFormat`.
pub(crate) fn recognise(head: &[u8], settings: &Settings) -> bool {
    if let Some(format) = &settings.apache_log_format {
        return any_line(head, |line| {
            web::text(line).is_ok_and(|line| format.pattern.find(&line, &mut vec![ABSENT; format.slots.len()]).is_ok())
        });
    }
    // A last line without its end may be cut: `combined` becomes `common` so.
    let whole = memchr::memrchr(b'\n', head).map_or(head, |end| &head[..end]);
    let combined = Combined::new();
    let (is_apache, is_nginx, common, longer) =
        (Cell::new(false), Cell::new(false), Cell::new(false), Cell::new(false));
    any_line(whole, |line| {
        let Ok(line) = web::text(line) else { return false };
        let mut values = Values::new();
        let Ok(tail) = combined.read(&line, &mut values) else { return false };
        let is_time = ZonedClock::default().common(values.get(&line, Field::Time)).is_some();
        if !is_time {
            return false;
        }
        match tail {
            Tail::None => common.set(true),
            _ => longer.set(true),
        }
        if is_apache_line(&line, &values, tail) {
            is_apache.set(true);
        }
        // Escapes in upper case are ours where the line is not UTF-8.
        if matches!(line, Cow::Borrowed(_)) && is_nginx_line(&line, &values) {
            is_nginx.set(true);
        }
        false
    });
    !is_nginx.get() && (is_apache.get() || common.get() && !longer.get())
}

fn is_apache_line(line: &[u8], values: &Values, tail: Tail) -> bool {
    let quoted = [Field::Request, Field::Referer, Field::UserAgent].map(|field| values.get(line, field));
    let has_own_escape = |text: &&[u8]| {
        memchr::memchr_iter(b'\\', text).any(|at| match text[at + 1..] {
            [b'"' | b'\\' | b'n' | b't' | b'r' | b'b' | b'v', ..] => true,
            [b'x', a, b, ..] => matches!(a, b'a'..=b'f') || matches!(b, b'a'..=b'f'),
            _ => false,
        })
    };
    tail == Tail::CombinedIo
        || values.has(Field::ServerPort)
        || values.get(line, Field::RemoteLogname) != b"-"
        || values.get(line, Field::RemoteUser) == b"\"\""
        || values.get(line, Field::ResponseBytes) == b"-"
        || values.get(line, Field::Status) == b"-"
        || quoted.iter().any(has_own_escape)
}

fn is_nginx_line(line: &[u8], values: &Values) -> bool {
    let quoted = [Field::Request, Field::Referer, Field::UserAgent].map(|field| values.get(line, field));
    let has_own_escape = |text: &&[u8]| {
        memchr::memchr_iter(b'\\', text).any(
            |at| matches!(text[at + 1..], [b'x', a, b, ..] if matches!(a, b'A'..=b'F') || matches!(b, b'A'..=b'F')),
        )
    };
    matches!(values.get(line, Field::Status), b"499" | b"444" | b"000") || quoted.iter().any(has_own_escape)
}
