//! The parts of a logged request URL. URLs in logs are what clients sent: no URL library accepts them all.

use memchr::{memchr2, memchr3, memrchr};

/// Host and path of a URL such as `https://www.example.com:443/a/b?c=d`, borrowed from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Without port and without the brackets of IPv6; as written, not lower-cased. `None` for a URL that is only a path.
    pub(crate) host: Option<&'a str>,
    /// Without query and fragment. `None` where there is none, as in `http://host:80-`.
    pub(crate) path: Option<&'a str>,
}

pub(crate) fn parts(url: &str) -> Parts<'_> {
    // A scheme is short; `://` further behind belongs to something else.
    let head = &url.as_bytes()[..url.len().min(16)];
    let scheme = head.windows(3).position(|w| w == b"://").filter(|_| !url.starts_with('/'));
    let Some(scheme) = scheme else {
        // `CONNECT host:443` has no path; an origin-form target is a path only.
        return Parts { host: None, path: url.starts_with('/').then(|| path_of(url)).flatten() };
    };
    let rest = &url[scheme + 3..];
    let end = memchr3(b'/', b'?', b'#', rest.as_bytes()).unwrap_or(rest.len());
    Parts { host: host_of(&rest[..end]), path: path_of(&rest[end..]) }
}

fn path_of(rest: &str) -> Option<&str> {
    let end = memchr2(b'?', b'#', rest.as_bytes()).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

pub(crate) fn host_of(authority: &str) -> Option<&str> {
    if let Some(end) = authority.strip_prefix('[').and_then(|a| a.find(']')) {
        return Some(&authority[1..=end]);
    }
    // Where the client sent no path, a load balancer glues a dash to the port: `host:80-`.
    let bare = authority.strip_suffix('-').unwrap_or(authority);
    let host = match memrchr(b':', bare.as_bytes()) {
        Some(colon) if bare.as_bytes()[colon + 1..].iter().all(u8::is_ascii_digit) => &bare[..colon],
        _ => authority,
    };
    (!host.is_empty() && host != "-").then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_real_and_hostile_urls() {
        for (url, host, path) in [
            ("https://www.example.com:443/a/b?c=/d", Some("www.example.com"), Some("/a/b")),
            ("http://host:80/", Some("host"), Some("/")),
            ("http://host:80-", Some("host"), None),
            ("http://internal-service-alb.example.com:80-/", Some("internal-service-alb.example.com"), Some("/")),
            ("http://[::ffff:a9fe:a9fe]:443/x#y", Some("::ffff:a9fe:a9fe"), Some("/x")),
            ("http://10.0.0.1/x", Some("10.0.0.1"), Some("/x")),
            ("https://www.example.com:443?q=1", Some("www.example.com"), None),
            ("https://a.b]-(select 0 where 1)|[a.b:443/x", Some("a.b]-(select 0 where 1)|[a.b"), Some("/x")),
            ("-", None, None),
            ("", None, None),
            ("/only/path", None, Some("/only/path")),
            ("/http://a.b/c", None, Some("/http://a.b/c")),
            ("host:443", None, None),
        ] {
            assert_eq!(parts(url), Parts { host, path }, "{url}");
        }
    }
}
