//! AWS Classic Load Balancer access logs.
//!
//! Source: AWS, "Access logs for your Classic Load Balancer". Lines have 15 fields; those older than about 2015 end with the request,
//! the 12th. Unlike an Application Load Balancer's, `time` is when the request *arrived*, times have microseconds whose trailing
//! zeros are left out, and sizes of HTTP are those of bodies only.
//!
//! ```text
//! 2026-11-20T18:00:00.123456Z shop 203.0.113.7:2817 10.0.1.5:80 0.000073 0.001048 0.000057 200 200 0 29
//! "GET http://shop.example.com:80/ HTTP/1.1" "curl/8.5.0" - -
//! ```

use crate::Settings;
use crate::cause::{self, AnsweredBy, Cause, Clues};
use crate::columns::{
    Dict, Enum, Float, Host, Int, IntPart, Long, Part, Path, Route, Timestamp, Url, Wide, group, rows,
};
use crate::elb::{self, Elb, Layout, Typed, request_line};
use crate::fields::Fields;
use crate::reader::{LineReader, Reader};
use crate::reject::{Other, Skip};
use crate::value::Clock;

const FIELDS: usize = 15;

static LAYOUT: Layout<FIELDS> = Layout {
    kind: Skip::ClassicLog,
    fields: [
        "time",
        "elb",
        "client:port",
        "backend:port",
        "request_processing_time",
        "backend_processing_time",
        "response_processing_time",
        "elb_status_code",
        "backend_status_code",
        "received_bytes",
        "sent_bytes",
        "request",
        "user_agent",
        "ssl_cipher",
        "ssl_protocol",
    ],
    aliases: &[("timestamp", 0)],
    min_fields: 12,
    quotes: true,
};

rows! {
    state {
        clock: Clock,
    }
    groups {
        backend,
        /// `ssl_cipher ssl_protocol`
        tls,
    }
    columns {
        /// Arrival at the load balancer.
        started_at: Timestamp,
        /// Seconds until the response began: the sum of the three processing times. NULL where one of them is.
        duration: Float;
        /// As logged: the same as `started_at`.
        time: Timestamp;
        /// Name of the load balancer.
        elb: Dict;
        /// Peer of the load balancer: the client, or a proxy before it.
        client_ip: Wide;
        client_port: Int;
        /// NULL where the request was sent to no instance.
        backend_ip: Part, in backend;
        backend_port: IntPart, in backend;
        /// Seconds from receiving the request (with TCP, the first byte) to sending it on. NULL for -1: it was not sent.
        request_processing_time: Float;
        /// Seconds until the instance began its response. NULL for -1: it did not.
        backend_processing_time: Float;
        /// Seconds from the instance's response to the client's. NULL for -1.
        response_processing_time: Float;
        /// Status that the client got; NULL for TCP and SSL listeners.
        elb_status_code: Int;
        /// Status that the instance gave; NULL where it gave none, and for TCP and SSL listeners.
        backend_status_code: Int;
        /// Bytes of the request's body; for TCP and SSL all bytes from the client.
        received_bytes: Long;
        /// Bytes of the response's body; for TCP and SSL all bytes to the client.
        sent_bytes: Long;
        request_verb: Dict;
        /// As the client sent it, escapes as logged; NULL for TCP and SSL listeners.
        request_url: Url;
        request_proto: Dict;
        /// Host of the URL, lower case, without port.
        host: Host, in request_url;
        /// Path of the URL, without query.
        path: Path, in request_url;
        /// Template of the path, such as `/api/users/:id`.
        route: Route, in request_url;
        /// `target` (the instance) or `load_balancer`.
        answered_by: Enum<AnsweredBy>;
        /// Why it failed, as far as the row tells; NULL when nothing is wrong.
        cause: Enum<Cause>;
        /// NULL for TCP and SSL listeners, and in lines older than 2015.
        user_agent: Wide;
        ssl_cipher: Part, in tls;
        ssl_protocol: Part, in tls;
        /// Fields behind the 15th, as written.
        extra: Dict;
    }
}

fn append(line: &Fields<'_, FIELDS>, number: u64, rows: &mut Rows) -> Result<(), Other> {
    let typed = Typed::new(line, &LAYOUT.fields);
    let time = typed.timestamp(0, &mut rows.clock)?;
    let time = time.ok_or_else(|| typed.bad(0, "bad_timestamp", "a time is needed here"))?;
    let client = typed.address(2)?;
    let backend = typed.address(3)?;
    let request_time = typed.seconds(4)?;
    let backend_time = typed.seconds(5)?;
    let response_time = typed.seconds(6)?;
    let elb_status = typed.int(7)?;
    // Where no instance answered, it is 0 as well.
    let backend_status = typed.int(8)?.filter(|status| *status != 0);
    let received = typed.long(9)?;
    let sent = typed.long(10)?;
    let clues = Clues {
        elb_status,
        target_status: backend_status,
        request_time,
        target_time: backend_time,
        actions: b"-",
        error_reason: b"-",
    };
    let (verb, url, proto) = request_line(line.get(11));

    rows.started_at.push(Some(time));
    rows.duration.push(request_time.zip(backend_time).zip(response_time).map(|((a, b), c)| a + b + c));
    rows.time.push(Some(time));
    rows.elb.push(line.get(1));
    rows.client_ip.push(client.0);
    rows.client_port.push(client.1);
    let key = rows.backend.find(line.span(3, 3)).unwrap_or_else(|hash| {
        rows.backend_ip.add(backend.0);
        rows.backend_port.add(backend.1);
        rows.backend.insert(hash, line.span(3, 3))
    });
    rows.backend.push(key);
    rows.request_processing_time.push(request_time);
    rows.backend_processing_time.push(backend_time);
    rows.response_processing_time.push(response_time);
    rows.elb_status_code.push(elb_status);
    rows.backend_status_code.push(backend_status);
    rows.received_bytes.push(received);
    rows.sent_bytes.push(sent);
    rows.request_verb.push(verb);
    rows.request_url.push(url);
    rows.request_proto.push(proto);
    rows.answered_by.push(cause::answered_by(&clues));
    rows.cause.push(why(&clues));
    rows.user_agent.push(line.get(12));
    group!(rows, line, tls, 13..=14, [ssl_cipher, ssl_protocol]);
    rows.extra.push_surplus(line.surplus);
    rows.end_row(number);
    Ok(())
}

/// As of an Application Load Balancer, but for 504: at its idle timeout a Classic one may set all three times to -1.
fn why(clues: &Clues<'_>) -> Option<Cause> {
    match cause::cause(clues) {
        Some(Cause::ConnectTimeout) => Some(Cause::TargetTimeout),
        other => other,
    }
}

pub(crate) fn reader(settings: &Settings) -> Box<dyn Reader> {
    let rows = Rows { request_url: Url::new(settings.routes.clone()), ..Rows::default() };
    Box::new(LineReader::new(Elb::of(&LAYOUT, append), rows))
}

/// Whether the beginning of an uncompressed file holds a line of this format.
pub(crate) fn recognise(head: &[u8]) -> bool {
    elb::recognise(head, Skip::ClassicLog)
}
