//! One access-log line, byte for byte as an Application Load Balancer writes it.
//!
//! Seen in files of production balancers: `request_creation_time` has milliseconds although six digits are written, and
//! the three transform fields and the two newest ones are quoted (`"-"`) while the node's address is not.

use crate::clients::{Peer, Wire};
use crate::scenario::Site;
use std::io::Write;

/// Numbers of fields that AWS has written over the years, newest first.
pub const FIELD_COUNTS: [usize; 9] = [36, 34, 33, 30, 29, 27, 25, 20, 18];

/// What a line says; what does not change between lines comes from [`Site`].
pub(crate) struct Line<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) socket: bool,
    /// Microseconds since 1970.
    pub(crate) time: i64,
    pub(crate) created: i64,
    pub(crate) target: Option<&'a str>,
    /// Request, target and response processing time in microseconds.
    pub(crate) times: [Option<i64>; 3],
    pub(crate) status: u16,
    pub(crate) target_status: Option<u16>,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// `METHOD URL VERSION`, as in the file.
    pub(crate) request: &'a str,
    pub(crate) agent: &'a str,
    pub(crate) target_group: Option<&'a str>,
    /// 96 bits; `None` where the balancer could not read the request.
    pub(crate) trace: Option<u128>,
    pub(crate) sni: bool,
    pub(crate) rule: &'a str,
    pub(crate) actions: &'a str,
    pub(crate) redirect: &'a str,
    pub(crate) error: &'a str,
    pub(crate) classification: (&'a str, &'a str),
}

/// Writes lines; keeps what can be kept from one line to the next.
pub(crate) struct Writer {
    fields: usize,
    second: i64,
    /// `second` as `YYYY-MM-DDTHH:MM:SS`.
    clock: String,
    group_prefix: String,
    certificate: String,
    balancer: String,
}

impl Writer {
    /// `fields` is one of [`FIELD_COUNTS`].
    pub(crate) fn new(site: &Site, fields: usize) -> Writer {
        Writer {
            fields,
            second: i64::MIN,
            clock: String::new(),
            group_prefix: format!("arn:aws:elasticloadbalancing:{}:{}:targetgroup/", site.region, site.account),
            certificate: format!("arn:aws:acm:{}:{}:certificate/{}", site.region, site.account, site.certificate),
            balancer: format!("app/{}/{}", site.balancer, site.balancer_id),
        }
    }

    /// Appends `line` and a line feed to `out`.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, line: &Line, site: &Site) {
        self.fields(out, line, site);
        out.push(b'\n');
    }

    fn fields(&mut self, out: &mut Vec<u8>, line: &Line, site: &Site) {
        let peer = line.peer;
        let plain = peer.wire == Wire::Plain;
        text(
            out,
            match (line.socket, peer.wire) {
                (true, Wire::Plain) => "ws ",
                (true, _) => "wss ",
                (false, Wire::Plain) => "http ",
                (false, Wire::Https) => "https ",
                (false, Wire::Http2) => "h2 ",
            },
        );
        self.time(out, line.time);
        out.push(b' ');
        text(out, &self.balancer);
        // Writing to a Vec cannot fail. IPv6 stands without brackets.
        let _ = write!(out, " {}:{} ", peer.ip, peer.port);
        text(out, line.target.unwrap_or("-"));
        for time in line.times {
            out.push(b' ');
            match time {
                Some(micros) => seconds(out, micros),
                None => text(out, "-1"),
            }
        }
        out.push(b' ');
        number(out, u64::from(line.status));
        out.push(b' ');
        match line.target_status {
            Some(status) => number(out, u64::from(status)),
            None => out.push(b'-'),
        }
        out.push(b' ');
        number(out, line.received);
        out.push(b' ');
        number(out, line.sent);
        quoted(out, line.request);
        quoted(out, line.agent);
        text(
            out,
            match (plain, peer.tls13) {
                (true, _) => " - - ",
                (false, true) => " TLS_AES_128_GCM_SHA256 TLSv1.3 ",
                (false, false) => " ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ",
            },
        );
        match line.target_group {
            Some(group) => {
                text(out, &self.group_prefix);
                text(out, group);
            }
            None => out.push(b'-'),
        }
        match line.trace {
            Some(trace) => trace_id(out, line, trace),
            None => text(out, " \"-\""),
        }
        if self.fields == 18 {
            return;
        }
        quoted(out, if line.sni && !plain { site.host } else { "-" });
        quoted(
            out,
            match (plain, peer.resumed) {
                (true, _) => "-",
                (false, true) => "session-reused",
                (false, false) => &self.certificate,
            },
        );
        if self.fields == 20 {
            return;
        }
        out.push(b' ');
        text(out, line.rule);
        out.push(b' ');
        self.time(out, line.created - line.created % 1_000);
        quoted(out, line.actions);
        quoted(out, line.redirect);
        quoted(out, line.error);
        if self.fields == 25 {
            return;
        }
        quoted(out, line.target.unwrap_or("-"));
        text(out, " \"");
        match line.target_status {
            Some(status) => number(out, u64::from(status)),
            None => out.push(b'-'),
        }
        out.push(b'"');
        if self.fields == 27 {
            return;
        }
        quoted(out, line.classification.0);
        quoted(out, line.classification.1);
        if self.fields == 29 {
            return;
        }
        text(out, " TID_");
        hex(out, peer.connection, 32);
        if self.fields == 30 {
            return;
        }
        text(out, " \"-\" \"-\" \"-\"");
        if self.fields == 33 {
            return;
        }
        out.push(b' ');
        text(out, site.nodes[usize::from(peer.node)]);
        if self.fields == 34 {
            return;
        }
        text(out, " \"-\" \"-\"");
    }

    fn time(&mut self, out: &mut Vec<u8>, micros: i64) {
        let second = micros.div_euclid(1_000_000);
        if second != self.second {
            self.second = second;
            let time = chrono::DateTime::from_timestamp(second, 0).unwrap_or_default();
            self.clock = time.format("%Y-%m-%dT%H:%M:%S").to_string();
        }
        text(out, &self.clock);
        out.push(b'.');
        digits(out, micros.rem_euclid(1_000_000) as u64, 6);
        out.push(b'Z');
    }
}

/// The balancer makes `Root`; where the client sent one, it adds its own part as `Self`.
fn trace_id(out: &mut Vec<u8>, line: &Line, trace: u128) {
    let epoch = (line.created / 1_000_000) as u128;
    text(out, " \"");
    if line.peer.traced {
        text(out, "Self=1-");
        hex(out, epoch, 8);
        out.push(b'-');
        hex(out, trace.rotate_left(37), 24);
        out.push(b';');
    }
    text(out, "Root=1-");
    hex(out, epoch, 8);
    out.push(b'-');
    hex(out, trace, 24);
    out.push(b'"');
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn quoted(out: &mut Vec<u8>, value: &str) {
    text(out, " \"");
    text(out, value);
    out.push(b'"');
}

/// Seconds with three decimals.
fn seconds(out: &mut Vec<u8>, micros: i64) {
    let millis = micros.max(0) as u64 / 1_000;
    number(out, millis / 1_000);
    out.push(b'.');
    digits(out, millis % 1_000, 3);
}

fn number(out: &mut Vec<u8>, value: u64) {
    let width = value.checked_ilog10().unwrap_or(0) + 1;
    digits(out, value, width as usize);
}

fn digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn hex(out: &mut Vec<u8>, mut value: u128, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}
