//! Hand-written parsers of the few value types that load-balancer logs have. Each takes the whole field or fails.

/// All of them are exact as f64.
const POWERS_OF_TEN: [f64; 19] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// What the digits say; `None` if any is not one.
#[inline(always)]
fn digits<const N: usize>(bytes: [u8; N]) -> Option<[u32; N]> {
    let mut digits = [0; N];
    let mut all = true;
    for (digit, byte) in digits.iter_mut().zip(bytes) {
        *digit = u32::from(byte.wrapping_sub(b'0'));
        all &= *digit < 10;
    }
    all.then_some(digits)
}

/// Seconds as load balancers mostly write them, `0.012`.
#[inline(always)]
fn milliseconds(field: &[u8]) -> Option<u32> {
    let [ones, b'.', tenths, hundredths, thousandths] = *field else { return None };
    let [a, b, c, d] = digits([ones, tenths, hundredths, thousandths])?;
    Some(a * 1000 + b * 100 + c * 10 + d)
}

/// Seconds with decimals, as `0.001`, `12`, `-1`. Exact to the last printed digit: the digits are one integer, divided once.
#[inline(always)]
pub(crate) fn decimal(field: &[u8]) -> Option<f64> {
    match milliseconds(field) {
        Some(milliseconds) => Some(f64::from(milliseconds) / 1000.0),
        None => decimal_any(field),
    }
}

fn decimal_any(field: &[u8]) -> Option<f64> {
    let (negative, digits) = match field.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, field),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut mantissa = 0u64;
    let mut decimals = None;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                decimals = decimals.map(|n| n + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    if digits.len() == usize::from(decimals.is_some()) {
        return None;
    }
    let value = mantissa as f64 / POWERS_OF_TEN[decimals.unwrap_or(0)];
    Some(if negative { -value } else { value })
}

/// An integer without a plus sign; `None` also when it does not fit.
#[inline(always)]
pub(crate) fn integer(field: &[u8]) -> Option<i64> {
    let (negative, digits) = match field.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, field),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(if negative { -value } else { value })
}

/// ISO 8601 in UTC, `2018-07-02T22:23:00.186641Z`, with up to nine decimals or none; microseconds since the epoch (further
/// decimals are cut).
pub(crate) fn timestamp(field: &[u8]) -> Option<i64> {
    if let Some(field) = field.as_array::<27>() {
        return timestamp_27(field);
    }
    timestamp_any(field)
}

/// Reads times of the form that load balancers write, most of which lie in the same minute as the one before.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clock {
    /// `2018-07-02T22:23`
    minute: [u8; 16],
    /// Its beginning, microseconds since the epoch.
    start: i64,
}

impl Clock {
    /// As [`timestamp`].
    #[inline(always)]
    pub(crate) fn timestamp(&mut self, field: &[u8]) -> Option<i64> {
        let Some(known) = field.as_array::<27>() else { return timestamp_any(field) };
        let (minute, rest) = known.split_first_chunk::<16>()?;
        if *minute != self.minute {
            let time = timestamp_27(known)?;
            *self = Clock { minute: *minute, start: time - micros_of_minute(rest)? };
        }
        Some(self.start + micros_of_minute(rest)?)
    }
}

/// `:05.186641Z`
#[inline(always)]
fn micros_of_minute(rest: &[u8]) -> Option<i64> {
    let [b':', a, b, b'.', c, d, e, f, g, h, b'Z'] = *rest else { return None };
    let micros = digits([a, b, c, d, e, f, g, h])?.iter().fold(0, |sum, digit| sum * 10 + digit);
    (micros < 61_000_000).then_some(i64::from(micros))
}

/// The form that load balancers write, with six decimals: all digits are at known places, so one check at the end does.
fn timestamp_27(field: &[u8; 27]) -> Option<i64> {
    let mut bad = 0;
    let mut two = |at: usize| {
        let (tens, ones) = (field[at].wrapping_sub(b'0'), field[at + 1].wrapping_sub(b'0'));
        bad |= u8::from(tens > 9) | u8::from(ones > 9);
        i64::from(tens) * 10 + i64::from(ones)
    };
    let year = two(0) * 100 + two(2);
    let (month, day) = (two(5), two(8));
    let (hour, minute, second) = (two(11), two(14), two(17));
    let micros = (two(20) * 100 + two(22)) * 100 + two(24);
    let separators = [field[4], field[7], field[10], field[13], field[16], field[19], field[26]];
    if bad != 0 || separators != *b"--T::.Z" {
        return None;
    }
    from_parts(year, month, day, hour, minute, second, micros)
}

#[allow(clippy::too_many_arguments)] // the parts of a time
pub(crate) fn from_parts(
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if day > 28 && day > days_in_month(year, month) {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

fn timestamp_any(field: &[u8]) -> Option<i64> {
    if field.len() < 20 || field[field.len() - 1] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        let mut value = 0i64;
        for &byte in &field[from..to] {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + i64::from(digit);
        }
        Some(value)
    };
    if [field[4], field[7], field[10], field[13], field[16]] != *b"--T::" {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let fraction = &field[19..field.len() - 1];
    let micros = match fraction.len() {
        0 => 0,
        2..=10 if fraction[0] == b'.' => {
            let digits = fraction.len() - 1;
            let kept = digits.min(6);
            number(20 + kept, 20 + digits)?;
            number(20, 20 + kept)? * 10i64.pow(6 - kept as u32)
        }
        _ => return None,
    };
    from_parts(year, month, day, hour, minute, second, micros)
}

/// ISO 8601 of a log whose times are in UTC without saying so, `2018-12-20T02:59:40`; with `Z` as [`timestamp`].
pub(crate) fn timestamp_utc(field: &[u8]) -> Option<i64> {
    let Some(seconds) = field.as_array::<19>() else { return timestamp(field) };
    let mut zoned = [b'Z'; 20];
    zoned[..19].copy_from_slice(seconds);
    timestamp_any(&zoned)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `ip:port`, where IPv6 may stand in brackets or bare (the port is behind the last colon). The port is optional.
/// `None` if what follows the address is no port, or if there is nothing but a port.
#[inline(always)]
pub(crate) fn address(field: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let (ip, port) = if let Some(rest) = field.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rest)?;
        match &rest[end + 1..] {
            [] => return Some((&rest[..end], None)),
            [b':', port @ ..] => (&rest[..end], port),
            _ => return None,
        }
    } else {
        match memchr::memrchr(b':', field) {
            Some(colon) => (&field[..colon], &field[colon + 1..]),
            None if integer(field).is_some() => return None,
            None => return Some((field, None)),
        }
    };
    match port {
        b"-" | b"" => Some((ip, None)),
        _ => u16::try_from(integer(port)?).ok().map(|port| (ip, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_and_whole() {
        assert_eq!(decimal(b"0.000"), Some(0.0));
        assert_eq!(decimal(b"0.001"), Some(0.001));
        assert_eq!(decimal(b"60.123"), Some(60.123));
        assert_eq!(decimal(b"-1"), Some(-1.0));
        assert_eq!(decimal(b"7"), Some(7.0));
        for bad in ["", "-", ".", "1.2.3", "1e3", " 1", "+1", "0x1", "1234567890123456789"] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn timestamps_agree_with_chrono() {
        for text in [
            "2018-07-02T22:23:00.186641Z",
            "2000-02-29T23:59:59.999999Z",
            "1970-01-01T00:00:00.000000Z",
            "2026-11-20T00:00:00Z",
            "2026-12-31T23:59:59.5Z",
            "1999-03-01T00:00:00.123456789Z",
        ] {
            let want = chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
            assert_eq!(timestamp(text.as_bytes()), Some(want), "{text}");
            let mut clock = Clock::default();
            for _ in 0..2 {
                assert_eq!(clock.timestamp(text.as_bytes()), Some(want), "{text}");
            }
            assert_eq!(timestamp_any(text.as_bytes()), Some(want), "{text}");
        }
        for bad in [
            "2018-07-02T22:23:00",
            "2018-13-02T22:23:00Z",
            "2018-02-30T22:23:00Z",
            "2018-07-02 22:23:00Z",
            "2018-07-02T22:23:00.Z",
            "2018-07-02T22:23:00.18664:Z",
            "2018-07-02T22:23:00:186641Z",
            "2018-02-29T22:23:00.186641Z",
            "x",
            "",
        ] {
            assert_eq!(timestamp(bad.as_bytes()), None, "{bad}");
            let mut clock = Clock::default();
            clock.timestamp(b"2018-07-02T22:23:00.186641Z");
            assert_eq!(clock.timestamp(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn times_without_a_zone_are_in_utc() {
        let want = timestamp(b"2018-12-20T02:59:40Z");
        assert!(want.is_some());
        for text in ["2018-12-20T02:59:40", "2018-12-20T02:59:40Z", "2018-12-20T02:59:40.000000Z"] {
            assert_eq!(timestamp_utc(text.as_bytes()), want, "{text}");
        }
        for bad in ["2018-12-20T02:59:4", "2018-12-20 02:59:40", "2018-12-20T02:59:40.5", "-"] {
            assert_eq!(timestamp_utc(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address(b"1.2.3.4:80"), Some((b"1.2.3.4".as_slice(), Some(80))));
        assert_eq!(address(b"2601:6bbc:c529:9dad:6bbc:c529:9dad:6bbc:50599").unwrap().1, Some(50599));
        assert_eq!(address(b"[2001:db8::1]:443"), Some((b"2001:db8::1".as_slice(), Some(443))));
        assert_eq!(address(b"[2001:db8::1]"), Some((b"2001:db8::1".as_slice(), None)));
        assert_eq!(address(b"1.2.3.4"), Some((b"1.2.3.4".as_slice(), None)));
        assert_eq!(address(b"1.2.3.4:99999"), None);
        assert_eq!(address(b"49120"), None);
        assert_eq!(address(b"1.2.3.4:8x"), None);
    }
}
