//! AWS Application Load Balancer health-check logs: one line per check of a target by a load-balancer node.
//!
//! Source: AWS, "Health check logs for your Application Load Balancer" (since November 2025). Lines have 8 fields, or 10 (2026), none
//! quoted; what stands behind the 10th is kept in `extra`. Also as CloudWatch Logs delivers them, in JSON or W3C.
//!
//! ```text
//! http 2026-11-20T18:00:00.123456Z 1.121980746 10.0.1.6:8080 shop FAIL 502 TargetError app/shop/50dc6c495c0c9188 192.0.2.10
//! ```

use crate::Settings;
use crate::columns::{Dict, Float, Int, IntPart, Part, group, rows};
use crate::elb::{self, Elb, Layout, Typed};
use crate::fields::Fields;
use crate::reader::{LineReader, Reader};
use crate::reject::{Other, Skip};
use crate::value::{self, Clock};

const FIELDS: usize = 10;

pub(crate) static LAYOUT: Layout<FIELDS> = Layout {
    kind: Skip::HealthCheckLog,
    fields: [
        "type",
        "time",
        "latency",
        "target_addr",
        "target_group_id",
        "status",
        "status_code",
        "reason_code",
        "elb",
        "ip_address",
    ],
    aliases: &[("timestamp", 1)],
    min_fields: 8,
    // None, but the way of lines with quotes is the faster one.
    quotes: true,
};

rows! {
    state {
        clock: Clock,
    }
    groups {
        /// `target_addr target_group_id`
        target,
        /// `elb ip_address`
        node,
    }
    columns {
        /// When the check began.
        time: Timestamp,
        /// `http`, `https`, `h2`, `grpc`, `lambda`.
        kind as "type": Dict;
        /// Seconds that the check took.
        latency: Float;
        /// `ip:port`, or the ARN of a Lambda function, as logged.
        target_addr: Part, in target;
        /// From `target_addr`; NULL for a Lambda function.
        target_ip: Part, in target;
        target_port: IntPart, in target;
        /// Name of the target group.
        target_group_id: Part, in target;
        /// `PASS` or `FAIL`.
        status: Dict;
        /// Status of the answer (with gRPC, gRPC's); NULL where there was none.
        status_code: Int;
        /// `TimedOut`, `ConnectionReset`, `ResponseCodeMismatch` and others; NULL for a check that passed.
        reason_code: Dict;
        /// Resource id, `app/<name>/<hex>`; NULL in logs older than 2026, where only the file's name has it.
        elb: Part, in node;
        /// Address of the load-balancer node that checked.
        ip_address: Part, in node;
        /// Fields behind the 10th, as written.
        extra: Dict;
    }
}

fn append(line: &Fields<'_, FIELDS>, number: u64, rows: &mut Rows) -> Result<(), Other> {
    let typed = Typed::new(line, &LAYOUT.fields);
    let time = typed.timestamp(1, &mut rows.clock)?;
    let time = time.ok_or_else(|| typed.bad(1, "bad_timestamp", "a time is needed here"))?;
    let latency = typed.seconds(2)?;
    let status_code = typed.int(6)?;

    rows.time.push(Some(time));
    rows.kind.push(line.get(0));
    rows.latency.push(latency);
    let target = rows.target.find(line.span(3, 4)).unwrap_or_else(|hash| {
        let (ip, port) = target(line.get(3));
        rows.target_addr.add(line.get(3));
        rows.target_ip.add(ip);
        rows.target_port.add(port);
        rows.target_group_id.add(line.get(4));
        rows.target.insert(hash, line.span(3, 4))
    });
    rows.target.push(target);
    rows.status.push(line.get(5));
    rows.status_code.push(status_code);
    rows.reason_code.push(line.get(7));
    group!(rows, line, node, 8..=9, [elb, ip_address]);
    rows.extra.push_surplus(line.surplus);
    rows.end_row(number);
    Ok(())
}

/// Address and port, of what is an address: an ARN has colons too.
fn target(addr: &[u8]) -> (&[u8], Option<i32>) {
    match value::address(addr) {
        Some((ip, port)) if addr != b"-" && !addr.starts_with(b"arn:") => (ip, port.map(i32::from)),
        _ => (b"-", None),
    }
}

pub(crate) fn reader(_settings: &Settings) -> Box<dyn Reader> {
    Box::new(LineReader::new(Elb::of(&LAYOUT, append), Rows::default()))
}

/// Whether the beginning of an uncompressed file holds a line of this format.
pub(crate) fn recognise(head: &[u8]) -> bool {
    elb::recognise(head, Skip::HealthCheckLog)
}
