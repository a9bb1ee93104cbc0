//! The spellings of a time in Lambda's logs, all to microseconds since 1970 UTC.

use crate::value;

/// Numbers from here on are milliseconds (as seconds: the year 5138).
const FIRST_MS: i64 = 100_000_000_000;

/// ISO 8601 at the beginning of `text`, with `T` or a space, decimals behind a dot or a comma, and `Z`, an offset or nothing (UTC) at its
/// end. Also how many bytes it is long.
pub(super) fn iso(text: &[u8]) -> Option<(i64, usize)> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')))
    };
    let is = |at: usize, bytes: &[u8]| text.get(at).is_some_and(|b| bytes.contains(b));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"T ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let (mut at, mut micros) = (19, 0);
    if is(at, b".,") {
        let digits = text[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let kept = digits.min(6);
        micros = number(at + 1, at + 1 + kept)? * 10i64.pow(6 - kept as u32);
        at += 1 + digits;
    }
    let mut time = value::from_parts(year, month, day, hour, minute, second, micros)?;
    if is(at, b"Z") {
        at += 1;
    } else if is(at, b"+-") {
        let sign = if text[at] == b'-' { -1 } else { 1 };
        let colon = usize::from(is(at + 3, b":"));
        let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 3 + colon, at + 5 + colon)?);
        time -= sign * (hours * 60 + minutes) * 60_000_000;
        at += 5 + colon;
    }
    Some((time, at))
}

/// A whole value: ISO 8601, or milliseconds or seconds since 1970.
pub(super) fn whole(text: &[u8]) -> Option<i64> {
    match iso(text) {
        Some((time, length)) => (length == text.len()).then_some(time),
        None => match value::integer(text) {
            Some(number) if number >= FIRST_MS => number.checked_mul(1000),
            Some(number) => (number > 0).then_some(number * 1_000_000),
            None => {
                value::decimal(text).filter(|seconds| (1e6..1e11).contains(seconds)).map(|s| (s * 1e6).round() as i64)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let want = 1_730_056_665_586_000;
        for (text, length) in [
            ("2024-10-27T19:17:45.586Z", 24),
            ("2024-10-27T19:17:45.586000+00:00 x", 32),
            ("2024-10-27T20:17:45.586+01:00", 29),
            ("2024-10-27T15:17:45.586-0400", 28),
            ("2024-10-27 19:17:45,586 x", 23),
            ("2024-10-27T19:17:45.586", 23),
        ] {
            assert_eq!(iso(text.as_bytes()), Some((want, length)), "{text}");
        }
        assert_eq!(iso(b"2024-10-27T19:17:45\tx"), Some((want - 586_000, 19)));
        for bad in ["2024-10-27", "2024-13-27T19:17:45Z", "2024-10-27T19:17:45+1", "2024-10-27T19:17", "", "x"] {
            assert_eq!(iso(bad.as_bytes()), None, "{bad}");
        }
        for text in ["1730056665586", "1730056665.586", "2024-10-27T19:17:45.586Z"] {
            assert_eq!(whole(text.as_bytes()), Some(want), "{text}");
        }
        for bad in ["2024-10-27T19:17:45.586Z ", "0", "-5", "null", ""] {
            assert_eq!(whole(bad.as_bytes()), None, "{bad}");
        }
    }
}
