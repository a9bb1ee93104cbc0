//! AWS Network Load Balancer access logs: one line per connection to a TLS listener, written when it is closed.
//!
//! Source: AWS, "Access logs for your Network Load Balancer". Lines have 22 fields, none quoted as a whole; what stands behind the 22nd is
//! kept in `extra`. Times are whole seconds in UTC without saying so. Also as CloudWatch Logs delivers them, in JSON or W3C.
//!
//! ```text
//! tls 2.0 2026-11-20T18:00:10 net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd 203.0.113.7:51341 10.0.1.5:443 10244 2 98 246 - arn:aws:acm:...
//! - ECDHE-RSA-AES128-SHA tlsv12 - shop.example.com h2 h2 "h2","http/1.1" 2026-11-20T18:00:00
//! ```

use crate::Settings;
use crate::columns::{Dict, Enum, Float, Int, IntPart, Long, Part, Timestamp, Wide, group, rows};
use crate::elb::{self, Elb, Layout, TlsCause, Typed};
use crate::fields::Fields;
use crate::reader::{LineReader, Reader};
use crate::reject::{Other, Skip};

const FIELDS: usize = 22;

pub(crate) static LAYOUT: Layout<FIELDS> = Layout {
    kind: Skip::NetworkLog,
    fields: [
        "type",
        "version",
        "time",
        "elb",
        "listener",
        "client:port",
        "destination:port",
        "connection_time",
        "tls_handshake_time",
        "received_bytes",
        "sent_bytes",
        "incoming_tls_alert",
        "chosen_cert_arn",
        "chosen_cert_serial",
        "tls_cipher",
        "tls_protocol_version",
        "tls_keyexchange",
        "domain_name",
        "alpn_fe_protocol",
        "alpn_be_protocol",
        "alpn_client_preference_list",
        "tls_connection_creation_time",
    ],
    aliases: &[("timestamp", 2), ("target:port", 6), ("tls_named_group", 16)],
    // What is torn behind here would lose its sizes.
    min_fields: 11,
    quotes: false,
};

rows! {
    groups {
        /// `elb listener`
        listeners,
        destination,
        /// `chosen_cert_arn chosen_cert_serial tls_cipher tls_protocol_version tls_keyexchange domain_name`
        tls,
        /// `alpn_fe_protocol alpn_be_protocol alpn_client_preference_list`
        alpn,
    }
    columns {
        /// When the connection began: `time` less `connection_time`, else `tls_connection_creation_time`.
        started_at: Timestamp,
        /// Seconds that the connection lasted.
        duration: Float;
        /// `tls`.
        kind as "type": Dict;
        /// Of the log's format: `2.0`.
        version: Dict;
        /// When the connection ended; whole seconds.
        time: Timestamp;
        /// Resource id, `net/<name>/<hex>`.
        elb: Part, in listeners;
        /// Id of the TLS listener.
        listener: Part, in listeners;
        client_ip: Wide;
        client_port: Int;
        /// Where the client connected to: the listener's address, or that of a VPC endpoint.
        destination_ip: Part, in destination;
        destination_port: IntPart, in destination;
        /// Milliseconds that the connection lasted.
        connection_time: Long;
        /// Milliseconds of the TLS handshake, which are part of `connection_time`. NULL where it failed.
        tls_handshake_time: Long;
        /// Decrypted bytes from the client.
        received_bytes: Long;
        /// Decrypted bytes to the client.
        sent_bytes: Long;
        /// TLS alert that the client sent; NULL for none.
        incoming_tls_alert: Int;
        chosen_cert_arn: Part, in tls;
        /// Always NULL so far.
        chosen_cert_serial: Part, in tls;
        /// NULL where the handshake failed.
        tls_cipher: Part, in tls;
        /// `tlsv10` to `tlsv13`; NULL where the handshake failed.
        tls_protocol_version: Part, in tls;
        /// NULL in older logs, which called it `tls_named_group`.
        tls_keyexchange: Part, in tls;
        /// Server name that the client asked for (SNI), URL-encoded.
        domain_name: Part, in tls;
        /// `domain_name` in lower case.
        host: Part, in tls;
        /// Application protocol towards the client.
        alpn_fe_protocol: Part, in alpn;
        /// Application protocol towards the target.
        alpn_be_protocol: Part, in alpn;
        /// `"h2","http/1.1"`, URL-encoded, cut at 256 bytes.
        alpn_client_preference_list: Part, in alpn;
        /// When the TLS connection began; whole seconds.
        tls_connection_creation_time: Timestamp;
        /// `tls_handshake_failed`, `tls_alert`; NULL when nothing is wrong.
        cause: Enum<TlsCause>;
        /// Fields behind the 22nd, as written.
        extra: Dict;
    }
}

fn append(line: &Fields<'_, FIELDS>, number: u64, rows: &mut Rows) -> Result<(), Other> {
    let typed = Typed::new(line, &LAYOUT.fields);
    let time = typed.timestamp_utc(2)?;
    let client = typed.address(5)?;
    let destination = typed.address(6)?;
    let connection_time = typed.long(7)?;
    let handshake_time = typed.long(8)?;
    let received = typed.long(9)?;
    let sent = typed.long(10)?;
    let alert = typed.int(11)?;
    let created = typed.timestamp_utc(21)?;
    let started_at = match (time, connection_time, created) {
        (Some(time), Some(milliseconds), _) => time.saturating_sub(milliseconds.saturating_mul(1000)),
        (_, _, Some(created)) => created,
        (Some(time), None, None) => time,
        (None, _, None) => return Err(typed.bad(2, "bad_timestamp", "a time is needed here")),
    };

    rows.started_at.push(Some(started_at));
    rows.duration.push(connection_time.map(|milliseconds| milliseconds as f64 / 1e3));
    rows.kind.push(line.get(0));
    rows.version.push(line.get(1));
    rows.time.push(time);
    group!(rows, line, listeners, 3..=4, [elb, listener]);
    rows.client_ip.push(client.0);
    rows.client_port.push(client.1);
    let key = rows.destination.find(line.span(6, 6)).unwrap_or_else(|hash| {
        rows.destination_ip.add(destination.0);
        rows.destination_port.add(destination.1);
        rows.destination.insert(hash, line.span(6, 6))
    });
    rows.destination.push(key);
    rows.connection_time.push(connection_time);
    rows.tls_handshake_time.push(handshake_time);
    rows.received_bytes.push(received);
    rows.sent_bytes.push(sent);
    rows.incoming_tls_alert.push(alert);
    let key = rows.tls.find(line.span(12, 17)).unwrap_or_else(|hash| {
        rows.chosen_cert_arn.add(line.get(12));
        rows.chosen_cert_serial.add(line.get(13));
        rows.tls_cipher.add(line.get(14));
        rows.tls_protocol_version.add(line.get(15));
        rows.tls_keyexchange.add(line.get(16));
        rows.domain_name.add(line.get(17));
        rows.host.add(&line.get(17).to_ascii_lowercase());
        rows.tls.insert(hash, line.span(12, 17))
    });
    rows.tls.push(key);
    group!(rows, line, alpn, 18..=20, [alpn_fe_protocol, alpn_be_protocol, alpn_client_preference_list]);
    rows.tls_connection_creation_time.push(created);
    // Both fields are there, and neither has a value.
    let is_failed = handshake_time.is_none() && line.get(14) == b"-" && line.place(8).and(line.place(14)).is_some();
    rows.cause.push(match alert {
        _ if is_failed => Some(TlsCause::HandshakeFailed),
        Some(1..) => Some(TlsCause::Alert),
        _ => None,
    });
    rows.extra.push_surplus(line.surplus);
    rows.end_row(number);
    Ok(())
}

pub(crate) fn reader(_settings: &Settings) -> Box<dyn Reader> {
    Box::new(LineReader::new(Elb::of(&LAYOUT, append), Rows::default()))
}

/// Whether the beginning of an uncompressed file holds a line of this format.
pub(crate) fn recognise(head: &[u8]) -> bool {
    elb::recognise(head, Skip::NetworkLog)
}
