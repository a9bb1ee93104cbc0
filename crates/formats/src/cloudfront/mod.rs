//! AWS CloudFront standard access logs, legacy and v2.
//!
//! Sources: AWS, "Standard logging reference", "Configure standard logging (legacy)" and "Configure standard logging (v2)". The fields of a
//! file are named by its `#Fields` line: over the years there were 12 to 35 of them, and in v2 the user chooses fields, their order and the
//! delimiter, or JSON, one object a line with strings for values. Names count without case and punctuation, so `cs(User-Agent)` and
//! `cs_user_agent` are one. Before a `#Fields` line (or without one: v2's plain format) fields are taken to stand in the documented order.
//! Fields that are not known are kept in `extra`, as `name=value`.
//!
//! ```text
//! #Version: 1.0
//! #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) ...
//! 2026-11-19<TAB>19:42:07<TAB>FRA56-P5<TAB>392<TAB>203.0.113.7<TAB>GET<TAB>d111111abcdef8.cloudfront.net<TAB>/index.html<TAB>200<TAB>...
//! ```
//!
//! CloudFront percent-encodes what clients sent, `%` too: what a client had encoded itself is encoded twice (`%2520`). The columns named as
//! AWS's fields hold values as logged; `path`, `route` and `user_agent` are decoded once, which gives what was sent.

mod cause;
mod line;
mod names;
mod rows;

pub use rows::{Rows, docs, schema};

use crate::Settings;
use crate::reader::{LineReader, Reader, any_line};

pub(crate) fn reader(settings: &Settings) -> Box<dyn Reader> {
    Box::new(LineReader::new(line::CloudFront::default(), Rows::new(settings.routes.clone())))
}

/// Whether the beginning of an uncompressed file is that of a CloudFront log.
pub(crate) fn recognise(head: &[u8]) -> bool {
    any_line(head, line::looks_known)
}

/// By AWS's name of a legacy or v2 file, `EMLARXS9EXAMPLE.2019-11-14-20.RT4KCN4SGK9.gz`: distribution, hour, a unique id.
pub(crate) fn is_file_name(name: &str) -> bool {
    let mut parts = name.split('.');
    let (Some(distribution), Some(hour), Some(unique)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_id = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    // A prefix may stand before the distribution's id.
    let id = distribution.rsplit(['/', '_', '-']).next().unwrap_or_default();
    let is_distribution = id.len() >= 10 && id.starts_with('E') && id.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_hour = hour.len() == 13
        && hour.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7 | 10) { b == b'-' } else { b.is_ascii_digit() });
    is_distribution && is_hour && is_id(unique)
}

/// Whether what a line means depends on the `#Fields` line before it. JSON says all by itself.
pub(crate) fn is_sequential(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    !head.trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_of_aws() {
        for name in ["EMLARXS9EXAMPLE.2019-11-14-20.RT4KCN4SGK9.gz", "E2EXAMPLE1234.2026-11-19-19.a1b2c3d4"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["access.2019-11-14-20.1.gz", "EMLARXS9EXAMPLE.2019-11-14.RT4.gz", "E.2019-11-14-20.x", "x"] {
            assert!(!is_file_name(name), "{name}");
        }
    }

    #[test]
    fn only_json_can_be_cut() {
        assert!(!is_sequential(b"\xEF\xBB\xBF\n{\"date\":\"2026-11-19\"}"));
        assert!(is_sequential(b"#Fields: date time"));
    }
}
