//! A request and its answer as a line of an ALB access log of 36 fields.

use chrono::{DateTime, Utc};

use crate::exchange::{Answer, Kind, Request};
use crate::service::Service;
use crate::time::{MINUTE, SECOND};

const DAY: i64 = 24 * 60 * MINUTE;

/// Writes lines; remembers the day, since calendars are slow.
#[derive(Default)]
pub(crate) struct Writer {
    day: i64,
    date: String,
}

/// What the dice add to a line.
pub(crate) struct Chances {
    pub(crate) node: usize,
    pub(crate) trace: [u64; 2],
}

impl Writer {
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        service: &Service,
        request: &Request,
        answer: &Answer,
        end: i64,
        chances: &Chances,
    ) {
        let client = &service.clients[request.client];
        let plain = request.kind == Kind::Redirect;
        let (address, agent) = match &request.kind {
            Kind::Scan(from) | Kind::Blocked(from) => (from.as_str(), "Mozilla/5.0 zgrab/0.x"),
            _ => (client.address.as_str(), client.agent.as_str()),
        };
        let (kind, version) = match request.kind {
            Kind::Redirect => ("http", "HTTP/1.1"),
            Kind::Socket => ("wss", "HTTP/1.1"),
            Kind::Call(_) if client.http2 => ("h2", "HTTP/2.0"),
            _ => ("https", "HTTP/1.1"),
        };
        let (scheme, port) = if plain { ("http", "80") } else { ("https", "443") };
        let target = answer.target.map_or("-", |target| service.targets[target].address.as_str());
        // A client keeps its connection for some minutes.
        let connection = mixed(request.client as u64, request.at as u64 / (4 * MINUTE as u64));
        let group = &service.groups[request.group];
        let forwarded = answer.actions == "forward";

        text(out, kind);
        out.push(b' ');
        self.instant(out, end);
        text(out, " app/");
        text(out, &service.balancer.0);
        out.push(b'/');
        text(out, &service.balancer.1);
        out.push(b' ');
        text(out, address);
        out.push(b':');
        number(out, 1_024 + connection % 64_000);
        out.push(b' ');
        text(out, target);
        for time in answer.times {
            out.push(b' ');
            if time < 0.0 {
                text(out, "-1");
            } else {
                let milliseconds = (time * 1000.0) as u64;
                number(out, milliseconds / 1000);
                out.push(b'.');
                padded(out, milliseconds % 1000, 3);
            }
        }
        out.push(b' ');
        number(out, answer.status.into());
        out.push(b' ');
        status(out, answer.target_status);
        out.push(b' ');
        number(out, request.received);
        out.push(b' ');
        number(out, answer.sent);
        text(out, " \"");
        text(out, request.method);
        out.push(b' ');
        url(out, scheme, service, port, &request.path);
        out.push(b' ');
        text(out, version);
        text(out, "\" \"");
        text(out, agent);
        text(out, "\" ");
        text(out, if plain { "- -" } else { client.cipher });
        out.push(b' ');
        text(out, if forwarded { &group.arn } else { "-" });
        text(out, " \"Root=1-");
        hex(out, (request.at / SECOND) as u64, 8);
        out.push(b'-');
        hex(out, chances.trace[0], 16);
        hex(out, chances.trace[1], 8);
        text(out, "\" \"");
        text(out, if plain { "-" } else { &service.host });
        text(out, "\" \"");
        text(
            out,
            match (plain, connection % 3) {
                (true, _) => "-",
                (_, 0) => &service.certificate,
                _ => "session-reused",
            },
        );
        text(out, "\" ");
        number(out, if forwarded { group.priority.into() } else { 1 });
        out.push(b' ');
        self.instant(out, request.at);
        text(out, " \"");
        text(out, answer.actions);
        text(out, "\" \"");
        if answer.actions == "redirect" {
            url(out, "https", service, "443", &request.path);
        } else {
            out.push(b'-');
        }
        text(out, "\" \"");
        text(out, answer.reason);
        text(out, "\" \"");
        text(out, target);
        text(out, "\" \"");
        status(out, answer.target_status);
        text(out, "\" \"-\" \"-\" TID_");
        hex(out, connection, 16);
        hex(out, mixed(connection, 1), 16);
        text(out, " \"-\" \"-\" \"-\" ");
        text(out, &service.nodes[chances.node]);
        text(out, " - -\n");
    }

    fn instant(&mut self, out: &mut Vec<u8>, at: i64) {
        let day = at.div_euclid(DAY);
        if day != self.day {
            let midnight: DateTime<Utc> = DateTime::from_timestamp_micros(day * DAY).expect("years of four digits");
            self.date = midnight.format("%Y-%m-%dT").to_string();
            self.day = day;
        }
        let rest = at.rem_euclid(DAY) as u64;
        let seconds = rest / SECOND as u64;
        text(out, &self.date);
        padded(out, seconds / 3600, 2);
        out.push(b':');
        padded(out, seconds / 60 % 60, 2);
        out.push(b':');
        padded(out, seconds % 60, 2);
        out.push(b'.');
        padded(out, rest % SECOND as u64, 6);
        out.push(b'Z');
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn url(out: &mut Vec<u8>, scheme: &str, service: &Service, port: &str, path: &str) {
    for part in [scheme, "://", &service.host, ":", port, path] {
        text(out, part);
    }
}

fn status(out: &mut Vec<u8>, status: Option<u16>) {
    match status {
        Some(status) => number(out, status.into()),
        None => out.push(b'-'),
    }
}

fn number(out: &mut Vec<u8>, number: u64) {
    padded(out, number, 1);
}

/// Decimal, at least `digits` long.
fn padded(out: &mut Vec<u8>, mut number: u64, digits: usize) {
    let mut buffer = [b'0'; 20];
    let mut at = buffer.len();
    while number > 0 {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&buffer[at.min(buffer.len() - digits)..]);
}

fn hex(out: &mut Vec<u8>, number: u64, digits: u32) {
    for digit in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(number >> (4 * digit) & 15) as usize]);
    }
}

/// Two numbers as one that looks random (the finaliser of SplitMix64).
fn mixed(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
