//! nginx access logs: `combined`, `main`, formats that add times of upstreams or put a host first, ingress-nginx, JSON, and any `log_format`
//! that the user gives.
//!
//! Sources: nginx, "Module ngx_http_log_module" (`log_format`, `escape`), "Module ngx_http_upstream_module" (`$upstream_*`), "Embedded
//! Variables"; ingress-nginx, "Log format". `$time_local` is the end of a request, to the second.
//!
//! ```text
//! 203.0.113.7 - - [19/Nov/2026:19:42:07 +0000] "GET /api/users/4711/badges?page=2 HTTP/1.1" 200 512 "-" "curl/8.5.0" rt=0.012 urt="0.011"
//! ```
//!
//! Without a `log_format` every line is read on its own: as JSON if it begins with a brace, else as `combined` with what stands behind it. Fields
//! there that are not known are kept in `extra`; a `log_format` gives them their names.
//!
//! Apache writes `combined` as well. Lines that no sign tells apart are taken for nginx's.

mod combined;
mod json;
mod log_format;
mod row;
mod rows;
mod variables;

pub use log_format::{LogFormat, LogFormatError};
pub use rows::{Rows, docs, schema};

use std::borrow::Cow;

use crate::Settings;
use crate::lines::Line;
use crate::reader::{LineFormat, LineReader, Reader, any_line};
use crate::reject::Other;
use crate::web;
use crate::web::fields::Fields;
use crate::web::pattern::{ABSENT, Range};
use combined::Combined;
use log_format::{Escape, Slot};
use row::Values;
use variables::{Names, Var};

struct Nginx {
    /// What the user says the lines look like.
    format: Option<LogFormat>,
    combined: Combined,
    names: Names,
    values: Values,
    /// Where the values of `format` stand.
    ranges: Vec<Range>,
}

impl Nginx {
    fn new(settings: &Settings) -> Nginx {
        let format = settings.nginx_log_format.clone();
        let ranges = vec![ABSENT; format.as_ref().map_or(0, |format| format.slots.len())];
        Nginx { format, combined: Combined::new(), names: Names::default(), values: Fields::new(), ranges }
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Other> {
        self.values.clear();
        match &self.format {
            Some(format) => read_as(format, line, &mut self.ranges, &mut self.values),
            None if line.trim_ascii_start().first() == Some(&b'{') => {
                json::read(line, &mut self.names, &mut self.values)
            }
            None => self.combined.read(line, &mut self.names, &mut self.values),
        }
    }
}

impl LineFormat for Nginx {
    type Rows = Rows;

    #[inline]
    fn line(&mut self, line: &Line<'_>, rows: &mut Rows) -> Result<(), Other> {
        let bytes = web::text(line.bytes)?;
        self.read(&bytes)?;
        row::append(&bytes, &self.values, line.number, rows)
    }
}

/// Finds the values of a line of the user's format.
fn read_as(format: &LogFormat, line: &[u8], ranges: &mut [Range], values: &mut Values) -> Result<(), Other> {
    let end = format.pattern.find(line, ranges).map_err(|mismatch| {
        let name = format.slot_name(mismatch.slot);
        let detail = format!("${name} does not fit the log_format at byte {} of the line", mismatch.at);
        Other::reject("no_match", detail)
    })?;
    for (slot, range) in format.slots.iter().zip(ranges) {
        let Some(value) = line.get(range.0 as usize..range.1 as usize) else { continue };
        let is_escaped = format.escape == Escape::Json && value.contains(&b'\\');
        match slot {
            Slot::Known(var) if is_escaped => {
                values.set_made(line, *var, |out| web::json::unescape(value, out));
            }
            Slot::Known(var) => values.set(*var, *range),
            Slot::Other(_) if matches!(value, b"-" | b"") => {}
            Slot::Other(name) => {
                let mut plain = Cow::Borrowed(value);
                if is_escaped {
                    plain.to_mut().clear();
                    web::json::unescape(value, plain.to_mut());
                }
                values.add_named(name, &plain);
            }
        }
    }
    values.end_members();
    values.add_surplus(&line[end..]);
    json::join_query(line, values);
    Ok(())
}

pub(crate) fn reader(settings: &Settings) -> Box<dyn Reader> {
    Box::new(LineReader::new(Nginx::new(settings), Rows::new(settings.routes.clone())))
}

/// Whether the beginning of an uncompressed file holds a line of nginx's, or of the user's `log_format`. Apache's `combined` is one.
pub(crate) fn recognise(head: &[u8], settings: &Settings) -> bool {
    let mut combined = Combined::new();
    any_line(head, |line| {
        let Ok(line) = web::text(line) else { return false };
        let mut values = Values::new();
        match &settings.nginx_log_format {
            Some(format) => format.pattern.find(&line, &mut vec![ABSENT; format.slots.len()]).is_ok(),
            None if line.first() == Some(&b'{') => json::looks_known(&line),
            None => {
                combined.read(&line, &mut Names::default(), &mut values).is_ok()
                    && web::time::ZonedClock::default().common(values.get(&line, Var::TimeLocal)).is_some()
            }
        }
    })
}
