//! The columns of a CloudFront row, declared once: names, types, units, null rules.

use crate::columns::{
    Decoded, Dict, Encoded, Float, Int, IntPart, Long, Part, Path, Route, Text, Timestamp, Url, Wide, rows,
};
use crate::route::Routes;

rows! {
    groups {
        /// What makes the answer.
        result,
        /// What a viewer's connection has in common.
        viewer,
    }
    columns {
        /// Arrival at the edge: `time` less `time_taken`. `time` has whole seconds where the log has no `timestamp(ms)`, and so it may be
        /// up to a second early.
        started_at: Timestamp,
        /// Seconds from arrival to the last byte sent, `time_taken`. For WebSocket, the life of the connection.
        duration: Float;
        /// When the answer was complete (WebSocket: when the connection closed): `timestamp(ms)` where it is in the second of `date` and
        /// `time`, else these. Athena's `date` is its day.
        time: Timestamp;
        /// Airport code of the edge location and a number.
        x_edge_location: Dict;
        /// Bytes to the viewer, headers included.
        sc_bytes: Long;
        /// Address of the viewer, or of a proxy before it.
        c_ip: Wide;
        cs_method: Part, in result;
        /// The distribution's own domain.
        cs_host: Part, in viewer;
        /// Path as logged: percent-encoded once more than it was sent.
        cs_uri_stem: Url;
        /// 0 for `000`: the viewer closed before any answer.
        sc_status: IntPart, in result;
        /// Host that the viewer asked for: `x_host_header`, else `cs_host`; lower case, without port.
        host: Part, in viewer;
        /// Path as it was sent: `cs_uri_stem` decoded once.
        path: Path, in cs_uri_stem;
        /// Template of the path, such as `/api/users/:id`.
        route: Route, in cs_uri_stem;
        /// Why it failed, as far as the row tells; NULL when nothing is wrong.
        cause: Part, in result;
        cs_referrer: Wide;
        /// As logged, percent-encoded.
        cs_user_agent: Encoded;
        /// As it was sent: `cs_user_agent` decoded once.
        user_agent: Decoded, in cs_user_agent;
        /// As logged: percent-encoded once more than it was sent.
        cs_uri_query: Wide;
        cs_cookie: Wide;
        /// How the edge classified the answer after its last byte: `Hit`, `RefreshHit`, `Miss`, `LimitExceeded`, `CapacityExceeded`,
        /// `Error`, `Redirect`, `LambdaExecutionError`.
        x_edge_result_type: Part, in result;
        /// Also the header `X-Amz-Cf-Id` of request and answer.
        x_edge_request_id: Text;
        /// Host header of the viewer.
        x_host_header: Part, in viewer;
        /// `http`, `https`, `ws`, `wss`, `grpcs`.
        cs_protocol: Part, in viewer;
        /// Bytes from the viewer, headers included.
        cs_bytes: Long;
        /// Seconds.
        time_taken: Float;
        x_forwarded_for: Wide;
        ssl_protocol: Part, in viewer;
        ssl_cipher: Part, in viewer;
        /// As `x_edge_result_type`, before the answer was sent.
        x_edge_response_result_type: Part, in result;
        /// `HTTP/2.0`
        cs_protocol_version: Part, in viewer;
        /// Outcome of field-level encryption.
        fle_status: Part, in viewer;
        fle_encrypted_fields: IntPart, in viewer;
        c_port: Int;
        /// Seconds until the first byte of the answer was sent.
        time_to_first_byte: Float;
        /// As `x_edge_result_type`, more exact of errors and misses.
        x_edge_detailed_result_type: Part, in result;
        sc_content_type: Part, in result;
        /// Bytes, as the header says.
        sc_content_len: Long;
        sc_range_start: Long;
        sc_range_end: Long;
        distribution_tenant_id: Part, in viewer;
        /// Joins to CloudFront's connection log.
        connection_id: Wide;
        /// Seconds from the edge to the origin and back to the first byte.
        origin_fbl: Float;
        /// The same to the last byte.
        origin_lbl: Float;
        /// Number of the viewer's autonomous system.
        asn: Long;
        /// ISO 3166-1 alpha-2.
        c_country: Dict;
        cache_behavior_path_pattern: Part, in result;
        /// What a CloudFront Function wrote at the viewer's request.
        viewer_request_log_data: Wide;
        viewer_response_log_data: Wide;
        /// Other fields, as `name=value`, and values behind the last named field as written; joined by a space.
        extra: Dict;
    }
}

impl Rows {
    pub(super) fn new(routes: Routes) -> Rows {
        Rows { cs_uri_stem: Url::encoded(routes), ..Rows::default() }
    }
}
