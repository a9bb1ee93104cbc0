//! The parts of one record.
//!
//! Nothing in it is escaped, and clients choose much of it: the path in `open() "..." failed`, the request line, host and referrer. So each part
//! is looked for in the order in which nginx writes them, and ends where what it can be ends, not at the first text that looks like
//! the beginning of another.

use memchr::memmem;

use crate::value;
use crate::web::time::LocalClock;

/// What every record begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// Microseconds since the epoch.
    pub(super) time: i64,
    pub(super) level: &'a [u8],
    pub(super) pid: i64,
    pub(super) tid: i64,
    /// All behind it.
    pub(super) rest: &'a [u8],
}

/// Why a line is not the beginning of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHead {
    /// It does not look like one.
    Other,
    /// It does, but there is no such time.
    BadTime,
}

const LEVELS: [&[u8]; 8] = [b"emerg", b"alert", b"crit", b"error", b"warn", b"notice", b"info", b"debug"];

/// `2026/11/19 19:42:07 [error] 31#31: `
pub(super) fn head<'a>(line: &'a [u8], clock: &mut LocalClock) -> Result<Head<'a>, NoHead> {
    let (time, rest) = line.split_at_checked(LocalClock::BYTES).ok_or(NoHead::Other)?;
    if time[4] != b'/' || time[10] != b' ' {
        return Err(NoHead::Other);
    }
    let parts = || {
        let rest = rest.strip_prefix(b" [")?;
        let level = &rest[..memchr::memchr(b']', rest)?];
        let rest = rest[level.len()..].strip_prefix(b"] ")?;
        let hash = memchr::memchr(b'#', rest)?;
        let colon = hash + memchr::memchr(b':', &rest[hash..])?;
        let (pid, tid) = (value::integer(&rest[..hash])?, value::integer(&rest[hash + 1..colon])?);
        let rest = &rest[colon + 1..];
        LEVELS.contains(&level).then_some((level, pid, tid, rest.strip_prefix(b" ").unwrap_or(rest)))
    };
    let (level, pid, tid, rest) = parts().ok_or(NoHead::Other)?;
    Ok(Head { time: clock.time(time).ok_or(NoHead::BadTime)?, level, pid, tid, rest })
}

/// What follows the head. `-` where a part is missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body<'a> {
    pub(super) connection: Option<i64>,
    pub(super) message: &'a [u8],
    pub(super) errno: Option<i32>,
    pub(super) errno_text: &'a [u8],
    pub(super) action: &'a [u8],
    pub(super) suffix: Suffix<'a>,
}

/// `, client: A, server: S, request: "R", subrequest: "U", upstream: "U", host: "H", referrer: "F"`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suffix<'a> {
    pub(super) client: &'a [u8],
    pub(super) server: &'a [u8],
    pub(super) request: &'a [u8],
    pub(super) subrequest: &'a [u8],
    pub(super) upstream: &'a [u8],
    pub(super) host: &'a [u8],
    pub(super) referrer: &'a [u8],
    pub(super) extra: &'a [u8],
}

impl Suffix<'_> {
    const NONE: Suffix<'static> = Suffix {
        client: b"-",
        server: b"-",
        request: b"-",
        subrequest: b"-",
        upstream: b"-",
        host: b"-",
        referrer: b"-",
        extra: b"-",
    };
}

pub(super) fn body(rest: &[u8]) -> Body<'_> {
    let (connection, rest) = connection(rest);
    let (text, suffix) = match suffix_at(rest) {
        Some(at) => (&rest[..at], suffix(&rest[at..])),
        None => (rest, Suffix::NONE),
    };
    let (text, action) = split_action(text);
    let (message, errno, errno_text) = split_errno(text);
    Body { connection, message, errno, errno_text, action, suffix }
}

/// Whether more lines may belong to a record that begins like this: it is about a connection, and the client is yet to come.
pub(super) fn is_open(rest: &[u8]) -> bool {
    connection(rest).0.is_some() && !has_client(rest)
}

/// Whether this is the last line of an open record.
pub(super) fn has_client(line: &[u8]) -> bool {
    suffix_at(line).is_some()
}

/// `*17 `
fn connection(rest: &[u8]) -> (Option<i64>, &[u8]) {
    let number = || {
        let rest = rest.strip_prefix(b"*")?;
        let space = memchr::memchr(b' ', rest)?;
        Some((value::integer(&rest[..space])?, &rest[space + 1..]))
    };
    number().map_or((None, rest), |(number, rest)| (Some(number), rest))
}

const CLIENT: &[u8] = b", client: ";

/// Where the suffix begins: at a client's address outside of quotes, or failing that at any address.
fn suffix_at(rest: &[u8]) -> Option<usize> {
    let is_client = |at: &usize| {
        let behind = &rest[at + CLIENT.len()..];
        let value = &behind[..memchr::memchr(b',', behind).unwrap_or(behind.len())];
        let is_address = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'[' | b']');
        let is_whole = value.iter().any(|b| matches!(b, b'.' | b':'));
        let is_cut_off = value.len() == behind.len();
        value.starts_with(b"unix:") || value.iter().all(is_address) && (is_whole || is_cut_off || value.is_empty())
    };
    let mut first = None;
    let (mut counted, mut quotes) = (0, 0);
    for at in memmem::find_iter(rest, CLIENT).filter(is_client) {
        quotes += memchr::memchr_iter(b'"', &rest[counted..at]).count();
        counted = at;
        if quotes.is_multiple_of(2) {
            return Some(at);
        }
        first = first.or(Some(at));
    }
    first
}

const SERVER: &[u8] = b", server: ";
const REQUEST: &[u8] = b", request: \"";
const SUBREQUEST: &[u8] = b", subrequest: \"";
const UPSTREAM: &[u8] = b", upstream: \"";
const HOST: &[u8] = b", host: \"";
const REFERRER: &[u8] = b", referrer: \"";
/// In the order in which they stand.
const QUOTED: [&[u8]; 5] = [REQUEST, SUBREQUEST, UPSTREAM, HOST, REFERRER];

fn suffix(text: &[u8]) -> Suffix<'_> {
    let mut suffix = Suffix::NONE;
    let mut rest = &text[CLIENT.len()..];
    suffix.client = until_comma(&mut rest);
    if let Some(server) = rest.strip_prefix(SERVER) {
        rest = server;
        // A regular expression is a name as well, and may have commas.
        let end = QUOTED.iter().filter_map(|key| memmem::find(rest, key)).min();
        suffix.server = match end {
            Some(end) => take(&mut rest, end),
            None => until_comma(&mut rest),
        };
    }
    for (i, key) in QUOTED.into_iter().enumerate() {
        let Some(value) = rest.strip_prefix(key) else { continue };
        rest = value;
        let later = &QUOTED[i + 1..];
        // A value that is cut off has no end.
        let end = match key {
            REQUEST => request_end(rest, later),
            REFERRER => rest.strip_suffix(b"\"").map(<[u8]>::len),
            _ => ends(rest, later).next().or_else(|| memmem::find(rest, b"\", ")),
        };
        let end = end.unwrap_or(rest.len());
        let value = take(&mut rest, end);
        rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        *match key {
            REQUEST => &mut suffix.request,
            SUBREQUEST => &mut suffix.subrequest,
            UPSTREAM => &mut suffix.upstream,
            HOST => &mut suffix.host,
            _ => &mut suffix.referrer,
        } = or_dash(value);
    }
    suffix.client = or_dash(suffix.client);
    suffix.server = or_dash(suffix.server);
    suffix.extra = or_dash(rest.strip_prefix(b", ").unwrap_or(rest));
    suffix
}

/// Where a value in quotes may end: at a quote that the text's end or one of the `later` keys follows.
fn ends<'a>(rest: &'a [u8], later: &'a [&'a [u8]]) -> impl DoubleEndedIterator<Item = usize> + 'a {
    memchr::memchr_iter(b'"', rest).filter(move |quote| {
        let behind = &rest[quote + 1..];
        behind.is_empty() || later.iter().any(|key| behind.starts_with(key))
    })
}

/// A request line ends with its version. One that does not is junk: then what the right-hand keys leave of the text is the request.
fn request_end(rest: &[u8], later: &[&[u8]]) -> Option<usize> {
    let has_version = |end: &usize| matches!(rest[..*end].last_chunk::<9>(), Some([b' ', b'H', b'T', b'T', b'P', b'/', a, b'.', b]) if a.is_ascii_digit() && b.is_ascii_digit());
    let behind = |key: &[u8]| ends(rest, later).rev().find(|end| rest[end + 1..].starts_with(key));
    ends(rest, later)
        .find(has_version)
        .or_else(|| later.iter().find_map(|key| behind(key)))
        .or_else(|| ends(rest, later).next_back())
}

fn until_comma<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = memmem::find(rest, b", ").unwrap_or(rest.strip_suffix(b",").unwrap_or(rest).len());
    take(rest, end)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

fn or_dash(value: &[u8]) -> &[u8] {
    if value.is_empty() { b"-" } else { value }
}

/// ` while ACTION` at the end. One within quotes is part of a path or a message.
fn split_action(text: &[u8]) -> (&[u8], &[u8]) {
    const WHILE: &[u8] = b" while ";
    let is_action = |at: &usize| memchr::memchr_iter(b'"', &text[*at..]).count().is_multiple_of(2);
    match memmem::rfind(text, WHILE).filter(is_action) {
        Some(at) => (&text[..at], &text[at + WHILE.len()..]),
        None => (text, b"-"),
    }
}

/// ` (110: Connection timed out)` at the end.
fn split_errno(text: &[u8]) -> (&[u8], Option<i32>, &[u8]) {
    let parts = || {
        let inner = text.strip_suffix(b")")?;
        let at = memmem::rfind(inner, b" (")?;
        let (errno, words) = inner[at + 2..].split_at(memmem::find(&inner[at + 2..], b": ")?);
        let errno = i32::try_from(value::integer(errno)?).ok()?;
        Some((&text[..at], Some(errno), &words[2..]))
    };
    parts().unwrap_or((text, None, b"-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_that_look_like_other_parts() {
        let body = |rest: &'static str| body(rest.as_bytes());
        let shop = r#", upstream: "http://10.0.1.5:80/", host: "shop""#;
        let line = format!(r#"*1 x, client: 10.0.0.1, server: a, request: "GET /?q=", upstream: "y" HTTP/1.1"{shop}"#);
        let parts = super::body(line.as_bytes()).suffix;
        assert_eq!(text(parts.request), r#"GET /?q=", upstream: "y" HTTP/1.1"#);
        assert_eq!((text(parts.upstream), text(parts.host)), ("http://10.0.1.5:80/", "shop"));
        let parts = body(
            r#"*1 x, client: 10.0.0.1, server: , request: "GET / HTTP/1.1", host: "shop", referrer: "a", host: "b", referrer: "c""#,
        );
        assert_eq!((text(parts.suffix.host), text(parts.suffix.referrer)), ("shop", r#"a", host: "b", referrer: "c"#));
        assert_eq!(text(parts.suffix.server), "-");
        let parts = body(
            r#"*1 open() "/srv/a, client: 6.6.6.6, server: b" failed (2: No such file or directory), client: 10.0.0.1, server: a, request: "GET /a HTTP/1.1""#,
        );
        assert_eq!((text(parts.suffix.client), parts.errno), ("10.0.0.1", Some(2)));
        let parts = body(r#"*1 open() "/srv/a while b" failed (13: Permission denied), client: 10.0.0.1, server: a"#);
        assert_eq!((text(parts.message), text(parts.action)), (r#"open() "/srv/a while b" failed"#, "-"));
    }

    #[test]
    fn cut_off_anywhere() {
        let line = r#"*7 upstream timed out (110: Connection timed out) while connecting to upstream, client: 10.0.0.1, server: a, request: "GET / HTTP/1.1", upstream: "http://10.0.1.5:80/", host: "shop", referrer: "https://x/""#;
        for end in 0..=line.len() {
            let parts = body(&line.as_bytes()[..end]);
            for part in [parts.message, parts.suffix.client, parts.suffix.request, parts.suffix.upstream] {
                assert!(part == b"-" || line.contains(text(part)), "{end}");
            }
        }
        let parts = body(&line.as_bytes()[..line.len() - 20]);
        assert_eq!((text(parts.suffix.upstream), text(parts.suffix.host)), ("http://10.0.1.5:80/", "shop"));
    }
}
