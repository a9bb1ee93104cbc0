//! AWS Application Load Balancer connection logs: one line per TCP or TLS connection that was tried.
//!
//! Source: AWS, "Connection logs for your Application Load Balancer". Lines have 11 fields (2023) to 15 (2026), of which only the
//! certificate's subject is quoted; what stands behind the 15th is kept in `extra`. Also as CloudWatch Logs delivers them, in JSON or W3C.
//!
//! ```text
//! 2026-11-20T18:00:00.123456Z 203.0.113.7 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=client,O=Example Corp,C=US"
//! NotBefore=2026-01-01T00:00:00Z;NotAfter=2027-01-01T00:00:00Z FEF257372D5C14D4 Success TID_0123456789abcdef x25519 app/shop/50dc6c495c0c9188 192.0.2.10
//! ```

use crate::Settings;
use crate::columns::{Dict, Enum, Float, Int, Part, Timestamp, Wide, group, rows};
use crate::elb::{self, Elb, Layout, TlsCause, Typed};
use crate::fields::Fields;
use crate::reader::{LineReader, Reader};
use crate::reject::{Other, Skip};
use crate::value::{self, Clock};

const FIELDS: usize = 15;

pub(crate) static LAYOUT: Layout<FIELDS> = Layout {
    kind: Skip::ConnectionLog,
    fields: [
        "timestamp",
        "client_ip",
        "client_port",
        "listener_port",
        "tls_protocol",
        "tls_cipher",
        "tls_handshake_latency",
        "leaf_client_cert_subject",
        "leaf_client_cert_validity",
        "leaf_client_cert_serial_number",
        "tls_verify_status",
        "conn_trace_id",
        "tls_keyexchange",
        "elb",
        "ip_address",
    ],
    aliases: &[("time", 0)],
    min_fields: 11,
    quotes: true,
};

rows! {
    state {
        clock: Clock,
    }
    groups {
        /// `listener_port tls_protocol tls_cipher`
        tls,
        /// `leaf_client_cert_subject leaf_client_cert_validity leaf_client_cert_serial_number tls_verify_status`
        certificate,
        /// `tls_keyexchange elb ip_address`
        node,
    }
    columns {
        /// When the connection was established, or failed.
        time: Timestamp,
        client_ip: Wide;
        client_port: Int;
        listener_port: Int;
        /// `TLSv1.3`; NULL for plain HTTP.
        tls_protocol: Part, in tls;
        tls_cipher: Part, in tls;
        /// Seconds that the handshake took. NULL for plain HTTP, and where it failed.
        tls_handshake_latency: Float;
        /// Of the client's certificate, if it had to have one.
        leaf_client_cert_subject: Part, in certificate;
        /// `NotBefore=...;NotAfter=...`, as logged.
        leaf_client_cert_validity: Part, in certificate;
        /// From `leaf_client_cert_validity`.
        leaf_client_cert_not_before: Timestamp;
        leaf_client_cert_not_after: Timestamp;
        leaf_client_cert_serial_number: Part, in certificate;
        /// `Success`, `Failed:ClientCertUntrusted` and other codes; NULL where no certificate was asked for.
        tls_verify_status: Part, in certificate;
        /// Joins to the access log; NULL in logs older than 2024.
        conn_trace_id: Wide;
        tls_keyexchange: Part, in node;
        /// Resource id, `app/<name>/<hex>`; NULL in logs older than 2026, where only the file's name has it.
        elb: Part, in node;
        /// Address of the load-balancer node.
        ip_address: Part, in node;
        /// `tls_handshake_failed`, `client_certificate_rejected`; NULL when nothing is wrong.
        cause: Enum<TlsCause>;
        /// Fields behind the 15th, as written.
        extra: Dict;
    }
}

fn append(line: &Fields<'_, FIELDS>, number: u64, rows: &mut Rows) -> Result<(), Other> {
    let typed = Typed::new(line, &LAYOUT.fields);
    let time = typed.timestamp(0, &mut rows.clock)?;
    let time = time.ok_or_else(|| typed.bad(0, "bad_timestamp", "a time is needed here"))?;
    let client_port = typed.int(2)?;
    let listener_port = typed.int(3)?;
    let latency = typed.seconds(6)?;

    rows.time.push(Some(time));
    rows.client_ip.push(line.get(1));
    rows.client_port.push(client_port);
    rows.listener_port.push(listener_port);
    group!(rows, line, tls, 4..=5, [tls_protocol, tls_cipher]);
    rows.tls_handshake_latency.push(latency);
    let validity = line.get(8);
    rows.leaf_client_cert_not_before.push(validity_time(validity, b"NotBefore="));
    rows.leaf_client_cert_not_after.push(validity_time(validity, b"NotAfter="));
    group!(
        rows,
        line,
        certificate,
        7..=10,
        [leaf_client_cert_subject, leaf_client_cert_validity, leaf_client_cert_serial_number, tls_verify_status]
    );
    rows.conn_trace_id.push(line.get(11));
    group!(rows, line, node, 12..=14, [tls_keyexchange, elb, ip_address]);
    rows.cause.push(cause(line.get(10), line.get(4), latency));
    rows.extra.push_surplus(line.surplus);
    rows.end_row(number);
    Ok(())
}

/// Part of `NotBefore=2026-01-01T00:00:00Z;NotAfter=2027-01-01T00:00:00Z`. NULL for what is written otherwise.
fn validity_time(validity: &[u8], key: &[u8]) -> Option<i64> {
    if validity == b"-" {
        return None;
    }
    validity.split(|b| *b == b';').find_map(|part| value::timestamp_utc(part.strip_prefix(key)?))
}

/// AWS's codes of failed verifications are about certificates, but for one.
fn cause(verify_status: &[u8], protocol: &[u8], latency: Option<f64>) -> Option<TlsCause> {
    match verify_status.strip_prefix(b"Failed:") {
        Some(b"UnmappedConnectionError") => Some(TlsCause::HandshakeFailed),
        Some(_) => Some(TlsCause::ClientCertificateRejected),
        None if latency.is_none() && protocol != b"-" => Some(TlsCause::HandshakeFailed),
        None => None,
    }
}

pub(crate) fn reader(_settings: &Settings) -> Box<dyn Reader> {
    Box::new(LineReader::new(Elb::of(&LAYOUT, append), Rows::default()))
}

/// Whether the beginning of an uncompressed file holds a line of this format.
pub(crate) fn recognise(head: &[u8]) -> bool {
    elb::recognise(head, Skip::ConnectionLog)
}
