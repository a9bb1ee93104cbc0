//! Durations of many requests, counted in steps: of each key (route, target) in each slot.

use std::ops::Range;

/// Steps per factor e in duration: 22 percent each. As in `sql/traffic.sql`.
const STEPS_PER_E: f64 = 5.0;
/// The lowest step, that of 1 ms and less.
const LOWEST: i64 = -35;
const STEPS: usize = 90;

/// Requests of a key in a slot, of one step.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    pub(crate) key: u32,
    pub(crate) slot: u32,
    pub(crate) step: u8,
    pub(crate) requests: u32,
    /// Seconds that targets spent.
    pub(crate) target_time: f32,
    /// Bytes sent.
    pub(crate) sent: f32,
    /// The largest request that was accepted, bytes.
    pub(crate) largest: f32,
}

pub(crate) fn step(number: i64) -> u8 {
    (number - LOWEST).clamp(0, STEPS as i64 - 1) as u8
}

/// The first step that holds only durations from `seconds` on.
pub(crate) fn step_from(seconds: f64) -> u8 {
    step((seconds.max(1e-3).ln() * STEPS_PER_E).ceil() as i64)
}

/// Geometric middle of a step, seconds.
fn seconds(step: usize) -> f64 {
    ((step as f64 + LOWEST as f64 + 0.5) / STEPS_PER_E).exp()
}

/// Entries by key.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    entries: Vec<Entry>,
    keys: Vec<Range<usize>>,
}

/// What is known of one key, or all, over some slots.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    steps: [f64; STEPS],
    pub(crate) requests: f64,
    pub(crate) target_time: f64,
    pub(crate) sent: f64,
    pub(crate) largest: f64,
}

impl Latencies {
    pub(crate) fn new(mut entries: Vec<Entry>, keys: usize) -> Latencies {
        entries.sort_unstable_by_key(|entry| (entry.key, entry.slot, entry.step));
        let mut ranges = vec![0..0; keys];
        let mut start = 0;
        for chunk in entries.chunk_by(|a, b| a.key == b.key) {
            ranges[chunk[0].key as usize] = start..start + chunk.len();
            start += chunk.len();
        }
        Latencies { entries, keys: ranges }
    }

    /// Drops the slots that are not wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(usize) -> bool) {
        let keys = self.keys.len();
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|entry| wanted(entry.slot as usize));
        *self = Latencies::new(entries, keys);
    }

    pub(crate) fn keys(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn of(&self, key: usize) -> &[Entry] {
        self.keys.get(key).map_or(&[], |range| &self.entries[range.clone()])
    }

    /// Requests of a key in each slot.
    pub(crate) fn requests(&self, key: usize, slots: usize) -> Vec<f64> {
        self.count(key, slots, 0)
    }

    /// Requests of a key in each slot that took this step or longer.
    pub(crate) fn count(&self, key: usize, slots: usize, from: u8) -> Vec<f64> {
        let mut counts = vec![0.0; slots];
        for entry in self.of(key).iter().filter(|entry| entry.step >= from) {
            counts[entry.slot as usize] += f64::from(entry.requests);
        }
        counts
    }

    /// A key over the slots that are wanted.
    pub(crate) fn summary(&self, key: usize, wanted: impl Fn(usize) -> bool) -> Summary {
        let mut summary = Summary::default();
        self.of(key).iter().filter(|entry| wanted(entry.slot as usize)).for_each(|entry| summary.count_entry(entry));
        summary
    }
}

impl Default for Summary {
    fn default() -> Summary {
        Summary { steps: [0.0; STEPS], requests: 0.0, target_time: 0.0, sent: 0.0, largest: 0.0 }
    }
}

impl Summary {
    pub(crate) fn count_entry(&mut self, entry: &Entry) {
        let requests = f64::from(entry.requests);
        self.steps[usize::from(entry.step)] += requests;
        self.requests += requests;
        self.target_time += f64::from(entry.target_time);
        self.sent += f64::from(entry.sent);
        self.largest = self.largest.max(f64::from(entry.largest));
    }

    /// The duration that this share of the requests does not exceed, seconds, to about 11 percent; `None` without requests.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let mut left = share * self.requests;
        if self.requests <= 0.0 {
            return None;
        }
        for (step, count) in self.steps.iter().enumerate() {
            left -= count;
            if left <= 0.0 && *count > 0.0 {
                return Some(seconds(step));
            }
        }
        None
    }

    /// Requests of this step or longer.
    pub(crate) fn from(&self, step: u8) -> f64 {
        self.steps[usize::from(step)..].iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u32, slot: u32, duration: f64, requests: u32) -> Entry {
        let number = (duration.max(0.001).ln() * STEPS_PER_E).floor() as i64;
        Entry { key, slot, step: step(number), requests, target_time: 1.0, ..Entry::default() }
    }

    #[test]
    fn quantiles_are_near() {
        let entries = (1..=100).map(|i| entry(1, i % 7, f64::from(i) / 10.0, 1)).collect();
        let latencies = Latencies::new(entries, 3);
        let all = latencies.summary(1, |_| true);
        for (share, seconds) in [(0.01, 0.1), (0.5, 5.0), (0.9, 9.0), (1.0, 10.0)] {
            let found = all.quantile(share).unwrap();
            assert!((found / seconds).ln().abs() < 0.21, "{share}: {found}");
        }
        assert_eq!(latencies.summary(0, |_| true).quantile(0.5), None);
        assert_eq!(latencies.summary(1, |slot| slot == 3).requests, 14.0);
        assert_eq!(all.target_time, 100.0);
    }

    #[test]
    fn slow_requests_by_slot() {
        let latencies = Latencies::new(vec![entry(0, 1, 0.1, 5), entry(0, 1, 2.0, 2), entry(0, 2, 70.0, 1)], 1);
        assert_eq!(latencies.requests(0, 4), [0.0, 7.0, 1.0, 0.0]);
        assert_eq!(latencies.count(0, 4, step_from(1.0)), [0.0, 2.0, 1.0, 0.0]);
        assert_eq!(latencies.summary(0, |_| true).from(step_from(1.0)), 3.0);
    }

    #[test]
    fn extreme_durations_have_a_step() {
        for duration in [0.0, 1e9] {
            assert!(usize::from(entry(0, 0, duration, 1).step) < STEPS);
        }
    }
}
