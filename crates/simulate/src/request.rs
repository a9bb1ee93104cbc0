//! Requests in flight, and what the balancer writes about each when it ends.

use crate::clients::{Peer, Wire};
use crate::line::Line;
use crate::scenario::{Kind, Site};

/// A request from its arrival until the target is done with it, which may be after its line was written.
pub(crate) struct Request {
    /// Rises when the place in the slab is used again; events carry it.
    pub(crate) generation: u32,
    pub(crate) peer: Peer,
    /// Place in the scenario's routes; `None` for a scanner's request.
    pub(crate) route: Option<usize>,
    pub(crate) kind: Kind,
    pub(crate) target: Option<usize>,
    pub(crate) stage: Stage,
    /// Microseconds since 1970: received by the balancer, sent to the target, socket opened.
    pub(crate) created: i64,
    pub(crate) sent_on: i64,
    pub(crate) opened: i64,
    /// When the balancer ends it by itself, and how.
    pub(crate) deadline: i64,
    pub(crate) at_deadline: End,
    /// CPU seconds before and after the wait, and the wait in microseconds.
    pub(crate) cpu: (f64, f64),
    pub(crate) wait: i64,
    pub(crate) greed: f64,
    /// The target's answer, if it gets to answer.
    pub(crate) status: u16,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// The balancer's own time before the response goes out, in microseconds.
    pub(crate) response_time: i64,
    pub(crate) line: String,
    pub(crate) redirect: String,
    pub(crate) agent: Option<&'static str>,
    pub(crate) retried: bool,
    pub(crate) written: bool,
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the target's backlog.
    Waiting,
    /// A thread of the target has it: before its wait, after it.
    First,
    Second,
    /// An open WebSocket.
    Open,
    /// No target is involved.
    Elsewhere,
}

/// How a request ends for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Answered,
    /// The target reset the connection with the request in its hands.
    Died,
    /// The target had closed the kept connection just before.
    Refused,
    /// Nothing from the target until the idle timeout.
    TimedOut,
    /// The client closed first.
    Left,
    SocketClosed,
    Redirect,
    FixedResponse,
    Malformed,
    LambdaFailed,
}

impl End {
    /// Code of the lake's column `cause`.
    pub(crate) fn cause(self, request: &Request) -> Option<&'static str> {
        match self {
            End::Answered if request.status >= 500 => Some("application_error"),
            End::Answered if request.status >= 400 => Some("client_error"),
            End::Answered | End::SocketClosed | End::Redirect => None,
            End::Died => Some("target_died"),
            End::Refused => Some("target_refused"),
            End::TimedOut => Some("target_timeout"),
            End::Left => Some("client_gave_up"),
            End::FixedResponse => Some("fixed_response"),
            End::Malformed => Some("malformed_request"),
            End::LambdaFailed => Some("lambda_error"),
        }
    }

    /// Whether a client may simply try again.
    pub(crate) fn can_retry(self) -> bool {
        matches!(self, End::Died | End::Refused | End::TimedOut)
    }
}

/// The line of a request that ends at `now`. `target` is its `ip:port`, `agent` the visitor's user agent.
pub(crate) fn line<'a>(
    request: &'a Request,
    end: End,
    now: i64,
    target: Option<&'a str>,
    agent: &'a str,
    trace: u128,
    site: &'a Site,
) -> Line<'a> {
    let sent_after = Some(request.sent_on - request.created);
    let lambda = request.kind == Kind::Lambda;
    let answered = matches!(end, End::Answered | End::SocketClosed);
    let times = match end {
        // A function's failure has all three times, as in AWS's own example.
        End::Answered | End::LambdaFailed => {
            let total = now - request.sent_on;
            let response = request.response_time.min(total / 20);
            [sent_after, Some(total - response), Some(response)]
        }
        End::SocketClosed => [sent_after, Some(request.opened - request.sent_on), Some(0)],
        End::Died | End::TimedOut => [sent_after, None, None],
        End::Left if !lambda => [sent_after, None, None],
        _ => [None; 3],
    };
    let http2 = request.peer.wire == Wire::Http2;
    let (status, sent) = match end {
        End::Answered | End::SocketClosed => (request.status, request.sent),
        End::Died | End::Refused | End::LambdaFailed => (502, if http2 { 192 } else { 277 }),
        End::TimedOut => (504, if http2 { 202 } else { 292 }),
        End::Left => (460, 0),
        End::Redirect => (301, 307 + request.redirect.len() as u64),
        End::FixedResponse => (404, 162),
        End::Malformed => (400, 272),
    };
    let (rule, actions) = match end {
        End::Redirect => ("0", "redirect"),
        End::FixedResponse => ("0", "fixed-response"),
        End::Malformed => ("-", "-"),
        _ if lambda => ("20", "forward"),
        _ => ("10", "forward"),
    };
    let group = match end {
        End::Redirect | End::FixedResponse | End::Malformed => None,
        _ if lambda => Some(site.lambda_group),
        _ => Some(site.target_group),
    };
    Line {
        peer: &request.peer,
        socket: end == End::SocketClosed,
        time: now,
        created: request.created,
        target,
        times,
        status,
        target_status: answered.then_some(status),
        received: if end == End::Malformed { 0 } else { request.received },
        sent,
        request: &request.line,
        agent: if end == End::Malformed { "-" } else { request.agent.unwrap_or(agent) },
        target_group: group,
        trace: (end != End::Malformed).then_some(trace),
        sni: group.is_some(),
        rule,
        actions,
        redirect: if end == End::Redirect { &request.redirect } else { "-" },
        error: if end == End::LambdaFailed { "LambdaUnhandled" } else { "-" },
        classification: if end != End::Malformed && request.line.split(' ').nth(3).is_some() {
            ("Acceptable", "SpaceInUri")
        } else {
            ("-", "-")
        },
    }
}
