//! What the logs of web servers share: times, patterns made of a format string, causes.

pub(crate) mod cause;
pub(crate) mod combined;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod pattern;
pub(crate) mod time;

use std::borrow::Cow;

use crate::reject::{Other, Skip, escape_invalid_utf8};
use crate::{url, value};

/// A line as text. What is not UTF-8 is written `\xHH`, as servers do themselves. Zeros at its beginning fall away: a file that was truncated
/// while the server wrote on begins with a hole, and a crash leaves one.
pub(crate) fn text(line: &[u8]) -> Result<Cow<'_, [u8]>, Other> {
    let zeros = line.iter().take_while(|byte| **byte == 0).count();
    let line = &line[zeros..];
    if line.iter().all(u8::is_ascii_whitespace) {
        return Err(Other::Skip(Skip::Empty));
    }
    // Nearly all lines are ASCII, which is found out faster.
    match line.is_ascii() || std::str::from_utf8(line).is_ok() {
        true => Ok(Cow::Borrowed(line)),
        false => Ok(Cow::Owned(escape_invalid_utf8(line).into_bytes())),
    }
}

/// `METHOD SP URI [SP VERSION]`, split at the first and the last space. What has no such parts is all URI: a client that spoke something
/// else than HTTP.
pub(crate) fn request_line(line: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let Some(first) = memchr::memchr(b' ', line).filter(|first| *first > 0) else { return (b"-", line, b"-") };
    let last = memchr::memrchr(b' ', line).unwrap_or(first);
    if last > first && line[last + 1..].starts_with(b"HTTP/") {
        return (&line[..first], &line[first + 1..last], &line[last + 1..]);
    }
    let is_method = line[..first].iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'-'));
    if is_method { (&line[..first], &line[first + 1..], b"-") } else { (b"-", line, b"-") }
}

/// A host lower case and without its port.
pub(crate) fn plain_host(host: &[u8]) -> Cow<'_, [u8]> {
    let host = match value::address(host) {
        Some((host, Some(_))) => host,
        _ => host,
    };
    if host.iter().any(u8::is_ascii_uppercase) { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) }
}

/// The host of a request whose log has none: that of a whole URL, with which a proxy is asked. `-` where there is none.
pub(crate) fn host_of_url(url: &[u8]) -> Cow<'_, [u8]> {
    if url.starts_with(b"/") {
        return Cow::Borrowed(b"-");
    }
    let host = std::str::from_utf8(url).ok().and_then(|url| url::parts(url).host).unwrap_or("-");
    plain_host(host.as_bytes())
}
