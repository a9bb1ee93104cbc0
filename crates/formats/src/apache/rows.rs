//! The columns of an Apache access log, declared once.

use crate::columns::{Dict, Enum, Float, Int, Long, Path, Route, Text, Url, Wide, rows};
use crate::route::Routes;
use crate::web::cause::WebCause;
use crate::web::time::ZonedClock;

rows! {
    state {
        clock: ZonedClock,
    }
    columns {
        /// When the request was received, `%t`. Only formats of the user have parts of a second. Where a format has nothing but the end of
        /// the request (`%{end:...}t`), that less `duration`.
        started_at: Timestamp,
        /// Seconds to serve the request: `%D`, `%{us}T`, `%{ms}T`, or whole seconds of `%T`. NULL where none is logged.
        duration: Float;
        /// `%h` or `%a`: client, or proxy before it.
        remote_host: Wide;
        /// `%{c}a`: peer of the connection, where `%a` is what mod_remoteip found.
        peer_ip: Wide;
        local_ip: Dict;
        /// Of identd; nearly always NULL.
        remote_logname: Dict;
        /// Name of the authentication; NULL also where it is empty (`""`).
        remote_user: Dict;
        /// First part of the request line. NULL where the line has no parts: junk, or nothing sent.
        request_method: Dict;
        /// Second part of the request line, escapes as logged; the line whole where it has no parts.
        request_uri: Url;
        request_protocol: Dict;
        /// Host that was asked, lower case, without port: `%{Host}i`, `%v`, `%V`, or that of an absolute URL.
        host: Dict;
        /// Path of the URL, without query.
        path: Path, in request_uri;
        /// Template of the path, such as `/api/users/:id`.
        route: Route, in request_uri;
        /// Status that the client got, `%>s`. NULL where there was no response.
        status: Int;
        /// Bytes to the client, without headers: `%b`, `%B`. 0 for the `-` of `%b`, which is what it means.
        response_bytes: Long;
        /// Bytes from the client, headers included, `%I`.
        bytes_received: Long;
        /// Bytes to the client, headers included, `%O`.
        bytes_sent: Long;
        /// Why it failed, as far as the row tells; NULL when nothing is wrong.
        cause: Enum<WebCause>;
        referer: Wide;
        user_agent: Wide;
        x_forwarded_for: Wide;
        /// X-Amzn-Trace-Id, as an ALB in front sets it.
        trace_id: Text;
        /// X-Request-Id, UNIQUE_ID of mod_unique_id, or `%L`, with which the error log refers to the request.
        request_id: Text;
        /// `%v`, `%V`.
        server_name: Dict;
        /// `%p`.
        server_port: Int;
        /// `%P`.
        process_id: Long;
        /// `%{tid}P`.
        thread_id: Dict;
        /// Requests before this one on the connection, `%k`.
        keepalive_requests: Int;
        /// `%X`: `X` aborted before the response was complete, `+` may be kept alive, `-` will be closed.
        connection_status: Dict;
        /// `%R`.
        handler: Dict;
        /// `%f`.
        filename: Dict;
        /// Seconds until the first byte of the response, `%^FB`.
        first_byte_time: Float;
        /// What has no column: directives of the user's format as a JSON object, other fields at the line's end as written.
        extra: Dict;
    }
}

impl Rows {
    pub(super) fn new(routes: Routes) -> Rows {
        Rows { request_uri: Url::new(routes), ..Rows::default() }
    }
}
