//! From the values of a line to a row: all of them are checked before any column is touched.

use super::directives::Field;
use super::rows::Rows;
use super::time::Moment;
use crate::reject::Other;
use crate::web::cause::{self, WebCause};
use crate::web::fields::{Fields, Reading};
use crate::web::{host_of_url, plain_host, request_line};

pub(super) type Values = Fields<{ Field::COUNT }>;

/// Appends the row. `line` is UTF-8; `moment` is its time where its format has another than `%t`.
pub(super) fn append(
    line: &[u8],
    values: &Values,
    moment: Option<Moment>,
    number: u64,
    rows: &mut Rows,
) -> Result<(), Other> {
    let reading = Reading { line, values };
    let get = |field: Field| reading.get(field);
    let moment = match moment {
        Some(moment) => moment,
        None => {
            let time = get(Field::Time);
            let time = time.strip_prefix(b"[").and_then(|time| time.strip_suffix(b"]")).unwrap_or(time);
            let begin = rows.clock.common(time);
            Moment::Begin(begin.ok_or_else(|| reading.bad(Field::Time, "bad_timestamp", "not a time with its zone"))?)
        }
    };
    let micros = [(Field::Microseconds, 1), (Field::Milliseconds, 1000), (Field::Seconds, 1_000_000)];
    let mut duration = None;
    for (field, micros) in micros {
        duration = duration.or(reading.integer(field)?.map(|n| (n as f64) * f64::from(micros) / 1e6));
    }
    let started_at = match moment {
        Moment::Begin(begin) => begin,
        Moment::End(end) => end - (duration.unwrap_or(0.0) * 1e6).round() as i64,
    };
    let status = reading.small(Field::Status)?;
    let response_bytes = match values.has(Field::ResponseBytes) {
        true => Some(reading.integer(Field::ResponseBytes)?.unwrap_or(0)),
        false => None,
    };
    let bytes_received = reading.integer(Field::BytesReceived)?;
    let bytes_sent = reading.integer(Field::BytesSent)?;
    let server_port = reading.small(Field::ServerPort)?;
    let process_id = reading.integer(Field::ProcessId)?;
    let keepalive_requests = reading.small(Field::KeepaliveRequests)?;
    let first_byte_time = reading.integer(Field::FirstByte)?.map(|micros| micros as f64 / 1e6);
    let (method, uri, protocol) = match get(Field::Request) {
        b"-" => {
            let uri = if get(Field::RequestUri) == b"-" { get(Field::Path) } else { get(Field::RequestUri) };
            (get(Field::RequestMethod), uri, get(Field::Protocol))
        }
        request => request_line(request),
    };
    let host = match (get(Field::Host), get(Field::ServerName)) {
        (b"-", b"-") => host_of_url(uri),
        (b"-", host) | (host, _) => plain_host(host),
    };
    let cause = match get(Field::ConnectionStatus) {
        b"X" => Some(WebCause::ClientGaveUp),
        _ => status.and_then(cause::of_status),
    };

    // From here on nothing fails: every column gets its value.
    rows.started_at.push(Some(started_at));
    rows.duration.push(duration);
    rows.remote_host.push(get(Field::RemoteHost));
    rows.peer_ip.push(get(Field::PeerIp));
    rows.local_ip.push(get(Field::LocalIp));
    rows.remote_logname.push(get(Field::RemoteLogname));
    rows.remote_user.push(match get(Field::RemoteUser) {
        b"\"\"" => b"-",
        user => user,
    });
    rows.request_method.push(method);
    rows.request_uri.push(uri);
    rows.request_protocol.push(protocol);
    rows.host.push(&host);
    rows.status.push(status);
    rows.response_bytes.push(response_bytes);
    rows.bytes_received.push(bytes_received);
    rows.bytes_sent.push(bytes_sent);
    rows.cause.push(cause);
    rows.referer.push(get(Field::Referer));
    rows.user_agent.push(get(Field::UserAgent));
    rows.x_forwarded_for.push(get(Field::XForwardedFor));
    rows.trace_id.push(get(Field::TraceId));
    rows.request_id.push(match get(Field::RequestId) {
        b"-" => get(Field::LogId),
        id => id,
    });
    rows.server_name.push(get(Field::ServerName));
    rows.server_port.push(server_port);
    rows.process_id.push(process_id);
    rows.thread_id.push(get(Field::ThreadId));
    rows.keepalive_requests.push(keepalive_requests);
    // The dash is a value here.
    match values.has(Field::ConnectionStatus) {
        true => rows.connection_status.push_verbatim(get(Field::ConnectionStatus)),
        false => rows.connection_status.push_key(None),
    }
    rows.handler.push(get(Field::Handler));
    rows.filename.push(get(Field::Filename));
    rows.first_byte_time.push(first_byte_time);
    rows.extra.push(values.extra());
    rows.end_row(number);
    Ok(())
}
