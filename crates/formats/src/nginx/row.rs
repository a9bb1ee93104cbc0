//! From the values of a line to a row: all of them are checked before any column is touched.

use super::rows::Rows;
use super::variables::Var;
use crate::reject::Other;
use crate::value;
use crate::web::cause::{self, WebCause};
use crate::web::fields::{Fields, Reading};
use crate::web::{host_of_url, plain_host, request_line};

pub(super) type Values = Fields<{ Var::COUNT }>;

/// Appends the row. `line` is UTF-8.
pub(super) fn append(line: &[u8], values: &Values, number: u64, rows: &mut Rows) -> Result<(), Other> {
    let reading = Reading { line, values };
    let list = |var| list(reading.get(var));
    let time = time(&reading, rows)?;
    let status = reading.small(Var::Status)?;
    let request_time = reading.decimal(Var::RequestTime)?;
    let body_bytes_sent = reading.integer(Var::BodyBytesSent)?;
    let bytes_sent = reading.integer(Var::BytesSent)?;
    let request_length = reading.integer(Var::RequestLength)?;
    let remote_port = reading.small(Var::RemotePort)?;
    let server_port = reading.small(Var::ServerPort)?;
    let connection = reading.integer(Var::Connection)?;
    let connection_requests = reading.integer(Var::ConnectionRequests)?;
    let gzip_ratio = reading.decimal(Var::GzipRatio)?;
    let upstream_status_last = match list(Var::UpstreamStatus).last() {
        None | Some(b"-") => None,
        Some(last) => Some(
            value::integer(last)
                .and_then(|n| i32::try_from(n).ok())
                .ok_or_else(|| reading.bad(Var::UpstreamStatus, "bad_number", "not a list of statuses"))?,
        ),
    };
    let mut upstream_time = None;
    for item in list(Var::UpstreamResponseTime).filter(|item| *item != b"-") {
        let seconds = value::decimal(item)
            .ok_or_else(|| reading.bad(Var::UpstreamResponseTime, "bad_number", "not a list of seconds"))?;
        upstream_time = Some(upstream_time.unwrap_or(0.0) + seconds);
    }
    let (method, uri, protocol) = match reading.get(Var::Request) {
        b"-" => (
            reading.get(Var::RequestMethod),
            first([reading.get(Var::RequestUri), reading.get(Var::Uri)]),
            reading.get(Var::ServerProtocol),
        ),
        request => request_line(request),
    };
    let remote_addr = reading.get(Var::RemoteAddr);
    let (remote_addr, forwarded) = match memchr::memchr(b',', remote_addr) {
        // A list of addresses in the place of one.
        Some(comma) => (remote_addr[..comma].trim_ascii(), first([reading.get(Var::HttpXForwardedFor), remote_addr])),
        None => (remote_addr, reading.get(Var::HttpXForwardedFor)),
    };
    let cause = cause(&reading, status, upstream_status_last);
    let host = match first([Var::Host, Var::HttpHost, Var::ServerName].map(|var| reading.get(var))) {
        b"-" => host_of_url(uri),
        host => plain_host(host),
    };

    // From here on nothing fails: every column gets its value.
    rows.started_at.push(Some(time - (request_time.unwrap_or(0.0) * 1e6).round() as i64));
    rows.duration.push(request_time);
    rows.time.push(Some(time));
    rows.remote_addr.push(remote_addr);
    rows.remote_port.push(remote_port);
    rows.remote_user.push(reading.get(Var::RemoteUser));
    rows.request_method.push(method);
    rows.request_uri.push(uri);
    rows.server_protocol.push(protocol);
    rows.host.push(&host);
    rows.status.push(status);
    rows.body_bytes_sent.push(body_bytes_sent);
    rows.bytes_sent.push(bytes_sent);
    rows.request_length.push(request_length);
    rows.cause.push(cause);
    rows.http_referer.push(reading.get(Var::HttpReferer));
    rows.http_user_agent.push(reading.get(Var::HttpUserAgent));
    rows.http_x_forwarded_for.push(forwarded);
    rows.request_time.push(request_time);
    rows.upstream_addr.push(reading.get(Var::UpstreamAddr));
    rows.upstream_status.push(reading.get(Var::UpstreamStatus));
    rows.upstream_connect_time.push(reading.get(Var::UpstreamConnectTime));
    rows.upstream_header_time.push(reading.get(Var::UpstreamHeaderTime));
    rows.upstream_response_time.push(reading.get(Var::UpstreamResponseTime));
    rows.upstream_response_length.push(reading.get(Var::UpstreamResponseLength));
    rows.upstream_cache_status.push(reading.get(Var::UpstreamCacheStatus));
    rows.upstream_status_last.push(upstream_status_last);
    rows.upstream_time.push(upstream_time);
    rows.server_name.push(reading.get(Var::ServerName));
    rows.server_port.push(server_port);
    rows.scheme.push(reading.get(Var::Scheme));
    rows.request_id.push(reading.get(Var::RequestId));
    rows.http_x_amzn_trace_id.push(reading.get(Var::HttpXAmznTraceId));
    rows.connection.push(connection);
    rows.connection_requests.push(connection_requests);
    rows.pipe.push(reading.get(Var::Pipe));
    rows.gzip_ratio.push(gzip_ratio);
    rows.ssl_protocol.push(reading.get(Var::SslProtocol));
    rows.ssl_cipher.push(reading.get(Var::SslCipher));
    rows.proxy_upstream_name.push(reading.get(Var::ProxyUpstreamName));
    rows.proxy_alternative_upstream_name.push(reading.get(Var::ProxyAlternativeUpstreamName));
    rows.extra.push(values.extra());
    rows.end_row(number);
    Ok(())
}

/// The values of several upstreams: `a, b : c`.
fn list(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split(|b| matches!(b, b' ' | b',')).filter(|item| !matches!(*item, b"" | b":"))
}

/// The most exact time of the line.
fn time(reading: &Reading<'_, { Var::COUNT }>, rows: &mut Rows) -> Result<i64, Other> {
    for var in [Var::Msec, Var::TimeIso8601, Var::TimeLocal] {
        let field = reading.get(var);
        if field != b"-" {
            let time = rows.clock.any(field);
            return time.ok_or_else(|| reading.bad(var, "bad_timestamp", "not a time with its zone"));
        }
    }
    Err(reading.bad(Var::TimeLocal, "bad_timestamp", "a time is needed here"))
}

/// The first that is not `-`.
fn first<const N: usize>(fields: [&[u8]; N]) -> &[u8] {
    fields.into_iter().find(|field| *field != b"-").unwrap_or(b"-")
}

/// nginx gives an upstream that fails the status 502 or 504; what it was is told by how far the times go.
fn cause(reading: &Reading<'_, { Var::COUNT }>, status: Option<i32>, upstream: Option<i32>) -> Option<WebCause> {
    use WebCause::*;
    let status = status.filter(|status| *status >= 400)?;
    if matches!(status, 408 | 444 | 494..=499) {
        return cause::of_status(status);
    }
    let is_logged = |var: Var| reading.values.has(var);
    let last = |var| list(reading.get(var)).last().unwrap_or(b"-");
    let knows_upstream = is_logged(Var::UpstreamAddr) || is_logged(Var::UpstreamStatus);
    if !knows_upstream {
        return cause::of_status(status);
    }
    let address = last(Var::UpstreamAddr);
    if upstream.is_none() && address == b"-" {
        // nginx answered by itself.
        return match status {
            403 => Some(AccessDenied),
            404 => Some(NotFound),
            _ => cause::of_status(status),
        };
    }
    if !matches!(status, 502 | 504) {
        return match status {
            _ if upstream != Some(status) => cause::of_status(status),
            500.. => Some(ApplicationError),
            _ => Some(ClientError),
        };
    }
    let is_name = address != b"-" && !address.starts_with(b"unix:") && !address.contains(&b':');
    if is_name {
        return Some(NoTarget);
    }
    if last(Var::UpstreamHeaderTime) != b"-" {
        // A whole header came, so the status is the application's own, unless it differs.
        return Some(if upstream == Some(status) { ApplicationError } else { BadResponse });
    }
    if upstream.is_some_and(|upstream| upstream != status) {
        return Some(BadResponse);
    }
    let connected = is_logged(Var::UpstreamConnectTime).then(|| last(Var::UpstreamConnectTime) != b"-");
    let has_body = !matches!(last(Var::UpstreamResponseLength), b"-" | b"0");
    Some(match (status, connected) {
        _ if has_body && !is_logged(Var::UpstreamHeaderTime) => ApplicationError,
        (502, Some(false)) => TargetRefused,
        (502, Some(true)) => TargetDied,
        (502, None) => TargetFailed,
        (_, Some(false)) => ConnectTimeout,
        _ => TargetTimeout,
    })
}
