//! The names of fields, in whatever spelling a file has them.

/// Documented fields; the first 35 stand in this order where nothing names them.
pub(super) const FIELDS: [&str; 43] = [
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "cs-uri-query",
    "cs(Cookie)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "fle-status",
    "fle-encrypted-fields",
    "c-port",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
    "sc-range-start",
    "sc-range-end",
    "distribution-tenant-id",
    "connection-id",
    "timestamp(ms)",
    "origin-fbl",
    "origin-lbl",
    "asn",
    "c-country",
    "cache-behavior-path-pattern",
    "viewer-request-log-data",
    "viewer-response-log-data",
];

/// Of [`FIELDS`], those of standard logs.
pub(super) const STANDARD: usize = 35;

/// Where a field of this name stands in [`FIELDS`]. Athena's table spells `cs(Referer)` as `cs_referrer`.
pub(super) fn number(name: &[u8]) -> Option<usize> {
    let referrer = same(name, b"csreferrer");
    FIELDS.iter().position(|field| same(name, field.as_bytes()) || referrer && *field == "cs(Referer)")
}

/// Whether two names are one but for case and punctuation.
fn same(a: &[u8], b: &[u8]) -> bool {
    let plain = |name: &[u8]| -> Vec<u8> { name.iter().filter(|b| b.is_ascii_alphanumeric()).copied().collect() };
    plain(a).eq_ignore_ascii_case(&plain(b))
}

/// Whether fields of these names are those of a CloudFront log: IIS and others have `date`, `time`, `c-ip` and `cs-method` too.
pub(super) fn are_cloudfront<'a>(names: impl Iterator<Item = &'a [u8]>) -> bool {
    const SHARED: [&str; 19] = [
        "date",
        "time",
        "c-ip",
        "c-port",
        "cs-method",
        "cs(Host)",
        "cs-uri-stem",
        "cs-uri-query",
        "sc-status",
        "cs(Referer)",
        "cs(User-Agent)",
        "cs(Cookie)",
        "cs-bytes",
        "sc-bytes",
        "time-taken",
        "asn",
        "x-forwarded-for",
        "ssl-protocol",
        "ssl-cipher",
    ];
    names.filter_map(number).any(|n| !SHARED.contains(&FIELDS[n]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name() {
        for name in ["cs(User-Agent)", "cs_user_agent", "CS-USER-AGENT", "cs(user-agent)"] {
            assert_eq!(number(name.as_bytes()).map(|n| FIELDS[n]), Some("cs(User-Agent)"), "{name}");
        }
        assert_eq!(number(b"timestamp_ms").map(|n| FIELDS[n]), Some("timestamp(ms)"));
        assert_eq!(number(b"cs_referrer"), number(b"cs(Referer)"));
        assert_eq!(number(b"s-port"), None);
        let all = |names: &str| are_cloudfront(names.split(' ').map(str::as_bytes));
        assert!(all("date time x-edge-location"));
        assert!(!all(
            "date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) sc-status time-taken"
        ));
    }
}
