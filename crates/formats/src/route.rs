//! Route templates: `/api/users/4711/badges` becomes `/api/users/:id/badges`.
//!
//! Endpoints are compared by route; a route must therefore gather the paths that one handler serves. The rules look at each
//! segment on its own, so that a path's route never depends on what else is in the log. The user's own rules come first.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use memchr::{memchr, memchr_iter};

/// Version of the built-in rules, kept in the ledger beside the rows they made. Rises whenever a path's route changes.
pub const RULES_VERSION: u32 = 1;

/// A path with more segments than this is cut there: no handler is that deep, but scanners are.
const MAX_SEGMENTS: usize = 12;
/// A longer segment is no name that anybody gave a resource.
const MAX_SEGMENT_BYTES: usize = 64;

/// The user's own route rules, in order; the first that matches wins. Empty: built-in rules only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    rules: Vec<Vec<Segment>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `:name`, any one segment.
    Any(String),
    /// `*` at the end, any rest.
    Rest,
}

/// A line of a routes file that is no template.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {problem}: {text:?} (write one template a line, such as /shop/:item/reviews or /static/*)")]
pub struct RoutesError {
    line: usize,
    problem: &'static str,
    text: String,
}

impl Routes {
    /// One template a line; empty lines and lines that begin with `#` do not count.
    pub fn parse(text: &str) -> Result<Routes, RoutesError> {
        let mut rules = Vec::new();
        for (i, line) in text.lines().map(str::trim).enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let error = |problem| RoutesError { line: i + 1, problem, text: line.to_string() };
            let rest = line.strip_prefix('/').ok_or_else(|| error("a template begins with a slash"))?;
            let segments: Vec<Segment> = rest
                .split('/')
                .map(|s| match s {
                    "*" => Segment::Rest,
                    _ if s.starts_with(':') => Segment::Any(s.to_string()),
                    _ => Segment::Literal(s.to_string()),
                })
                .collect();
            if segments.iter().rev().skip(1).any(|s| *s == Segment::Rest) {
                return Err(error("a * stands only at the end"));
            }
            rules.push(segments);
        }
        Ok(Routes { rules })
    }

    /// Eight hex digits that change with the rules.
    pub fn checksum(&self) -> String {
        let mut hasher = foldhash::quality::FixedState::default().build_hasher();
        hasher.write(format!("{:?}", self.rules).as_bytes());
        format!("{:08x}", hasher.finish() as u32)
    }

    /// The route of `path` (without query).
    pub fn route<'a>(&self, path: &'a str) -> Cow<'a, str> {
        match self.rules.iter().find(|rule| matches(rule, path)) {
            Some(rule) => Cow::Owned(rule.iter().fold(String::new(), |mut route, segment| {
                route.push('/');
                route.push_str(match segment {
                    Segment::Literal(text) | Segment::Any(text) => text,
                    Segment::Rest => "*",
                });
                route
            })),
            None => built_in(path),
        }
    }
}

fn matches(rule: &[Segment], path: &str) -> bool {
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    for part in rule {
        match (part, segments.next()) {
            (Segment::Rest, Some(_)) => return true,
            (Segment::Literal(text), Some(segment)) if text == segment => {}
            (Segment::Any(_), Some(segment)) if !segment.is_empty() => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

fn built_in(path: &str) -> Cow<'_, str> {
    // `;jsessionid=...` and the like are parameters, not path.
    let path = &path[..memchr(b';', path.as_bytes()).unwrap_or(path.len())];
    let mut route: Option<String> = None;
    let mut start = 0; // of the segment
    for (i, end) in memchr_iter(b'/', path.as_bytes()).chain([path.len()]).enumerate() {
        if i > MAX_SEGMENTS {
            return Cow::Owned(route.unwrap_or_else(|| path[..start - 1].to_string()) + "/*");
        }
        let segment = &path[start..end];
        // Until the first value the route is the path itself.
        match (&mut route, placeholder(segment)) {
            (None, None) => {}
            (None, Some(name)) => {
                let mut begun = String::with_capacity(path.len() + 8);
                begun.push_str(&path[..start]);
                begun.push_str(&name);
                route = Some(begun);
            }
            (Some(route), name) => {
                route.push('/');
                route.push_str(name.as_deref().unwrap_or(segment));
            }
        }
        start = end + 1;
    }
    route.map_or(Cow::Borrowed(path), Cow::Owned)
}

/// What stands in a route for a segment that is a value; `None` for a segment that is a name.
fn placeholder(segment: &str) -> Option<Cow<'static, str>> {
    let bytes = segment.as_bytes();
    if bytes.is_empty() {
        return None;
    }
    // Words without digits and punctuation are by far the most frequent.
    if bytes.len() <= 16 && bytes.iter().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        return Some(":id".into());
    }
    if is_uuid(bytes) {
        return Some(":uuid".into());
    }
    if is_date(bytes) {
        return Some(":date".into());
    }
    if segment.contains('@') || segment.contains("%40") {
        return Some(":email".into());
    }
    if is_hash(bytes) {
        return Some(":hash".into());
    }
    if is_token(bytes) {
        return Some(":token".into());
    }
    if bytes.len() > MAX_SEGMENT_BYTES {
        return Some(":long".into());
    }
    parts(segment).map(Cow::Owned)
}

/// `invoice-4711.pdf` is `invoice-:id.pdf`, `app.3f9ac21b.js` is `app.:hash.js`; `v2`, `mp3` and `sha256` are names.
fn parts(segment: &str) -> Option<String> {
    let mut out = String::with_capacity(segment.len());
    let mut changed = false;
    for piece in segment.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let end =
            piece.char_indices().next_back().map_or(0, |(i, c)| if c.is_alphanumeric() { piece.len() } else { i });
        let (word, separator) = piece.split_at(end);
        let bytes = word.as_bytes();
        let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
        let value = if digits > 0 && digits == bytes.len() || digits >= 4 && !is_hash(bytes) {
            Some(":id")
        } else if is_hash(bytes) {
            Some(":hash")
        } else {
            None
        };
        changed |= value.is_some();
        out.push_str(value.unwrap_or(word));
        out.push_str(separator);
    }
    changed.then_some(out)
}

fn is_uuid(s: &[u8]) -> bool {
    s.len() == 36
        && s.iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// `2026-11-20`, also with a time behind it.
fn is_date(s: &[u8]) -> bool {
    s.len() >= 10
        && s[..10].iter().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() })
        && (s.len() == 10 || matches!(s[10], b'T' | b'_' | b' '))
}

/// At least eight hexadecimal digits of one case, letters and digits both.
fn is_hash(s: &[u8]) -> bool {
    s.len() >= 8
        && s.iter().all(u8::is_ascii_hexdigit)
        && s.iter().any(u8::is_ascii_digit)
        && s.iter().any(u8::is_ascii_alphabetic)
        && !(s.iter().any(u8::is_ascii_lowercase) && s.iter().any(u8::is_ascii_uppercase))
}

/// Twenty or more letters and digits (base64url, ULID, JWT parts) that change between the two as words do not.
fn is_token(s: &[u8]) -> bool {
    let class = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    s.len() >= 20
        && s.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'=' | b'.' | b'~'))
        && s.iter().filter(|b| b.is_ascii_digit()).count() >= 2
        && s.windows(2).filter(|w| class(w[0]) != class(w[1])).count() >= s.len() / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_placeholders_and_names_stay() {
        let routes = Routes::default();
        for (path, route) in [
            ("/", "/"),
            ("/api/users/4711/badges", "/api/users/:id/badges"),
            ("/api/v2/oauth2/token", "/api/v2/oauth2/token"),
            ("/o/123e4567-e89b-12d3-a456-426614174000/", "/o/:uuid/"),
            ("/reports/2026-11-20/pdf", "/reports/:date/pdf"),
            ("/blob/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/blob/:hash"),
            ("/u/jane@example.com", "/u/:email"),
            ("/u/jane%40example.com", "/u/:email"),
            ("/invite/01HF3Q9V5X7Z2K4M6N8P0R1S3T", "/invite/:token"),
            ("/invoices/invoice-4711.pdf", "/invoices/invoice-:id.pdf"),
            ("/assets/app.3f9ac21b.js", "/assets/app.:hash.js"),
            ("/assets/jquery-3.6.0.min.js", "/assets/jquery-:id.:id.:id.min.js"),
            ("/music/mp3/sha256/utf8", "/music/mp3/sha256/utf8"),
            ("/item/SKU12345", "/item/:id"),
            ("/how-to-write-a-very-long-blog-post-title", "/how-to-write-a-very-long-blog-post-title"),
            ("/facade/decade", "/facade/decade"),
            ("/app;jsessionid=ABCDEF", "/app"),
            ("/käse/brot", "/käse/brot"),
        ] {
            assert_eq!(routes.route(path), route, "{path}");
        }
        let deep = "/a".repeat(40);
        assert_eq!(routes.route(&deep), format!("{}/*", "/a".repeat(12)));
        assert_eq!(routes.route(&format!("/{}", "x".repeat(500))), "/:long");
    }

    #[test]
    fn the_users_rules_come_first() {
        let routes = Routes::parse("# shop\n/shop/:item/reviews\n/static/*\n/shop/:item/:tab\n").unwrap();
        assert_eq!(routes.route("/shop/red-chair/reviews"), "/shop/:item/reviews");
        assert_eq!(routes.route("/shop/red-chair/photos"), "/shop/:item/:tab");
        assert_eq!(routes.route("/static/a/b/c.css"), "/static/*");
        assert_eq!(routes.route("/other/7"), "/other/:id");
        assert!(Routes::parse("/a/*/b").unwrap_err().to_string().contains("line 1"));
        assert!(Routes::parse("\nshop").unwrap_err().to_string().contains("line 2"));
    }
}
