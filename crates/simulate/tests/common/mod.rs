//! A small reader of access-log lines, apart from the one that the project ships.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part")]
use std::collections::BTreeMap;
use std::io::Read;

/// The fields of a line; quoted ones without their quotes.
pub(crate) fn fields(line: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (field, tail) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (field, tail) = quoted.split_once('"').unwrap_or((quoted, ""));
                (field, tail.strip_prefix(' ').unwrap_or(tail))
            }
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        fields.push(field);
        rest = tail;
    }
    fields
}

/// Microseconds since 1970.
pub(crate) fn micros(time: &str) -> i64 {
    time.parse::<chrono::DateTime<chrono::Utc>>().expect("a time").timestamp_micros()
}

/// What [`albatross_simulate::Truth::by_cause`] must say, told from the lines alone.
pub(crate) fn cause(fields: &[&str]) -> Option<&'static str> {
    let (status, target): (u16, &str) = (fields[8].parse().expect("a status"), fields[9]);
    match (status, target) {
        (500.., target) if target != "-" => Some("application_error"),
        (400.., target) if target != "-" => Some("client_error"),
        (502, _) if fields[24].starts_with("Lambda") => Some("lambda_error"),
        (502, _) if fields[5] == "-1" => Some("target_refused"),
        (502, _) => Some("target_died"),
        (504, _) => Some("target_timeout"),
        (460, _) => Some("client_gave_up"),
        (400, _) => Some("malformed_request"),
        (404, _) => Some("fixed_response"),
        _ => None,
    }
}

pub(crate) fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    *counts.entry(key).or_default() += 1;
}

/// All members of a gzip file.
#[allow(clippy::disallowed_types, reason = "the simulator's own files, not input; and a reader apart from ingest's")]
pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text).expect("gzip");
    text
}
