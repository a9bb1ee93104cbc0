//! One line of a CloudFront log: all fields are checked before any column is touched.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::cause::cause;
use super::names::{self, FIELDS, STANDARD};
use super::rows::Rows;
use crate::json::{self, Scanner, Value};
use crate::lines::Line;
use crate::reader::LineFormat;
use crate::reject::{Other, Skip, escape_invalid_utf8};
use crate::{url, value};

/// The fields of [`names::FIELDS`], by name.
mod field {
    pub(super) const DATE: usize = 0;
    pub(super) const TIME: usize = 1;
    pub(super) const EDGE: usize = 2;
    pub(super) const SC_BYTES: usize = 3;
    pub(super) const C_IP: usize = 4;
    pub(super) const METHOD: usize = 5;
    pub(super) const CS_HOST: usize = 6;
    pub(super) const STEM: usize = 7;
    pub(super) const STATUS: usize = 8;
    pub(super) const REFERRER: usize = 9;
    pub(super) const USER_AGENT: usize = 10;
    pub(super) const QUERY: usize = 11;
    pub(super) const COOKIE: usize = 12;
    pub(super) const RESULT: usize = 13;
    pub(super) const REQUEST_ID: usize = 14;
    pub(super) const HOST_HEADER: usize = 15;
    pub(super) const PROTOCOL: usize = 16;
    pub(super) const CS_BYTES: usize = 17;
    pub(super) const TIME_TAKEN: usize = 18;
    pub(super) const FORWARDED_FOR: usize = 19;
    pub(super) const SSL_PROTOCOL: usize = 20;
    pub(super) const SSL_CIPHER: usize = 21;
    pub(super) const RESPONSE_RESULT: usize = 22;
    pub(super) const PROTOCOL_VERSION: usize = 23;
    pub(super) const FLE_STATUS: usize = 24;
    pub(super) const FLE_FIELDS: usize = 25;
    pub(super) const C_PORT: usize = 26;
    pub(super) const FIRST_BYTE: usize = 27;
    pub(super) const DETAILED_RESULT: usize = 28;
    pub(super) const CONTENT_TYPE: usize = 29;
    pub(super) const CONTENT_LEN: usize = 30;
    pub(super) const RANGE_START: usize = 31;
    pub(super) const RANGE_END: usize = 32;
    pub(super) const TENANT: usize = 33;
    pub(super) const CONNECTION: usize = 34;
    pub(super) const TIMESTAMP: usize = 35;
    pub(super) const ORIGIN_FBL: usize = 36;
    pub(super) const ORIGIN_LBL: usize = 37;
    pub(super) const ASN: usize = 38;
    pub(super) const COUNTRY: usize = 39;
    pub(super) const PATH_PATTERN: usize = 40;
    pub(super) const REQUEST_DATA: usize = 41;
    pub(super) const RESPONSE_DATA: usize = 42;
}

/// The oldest logs end with `cs-uri-query`.
const MIN_FIELDS: usize = 12;

const MICROS: i64 = 1_000_000;

/// The known fields of a line as they are written, `-` for those that it has not.
type Fields<'a> = [&'a [u8]; FIELDS.len()];

/// What the reader knows of a source besides its rows.
#[derive(Default)]
pub(super) struct CloudFront {
    /// Of the last `#Fields` line.
    columns: Option<Vec<Column>>,
    scanner: Scanner,
    /// Keys of the last object, in its order: those of the next one are mostly the same, and need not be looked up.
    keys: Vec<Column>,
    /// Other fields of the line at hand.
    extra: Vec<u8>,
    /// The fields of a group, joined.
    span: Vec<u8>,
    day: Day,
}

/// The day of the last line, which is mostly that of the next one.
#[derive(Default)]
struct Day {
    date: [u8; 10],
    /// Microseconds since the epoch.
    start: i64,
}

impl Day {
    fn start(&mut self, date: &[u8]) -> Option<i64> {
        if self.date != *date {
            let start = value::timestamp(&[date, b"T00:00:00Z"].concat())?;
            *self = Day { date: date.try_into().ok()?, start };
        }
        Some(self.start)
    }
}

struct Column {
    name: Vec<u8>,
    /// In [`FIELDS`].
    number: Option<usize>,
}

impl Column {
    fn of(name: &[u8]) -> Column {
        Column { name: name.to_vec(), number: names::number(name) }
    }
}

impl LineFormat for CloudFront {
    type Rows = Rows;

    fn begin(&mut self) {
        self.columns = None;
    }

    fn line(&mut self, line: &Line<'_>, rows: &mut Rows) -> Result<(), Other> {
        let bytes = line.bytes;
        if bytes.starts_with(b"#") {
            if let Some(names) = named_fields(bytes) {
                self.columns = Some(names.map(Column::of).collect());
            }
            return Err(Other::Skip(Skip::Header));
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Other::Skip(Skip::Empty));
        }
        if std::str::from_utf8(bytes).is_err() {
            // CloudFront writes ASCII. What is not even UTF-8 is kept readable, not thrown away.
            let escaped = escape_invalid_utf8(bytes);
            return self.line(&Line { bytes: escaped.as_bytes(), ..*line }, rows);
        }
        self.extra.clear();
        let mut fields: Fields<'_> = [b"-"; FIELDS.len()];
        if bytes.trim_ascii_start().starts_with(b"{") {
            let mut escaped = Vec::new();
            self.object(bytes, &mut fields, &mut escaped)?;
            // Rare: CloudFront percent-encodes quotes and backslashes.
            let unescaped: Vec<(usize, Cow<'_, [u8]>)> =
                escaped.iter().map(|(n, text)| (*n, json::unescaped(text))).collect();
            unescaped.iter().for_each(|(number, value)| fields[*number] = value);
            self.append(bytes, line.number, &fields, rows)
        } else {
            self.split(bytes, &mut fields)?;
            self.append(bytes, line.number, &fields, rows)
        }
    }
}

/// The names of a `#Fields` line. They are separated by spaces, in v2 perhaps by what separates values.
fn named_fields(line: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let names = line.strip_prefix(b"#Fields:")?;
    let is_part = |b: &u8| !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b'_' | b'(' | b')');
    Some(names.split(is_part).filter(|name| !name.is_empty()))
}

/// What separates the values of a line. Values never hold tabs, spaces or bars, which CloudFront encodes.
fn delimiter(line: &[u8]) -> u8 {
    let found = b"\t |".iter().find(|delimiter| memchr(**delimiter, line).is_some());
    // Another one that the user chose stands behind the first value, most likely a date or time.
    let first_other = || line.iter().find(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b':' | b'.'));
    found.or_else(first_other).copied().unwrap_or(b'\t')
}

impl CloudFront {
    /// The fields of a line whose values stand one after the other.
    fn split<'a>(&mut self, line: &'a [u8], fields: &mut Fields<'a>) -> Result<(), Other> {
        let ends = memchr_iter(delimiter(line), line).chain([line.len()]);
        let (mut start, mut count) = (0, 0);
        for (i, end) in ends.enumerate() {
            let value = &line[start..end];
            let number = match &self.columns {
                Some(columns) => columns.get(i).map(|column| column.number),
                None => (i < STANDARD).then_some(Some(i)),
            };
            match number {
                Some(Some(number)) if !value.is_empty() => fields[number] = value,
                Some(Some(_)) => {}
                Some(None) => {
                    let name = self.columns.as_ref().map_or(b"".as_slice(), |columns| &columns[i].name);
                    add_extra(&mut self.extra, name, value);
                }
                None => add_extra(&mut self.extra, b"", value),
            }
            start = end + 1;
            count += 1;
        }
        let needed = self.columns.as_ref().map_or(MIN_FIELDS, Vec::len);
        if count < needed {
            let detail = format!("{count} of {needed} fields: the line is torn or of another format");
            return Err(Other::reject("too_few_fields", detail));
        }
        Ok(())
    }

    /// The members of an object; those with escapes are also put into `escaped`.
    fn object<'a>(
        &mut self,
        line: &'a [u8],
        fields: &mut Fields<'a>,
        escaped: &mut Vec<(usize, &'a [u8])>,
    ) -> Result<(), Other> {
        let CloudFront { scanner, keys, extra, .. } = self;
        let mut members = scanner.members(line);
        for i in 0.. {
            let expected = keys.get(i).map_or(b"".as_slice(), |key| &key.name);
            let Some(member) = members.next(expected).map_err(broken)? else { break };
            if !member.is_expected {
                keys.truncate(i);
                keys.push(Column::of(member.key));
            }
            let written = match member.value {
                Value::Null | Value::Text { written: b"", .. } => b"-",
                Value::Text { written, .. } | Value::Other(written) => written,
            };
            match keys[i].number {
                Some(number) => {
                    fields[number] = written;
                    if let Value::Text { has_escapes: true, .. } = member.value {
                        escaped.push((number, written));
                    }
                }
                None => add_extra(extra, member.key, written),
            }
        }
        Ok(())
    }

    fn append(&mut self, line: &[u8], number: u64, fields: &Fields<'_>, rows: &mut Rows) -> Result<(), Other> {
        use field::*;
        let time = time(line, fields, &mut self.day)?;
        let taken = seconds(line, fields, TIME_TAKEN)?;
        let sc_bytes = integer(line, fields, SC_BYTES)?;
        let cs_bytes = integer(line, fields, CS_BYTES)?;
        let port = integer(line, fields, C_PORT)?;
        let first_byte = seconds(line, fields, FIRST_BYTE)?;
        let content_len = integer(line, fields, CONTENT_LEN)?;
        let range_start = integer(line, fields, RANGE_START)?;
        let range_end = integer(line, fields, RANGE_END)?;
        let origin_fbl = seconds(line, fields, ORIGIN_FBL)?;
        let origin_lbl = seconds(line, fields, ORIGIN_LBL)?;
        let asn = integer(line, fields, ASN)?;
        // What is the same in most lines is checked when it is new.
        let result = [METHOD, STATUS, RESULT, RESPONSE_RESULT, DETAILED_RESULT, CONTENT_TYPE, PATH_PATTERN];
        join(fields, &result, &mut self.span);
        let result = match rows.result.find(&self.span) {
            Ok(known) => Ok(known),
            Err(hash) => Err((hash, integer(line, fields, STATUS)?, self.span.clone())),
        };
        let viewer = [
            CS_HOST,
            HOST_HEADER,
            PROTOCOL,
            SSL_PROTOCOL,
            SSL_CIPHER,
            PROTOCOL_VERSION,
            FLE_STATUS,
            FLE_FIELDS,
            TENANT,
        ];
        join(fields, &viewer, &mut self.span);
        let viewer = match rows.viewer.find(&self.span) {
            Ok(known) => Ok(known),
            Err(hash) => Err((hash, integer(line, fields, FLE_FIELDS)?)),
        };

        // From here on nothing fails: every column and every group gets its value.
        rows.started_at.push(Some(time - taken.map_or(0, |taken| (taken * 1e6).round() as i64)));
        rows.duration.push(taken);
        rows.time.push(Some(time));
        rows.x_edge_location.push(fields[EDGE]);
        rows.sc_bytes.push(sc_bytes);
        rows.c_ip.push(fields[C_IP]);
        let result = result.unwrap_or_else(|(hash, status, span)| {
            let status = status.map(narrow);
            rows.cs_method.add(fields[METHOD]);
            rows.sc_status.add(status);
            // Of the two older fields, the one about the whole answer tells more.
            let response = if fields[RESULT] == b"-" { fields[RESPONSE_RESULT] } else { fields[RESULT] };
            rows.cause.add(cause(status, response, fields[DETAILED_RESULT]).as_bytes());
            rows.x_edge_result_type.add(fields[RESULT]);
            rows.x_edge_response_result_type.add(fields[RESPONSE_RESULT]);
            rows.x_edge_detailed_result_type.add(fields[DETAILED_RESULT]);
            rows.sc_content_type.add(fields[CONTENT_TYPE]);
            rows.cache_behavior_path_pattern.add(fields[PATH_PATTERN]);
            rows.result.insert(hash, &span)
        });
        rows.result.push(result);
        let viewer = viewer.unwrap_or_else(|(hash, fle_fields)| {
            rows.cs_host.add(fields[CS_HOST]);
            rows.host.add(&host(fields));
            rows.x_host_header.add(fields[HOST_HEADER]);
            rows.cs_protocol.add(fields[PROTOCOL]);
            rows.ssl_protocol.add(fields[SSL_PROTOCOL]);
            rows.ssl_cipher.add(fields[SSL_CIPHER]);
            rows.cs_protocol_version.add(fields[PROTOCOL_VERSION]);
            rows.fle_status.add(fields[FLE_STATUS]);
            rows.fle_encrypted_fields.add(fle_fields.map(narrow));
            rows.distribution_tenant_id.add(fields[TENANT]);
            rows.viewer.insert(hash, &self.span)
        });
        rows.viewer.push(viewer);
        rows.cs_uri_stem.push(fields[STEM]);
        rows.cs_referrer.push(fields[REFERRER]);
        rows.cs_user_agent.push(fields[USER_AGENT]);
        rows.cs_uri_query.push(fields[QUERY]);
        rows.cs_cookie.push(fields[COOKIE]);
        rows.x_edge_request_id.push(fields[REQUEST_ID]);
        rows.cs_bytes.push(cs_bytes);
        rows.time_taken.push(taken);
        rows.x_forwarded_for.push(fields[FORWARDED_FOR]);
        rows.c_port.push(port.map(narrow));
        rows.time_to_first_byte.push(first_byte);
        rows.sc_content_len.push(content_len);
        rows.sc_range_start.push(range_start);
        rows.sc_range_end.push(range_end);
        rows.connection_id.push(fields[CONNECTION]);
        rows.origin_fbl.push(origin_fbl);
        rows.origin_lbl.push(origin_lbl);
        rows.asn.push(asn);
        rows.c_country.push(fields[COUNTRY]);
        rows.viewer_request_log_data.push(fields[REQUEST_DATA]);
        rows.viewer_response_log_data.push(fields[RESPONSE_DATA]);
        match self.extra.as_slice() {
            b"" => rows.extra.push_key(None),
            extra => rows.extra.push_verbatim(extra),
        }
        rows.end_row(number);
        Ok(())
    }
}

#[cold]
fn broken(json::Broken { at, expected }: json::Broken) -> Other {
    Other::reject("bad_json", format!("{expected} is missing at byte {at} of the line"))
}

fn add_extra(extra: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if !extra.is_empty() {
        extra.push(b' ');
    }
    extra.extend_from_slice(name);
    if !name.is_empty() {
        extra.push(b'=');
    }
    extra.extend_from_slice(value);
}

fn join(fields: &Fields<'_>, numbers: &[usize], span: &mut Vec<u8>) {
    span.clear();
    for number in numbers {
        // No delimiter: an object's values may hold any byte.
        span.extend_from_slice(&(fields[*number].len() as u32).to_le_bytes());
        span.extend_from_slice(fields[*number]);
    }
}

/// Lower case, without port.
fn host<'a>(fields: &Fields<'a>) -> Cow<'a, [u8]> {
    let host = if fields[field::HOST_HEADER] == b"-" { fields[field::CS_HOST] } else { fields[field::HOST_HEADER] };
    let name = std::str::from_utf8(host).ok().and_then(url::host_of).map_or(host, str::as_bytes);
    if name.iter().any(u8::is_ascii_uppercase) { name.to_ascii_lowercase().into() } else { name.into() }
}

/// When the answer was complete, in microseconds since the epoch.
fn time(line: &[u8], fields: &Fields<'_>, day: &mut Day) -> Result<i64, Other> {
    let (date, time) = (fields[field::DATE], fields[field::TIME]);
    let finer = match integer(line, fields, field::TIMESTAMP)? {
        Some(milliseconds) => Some(milliseconds.checked_mul(1000).ok_or_else(|| {
            bad(line, fields, field::TIMESTAMP, "bad_timestamp", "not a number of milliseconds since 1970")
        })?),
        None => None,
    };
    if date == b"-" && time == b"-" {
        return finer.ok_or_else(|| {
            Other::reject("no_time", "neither date and time nor timestamp(ms): the line cannot be placed".to_owned())
        });
    }
    let midnight = day.start(date).ok_or_else(|| bad(line, fields, field::DATE, "bad_timestamp", "not a date"))?;
    let second =
        time_of_day(time).ok_or_else(|| bad(line, fields, field::TIME, "bad_timestamp", "not a time of day"))?;
    let whole = midnight + second;
    Ok(finer.filter(|finer| (whole..whole + MICROS).contains(finer)).unwrap_or(whole))
}

/// `19:42:07`, in microseconds.
fn time_of_day(field: &[u8]) -> Option<i64> {
    let [a, b, b':', c, d, b':', e, f] = *field else { return None };
    let two = |tens: u8, ones: u8| {
        let digits = [tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0')];
        digits.iter().all(|d| *d < 10).then(|| i64::from(digits[0]) * 10 + i64::from(digits[1]))
    };
    let (hour, minute, second) = (two(a, b)?, two(c, d)?, two(e, f)?);
    (hour < 24 && minute < 60 && second < 61).then_some(((hour * 60 + minute) * 60 + second) * MICROS)
}

fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn seconds(line: &[u8], fields: &Fields<'_>, i: usize) -> Result<Option<f64>, Other> {
    match fields[i] {
        b"-" => Ok(None),
        field => match value::decimal(field) {
            Some(value) => Ok((value >= 0.0).then_some(value)),
            None => Err(bad(line, fields, i, "bad_number", "not a number of seconds")),
        },
    }
}

fn integer(line: &[u8], fields: &Fields<'_>, i: usize) -> Result<Option<i64>, Other> {
    match fields[i] {
        b"-" => Ok(None),
        field => value::integer(field).map(Some).ok_or_else(|| bad(line, fields, i, "bad_number", "not an integer")),
    }
}

#[cold]
fn bad(line: &[u8], fields: &Fields<'_>, i: usize, reason: &'static str, problem: &str) -> Other {
    let field = fields[i];
    let at = (field.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
    let place = if at < line.len() { format!(", at byte {at} of the line") } else { String::new() };
    let shown = String::from_utf8_lossy(&field[..field.len().min(64)]);
    Other::reject(reason, format!("field {} is {shown:?}: {problem}{place}", FIELDS[i]))
}

/// Whether a line is one of this format: a header, an object, or a line without either in the documented order.
pub(super) fn looks_known(line: &[u8]) -> bool {
    if let Some(names) = named_fields(line) {
        return names::are_cloudfront(names);
    }
    if line.starts_with(b"{") {
        let mut scanner = Scanner::default();
        let mut members = scanner.members(line);
        // What is broken may be cut: the beginning of a file is enough.
        return names::are_cloudfront(std::iter::from_fn(|| members.next(b"").ok()?.map(|member| member.key)));
    }
    let mut fields: Fields<'_> = [b"-"; FIELDS.len()];
    let is_split = CloudFront::default().split(line, &mut fields).is_ok();
    let is_path = || fields[field::STEM].starts_with(b"/") && fields[field::EDGE].len() >= 3;
    let is_status = || matches!(value::integer(fields[field::STATUS]), Some(0..1000));
    is_split
        && is_path()
        && is_status()
        && fields[field::TIMESTAMP] == b"-"
        && time(line, &fields, &mut Day::default()).is_ok()
}
