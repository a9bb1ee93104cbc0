//! What one row says about who answered and why it failed.
//!
//! Source: AWS, "Troubleshoot your Application Load Balancers" and "Access logs for your Application Load Balancer". A row gives
//! the first suspicion only; what a crowd of rows says is the matter of queries.

use crate::columns::Names;

/// Who made the answer that the client got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// `target_status_code` is there.
    Target,
    /// It is not: the load balancer answered by itself.
    LoadBalancer,
    /// Nobody: the client closed the connection first (460).
    ClientGone,
}

impl AnsweredBy {
    pub fn name(self) -> &'static str {
        <Self as Names>::NAMES[self as usize]
    }
}

impl Names for AnsweredBy {
    const NAMES: &'static [&'static str] = &["target", "load_balancer", "client_gone"];

    fn number(self) -> u32 {
        self as u32
    }
}

macro_rules! causes {
    ($(#[$enum_doc:meta])* $enum:ident: $($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $enum { $($(#[$doc])* $variant,)* }

        impl $enum {
            /// All names, as they stand in the column `cause`.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            pub fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }
        }

        impl $crate::columns::Names for $enum {
            const NAMES: &'static [&'static str] = $enum::NAMES;

            fn number(self) -> u32 {
                self as u32
            }
        }
    };
}
pub(crate) use causes;

causes! {
    /// Why a request failed, as far as its own row tells.
    Cause:
    /// The target answered 5xx.
    ApplicationError = "application_error",
    /// The target answered 4xx.
    ClientError = "client_error",
    /// 502, no time measured: the connection was refused, reset or could not be made.
    TargetRefused = "target_refused",
    /// 502 after the request was sent: the target closed, crashed or reset.
    TargetDied = "target_died",
    /// 502 although the target answered: malformed, or headers over 32 KB.
    BadResponse = "bad_response",
    /// 504, no time measured: no connection within 10 s.
    ConnectTimeout = "connect_timeout",
    /// 504 after the request was sent: silent until the idle timeout.
    TargetTimeout = "target_timeout",
    /// 503: no target registered or usable.
    NoTarget = "no_target",
    /// `error_reason` is one of `Lambda*`.
    LambdaError = "lambda_error",
    /// 460: the client closed before the answer; the target may have done the work.
    ClientGaveUp = "client_gave_up",
    /// 400 by the load balancer.
    MalformedRequest = "malformed_request",
    /// 408: the client sent nothing in time.
    ClientIdle = "client_idle",
    /// A WAF rule.
    WafBlocked = "waf_blocked",
    /// The call to WAF failed.
    WafFailed = "waf_failed",
    /// 401, 561, 562, or `error_reason` is one of `Auth*`, `JWT*`, `JWKS*`.
    AuthError = "auth_error",
    /// A listener rule answers with this status.
    FixedResponse = "fixed_response",
    /// 413.
    BodyTooLarge = "body_too_large",
    /// 414.
    UriTooLong = "uri_too_long",
    /// 405: TRACE.
    MethodNotAllowed = "method_not_allowed",
    /// 463: over 30 addresses in X-Forwarded-For.
    TooManyForwardedFor = "too_many_forwarded_for",
    /// 464: the target group does not speak the request's protocol.
    ProtocolMismatch = "protocol_mismatch",
    /// 501: Transfer-Encoding not supported.
    UnsupportedTransferEncoding = "unsupported_transfer_encoding",
    /// 505.
    UnsupportedHttpVersion = "unsupported_http_version",
    /// 507: the redirect's URL is too long.
    RedirectUrlTooLong = "redirect_url_too_long",
    /// 000: HTTP/2 connection ended after 10,000 requests.
    GoAway = "goaway",
    /// Any other 4xx or 5xx that the load balancer made.
    LoadBalancerError = "load_balancer_error",
}

/// The clues of one row. NULLs are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clues<'a> {
    pub(crate) elb_status: Option<i32>,
    pub(crate) target_status: Option<i32>,
    pub(crate) request_time: Option<f64>,
    pub(crate) target_time: Option<f64>,
    pub(crate) actions: &'a [u8],
    pub(crate) error_reason: &'a [u8],
}

#[inline(always)]
pub(crate) fn answered_by(clues: &Clues<'_>) -> Option<AnsweredBy> {
    match (clues.elb_status, clues.target_status) {
        (Some(460), _) => Some(AnsweredBy::ClientGone),
        (_, Some(_)) => Some(AnsweredBy::Target),
        (Some(_), None) => Some(AnsweredBy::LoadBalancer),
        (None, None) => None,
    }
}

/// `None` when nothing is wrong.
#[inline(always)]
pub(crate) fn cause(clues: &Clues<'_>) -> Option<Cause> {
    match (clues.elb_status, clues.target_status) {
        (Some(..400), Some(_)) => None,
        _ => cause_of_failure(clues),
    }
}

#[cold]
fn cause_of_failure(clues: &Clues<'_>) -> Option<Cause> {
    use Cause::*;
    let reason = clues.error_reason;
    let status = clues.elb_status?;
    let is_error = status >= 400;
    if is_error && reason.starts_with(b"Lambda") {
        return Some(LambdaError);
    }
    if let Some(target) = clues.target_status {
        return match status {
            460 => Some(ClientGaveUp),
            // The target did answer, but the client got the load balancer's 502 or 504 instead.
            502 | 504 if target != status => Some(BadResponse),
            500.. => Some(ApplicationError),
            400.. => Some(ClientError),
            _ => None,
        };
    }
    let last_action = clues.actions.rsplit(|&b| b == b',').next().unwrap_or_default();
    if last_action == b"waf" {
        return Some(WafBlocked);
    }
    if status == 0 {
        return Some(GoAway);
    }
    if !is_error {
        return None;
    }
    if reason.starts_with(b"WAF") || last_action == b"waf-failed" {
        return Some(WafFailed);
    }
    if [b"Auth".as_slice(), b"JWT", b"JWKS"].iter().any(|family| reason.starts_with(family)) {
        return Some(AuthError);
    }
    if last_action == b"fixed-response" {
        return Some(FixedResponse);
    }
    Some(match status {
        400 => MalformedRequest,
        401 | 561 | 562 => AuthError,
        405 => MethodNotAllowed,
        408 => ClientIdle,
        413 => BodyTooLarge,
        414 => UriTooLong,
        460 => ClientGaveUp,
        463 => TooManyForwardedFor,
        464 => ProtocolMismatch,
        501 => UnsupportedTransferEncoding,
        502 if clues.target_time.is_some() => BadResponse,
        502 if clues.request_time.is_some() => TargetDied,
        502 => TargetRefused,
        503 => NoTarget,
        504 if clues.request_time.is_some() => TargetTimeout,
        504 => ConnectTimeout,
        505 => UnsupportedHttpVersion,
        507 => RedirectUrlTooLong,
        _ => LoadBalancerError,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_causes() {
        let c = |elb, target: i32, request: f64, target_time: f64, actions: &str, reason: &str| {
            let clues = Clues {
                elb_status: Some(elb),
                target_status: (target > 0).then_some(target),
                request_time: (request >= 0.0).then_some(request),
                target_time: (target_time >= 0.0).then_some(target_time),
                actions: actions.as_bytes(),
                error_reason: reason.as_bytes(),
            };
            (cause(&clues).map(Cause::name), answered_by(&clues).map(AnsweredBy::name))
        };
        assert_eq!(c(200, 200, 0.0, 0.1, "forward", "-"), (None, Some("target")));
        assert_eq!(c(301, -1, -1.0, -1.0, "redirect", "-"), (None, Some("load_balancer")));
        assert_eq!(c(500, 500, 0.0, 0.1, "forward", "-"), (Some("application_error"), Some("target")));
        assert_eq!(c(404, 404, 0.0, 0.1, "forward", "-"), (Some("client_error"), Some("target")));
        assert_eq!(c(502, 200, 0.0, 0.1, "forward", "-").0, Some("bad_response"));
        assert_eq!(c(502, -1, -1.0, -1.0, "forward", "-"), (Some("target_refused"), Some("load_balancer")));
        assert_eq!(c(502, -1, 0.001, -1.0, "forward", "-").0, Some("target_died"));
        assert_eq!(c(502, -1, 0.001, 0.2, "forward", "-").0, Some("bad_response"));
        assert_eq!(c(502, -1, -1.0, -1.0, "forward", "LambdaUnhandled").0, Some("lambda_error"));
        assert_eq!(c(503, -1, -1.0, -1.0, "forward", "-").0, Some("no_target"));
        assert_eq!(c(504, -1, -1.0, -1.0, "forward", "-").0, Some("connect_timeout"));
        assert_eq!(c(504, -1, 0.001, -1.0, "forward", "-").0, Some("target_timeout"));
        assert_eq!(c(460, -1, 0.001, -1.0, "forward", "-"), (Some("client_gave_up"), Some("client_gone")));
        assert_eq!(c(403, -1, -1.0, -1.0, "waf", "-").0, Some("waf_blocked"));
        assert_eq!(c(302, -1, -1.0, -1.0, "waf", "-").0, Some("waf_blocked"));
        assert_eq!(c(500, -1, -1.0, -1.0, "waf-failed,forward", "WAFServiceError").0, Some("waf_failed"));
        assert_eq!(c(404, -1, -1.0, -1.0, "fixed-response", "-").0, Some("fixed_response"));
        assert_eq!(c(561, -1, -1.0, -1.0, "authenticate", "AuthInvalidIdToken").0, Some("auth_error"));
        assert_eq!(c(400, -1, -1.0, -1.0, "-", "-").0, Some("malformed_request"));
        assert_eq!(c(0, -1, -1.0, -1.0, "-", "-").0, Some("goaway"));
        assert_eq!(c(409, -1, -1.0, -1.0, "-", "-").0, Some("load_balancer_error"));
    }
}
