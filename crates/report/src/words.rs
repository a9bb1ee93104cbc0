//! Numbers and times as people read them.

use std::borrow::Cow;

use albatross_diagnose::{Span, count};
use chrono::{DateTime, Datelike, Utc};

/// `2026-11-19 18:53`
pub(crate) fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

/// `2026-11-19 18:53 to 19:25`
pub(crate) fn span(span: Span) -> String {
    format!("{} to {}", minute(span.start), end(span))
}

/// The end of a span, without its day where that is the day of the start.
fn end(span: Span) -> String {
    let same_day = span.start.num_days_from_ce() == span.end.num_days_from_ce();
    span.end.format(if same_day { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// A time of the report's data, RFC 3339, to the second.
pub(crate) fn time(text: &str) -> String {
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc().format("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => text.to_owned(),
    }
}

/// `0.68 %`, with as many digits as tell anything. An exact zero is `0 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 {
        return "0 %".to_owned();
    }
    match percent.abs() {
        p if p >= 99.95 => format!("{percent:.0} %"),
        p if p >= 9.995 => format!("{percent:.1} %"),
        p if p >= 0.0095 => format!("{percent:.2} %"),
        _ => "< 0.01 %".to_owned(),
    }
}

/// `5.47 s`, `92 ms`, `2.5 min`
pub(crate) fn seconds(value: f64) -> String {
    match value {
        s if s >= 119.5 => format!("{:.1} min", s / 60.0),
        s if s >= 9.995 => format!("{s:.1} s"),
        s if s >= 0.9995 => format!("{s:.2} s"),
        s if s >= 0.0095 => format!("{:.0} ms", 1000.0 * s),
        s if s >= 0.00005 => format!("{:.1} ms", 1000.0 * s),
        _ => "0 ms".to_owned(),
    }
}

/// Time that many requests took together: `12.5 h`, `4.2 min`, `31 s`.
pub(crate) fn work(value: f64) -> String {
    match value {
        s if s >= 5400.0 => format!("{:.1} h", s / 3600.0),
        s if s >= 90.0 => format!("{:.1} min", s / 60.0),
        s => format!("{s:.0} s"),
    }
}

/// `12.3 MB`, in powers of ten.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

/// `+12 %`, `-3.4 %`, `12 times as much`, `none before`: what became of `before`.
pub(crate) fn change(now: f64, before: f64) -> String {
    if before == 0.0 {
        return if now == 0.0 { "as before".to_owned() } else { "none before".to_owned() };
    }
    match now / before - 1.0 {
        c if c >= 9.0 => format!("{:.0} times as much", c + 1.0),
        c if c.abs() < 0.0005 => "as before".to_owned(),
        c if c.abs() < 0.0995 => format!("{:+.1} %", 100.0 * c),
        c => format!("{:+.0} %", 100.0 * c),
    }
}

/// `GET /api/users/:id`, as everywhere.
pub(crate) fn endpoint(method: Option<&str>, route: Option<&str>) -> String {
    format!("{} {}", method.unwrap_or("-"), route.unwrap_or("-"))
}

/// `1 incident`, `2 incidents`
pub(crate) fn plural(n: u64, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}

/// `5 minutes`, `3 hours`
pub(crate) fn slot(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3600 == 0 => (s / 3600, "hour"),
        s => (s / 60, "minute"),
    };
    if n == 1 { unit.to_owned() } else { format!("{n} {unit}s") }
}

/// The text, or its beginning and how long it is.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let length = text.chars().count() as u64;
            Cow::Owned(format!("{} ... ({} characters)", &text[..end], count(length)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([percent(0.0), percent(0.000_01), percent(0.0068)], ["0 %", "< 0.01 %", "0.68 %"]);
        assert_eq!([percent(0.123_45), percent(1.0)], ["12.3 %", "100 %"]);
        assert_eq!([seconds(0.0004), seconds(0.092), seconds(5.473)], ["0.4 ms", "92 ms", "5.47 s"]);
        assert_eq!([seconds(15.02), seconds(150.0)], ["15.0 s", "2.5 min"]);
        assert_eq!(
            [change(112.0, 100.0), change(98.8, 100.0), change(1200.0, 100.0)],
            ["+12 %", "-1.2 %", "12 times as much"]
        );
        assert_eq!([change(1.0, 0.0), change(0.0, 0.0), change(5.0, 5.0)], ["none before", "as before", "as before"]);
        assert_eq!([slot(60), slot(300), slot(10_800), slot(86_400)], ["minute", "5 minutes", "3 hours", "day"]);
        assert_eq!(time("2026-11-19T18:53:01.25Z"), "2026-11-19 18:53:01");
        let span_of =
            |end: &str| span(Span { start: "2026-11-19T18:53:00Z".parse().unwrap(), end: end.parse().unwrap() });
        assert_eq!(span_of("2026-11-19T19:25:00Z"), "2026-11-19 18:53 to 19:25");
        assert_eq!(span_of("2026-11-20T19:25:00Z"), "2026-11-19 18:53 to 2026-11-20 19:25");
    }
}
