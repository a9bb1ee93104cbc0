//! The spellings of a time, all to microseconds since 1970 UTC.

use chrono::{DateTime, NaiveDateTime};

use super::json::{Node, Value};

/// Numbers below this are no time: 8 digits are more likely a date than a second of 1973.
const FIRST_S: f64 = 1e8;
/// Numbers from here on are milliseconds (as seconds: the year 5138).
const FIRST_MS: f64 = 1e11;
const LAST_MS: f64 = 1e14;

/// RFC 3339 with `Z` or an offset, `YYYY-MM-DD HH:MM[:SS]` taken as UTC, or epoch seconds or milliseconds.
pub(super) fn from_text(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    if let Ok(number) = text.parse() {
        return from_epoch(number);
    }
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|layout| NaiveDateTime::parse_from_str(text, layout).ok())
        .map(|time| time.and_utc().timestamp_micros())
}

/// Seconds, or milliseconds where the number is too large for seconds; either may have a fraction.
pub(super) fn from_epoch(number: f64) -> Option<i64> {
    let micros = match number {
        n if (FIRST_S..FIRST_MS).contains(&n) => n * 1e6,
        n if (FIRST_MS..LAST_MS).contains(&n) => n * 1e3,
        _ => return None,
    };
    Some(micros.round() as i64)
}

/// A JSON value in any of the spellings.
pub(super) fn from_json(value: &Value<'_>) -> Option<i64> {
    match &value.node {
        Node::Text(text) => from_text(text),
        Node::Number(number) => from_epoch(*number),
        _ => None,
    }
}
