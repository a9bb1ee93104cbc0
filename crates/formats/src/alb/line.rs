//! One line of an ALB access log: all fields are checked before any column is touched.

use super::rows::Rows;
use crate::cause::{self, Clues};
use crate::columns::group;
use crate::fields::{self, Fields, UnterminatedQuote};
use crate::reject::{Other, Skip, escape_invalid_utf8};
use crate::value::{self, Clock};

/// Fields that are documented, in their order.
const FIELDS: [&str; 36] = [
    "type",
    "time",
    "elb",
    "client:port",
    "target:port",
    "request_processing_time",
    "target_processing_time",
    "response_processing_time",
    "elb_status_code",
    "target_status_code",
    "received_bytes",
    "sent_bytes",
    "request_line",
    "user_agent",
    "ssl_cipher",
    "ssl_protocol",
    "target_group_arn",
    "trace_id",
    "domain_name",
    "chosen_cert_arn",
    "matched_rule_priority",
    "request_creation_time",
    "actions_executed",
    "redirect_url",
    "error_reason",
    "target:port_list",
    "target_status_code_list",
    "classification",
    "classification_reason",
    "conn_trace_id",
    "transformed_host",
    "transformed_uri",
    "request_transform_status",
    "ip_address",
    "target_error_code",
    "elb_error_code",
];

/// The oldest lines (2016) end with `trace_id`.
const MIN_FIELDS: usize = 18;

type Line<'a> = Fields<'a, { FIELDS.len() }>;

/// Appends the line as a row.
pub(super) fn decode(bytes: &[u8], number: u64, rows: &mut Rows) -> Result<(), Other> {
    let mut line: Line<'_> = Fields::of(bytes);
    if let Err(UnterminatedQuote(at)) = fields::split(&mut line) {
        return Err(control(bytes).unwrap_or_else(|| {
            Other::reject(
                "unterminated_quote",
                format!("the quote at byte {at} of the line is never closed: the line may be torn"),
            )
        }));
    }
    if !line.is_ascii() && std::str::from_utf8(bytes).is_err() {
        // Load balancers write ASCII. What is not even UTF-8 is kept in their own notation, not thrown away.
        return decode(escape_invalid_utf8(bytes).as_bytes(), number, rows);
    }
    if line.count() < MIN_FIELDS || !is_known_type(line.get(0)) {
        if let Some(skip) = other_log(bytes, &line) {
            return Err(Other::Skip(skip));
        }
        if line.count() < MIN_FIELDS {
            let detail =
                format!("{} of at least {MIN_FIELDS} fields: the line is torn or of another format", line.count());
            return Err(Other::reject("too_few_fields", detail));
        }
    }

    let time = timestamp(bytes, &line, 1, &mut rows.time_clock)?
        .ok_or_else(|| bad(bytes, &line, 1, "bad_timestamp", "a time is needed here"))?;
    let client = address(bytes, &line, 3)?;
    let target = rows.target.find(line.span(4, 4)).map_err(|hash| (hash, address(bytes, &line, 4)));
    let target = new_or_known(target)?;
    let request_time = seconds(bytes, &line, 5)?;
    let target_time = seconds(bytes, &line, 6)?;
    let response_time = seconds(bytes, &line, 7)?;
    let elb_status = integer(bytes, &line, 8)?;
    let target_status = integer(bytes, &line, 9)?;
    let received = integer(bytes, &line, 10)?;
    let sent = integer(bytes, &line, 11)?;
    let certificate = rows.certificate.find(line.span(18, 20)).map_err(|hash| (hash, integer(bytes, &line, 20)));
    let certificate = new_or_known(certificate)?;
    let created = timestamp(bytes, &line, 21, &mut rows.created_clock)?;

    let sum = request_time.zip(target_time).zip(response_time).map(|((a, b), c)| a + b + c);
    let (started_at, duration) = match (created, sum) {
        (Some(created), _) => (created, (time >= created).then(|| (time - created) as f64 / 1e6)),
        (None, Some(sum)) => (time - (sum * 1e6).round() as i64, Some(sum)),
        (None, None) => (time, None),
    };
    let clues = Clues {
        elb_status: elb_status.map(narrow),
        target_status: target_status.map(narrow),
        request_time,
        target_time,
        actions: line.get(22),
        error_reason: line.get(24),
    };
    let (verb, url, proto) = request_line(line.get(12));

    // From here on nothing fails: every column and every group gets its value.
    rows.started_at.push(Some(started_at));
    rows.duration.push(duration);
    rows.kind.push(line.get(0));
    rows.time.push(Some(time));
    rows.elb.push(line.get(2));
    rows.client_ip.push(client.0);
    rows.client_port.push(client.1);
    let target = target.unwrap_or_else(|(hash, (ip, port))| {
        rows.target_ip.add(ip);
        rows.target_port.add(port);
        rows.target.insert(hash, line.span(4, 4))
    });
    rows.target.push(target);
    rows.request_processing_time.push(request_time);
    rows.target_processing_time.push(target_time);
    rows.response_processing_time.push(response_time);
    rows.elb_status_code.push(clues.elb_status);
    rows.target_status_code.push(clues.target_status);
    rows.received_bytes.push(received);
    rows.sent_bytes.push(sent);
    rows.request_verb.push(verb);
    rows.request_url.push(url);
    rows.request_proto.push(proto);
    rows.answered_by.push(cause::answered_by(&clues));
    rows.cause.push(cause::cause(&clues));
    rows.user_agent.push(line.get(13));
    group!(rows, line, tls, 14..=16, [ssl_cipher, ssl_protocol, target_group_arn]);
    rows.trace_id.push(line.get(17));
    let certificate = certificate.unwrap_or_else(|(hash, priority)| {
        rows.domain_name.add(line.get(18));
        rows.chosen_cert_arn.add(line.get(19));
        rows.matched_rule_priority.add(priority.map(narrow));
        rows.certificate.insert(hash, line.span(18, 20))
    });
    rows.certificate.push(certificate);
    rows.request_creation_time.push(created);
    group!(rows, line, actions, 22..=24, [actions_executed, redirect_url, error_reason]);
    group!(
        rows,
        line,
        targets,
        25..=28,
        [target_port_list, target_status_code_list, classification, classification_reason]
    );
    rows.conn_trace_id.push(line.get(29));
    group!(rows, line, transform, 30..=32, [transformed_host, transformed_uri, request_transform_status]);
    group!(rows, line, node, 33..=35, [ip_address, target_error_code, elb_error_code]);
    match line.surplus {
        b"" => rows.extra.push_key(None),
        surplus => rows.extra.push_verbatim(surplus),
    }
    rows.end_row(number);
    Ok(())
}

/// A value of a new group is checked; a known one was.
fn new_or_known<T>(found: Result<u32, (u32, Result<T, Other>)>) -> Result<Result<u32, (u32, T)>, Other> {
    match found {
        Ok(key) => Ok(Ok(key)),
        Err((hash, value)) => value.map(|value| Err((hash, value))),
    }
}

/// Whether a line is one of this format, or of a log that is skipped in it.
pub(super) fn looks_known(bytes: &[u8]) -> bool {
    let mut line: Line<'_> = Fields::of(bytes);
    if fields::split(&mut line).is_err() {
        return false;
    }
    let is_request = is_known_type(line.get(0)) || line.count() >= MIN_FIELDS && line.get(2).starts_with(b"app/");
    is_request && value::timestamp(line.get(1)).is_some() || other_log(bytes, &line).is_some()
}

fn is_known_type(field: &[u8]) -> bool {
    matches!(field, b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss")
}

fn control(bytes: &[u8]) -> Option<Other> {
    bytes.starts_with(b"Enable ").then_some(Other::Skip(Skip::Control))
}

/// Lines that AWS writes under the same prefix and that are no requests. Health checks begin with the same types as requests do.
fn other_log(bytes: &[u8], line: &Line<'_>) -> Option<Skip> {
    if control(bytes).is_some() {
        return Some(Skip::Control);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(Skip::Empty);
    }
    match line.get(0) {
        b"http" | b"https" | b"h2" | b"grpc" | b"lambda" if matches!(line.get(5), b"PASS" | b"FAIL") => {
            Some(Skip::HealthCheckLog)
        }
        b"tls" if line.get(1).first().is_some_and(u8::is_ascii_digit) => Some(Skip::NetworkLog),
        first if value::timestamp(first).is_some() => {
            let is_port = |field| value::integer(field).is_some_and(|n| (0..65536).contains(&n));
            let is_address = |field| matches!(value::address(field), Some((_, Some(_))));
            if is_port(line.get(2)) && is_port(line.get(3)) {
                Some(Skip::ConnectionLog)
            } else if line.count() >= 12 && is_address(line.get(2)) && value::decimal(line.get(4)).is_some() {
                Some(Skip::ClassicLog)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// `METHOD SP URL SP VERSION`, split at the first and the last space: URLs hold unescaped spaces. A missing part is `-`.
fn request_line(field: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let or_dash = |part| if part == b"" { b"-".as_slice() } else { part };
    match (memchr::memchr(b' ', field), memchr::memrchr(b' ', field)) {
        (Some(first), Some(last)) if first < last => {
            (or_dash(&field[..first]), or_dash(&field[first + 1..last]), or_dash(&field[last + 1..]))
        }
        (Some(only), _) => (or_dash(&field[..only]), or_dash(&field[only + 1..]), b"-"),
        _ => (b"-", or_dash(field), b"-"),
    }
}

/// The statuses and priorities of a line have few digits; what does not fit 32 bits cannot be one.
fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[inline]
fn timestamp(bytes: &[u8], line: &Line<'_>, i: usize, clock: &mut Clock) -> Result<Option<i64>, Other> {
    match line.get(i) {
        b"-" => Ok(None),
        field => clock
            .timestamp(field)
            .map(Some)
            .ok_or_else(|| bad(bytes, line, i, "bad_timestamp", "not an ISO 8601 time in UTC")),
    }
}

/// Seconds; -1 is NULL, 0.000 is 0.
#[inline]
fn seconds(bytes: &[u8], line: &Line<'_>, i: usize) -> Result<Option<f64>, Other> {
    match line.get(i) {
        b"-" | b"-1" => Ok(None),
        field => match value::decimal(field) {
            Some(value) => Ok((value >= 0.0).then_some(value)),
            None => Err(bad(bytes, line, i, "bad_number", "not a number of seconds")),
        },
    }
}

#[inline]
fn integer(bytes: &[u8], line: &Line<'_>, i: usize) -> Result<Option<i64>, Other> {
    match line.get(i) {
        b"-" | b"" => Ok(None),
        field => value::integer(field).map(Some).ok_or_else(|| bad(bytes, line, i, "bad_number", "not an integer")),
    }
}

fn address<'a>(bytes: &[u8], line: &Line<'a>, i: usize) -> Result<(&'a [u8], Option<i32>), Other> {
    match line.get(i) {
        b"-" | b"" => Ok((b"-", None)),
        field => match value::address(field) {
            Some((ip, port)) => Ok((ip, port.map(i32::from))),
            None => Err(bad(bytes, line, i, "bad_address", "not an address and port")),
        },
    }
}

#[cold]
fn bad(bytes: &[u8], line: &Line<'_>, i: usize, reason: &'static str, problem: &str) -> Other {
    let field = line.get(i);
    let at = (field.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
    let place = if at < bytes.len() { format!(", at byte {at} of the line") } else { String::new() };
    let shown = String::from_utf8_lossy(&field[..field.len().min(64)]);
    Other::reject(reason, format!("field {} ({}) is {shown:?}: {problem}{place}", i + 1, FIELDS[i]))
}
