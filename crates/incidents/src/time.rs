//! Instants as microseconds since 1970, and spans of them.

use chrono::{DateTime, SecondsFormat};

use crate::dice::Dice;

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;

pub(crate) fn from_seconds(seconds: f64) -> i64 {
    libm::round(seconds * 1e6) as i64
}

pub(crate) fn rfc3339(at: i64) -> String {
    DateTime::from_timestamp_micros(at).expect("years of four digits").to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// From `start` until before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Span {
    pub(crate) fn contains(&self, at: i64) -> bool {
        self.start <= at && at < self.end
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.end - self.start) as f64 / SECOND as f64
    }

    /// How far into the span: 0 at its start, 1 at its end.
    pub(crate) fn progress(&self, at: i64) -> f64 {
        (at - self.start) as f64 / (self.end - self.start) as f64
    }

    /// Somewhere in `self`, of a length in minutes between these (at most 45 % of the whole), not at the very edges.
    pub(crate) fn part(&self, dice: &mut Dice, minutes: (f64, f64)) -> Span {
        let longest = self.seconds() / 60.0 * 0.45;
        let length = from_seconds(60.0 * dice.log_float(minutes.0.min(longest), minutes.1.min(longest)));
        let margin = 2 * MINUTE;
        let start = self.start
            + margin
            + from_seconds(dice.float(0.0, (self.end - self.start - length - 2 * margin) as f64 / 1e6));
        Span { start, end: start + length }
    }

    /// Times on and off by turns, on first and last; `on` and `off` are ranges of seconds.
    pub(crate) fn pulses(&self, dice: &mut Dice, on: (f64, f64), off: (f64, f64)) -> Vec<Span> {
        let mut pulses = Vec::new();
        let mut at = self.start;
        loop {
            let end = (at + from_seconds(dice.float(on.0, on.1))).min(self.end);
            pulses.push(Span { start: at, end });
            at = end + from_seconds(dice.float(off.0, off.1));
            // One that found no room behind it would be the last: it is put at the very end.
            if at + from_seconds(on.1) >= self.end {
                at = (self.end - from_seconds(on.0)).max(end);
                if at < self.end {
                    pulses.push(Span { start: at, end: self.end });
                }
                return pulses;
            }
        }
    }
}

/// Whether `at` lies in one of these, which are in order.
pub(crate) fn within(spans: &[Span], at: i64) -> bool {
    let next = spans.partition_point(|span| span.end <= at);
    spans.get(next).is_some_and(|span| span.contains(at))
}
