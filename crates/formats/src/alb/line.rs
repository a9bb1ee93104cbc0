//! One line of an ALB access log: all fields are checked before any column is touched.

use super::rows::Rows;
use crate::cause::{self, Clues};
use crate::columns::group;
use crate::elb::{Layout, Typed, request_line};
use crate::fields::Fields;
use crate::reject::{Other, Skip};

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

pub(crate) static LAYOUT: Layout<{ FIELDS.len() }> = Layout {
    kind: Skip::RequestLog,
    fields: FIELDS,
    aliases: &[("timestamp", 1), ("request", 12), ("lambda_error_reason", 24)],
    // The oldest lines (2016) end with `trace_id`.
    min_fields: 18,
    quotes: true,
};

/// Appends the line as a row.
#[inline]
pub(super) fn append(line: &Fields<'_, { FIELDS.len() }>, number: u64, rows: &mut Rows) -> Result<(), Other> {
    let typed = Typed::new(line, &LAYOUT.fields);
    let time = typed.timestamp(1, &mut rows.time_clock)?;
    let client = typed.address(3)?;
    let target = rows.target.find(line.span(4, 4)).map_err(|hash| (hash, typed.address(4)));
    let target = new_or_known(target)?;
    let request_time = typed.seconds(5)?;
    let target_time = typed.seconds(6)?;
    let response_time = typed.seconds(7)?;
    let elb_status = typed.int(8)?;
    let target_status = typed.int(9)?;
    let received = typed.long(10)?;
    let sent = typed.long(11)?;
    let certificate = rows.certificate.find(line.span(18, 20)).map_err(|hash| (hash, typed.int(20)));
    let certificate = new_or_known(certificate)?;
    let created = typed.timestamp(21, &mut rows.created_clock)?;

    let sum = request_time.zip(target_time).zip(response_time).map(|((a, b), c)| a + b + c);
    let (started_at, duration) = match (created, time, sum) {
        (Some(created), Some(time), _) => (created, (time >= created).then(|| (time - created) as f64 / 1e6)),
        // Of what CloudWatch Logs delivers, users may leave out either field.
        (Some(created), None, sum) if line.place(1).is_none() => (created, sum),
        (None, Some(time), Some(sum)) => (time - (sum * 1e6).round() as i64, Some(sum)),
        (None, Some(time), None) => (time, None),
        (_, None, _) => return Err(typed.bad(1, "bad_timestamp", "a time is needed here")),
    };
    let clues = Clues {
        elb_status,
        target_status,
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
    rows.time.push(time);
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
        rows.matched_rule_priority.add(priority);
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
    rows.extra.push_surplus(line.surplus);
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
