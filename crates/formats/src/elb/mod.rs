//! What the logs of AWS's load balancers have in common: their forms, their fields, and how to tell whose a line is.
//!
//! Sources: AWS, "Access logs", "Connection logs" and "Health check logs for your Application Load Balancer", "Access logs for your Classic
//! Load Balancer", "Access logs for your Network Load Balancer", and "CloudWatch logs for your ... Load Balancer".
//!
//! A line has one of three forms, and the first two only say which field is which:
//!
//! * plain, as delivered to S3: fields in a fixed order between spaces, new ones at the end;
//! * JSON, as CloudWatch Logs delivers them: an object a line, any fields in any order;
//! * W3C, the same with a line `#Fields` before.
//!
//! AWS writes all its kinds of logs under one prefix, so each reader knows the others' lines and skips them.

mod named;
mod typed;

pub(crate) use named::Layout;
pub(crate) use typed::Typed;

use std::net::IpAddr;

use named::Named;

use crate::Format;
use crate::columns::Names;
use crate::fields::{Fields, Splitter, UnterminatedQuote};
use crate::lines::{Line, line_end};
use crate::reader::{BuildRows, LineFormat, any_line};
use crate::reject::{Other, Skip, escape_invalid_utf8};
use crate::value;

/// A log of a load balancer, of which a line has up to `N` fields.
pub(crate) struct Elb<const N: usize, R> {
    named: Named<N>,
    splitter: Splitter<N>,
    append: Append<N, R>,
}

/// Makes a row of a line's fields, or says why not; with the line's number.
type Append<const N: usize, R> = fn(&Fields<'_, N>, u64, &mut R) -> Result<(), Other>;

impl<const N: usize, R> Elb<N, R> {
    pub(crate) fn of(layout: &'static Layout<N>, append: Append<N, R>) -> Elb<N, R> {
        Elb { named: Named::of(layout), splitter: Splitter::new(), append }
    }

    /// Reads a line, in whichever form it is.
    #[inline]
    fn read(&mut self, bytes: &[u8], number: u64, rows: &mut R) -> Result<(), Other> {
        let Elb { named, splitter, append } = self;
        let layout = named.layout();
        let result = if named.takes(bytes) {
            if !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() {
                return self.read(escape_invalid_utf8(bytes).as_bytes(), number, rows);
            }
            named.fields(bytes).and_then(|fields| append(&fields, number, rows))
        } else {
            let line = if layout.quotes { splitter.split(bytes) } else { Ok(splitter.split_unquoted(bytes)) };
            match line {
                // Load balancers write ASCII. What is not even UTF-8 is kept in their own notation, not thrown away.
                Ok(line) if !line.is_ascii() && std::str::from_utf8(bytes).is_err() => {
                    return self.read(escape_invalid_utf8(bytes).as_bytes(), number, rows);
                }
                Ok(line) if line.count() < layout.min_fields => {
                    let (count, min) = (line.count(), layout.min_fields);
                    let detail = format!("{count} of at least {min} fields: the line is torn or of another format");
                    Err(Other::reject("too_few_fields", detail))
                }
                Ok(line) => append(&line, number, rows),
                Err(UnterminatedQuote(at)) => {
                    let torn = "is never closed: the line may be torn";
                    Err(Other::reject("unterminated_quote", format!("the quote at byte {at} of the line {torn}")))
                }
            }
        };
        match result {
            Err(reject @ Other::Reject { .. }) => Err(foreign(bytes, layout.kind).unwrap_or(reject)),
            other => other,
        }
    }
}

impl<const N: usize, R: BuildRows> LineFormat for Elb<N, R> {
    type Rows = R;

    fn begin(&mut self) {
        self.named.begin();
    }

    #[inline]
    fn line_end(&mut self, text: &[u8]) -> Option<usize> {
        if self.named.layout().quotes && !self.named.takes(text) {
            self.splitter.line_end(text)
        } else {
            self.splitter.forget();
            line_end(text)
        }
    }

    #[inline]
    fn line(&mut self, line: &Line<'_>, rows: &mut R) -> Result<(), Other> {
        self.read(line.bytes, line.number, rows)
    }
}

/// A line that is skipped where lines of `own` are read.
#[cold]
fn foreign(bytes: &[u8], own: Skip) -> Option<Other> {
    kind(bytes).filter(|kind| *kind != own).map(Other::Skip)
}

/// Whether the beginning of an uncompressed file is of `own`: most of its lines that are of any such log are.
pub(crate) fn recognise(head: &[u8], own: Skip) -> bool {
    let mut lines = [0; Skip::ALL.len()];
    any_line(head, |line| {
        if let Some(kind) = kind(line) {
            lines[kind as usize] += 1;
        }
        false
    });
    let logs = [Skip::RequestLog, Skip::ConnectionLog, Skip::HealthCheckLog, Skip::ClassicLog, Skip::NetworkLog];
    // The first of equals; of a file without logs, none.
    let most = logs.into_iter().rev().filter(|log| lines[*log as usize] > 0).max_by_key(|log| lines[*log as usize]);
    most == Some(own)
}

/// Whether a file is the one that AWS writes to try a bucket.
pub(crate) fn is_test_object(head: &[u8]) -> bool {
    any_line(head, |line| kind(line) == Some(Skip::Control))
}

/// The log of a file named as AWS does: `<account>_elasticloadbalancing_<region>_<balancer>_<end>_...`. Where `<balancer>` begins with
/// `app.` or `net.` it is of that kind, else a Classic one.
pub(crate) fn by_name(file_name: &str) -> Option<Format> {
    match file_name {
        "ELBAccessLogTestFile" => return Some(Format::Alb),
        "ELBConnectionLogTestFile" => return Some(Format::AlbConnections),
        "ELBHealthCheckLogTestFile" => return Some(Format::AlbHealthChecks),
        _ => {}
    }
    let (account, rest) = file_name.split_once("_elasticloadbalancing_")?;
    let (_region, balancer) = rest.split_once('_')?;
    if account.starts_with("conn_log_") {
        Some(Format::AlbConnections)
    } else if account.starts_with("health_check_log_") {
        Some(Format::AlbHealthChecks)
    } else if balancer.starts_with("app.") {
        Some(Format::Alb)
    } else if balancer.starts_with("net.") {
        Some(Format::Nlb)
    } else {
        Some(Format::Clb)
    }
}

/// Whether the beginning of an uncompressed file names the fields of the lines that follow.
pub(crate) fn is_headed(head: &[u8]) -> bool {
    any_line(head, named::is_header)
}

/// Which log a line is of, in any form; lines that are no log's are [`Skip::Control`] and [`Skip::Empty`]. `None` where it cannot be told.
fn kind(bytes: &[u8]) -> Option<Skip> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(Skip::Empty);
    }
    if bytes.starts_with(b"Enable ") {
        return Some(Skip::Control);
    }
    if let Some(kind) = named::kind(bytes) {
        return Some(kind);
    }
    let mut splitter = Splitter::<18>::new();
    let line = splitter.split(bytes).ok()?;
    let is_time = |i: usize| value::timestamp(line.get(i)).is_some();
    let is_port = |i: usize| value::integer(line.get(i)).is_some_and(|n| (0..65536).contains(&n));
    let is_address = |i: usize| matches!(value::address(line.get(i)), Some((_, Some(_))));
    match line.get(0) {
        b"http" | b"https" | b"h2" | b"grpc" | b"lambda" if is_time(1) && matches!(line.get(5), b"PASS" | b"FAIL") => {
            Some(Skip::HealthCheckLog)
        }
        b"tls" if line.get(1).first().is_some_and(u8::is_ascii_digit) => {
            value::timestamp_utc(line.get(2)).map(|_| Skip::NetworkLog)
        }
        _ if is_time(0) => {
            let ip = std::str::from_utf8(line.get(1)).ok().and_then(|ip| ip.parse::<IpAddr>().ok());
            if ip.is_some() && is_port(2) && is_port(3) {
                Some(Skip::ConnectionLog)
            } else if line.count() >= 12 && is_address(2) && value::decimal(line.get(4)).is_some() {
                Some(Skip::ClassicLog)
            } else {
                None
            }
        }
        kind if is_time(1) => {
            let is_known = matches!(kind, b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss");
            let is_balancer = line.get(2).starts_with(b"app/");
            // A health check that is torn has its latency here.
            let is_request = is_balancer && line.count() == 18 || is_known && value::decimal(line.get(2)).is_none();
            is_request.then_some(Skip::RequestLog)
        }
        _ => None,
    }
}

/// `METHOD SP URL SP VERSION`, split at the first and the last space: URLs hold unescaped spaces. A missing part is `-`.
#[inline(always)]
pub(crate) fn request_line<'a>(field: &'a [u8]) -> (&'a [u8], &'a [u8], &'a [u8]) {
    // Of a connection without requests, Classic load balancers write `- - - `.
    let some = |part: &'a [u8]| if matches!(part, b"" | b"- -") { b"-" } else { part };
    match (memchr::memchr(b' ', field), memchr::memrchr(b' ', field)) {
        (Some(first), Some(last)) if first < last => {
            (some(&field[..first]), some(&field[first + 1..last]), some(&field[last + 1..]))
        }
        (Some(only), _) => (some(&field[..only]), some(&field[only + 1..]), b"-"),
        _ => (b"-", some(field), b"-"),
    }
}

/// Why a connection failed, as far as its own row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsCause {
    /// The handshake began and did not end.
    HandshakeFailed,
    /// The client's certificate was not accepted.
    ClientCertificateRejected,
    /// The client sent a TLS alert that is no farewell.
    Alert,
}

impl Names for TlsCause {
    const NAMES: &'static [&'static str] = &["tls_handshake_failed", "client_certificate_rejected", "tls_alert"];

    fn number(self) -> u32 {
        self as u32
    }
}
