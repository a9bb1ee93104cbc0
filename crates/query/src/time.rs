//! Points in time and lengths of time as people write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// What relative times and times without an offset refer to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    pub now: DateTime<Utc>,
    /// Where `2026-11-19 18:00` and `today` are meant; results are shown in UTC all the same.
    pub zone: Tz,
}

impl Clock {
    /// The machine's time, in `zone`.
    pub fn system(zone: Tz) -> Clock {
        Clock { now: Utc::now(), zone }
    }
}

/// The forms [`parse_time`] takes, for messages.
pub const TIME_FORMS: &str = "2026-11-19, 2026-11-19 18:00, 2026-11-19T18:00:00Z, -2h, now, today or yesterday";
/// The forms [`parse_duration`] takes, for messages.
pub(crate) const DURATION_FORMS: &str = "30s, 5m, 1h30m, 1d or 500ms";

/// Reads RFC 3339, a date, a date with a time of day, `-2h`, `now`, `today` or `yesterday`.
///
/// A date is its first moment. What has no offset is in `clock.zone`: an hour that occurs twice there is the earlier
/// one, an hour that is skipped is as far after the jump as it was written after its start. `None` for anything else.
pub fn parse_time(text: &str, clock: &Clock) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let date_of = |time: DateTime<Utc>| time.with_timezone(&clock.zone).date_naive();
    match text.to_ascii_lowercase().as_str() {
        "now" => return Some(clock.now),
        "today" => return midnight(date_of(clock.now), clock.zone),
        "yesterday" => return midnight(date_of(clock.now).pred_opt()?, clock.zone),
        _ => {}
    }
    if let Some(ago) = text.strip_prefix('-').filter(|ago| !ago.starts_with(' ')) {
        return clock.now.checked_sub_signed(parse_duration(ago)?);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None; // chrono takes signed years
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return midnight(date, clock.zone);
    }
    ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .and_then(|time| to_utc(time, clock.zone))
}

/// Reads `500ms`, `30s`, `5m`, `1h30m`, `1d`, `2w`: whole numbers, each with its unit. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<TimeDelta> {
    let mut rest = text.trim();
    let mut sum: Option<TimeDelta> = None;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        rest = &rest[letters..];
        let part = TimeDelta::try_milliseconds(number.checked_mul(millis)?)?;
        sum = Some(sum.unwrap_or_default().checked_add(&part)?);
    }
    // No time is further from another than this; microseconds of it fit 64 bits.
    sum.filter(|sum| *sum <= TimeDelta::days(3_660_000))
}

fn midnight(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    to_utc(date.and_hms_opt(0, 0, 0)?, zone)
}

fn to_utc(time: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    if let Some(time) = zone.from_local_datetime(&time).earliest() {
        return Some(time.to_utc());
    }
    // Skipped by a jump of the clock: count on with the offset from before the jump.
    let day_before = time.checked_sub_signed(TimeDelta::days(1))?;
    let offset = zone.offset_from_utc_datetime(&day_before).fix();
    Some(offset.from_local_datetime(&time).single()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Friday afternoon in Berlin, Thursday night in Honolulu.
    fn clock(zone: Tz) -> Clock {
        Clock { now: "2026-11-20T08:30:00Z".parse().unwrap(), zone }
    }

    fn time(text: &str, zone: Tz) -> String {
        let time = parse_time(text, &clock(zone)).unwrap_or_else(|| panic!("{text}"));
        time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }

    #[test]
    fn every_form_of_time() {
        for (text, expected) in [
            ("2026-11-19T18:00:00Z", "2026-11-19T18:00:00Z"),
            ("2026-11-19T18:00:00.123456+01:00", "2026-11-19T17:00:00.123456Z"),
            ("2026-11-19", "2026-11-19T00:00:00Z"),
            ("2026-11-19 18:00", "2026-11-19T18:00:00Z"),
            ("2026-11-19T18:00", "2026-11-19T18:00:00Z"),
            ("2026-11-19 18:00:01.5", "2026-11-19T18:00:01.500Z"),
            (" now ", "2026-11-20T08:30:00Z"),
            ("-2h", "2026-11-20T06:30:00Z"),
            ("-30m", "2026-11-20T08:00:00Z"),
            ("-1d12h", "2026-11-18T20:30:00Z"),
            ("Today", "2026-11-20T00:00:00Z"),
            ("yesterday", "2026-11-19T00:00:00Z"),
        ] {
            assert_eq!(time(text, Tz::UTC), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_offset_is_in_the_zone() {
        assert_eq!(time("2026-11-19 18:00", Tz::Europe__Berlin), "2026-11-19T17:00:00Z");
        assert_eq!(time("2026-07-01", Tz::Europe__Berlin), "2026-06-30T22:00:00Z");
        assert_eq!(time("today", Tz::Pacific__Honolulu), "2026-11-19T10:00:00Z");
        assert_eq!(time("yesterday", Tz::Europe__Berlin), "2026-11-18T23:00:00Z");
        assert_eq!(time("2026-11-19T18:00:00Z", Tz::Europe__Berlin), "2026-11-19T18:00:00Z");
    }

    #[test]
    fn clock_changes_are_no_holes() {
        let berlin = Tz::Europe__Berlin;
        assert_eq!(time("2026-10-25 02:30", berlin), "2026-10-25T00:30:00Z", "the first of two");
        assert_eq!(time("2026-03-29 02:30", berlin), "2026-03-29T01:30:00Z", "shown as 03:30");
        // Midnight itself is skipped.
        assert_eq!(time("2026-03-29", Tz::Asia__Beirut), "2026-03-28T22:00:00Z");
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "tomorrow",
            "19.11.2026",
            "2026-13-01",
            "2026-11-19 25:00",
            "-",
            "-2",
            "-2y",
            "- 2h",
            "+2026-11-19",
            "2026-11-19T18:00:00Z'; DROP",
            "18:00",
            "1763632800",
            "-99999999999999999999d",
            "-9223372036854775807ms",
        ] {
            assert_eq!(parse_time(text, &clock(Tz::UTC)), None, "{text}");
        }
    }

    #[test]
    fn lengths_of_time() {
        let millis = |text| parse_duration(text).map(|d| d.num_milliseconds());
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("2w"), Some(1_209_600_000));
        for text in ["", "5", "m", "5 m", "1.5h", "-5m", "5M", "5min", "99999999999999999d", "5m3", "９s"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
