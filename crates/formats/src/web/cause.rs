//! Why a request failed, as far as a line of a web server's log tells.

use crate::cause::causes;

causes! {
    /// Why a request failed, in the logs of nginx and Apache.
    WebCause:
    /// The application behind the server answered 5xx, or wrote a fatal error.
    ApplicationError = "application_error",
    /// 4xx without a cause of its own.
    ClientError = "client_error",
    /// 5xx, and the line does not tell who made it.
    ServerError = "server_error",
    /// The connection to the upstream was refused, or could not be made.
    TargetRefused = "target_refused",
    /// The upstream closed or reset the connection before it answered.
    TargetDied = "target_died",
    /// 502, and the line does not tell whether the upstream refused, closed or answered badly.
    TargetFailed = "target_failed",
    /// The upstream's answer was malformed, or its header too big.
    BadResponse = "bad_response",
    /// The upstream broke off in the body, or fell silent: the client got part of an answer with a good status.
    ResponseCut = "response_cut",
    /// No TLS with the upstream: handshake or certificate.
    TargetTlsFailed = "target_tls_failed",
    /// No connection to the upstream in time.
    ConnectTimeout = "connect_timeout",
    /// The upstream did not answer in time. Where a line has no times, perhaps it did not even take the connection.
    TargetTimeout = "target_timeout",
    /// No upstream was left to be asked.
    NoTarget = "no_target",
    /// An upstream was left out for a while after failures.
    TargetDisabled = "target_disabled",
    /// The client closed the connection before the answer; the application may have done the work.
    ClientGaveUp = "client_gave_up",
    /// The client sent nothing in time.
    ClientIdle = "client_idle",
    MalformedRequest = "malformed_request",
    /// 413, or the message that says so.
    BodyTooLarge = "body_too_large",
    /// 414.
    UriTooLong = "uri_too_long",
    /// 494, which access logs show as 400; 431.
    HeaderTooLarge = "header_too_large",
    /// No or wrong credentials, or no or a bad client certificate.
    AuthError = "auth_error",
    /// A rule, or the file system, forbids it.
    AccessDenied = "access_denied",
    NotFound = "not_found",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// Too many connections at once.
    ConnectionLimited = "connection_limited",
    /// 444: a rule closes the connection without an answer.
    ClosedByRule = "closed_by_rule",
    /// Rewrites or internal redirections without end.
    RedirectCycle = "redirect_cycle",
    /// The server has no connections, or files, left.
    OutOfResources = "out_of_resources",
}

/// The cause that a status is, where the line does not tell who made it.
pub(crate) fn of_status(status: i32) -> Option<WebCause> {
    use WebCause::*;
    Some(match status {
        400 | 495..=497 => MalformedRequest,
        401 => AuthError,
        408 => ClientIdle,
        413 => BodyTooLarge,
        414 => UriTooLong,
        429 => RateLimited,
        431 | 494 => HeaderTooLarge,
        444 => ClosedByRule,
        499 => ClientGaveUp,
        400..500 => ClientError,
        502 => TargetFailed,
        504 => TargetTimeout,
        500.. => ServerError,
        _ => return None,
    })
}
