//! Which files may hold rows of a span of time, by what AWS writes into names and folders.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::names;

/// A span of arrival times; open where there is `None`.
///
/// It chooses files, not rows: a file is taken whole. A file whose name tells no interval is always taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    pub from: Option<DateTime<Utc>>,
    /// Not included.
    pub to: Option<DateTime<Utc>>,
}

/// The interval that a file covers. Its lines are of requests that *ended* in it.
const INTERVAL: TimeDelta = TimeDelta::minutes(5);
/// A request may end this much after it arrived: a load balancer's longest idle timeout is 4,000 s. (Connections of WebSockets may
/// be longer; those that arrived before the end of the window and ended later than this are missed.)
const LONGEST: TimeDelta = TimeDelta::minutes(70);
/// A file may be delivered this much after the end of its interval. Usually it takes minutes.
const LATE: TimeDelta = TimeDelta::days(1);

impl Window {
    pub(crate) fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether the file may hold rows that arrived in the window. What ended before the window began also arrived before.
    pub(crate) fn takes_file(&self, uri: &str) -> bool {
        let Some(end) = names::parse(uri).interval_end else { return true };
        self.from.is_none_or(|from| end > from) && self.to.is_none_or(|to| end - INTERVAL < to + LONGEST)
    }

    /// Whether a folder of AWS's layout may hold such files: a year, a month of it, or a day of that. The folders are dates of
    /// *delivery*: never before the interval, so nothing is to be found on earlier days, but up to a day after it.
    pub(crate) fn takes_folder(&self, year: i32, month: Option<u32>, day: Option<u32>) -> bool {
        let first = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1));
        let last = match (month, day) {
            (Some(_), Some(_)) => first,
            (Some(12), None) | (None, _) => NaiveDate::from_ymd_opt(year, 12, 31),
            (Some(month), None) => NaiveDate::from_ymd_opt(year, month + 1, 1).and_then(|next| next.pred_opt()),
        };
        // What is no date is no reason to leave files out.
        let (Some(first), Some(last)) = (first, last) else { return true };
        self.from.is_none_or(|from| last >= from.date_naive())
            && self.to.is_none_or(|to| first <= (to + LONGEST + LATE).date_naive())
    }

    /// The same for the parts of a path behind the region: `["2026", "11", "19"]` or a beginning of it, or `["year=2026", ...]`.
    pub(crate) fn takes_parts(&self, parts: &[&str]) -> bool {
        let number = |part: &&str| part.rsplit('=').next().and_then(|digits| digits.parse::<u32>().ok());
        let mut numbers = parts.iter().take(3).map(number);
        let (year, month, day) = (numbers.next().flatten(), numbers.next(), numbers.next());
        match (year.and_then(|year| i32::try_from(year).ok()), month, day) {
            (None, ..) | (_, Some(None), _) | (.., Some(None)) => true,
            (Some(year), month, day) => self.takes_folder(year, month.flatten(), day.flatten()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> Window {
        let time = |text: &str| text.parse().ok();
        Window { from: time(from), to: time(to) }
    }

    #[test]
    fn files_by_the_interval_in_their_name() {
        let evening = window("2026-11-19T19:00:00Z", "2026-11-19T20:00:00Z");
        let takes = |end: &str| {
            evening.takes_file(&format!(
                "s3://b/123456789012_elasticloadbalancing_eu-central-1_app.shop.1_{end}_10.0.0.1_x.log.gz"
            ))
        };
        assert!(!takes("20261119T1900Z"), "ended at 19:00 at the latest");
        assert!(takes("20261119T1905Z"));
        assert!(takes("20261119T2005Z"), "may have arrived before 20:00");
        assert!(takes("20261119T2110Z"), "after the longest idle timeout");
        assert!(!takes("20261119T2115Z"));
        assert!(evening.takes_file("cpu.json"));
        assert!(Window::default().takes_file("s3://b/x_elasticloadbalancing_r_app.a.1_20261119T1900Z_1_x.log.gz"));
    }

    #[test]
    fn folders_by_the_date_of_delivery() {
        let evening = window("2026-11-19T19:00:00Z", "2026-11-19T20:00:00Z");
        let days: Vec<u32> = (1..=30).filter(|&day| evening.takes_folder(2026, Some(11), Some(day))).collect();
        assert_eq!(days, [19, 20]);
        let night = window("2026-12-31T22:00:00Z", "2026-12-31T23:00:00Z");
        assert!(night.takes_folder(2026, None, None) && night.takes_folder(2027, None, None));
        assert!(!night.takes_folder(2025, None, None) && !night.takes_folder(2028, None, None));
        assert!(night.takes_folder(2026, Some(12), None) && night.takes_folder(2027, Some(1), None));
        assert!(!night.takes_folder(2026, Some(11), None) && !night.takes_folder(2027, Some(2), None));
        let since = window("2026-11-19T19:00:00Z", "");
        assert!(since.takes_folder(2030, Some(2), Some(28)) && !since.takes_folder(2026, Some(11), Some(18)));
    }

    #[test]
    fn parts_of_paths() {
        let evening = window("2026-11-19T19:00:00Z", "2026-11-19T20:00:00Z");
        assert!(evening.takes_parts(&["2026", "11", "19"]) && !evening.takes_parts(&["2026", "11", "18"]));
        assert!(evening.takes_parts(&["2026"]) && !evening.takes_parts(&["2025"]));
        assert!(evening.takes_parts(&["year=2026", "month=11"]) && !evening.takes_parts(&["year=2026", "month=10"]));
        assert!(evening.takes_parts(&["other"]) && evening.takes_parts(&["2026", "other"]) && evening.takes_parts(&[]));
    }
}
