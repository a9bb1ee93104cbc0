//! Times of a `LogFormat`: `%{...}t`, of which several may make one time.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono_tz::Tz;

use crate::value;
use crate::web::time::to_utc;

/// What one `%{...}t` gives.
#[derive(Clone, Debug)]
pub(super) enum TimePart {
    /// A layout of `strftime`.
    Layout { items: Vec<Item<'static>>, is_end: bool },
    /// A number since the epoch; so many of them are a second.
    Epoch { per_second: i64, is_end: bool },
    /// A fraction of the second; so many of them are a second.
    Fraction { per_second: i64, is_end: bool },
}

impl TimePart {
    /// `begin:` or `end:`, then `sec`, `msec`, `usec`, `msec_frac`, `usec_frac` or a layout.
    pub(super) fn parse(layout: &str) -> Result<TimePart, String> {
        let (layout, is_end) = match layout.strip_prefix("end:") {
            Some(layout) => (layout, true),
            None => (layout.strip_prefix("begin:").unwrap_or(layout), false),
        };
        Ok(match layout {
            "sec" => TimePart::Epoch { per_second: 1, is_end },
            "msec" => TimePart::Epoch { per_second: 1000, is_end },
            "usec" => TimePart::Epoch { per_second: 1_000_000, is_end },
            "msec_frac" => TimePart::Fraction { per_second: 1000, is_end },
            "usec_frac" => TimePart::Fraction { per_second: 1_000_000, is_end },
            _ => {
                let items = StrftimeItems::new(layout).parse_to_owned().ok();
                let items = items.filter(|items| !items.is_empty());
                let items = items.ok_or_else(|| format!("{layout}: not of a time that strftime writes"))?;
                TimePart::Layout { items, is_end }
            }
        })
    }

    fn is_end(&self) -> bool {
        match self {
            TimePart::Layout { is_end, .. } | TimePart::Epoch { is_end, .. } | TimePart::Fraction { is_end, .. } => {
                *is_end
            }
        }
    }
}

/// A time of a line, microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Begin(i64),
    End(i64),
}

/// Puts the parts together; those of the beginning where there are any. The year and the zone of the user stand in for those that are missing.
///
/// # Errors
/// Says what is wrong.
pub(super) fn assemble<'a>(
    parts: impl Iterator<Item = (&'a TimePart, &'a [u8])> + Clone,
    zone: Tz,
    year: Option<i32>,
) -> Result<Moment, &'static str> {
    let is_end = parts.clone().all(|(part, _)| part.is_end());
    let mut parsed = Parsed::new();
    let mut epoch = None;
    let mut fraction = 0;
    for (part, text) in parts.filter(|(part, _)| part.is_end() == is_end) {
        let number = || value::integer(text).ok_or("not an integer");
        match part {
            TimePart::Layout { items, .. } => {
                let text = std::str::from_utf8(text).map_err(|_| "not text")?;
                parse(&mut parsed, text, items.iter()).map_err(|_| "not a time of this layout")?;
            }
            TimePart::Epoch { per_second, .. } => {
                let micros = number()?.checked_mul(1_000_000 / per_second).ok_or("too large for a time")?;
                epoch = Some(epoch.unwrap_or(0).max(micros));
            }
            TimePart::Fraction { per_second, .. } => fraction = number()? * (1_000_000 / per_second),
        }
    }
    if !(0..1_000_000).contains(&fraction) {
        return Err("more than a second");
    }
    let micros = match epoch {
        Some(micros) => micros.checked_add(fraction).ok_or("too large for a time")?,
        None => of_layout(parsed, zone, year)?.checked_add(fraction).ok_or("too large for a time")?,
    };
    Ok(if is_end { Moment::End(micros) } else { Moment::Begin(micros) })
}

fn of_layout(mut parsed: Parsed, zone: Tz, year: Option<i32>) -> Result<i64, &'static str> {
    let has_year = parsed.year().is_some() || parsed.year_mod_100().is_some() || parsed.isoyear().is_some();
    if !has_year && parsed.timestamp().is_none() {
        let year = year.ok_or("it has no year: the user must say which it is")?;
        parsed.set_year(year.into()).map_err(|_| "no such year")?;
    }
    let offset = parsed.offset();
    let naive = parsed.to_naive_datetime_with_offset(offset.unwrap_or(0)).map_err(|_| "no such time")?.and_utc();
    let seconds = match offset {
        Some(offset) => naive.timestamp() - i64::from(offset),
        None if parsed.timestamp().is_some() => naive.timestamp(),
        None => to_utc(zone, naive.timestamp()),
    };
    Ok(seconds * 1_000_000 + i64::from(naive.timestamp_subsec_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(parts: &[(&str, &str)], year: Option<i32>) -> Result<Moment, &'static str> {
        let layouts: Vec<TimePart> = parts.iter().map(|(layout, _)| TimePart::parse(layout).unwrap()).collect();
        let texts = parts.iter().map(|(_, text)| text.as_bytes());
        assemble(layouts.iter().zip(texts), chrono_tz::Europe::Berlin, year)
    }

    fn utc(text: &str) -> i64 {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn parts_make_one_time() {
        let begin = |text| Ok(Moment::Begin(utc(text)));
        let date = ("%d/%b/%Y %T", "19/Nov/2026 19:42:07");
        assert_eq!(time(&[date, ("msec_frac", "042"), ("%z", "+0100")], None), begin("2026-11-19T18:42:07.042Z"));
        assert_eq!(time(&[date], None), begin("2026-11-19T18:42:07Z"));
        assert_eq!(time(&[("usec", "1700000000123456")], None), Ok(Moment::Begin(1_700_000_000_123_456)));
        assert_eq!(
            time(&[("sec", "1700000000"), ("usec_frac", "000005")], None),
            Ok(Moment::Begin(1_700_000_000_000_005))
        );
        assert_eq!(
            time(&[("end:sec", "1700000009"), ("sec", "1700000000")], None),
            Ok(Moment::Begin(1_700_000_000_000_000))
        );
        assert_eq!(time(&[("end:sec", "1700000009")], None), Ok(Moment::End(1_700_000_009_000_000)));
        assert_eq!(time(&[("%d/%b %T", "19/Nov 19:42:07")], Some(2026)), begin("2026-11-19T18:42:07Z"));
        assert!(time(&[("%d/%b %T", "19/Nov 19:42:07")], None).unwrap_err().contains("year"));
        assert!(time(&[("%d/%b %T", "29/Feb 19:42:07")], Some(2026)).is_err());
        assert!(time(&[("usec", "999999999999999999"), ("msec_frac", "1000")], None).is_err());
    }
}
