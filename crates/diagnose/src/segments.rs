//! Runs of slots in which something happens too often.
//!
//! A series is events out of trials, slot by slot. It is taken to be in one of two states, quiet or disturbed, each with its rate of events per
//! trial. The most likely sequence of states (Viterbi) is found under a price for every disturbed run: the price is what makes up for all the
//! places at which chance could have made one. Where a run begins and ends comes out to a slot, because a slot belongs to the state that explains its
//! events better; what lies between two runs is bridged where the price of a second run is higher than that of the calm slots.

use crate::stats::surprise;

/// The chance of seeing any run in a series where there is none is about this, over all series together. Low, since real events cluster
/// more than Poisson's.
const CHANCE: f64 = 1e-3;
/// Rates that a disturbed state is tried with, as multiples of the quiet one. Below threefold a rise is no incident but a worse day.
const RATIOS: [f64; 12] = [3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 100.0, 200.0, 500.0, 1500.0, 5000.0];
/// More disturbed runs of different heights than this are not looked for in one series.
const ROUNDS: usize = 8;

/// Events out of trials per slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    pub(crate) events: Vec<f64>,
    pub(crate) trials: Vec<f64>,
}

/// A disturbed run, `end` excluded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) events: f64,
    pub(crate) trials: f64,
    /// Events at the quiet rate.
    pub(crate) expected: f64,
    /// Nats by which the run is better explained by a rate of its own.
    pub(crate) surprise: f64,
}

/// What must be exceeded by the surprise of a run among this many slots and series.
pub(crate) fn price(slots: usize, series: usize) -> f64 {
    // Any pair of slots could be a run's ends, but neighbours are nearly the same run: slots, not their square.
    ((slots.max(1) * series.max(1)) as f64 / CHANCE).ln()
}

/// The pooled rate of quiet slots: first the half of the slots with the lowest rates, then all that do not stand out from those. One half of an
/// event is added: that none was seen does not prove that none ever happens. `None` without trials.
pub(crate) fn quiet_rate(series: &Series, price: f64) -> Option<f64> {
    let mut slots: Vec<usize> = (0..series.trials.len()).filter(|&i| series.trials[i] > 0.0).collect();
    if slots.is_empty() {
        return None;
    }
    let rate = |i: usize| series.events[i] / series.trials[i];
    slots.sort_by(|&a, &b| rate(a).total_cmp(&rate(b)));
    let pooled = |slots: &mut dyn Iterator<Item = usize>| {
        let (events, trials) = slots.fold((0.5, 0.0), |(k, n), i| (k + series.events[i], n + series.trials[i]));
        events / trials
    };
    let mut quiet = pooled(&mut slots.iter().copied().take(slots.len().div_ceil(2)));
    for _ in 0..3 {
        let calm = |i: usize| surprise(series.events[i], quiet * series.trials[i]) < price;
        let mut calm = slots.iter().copied().filter(|&i| calm(i)).peekable();
        if calm.peek().is_some() {
            quiet = pooled(&mut calm);
        }
    }
    Some(quiet)
}

/// The disturbed runs in order of time, with the quiet rate that they stand out from. `most` is the highest rate that can be quiet.
pub(crate) fn runs(series: &Series, price: f64, most: f64) -> (f64, Vec<Run>) {
    let Some(quiet) = quiet_rate(series, price) else {
        return (0.0, Vec::new());
    };
    let mut quiet = quiet.min(most);
    let mut found: Vec<Run> = Vec::new();
    // Again with what the first pass knows of quiet slots: where half the slots are disturbed, they had a part in the rate.
    for _ in 0..2 {
        found = all_runs(series, quiet, price);
        let mut rest = series.clone();
        for run in &found {
            rest.trials[run.start..run.end].fill(0.0);
            rest.events[run.start..run.end].fill(0.0);
        }
        let trials: f64 = rest.trials.iter().sum();
        if trials > 0.0 {
            quiet = ((rest.events.iter().sum::<f64>() + 0.5) / trials).min(most);
        }
    }
    for run in &mut found {
        run.expected = quiet * run.trials;
        run.surprise = surprise(run.events, run.expected);
    }
    found.sort_by_key(|run| run.start);
    (quiet, found)
}

fn all_runs(series: &Series, quiet: f64, price: f64) -> Vec<Run> {
    let mut rest = series.clone();
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let best = RATIOS
            .iter()
            .map(|ratio| (ratio * quiet).min(1.0))
            .filter(|rate| *rate > quiet)
            .map(|rate| viterbi(&rest, quiet, rate, price))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, spans)) = best.filter(|(gain, _)| *gain > 0.0) else {
            break;
        };
        for (start, end) in spans {
            let events: f64 = rest.events[start..end].iter().sum();
            let trials: f64 = rest.trials[start..end].iter().sum();
            found.push(Run { start, end, events, trials, expected: 0.0, surprise: 0.0 });
            rest.events[start..end].fill(0.0);
            rest.trials[start..end].fill(0.0);
        }
    }
    found
}

/// Gain over all slots being quiet, in nats, and the spans that are disturbed.
fn viterbi(series: &Series, quiet: f64, disturbed: f64, price: f64) -> (f64, Vec<(usize, usize)>) {
    let gain = (disturbed / quiet).ln();
    // Best gain so far if the slot is quiet, and if it is disturbed.
    let (mut calm, mut wild) = (0.0_f64, f64::NEG_INFINITY);
    // Runs with the run before each; the last one of the best quiet path; where the present run began, and after which.
    let mut chain: Vec<(usize, usize, Option<usize>)> = Vec::new();
    let mut last = None;
    let mut began = (0, None);
    for (i, (events, trials)) in series.events.iter().zip(&series.trials).enumerate() {
        if calm - price > wild {
            wild = calm - price;
            began = (i, last);
        }
        wild += events * gain - trials * (disturbed - quiet);
        if wild > calm {
            calm = wild;
            chain.push((began.0, i + 1, began.1));
            last = Some(chain.len() - 1);
        }
    }
    let mut spans = Vec::new();
    while let Some((start, end, before)) = last.map(|at: usize| chain[at]) {
        spans.push((start, end));
        last = before;
    }
    (calm, spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(events: impl IntoIterator<Item = u32>, trials: f64) -> Series {
        let events: Vec<f64> = events.into_iter().map(f64::from).collect();
        Series { trials: vec![trials; events.len()], events }
    }

    #[test]
    fn one_run_with_sharp_edges() {
        let mut events = vec![0; 180];
        events[17] = 1;
        events[80] = 2;
        for (i, slot) in events[100..120].iter_mut().enumerate() {
            *slot = 6 + (i as u32 % 5);
        }
        let (quiet, found) = runs(&series(events, 2400.0), price(180, 50), 1.0);
        assert_eq!(found.iter().map(|run| (run.start, run.end)).collect::<Vec<_>>(), [(100, 120)]);
        assert!((quiet * 2400.0 * 160.0 - 3.5).abs() < 1e-9, "{quiet}");
        assert!(found[0].surprise > 300.0 && found[0].expected < 1.0);
    }

    #[test]
    fn more_traffic_with_the_same_rate_is_no_run() {
        let mut series = series((0..180).map(|i| i % 3), 600.0);
        for i in 60..120 {
            series.events[i] *= 4.0;
            series.trials[i] *= 4.0;
        }
        assert_eq!(runs(&series, price(180, 50), 1.0).1, []);
    }

    #[test]
    fn a_short_calm_is_bridged_and_a_long_one_is_not() {
        let mut events = vec![0; 300];
        events[100..110].fill(4);
        events[111..120].fill(4);
        events[200..210].fill(4);
        let (_, found) = runs(&series(events, 1000.0), price(300, 50), 1.0);
        assert_eq!(found.iter().map(|run| (run.start, run.end)).collect::<Vec<_>>(), [(100, 120), (200, 210)]);
    }

    #[test]
    fn runs_of_different_height() {
        let mut events = vec![0; 300];
        events[20..40].fill(3);
        events[200..205].fill(500);
        let (_, found) = runs(&series(events, 1000.0), price(300, 50), 1.0);
        assert_eq!(found.iter().map(|run| (run.start, run.end)).collect::<Vec<_>>(), [(20, 40), (200, 205)]);
    }

    #[test]
    fn nothing_in_nothing() {
        assert_eq!(runs(&Series::default(), price(0, 0), 1.0).1, []);
        assert_eq!(runs(&series(vec![0; 50], 0.0), price(50, 1), 1.0).1, []);
        assert_eq!(runs(&series(vec![0; 50], 100.0), price(50, 1), 1.0).1, []);
    }
}
