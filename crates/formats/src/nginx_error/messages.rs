//! What nginx's messages mean. The texts are those of its source; they have hardly changed in fifteen years.

use memchr::memmem;

use super::record::Body;
use crate::value;
use crate::web::cause::WebCause::{self, *};

/// Why the request failed. `None` for what is no failure, such as a body that is buffered, or is not known.
pub(super) fn cause(body: &Body<'_>) -> Option<WebCause> {
    let message = body.message;
    let begins = |text: &str| message.starts_with(text.as_bytes());
    let has = |text: &str| memmem::find(message, text.as_bytes()).is_some();
    let action = body.action;
    let with_upstream = memmem::find(action, b"upstream").is_some();
    // The status had been sent already: the client got a part of the answer.
    let in_body = matches!(action, b"reading upstream" | b"proxying upgraded connection");
    let is_connecting = action == b"connecting to upstream";
    if begins("client intended to send too large") {
        Some(BodyTooLarge)
    } else if begins("FastCGI sent in stderr") {
        if has("Primary script unknown") || has("Unable to open primary script") {
            Some(NotFound)
        } else {
            (has("Fatal error") || has("Uncaught ")).then_some(ApplicationError)
        }
    } else if begins("upstream prematurely closed") {
        Some(if in_body { ResponseCut } else { TargetDied })
    } else if begins("no live upstreams") {
        Some(NoTarget)
    } else if begins("upstream timed out") {
        Some(match action {
            _ if in_body => ResponseCut,
            b"connecting to upstream" | b"SSL handshaking to upstream" => ConnectTimeout,
            _ => TargetTimeout,
        })
    } else if begins("upstream server temporarily disabled") {
        Some(TargetDisabled)
    } else if begins("upstream SSL certificate") || action == b"SSL handshaking to upstream" {
        Some(TargetTlsFailed)
    } else if begins("upstream sent") {
        // `duplicate header line ..., ignored` is a warning only.
        (!message.ends_with(b"ignored")).then_some(BadResponse)
    } else if begins("limiting") {
        match has(", dry run") {
            true => None,
            false => Some(if begins("limiting connections") { ConnectionLimited } else { RateLimited }),
        }
    } else if begins("access forbidden by rule") || begins("directory index of") {
        Some(AccessDenied)
    } else if begins("no user/password was provided")
        || begins("user \"")
        || begins("client SSL certificate")
        || begins("client sent no required SSL certificate")
    {
        Some(AuthError)
    } else if begins("client sent") {
        Some(match () {
            () if has("too long URI") => UriTooLong,
            () if has("too long header line") || has("too large header") => HeaderTooLarge,
            () => MalformedRequest,
        })
    } else if begins("client timed out") {
        Some(ClientIdle)
    } else if has("client prematurely closed connection") {
        Some(ClientGaveUp)
    } else if begins("rewrite or internal redirection cycle") {
        Some(RedirectCycle)
    } else if has("worker_connections are not enough") {
        Some(OutOfResources)
    } else {
        of_errno(body, with_upstream, in_body, is_connecting)
    }
}

/// What the operating system refused: `connect() failed`, `recv() failed`, `open() "..." failed`, `"..." is not found`.
fn of_errno(body: &Body<'_>, with_upstream: bool, in_body: bool, is_connecting: bool) -> Option<WebCause> {
    let is_file = body.message.starts_with(b"open()")
        || body.message.starts_with(b"stat()")
        || body.message.starts_with(b"opendir()")
        || body.message.ends_with(b"is not found");
    match body.errno? {
        // Too many open files, here or in the system; no memory; no space left.
        23 | 24 | 12 | 28 => Some(OutOfResources),
        110 if is_connecting => Some(ConnectTimeout),
        _ if is_connecting => Some(TargetRefused),
        _ if in_body => Some(ResponseCut),
        _ if with_upstream => Some(TargetDied),
        2 | 20 | 36 if is_file => Some(NotFound),
        1 | 13 if is_file => Some(AccessDenied),
        // Reset by peer, broken pipe.
        104 | 32 if !body.suffix.client.starts_with(b"-") => Some(ClientGaveUp),
        _ => None,
    }
}

/// `client intended to send too large body: 21770024 bytes`, `... too large chunked body: 1048576+4096 bytes`.
pub(super) fn body_bytes(message: &[u8]) -> Option<i64> {
    let numbers = message.strip_prefix(b"client intended to send too large ")?;
    let numbers = &numbers[memmem::find(numbers, b"body: ")? + 6..];
    let numbers = &numbers[..memmem::find(numbers, b" bytes")?];
    numbers.split(|b| *b == b'+').map(value::integer).sum()
}

/// `by zone "Z"` of messages about limits.
pub(super) fn limit_zone(message: &[u8]) -> Option<&[u8]> {
    if !(message.starts_with(b"limiting") || message.starts_with(b"delaying")) {
        return None;
    }
    message[memmem::find(message, b"by zone \"")? + 9..].strip_suffix(b"\"")
}

/// `excess: 0.512` of the same.
pub(super) fn excess(message: &[u8]) -> Option<f64> {
    limit_zone(message)?;
    let number = &message[memmem::find(message, b"excess: ")? + 8..];
    let end = number.iter().position(|b| !(b.is_ascii_digit() || *b == b'.'))?;
    value::decimal(&number[..end])
}
