//! The columns of an nginx access log, declared once.

use crate::columns::{Dict, Enum, Float, Int, Long, Path, Route, Text, Timestamp, Url, Wide, rows};
use crate::route::Routes;
use crate::web::cause::WebCause;
use crate::web::time::ZonedClock;

rows! {
    state {
        clock: ZonedClock,
    }
    columns {
        /// Arrival: `time` less `request_time`. The time itself where that is not logged.
        started_at: Timestamp,
        /// Seconds from the first byte of the request to the end of the response, `$request_time`. NULL where it is not logged.
        duration: Float;
        /// When the request ended and was logged: `$msec`, `$time_iso8601` or `$time_local`. Only `$msec` has parts of a second.
        time: Timestamp;
        /// Peer of nginx: client, or load balancer. Where a list of addresses stands in its place, the first, which is the client's
        /// if the list is true.
        remote_addr: Wide;
        remote_port: Int;
        /// Name of HTTP basic authentication.
        remote_user: Dict;
        /// First part of the request line. NULL where the line has no parts: junk, or nothing sent.
        request_method: Dict;
        /// Second part of the request line, escapes as logged; the line whole where it has no parts.
        request_uri: Url;
        server_protocol: Dict;
        /// Host that was asked, lower case, without port: `$host`, `$http_host`, `$server_name`, a host before the address, or that of an
        /// absolute URL.
        host: Dict;
        /// Path of the URL, without query.
        path: Path, in request_uri;
        /// Template of the path, such as `/api/users/:id`.
        route: Route, in request_uri;
        /// Status that the client got; 499: the client closed first; 0 for `000`: there was no response.
        status: Int;
        /// Bytes to the client, without headers.
        body_bytes_sent: Long;
        /// Bytes to the client, headers included.
        bytes_sent: Long;
        /// Bytes from the client, headers included.
        request_length: Long;
        /// Why it failed, as far as the row tells; NULL when nothing is wrong.
        cause: Enum<WebCause>;
        http_referer: Wide;
        http_user_agent: Wide;
        http_x_forwarded_for: Wide;
        /// Seconds, as `duration`.
        request_time: Float;
        /// Upstreams that were asked, as written: `a, b` one after the other, ` : ` behind an internal redirect. The name of the group where
        /// none was left to ask. NULL where none was needed.
        upstream_addr: Dict;
        /// Their statuses, in the same form. nginx writes 502 and 504 for an upstream that failed.
        upstream_status: Dict;
        /// Seconds until the connection was made, in the same form.
        upstream_connect_time: Dict;
        /// Seconds until the response's header was there, in the same form.
        upstream_header_time: Dict;
        /// Seconds until the response was there, in the same form.
        upstream_response_time: Dict;
        /// Bytes of the response, in the same form.
        upstream_response_length: Dict;
        /// `MISS`, `BYPASS`, `EXPIRED`, `STALE`, `UPDATING`, `REVALIDATED`, `HIT`.
        upstream_cache_status: Dict;
        /// Last of `upstream_status`; NULL where the last upstream gave none.
        upstream_status_last: Int;
        /// Sum of `upstream_response_time`, seconds: what all upstreams took together. NULL where none has one.
        upstream_time: Float;
        server_name: Dict;
        server_port: Int;
        scheme: Dict;
        /// `$request_id`; `$req_id` of ingress-nginx.
        request_id: Text;
        /// X-Amzn-Trace-Id, as an ALB in front sets it.
        http_x_amzn_trace_id: Text;
        /// Number of the connection, as in the error log.
        connection: Long;
        /// Requests on it so far.
        connection_requests: Long;
        /// `p` for a pipelined request, else `.`.
        pipe: Dict;
        gzip_ratio: Float;
        ssl_protocol: Dict;
        ssl_cipher: Dict;
        /// Of ingress-nginx: `namespace-service-port`.
        proxy_upstream_name: Dict;
        proxy_alternative_upstream_name: Dict;
        /// What has no column: variables and JSON members as a JSON object, other fields at the line's end as written.
        extra: Dict;
    }
}

impl Rows {
    pub(super) fn new(routes: Routes) -> Rows {
        Rows { request_uri: Url::new(routes), ..Rows::default() }
    }
}
