//! The columns of an nginx error log, declared once.

use crate::columns::{Dict, Enum, Float, Int, Long, Path, Route, Url, Wide, rows};
use crate::route::Routes;
use crate::web::cause::WebCause;

rows! {
    columns {
        /// When it was written, to the second; the log has local time, of the zone that the user gives.
        time: Timestamp,
        /// `emerg`, `alert`, `crit`, `error`, `warn`, `notice`, `info`, `debug`.
        level: Dict;
        pid: Long;
        tid: Long;
        /// Number of the connection, `$connection` of the access log. NULL for messages about no connection.
        connection: Long;
        /// What happened, without what follows in columns of its own. Lines that continue it (FastCGI, Lua) are part of it.
        message: Wide;
        /// Error of the operating system. NULL where there is none.
        errno: Int;
        errno_text: Dict;
        /// What nginx was doing, as `reading response header from upstream`. NULL where the message does not say.
        action: Dict;
        /// Address. NULL for messages about no connection.
        client: Wide;
        /// Name of the server block, or the address it listens on before a request is read. NULL where it has no name.
        server: Dict;
        request_method: Dict;
        /// Second part of the request line, unescaped; the line whole where it has no parts. NULL before a request is read.
        request_uri: Url;
        server_protocol: Dict;
        /// Path of the request, without query.
        path: Path, in request_uri;
        /// Template of the path, such as `/api/users/:id`.
        route: Route, in request_uri;
        subrequest: Dict;
        /// URL that the upstream was asked, with its address; the name of the group where none was left to ask.
        upstream: Wide;
        /// As the client sent it, lower case, without port.
        host: Dict;
        referrer: Wide;
        /// Why the request failed; NULL where the message says nothing of that.
        cause: Enum<WebCause>;
        /// Size of the body that was refused, bytes, as far as it was known then.
        body_bytes: Long;
        /// Zone of `limit_req` or `limit_conn`.
        limit_zone: Dict;
        /// Requests over the limit, of `limit_req`.
        excess: Float;
        /// What stands behind the known parts, as written.
        extra: Dict;
    }
}

impl Rows {
    pub(super) fn new(routes: Routes) -> Rows {
        Rows { request_uri: Url::new(routes), ..Rows::default() }
    }
}
