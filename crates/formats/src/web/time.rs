//! Times as web servers write them. Lines that follow each other are mostly of one minute, so what was found of the minute is kept.

use chrono::{NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

use crate::value;

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Reads times that say their zone.
#[derive(Clone, Copy, Default)]
pub(crate) struct ZonedClock {
    /// What stands before the seconds, and the zone behind them.
    minute: [u8; 17],
    zone: [u8; 6],
    /// Beginning of that minute, microseconds since the epoch.
    start: i64,
}

impl ZonedClock {
    /// How long a time of the Common Log Format is.
    pub(crate) const COMMON_BYTES: usize = 26;

    /// `10/Oct/2000:13:55:36 -0700`; microseconds since the epoch.
    #[inline]
    pub(crate) fn common(&mut self, field: &[u8]) -> Option<i64> {
        let field: &[u8; ZonedClock::COMMON_BYTES] = field.try_into().ok()?;
        let (minute, rest) = field.split_first_chunk::<17>()?;
        let ([b':', a, b], zone) = rest.split_first_chunk::<3>()? else { return None };
        let zone: &[u8; 6] = zone.try_into().ok()?;
        if *minute != self.minute || *zone != self.zone {
            *self = ZonedClock { minute: *minute, zone: *zone, start: common_minute(minute, zone)? };
        }
        Some(self.start + second([*a, *b])? * 1_000_000)
    }

    /// ISO 8601 with a zone, `2026-11-19T19:42:07+01:00`, `...07.123Z`; microseconds since the epoch (further decimals are cut).
    #[inline]
    pub(crate) fn iso(&mut self, field: &[u8]) -> Option<i64> {
        let (minute, rest) = field.split_first_chunk::<16>()?;
        let [b':', a, b, rest @ ..] = rest else { return None };
        let zone = match rest.last()? {
            b'Z' => &rest[rest.len() - 1..],
            _ => &rest[memchr::memrchr2(b'+', b'-', rest)?..],
        };
        let fraction = &rest[..rest.len() - zone.len()];
        let (mut known_minute, mut known_zone) = ([b' '; 17], [b' '; 6]);
        known_minute[..16].copy_from_slice(minute);
        known_zone.get_mut(..zone.len())?.copy_from_slice(zone);
        if known_minute != self.minute || known_zone != self.zone {
            let start = iso_minute(minute)? - offset(zone)?;
            *self = ZonedClock { minute: known_minute, zone: known_zone, start };
        }
        Some(self.start + second([*a, *b])? * 1_000_000 + micros(fraction)?)
    }

    /// Any of the two, or seconds or milliseconds since the epoch.
    pub(crate) fn any(&mut self, field: &[u8]) -> Option<i64> {
        match field.get(2) {
            Some(b'/') => self.common(field),
            _ if field.get(4) == Some(&b'-') => self.iso(field),
            _ => epoch(field),
        }
    }
}

/// Seconds since the epoch, with decimals or none; milliseconds where the number is too large for seconds. Microseconds since the epoch.
pub(crate) fn epoch(field: &[u8]) -> Option<i64> {
    match value::decimal(field)? {
        // Exact: a double holds the microseconds of 285 years.
        seconds if (1e8..1e11).contains(&seconds) => Some((seconds * 1e6).round() as i64),
        milliseconds if (1e11..1e14).contains(&milliseconds) => Some((milliseconds * 1e3).round() as i64),
        _ => None,
    }
}

fn common_minute(text: &[u8; 17], zone: &[u8; 6]) -> Option<i64> {
    let [d, e, b'/', m, o, n, b'/', y0, y1, y2, y3, b':', h, i, b':', j, k] = *text else { return None };
    let month = MONTHS.as_chunks::<3>().0.iter().position(|name| *name == [m, o, n])?;
    let year = two([y0, y1])? * 100 + two([y2, y3])?;
    let minute = value::from_parts(year, month as i64 + 1, two([d, e])?, two([h, i])?, two([j, k])?, 0, 0)?;
    Some(minute - offset(zone.strip_prefix(b" ")?)?)
}

fn iso_minute(text: &[u8; 16]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m, n, b'-', d, e, b'T' | b' ', h, i, b':', j, k] = *text else { return None };
    let year = two([y0, y1])? * 100 + two([y2, y3])?;
    value::from_parts(year, two([m, n])?, two([d, e])?, two([h, i])?, two([j, k])?, 0, 0)
}

/// `Z`, `+0100` or `+01:00`, in microseconds.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [b'Z'] => return Some(0),
        [sign, a, b, c, d] | [sign, a, b, b':', c, d] => (sign, two([a, b])?, two([c, d])?),
        _ => return None,
    };
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000_000)
}

#[inline]
fn two([tens, ones]: [u8; 2]) -> Option<i64> {
    let (tens, ones) = (i64::from(tens.wrapping_sub(b'0')), i64::from(ones.wrapping_sub(b'0')));
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}

/// A leap second counts as the next.
#[inline]
fn second(digits: [u8; 2]) -> Option<i64> {
    two(digits).filter(|second| *second <= 60)
}

/// `.123`, or nothing.
fn micros(fraction: &[u8]) -> Option<i64> {
    let digits = match fraction {
        [] => return Some(0),
        [b'.' | b',', digits @ ..] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let mut micros = 0;
    for i in 0..6 {
        let digit = digits.get(i).map_or(0, |digit| digit.wrapping_sub(b'0'));
        micros = micros * 10 + i64::from(digit);
    }
    digits.iter().all(u8::is_ascii_digit).then_some(micros)
}

/// Reads times without a zone: those of the place where the log was written.
pub(crate) struct LocalClock {
    zone: Tz,
    /// `2026/11/19 19`
    hour: [u8; 13],
    /// Its beginning, microseconds since the epoch.
    start: i64,
}

impl LocalClock {
    /// How long such a time is.
    pub(crate) const BYTES: usize = 19;

    pub(crate) fn new(zone: Tz) -> LocalClock {
        LocalClock { zone, hour: [0; 13], start: 0 }
    }

    /// `2026/11/19 19:42:07`; microseconds since the epoch. Of an hour that comes twice, as clocks go back, the first is taken; one that is
    /// left out, as they go forward, is counted by the clock before.
    pub(crate) fn time(&mut self, field: &[u8]) -> Option<i64> {
        let field: &[u8; LocalClock::BYTES] = field.try_into().ok()?;
        let (hour, [b':', a, b, b':', c, d]) = field.split_first_chunk::<13>()? else { return None };
        let (minute, second) = (two([*a, *b])?, second([*c, *d])?);
        if minute > 59 {
            return None;
        }
        if *hour == self.hour {
            return Some(self.start + (minute * 60 + second) * 1_000_000);
        }
        let [y0, y1, y2, y3, b'/', m, n, b'/', e, f, b' ', h, i] = *hour else { return None };
        let year = two([y0, y1])? * 100 + two([y2, y3])?;
        let at = |minute| {
            let local = value::from_parts(year, two([m, n])?, two([e, f])?, two([h, i])?, minute, 0, 0)? / 1_000_000;
            Some(to_utc(self.zone, local))
        };
        let (start, end) = (at(0)?, at(59)?);
        // Where the clocks change within the hour, each time is looked up.
        if end - start == 59 * 60 {
            self.hour = *hour;
            self.start = start * 1_000_000;
        }
        Some((at(minute)? + second) * 1_000_000)
    }
}

/// Seconds since the epoch of a local time, which is given as if it were UTC.
pub(crate) fn to_utc(zone: Tz, local: i64) -> i64 {
    let Some(naive) = chrono::DateTime::from_timestamp(local, 0).map(|time| time.naive_utc()) else { return local };
    let offset = zone.offset_from_local_datetime(&naive).earliest().unwrap_or_else(|| {
        // Clocks jump over this time. An hour and a day before they did not.
        let before = naive - chrono::Duration::hours(25);
        zone.offset_from_local_datetime(&before)
            .earliest()
            .unwrap_or_else(|| zone.offset_from_utc_date(&NaiveDate::default()))
    });
    local - i64::from(offset.fix().local_minus_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> i64 {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn zoned_times() {
        let mut clock = ZonedClock::default();
        for _ in 0..2 {
            assert_eq!(clock.common(b"10/Oct/2000:13:55:36 -0700"), Some(utc("2000-10-10T20:55:36Z")));
            assert_eq!(clock.common(b"10/Oct/2000:13:55:37 +0530"), Some(utc("2000-10-10T08:25:37Z")));
            assert_eq!(clock.iso(b"2026-11-19T19:42:07+01:00"), Some(utc("2026-11-19T18:42:07Z")));
            assert_eq!(clock.iso(b"2026-11-19T19:42:07.123456789Z"), Some(utc("2026-11-19T19:42:07.123456Z")));
            assert_eq!(clock.iso(b"2026-11-19T19:42:07.5+0100"), Some(utc("2026-11-19T18:42:07.5Z")));
            assert_eq!(clock.any(b"1700000000.123"), Some(1_700_000_000_123_000));
            assert_eq!(clock.any(b"1700000000123"), Some(1_700_000_000_123_000));
        }
        for bad in [
            "10/Okt/2000:13:55:36 -0700",
            "31/Feb/2000:13:55:36 -0700",
            "10/Oct/2000:13:55:61 -0700",
            "10/Oct/2000:24:55:36 -0700",
            "10/Oct/2000:13:55:36 -07x0",
            "10/Oct/2000 13:55:36 -0700",
            "2026-11-19T19:42:07",
            "2026-11-19T19:42:07.+01:00",
            "2026-11-19T19:42:7+01:00",
            "12",
            "-",
            "",
        ] {
            assert_eq!(clock.any(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn local_times_know_when_clocks_change() {
        let mut clock = LocalClock::new(chrono_tz::Europe::Berlin);
        let mut at = |text: &str| clock.time(text.as_bytes());
        assert_eq!(at("2026/07/19 12:00:01"), Some(utc("2026-07-19T10:00:01Z")));
        assert_eq!(at("2026/07/19 12:59:59"), Some(utc("2026-07-19T10:59:59Z")));
        assert_eq!(at("2026/11/19 12:00:01"), Some(utc("2026-11-19T11:00:01Z")));
        assert_eq!(at("2026/03/29 01:59:59"), Some(utc("2026-03-29T00:59:59Z")));
        assert_eq!(at("2026/03/29 03:00:00"), Some(utc("2026-03-29T01:00:00Z")));
        assert_eq!(at("2026/03/29 02:30:00"), Some(utc("2026-03-29T01:30:00Z")));
        assert_eq!(at("2026/10/25 02:30:00"), Some(utc("2026-10-25T00:30:00Z")));
        assert_eq!(at("2026/10/25 03:00:00"), Some(utc("2026-10-25T02:00:00Z")));
        assert_eq!(at("2026/02/29 03:00:00"), None);
        assert_eq!(at("2026/03/28 03:60:00"), None);
        // A minute past midnight, as Newfoundland did until 2011.
        let mut clock = LocalClock::new(chrono_tz::America::St_Johns);
        let mut at = |text: &str| clock.time(text.as_bytes());
        assert_eq!(at("2010/11/06 23:00:00"), Some(utc("2010-11-07T01:30:00Z")));
        assert_eq!(at("2010/11/07 00:02:00"), Some(utc("2010-11-07T03:32:00Z")));
    }
}
