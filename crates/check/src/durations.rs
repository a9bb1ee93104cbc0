//! Durations of a window, counted in steps: percentiles, how many are longer than a limit, and where they pile up.

use serde::Deserialize;

/// A row of `sql/durations.sql`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Step {
    pub(crate) is_in: bool,
    /// 400 times the logarithm of the seconds; `None` for requests without a duration.
    pub(crate) step: Option<i64>,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// Answered with 4xx, 5xx, or not at all.
    pub(crate) failed: u64,
    /// Seconds.
    pub(crate) shortest: Option<f64>,
    pub(crate) longest: Option<f64>,
}

/// The requests of a window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Durations {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// Those with a duration.
    pub(crate) timed: u64,
    steps: Vec<Step>,
}

/// A pile-up of durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wall {
    /// Steps of one percent, the last one included.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Shortest duration in it, seconds.
    pub(crate) seconds: f64,
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    /// Going by the durations around.
    pub(crate) expected: f64,
}

/// Walls are looked for from here on, in seconds: what is shorter is no timeout.
const SHORTEST_WALL: f64 = 1.0;
/// A step of one percent is compared with the steps around it up to so far away, but for the two next to it: a pile may spread into
/// these. As in the query `timeouts_near_a_limit`.
const AROUND: i64 = 20;
const NEXT_TO: i64 = 2;
/// Fewer are no pile, and so is what is not more than three times what is expected: real durations are not even.
const LEAST: u64 = 5;
const TIMES: f64 = 3.0;

impl Durations {
    /// `steps` are those of one window, in order.
    pub(crate) fn new(steps: Vec<Step>) -> Durations {
        let sum = |of: fn(&Step) -> u64| steps.iter().map(of).sum();
        Durations {
            requests: sum(|step| step.requests),
            errors: sum(|step| step.errors),
            timed: sum(|step| if step.step.is_some() { step.requests } else { 0 }),
            steps: steps.into_iter().filter(|step| step.step.is_some()).collect(),
        }
    }

    /// The shortest duration that the share `q` of the requests did not exceed, exact to 0.25 percent, upwards.
    pub(crate) fn percentile(&self, q: f64) -> Option<f64> {
        let rank = (q * self.timed as f64).ceil() as u64;
        let mut up_to_here = 0;
        let step = self.steps.iter().find(|step| {
            up_to_here += step.requests;
            up_to_here >= rank
        });
        step.and_then(|step| step.longest)
    }

    /// How many took longer. Of the step of 0.25 percent that the limit is in, none, unless all of them did.
    pub(crate) fn longer_than(&self, seconds: f64) -> u64 {
        let longer = self.steps.iter().filter(|step| step.shortest.is_some_and(|shortest| shortest > seconds));
        longer.map(|step| step.requests).sum()
    }

    /// How many are in these steps of one percent.
    pub(crate) fn within(&self, first: i64, last: i64) -> u64 {
        let within =
            self.steps.iter().filter(|step| step.step.is_some_and(|n| (first..=last).contains(&n.div_euclid(4))));
        within.map(|step| step.requests).sum()
    }

    /// Where durations pile up and fail. Piles are found as the query `timeouts_near_a_limit` finds them: by the Chernoff bound of the
    /// Poisson tail, corrected for the number of steps looked at. Work that always takes as long piles up too, but it does not fail: at
    /// least half of what is above the expected number must have.
    pub(crate) fn walls(&self, chance: f64) -> Vec<Wall> {
        // One percent, as four of 0.25.
        let mut wide: Vec<(i64, u64, u64, f64)> = Vec::new();
        for step in &self.steps {
            let (Some(n), Some(shortest)) = (step.step, step.shortest) else {
                continue;
            };
            match wide.last_mut() {
                Some((last, requests, failed, _)) if *last == n.div_euclid(4) => {
                    (*requests, *failed) = (*requests + step.requests, *failed + step.failed);
                }
                _ => wide.push((n.div_euclid(4), step.requests, step.failed, shortest)),
            }
        }
        wide.retain(|&(_, _, _, shortest)| shortest >= SHORTEST_WALL);
        let too_improbable = (wide.len() as f64 / chance).ln();
        let mut walls: Vec<Wall> = Vec::new();
        for &(n, requests, failed, seconds) in &wide {
            let side = |from: i64, to: i64| -> u64 {
                wide.iter().filter(|(other, ..)| (from..=to).contains(other)).map(|(_, requests, ..)| requests).sum()
            };
            let around = side(n - AROUND, n - NEXT_TO - 1).max(side(n + NEXT_TO + 1, n + AROUND));
            // One more: having seen none there does not prove that there never is one.
            let expected = (around + 1) as f64 / (AROUND - NEXT_TO) as f64;
            let k = requests as f64;
            let stands_out = k * (k / expected).ln() - k + expected >= too_improbable;
            if requests < LEAST || k <= TIMES * expected || !stands_out {
                continue;
            }
            match walls.last_mut() {
                Some(wall) if wall.last + 1 == n => {
                    (wall.last, wall.requests, wall.expected) = (n, wall.requests + requests, wall.expected + expected);
                    wall.failed += failed;
                }
                _ => walls.push(Wall { first: n, last: n, seconds, requests, failed, expected }),
            }
        }
        walls.retain(|wall| wall.failed as f64 >= (wall.requests as f64 - wall.expected) / 2.0);
        walls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(seconds: impl IntoIterator<Item = f64>) -> Durations {
        mixed(seconds, [])
    }

    /// Requests that went well and requests that failed.
    fn mixed(good: impl IntoIterator<Item = f64>, failed: impl IntoIterator<Item = f64>) -> Durations {
        let good = good.into_iter().map(|seconds| (seconds, 0));
        let mut requests: Vec<(f64, u64)> = good.chain(failed.into_iter().map(|seconds| (seconds, 1))).collect();
        requests.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut steps: Vec<Step> = Vec::new();
        for (s, failed) in requests {
            let n = Some((s.ln() * 400.0).floor() as i64);
            if steps.last().is_none_or(|step| step.step != n) {
                let (shortest, longest) = (Some(s), Some(s));
                steps.push(Step { is_in: true, step: n, requests: 0, errors: 0, failed: 0, shortest, longest });
            }
            if let Some(step) = steps.last_mut() {
                (step.requests, step.failed, step.longest) = (step.requests + 1, step.failed + failed, Some(s));
            }
        }
        Durations::new(steps)
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let d = durations((1..=100).map(f64::from));
        assert_eq!((d.percentile(0.5), d.percentile(0.99), d.percentile(0.999)), (Some(50.0), Some(99.0), Some(100.0)));
        assert_eq!(Durations::default().percentile(0.99), None);
        assert_eq!((d.longer_than(90.0), d.longer_than(100.0), d.longer_than(0.0)), (10, 0, 100));
        assert_eq!(durations([60.001, 60.002]).longer_than(60.0), 2);
    }

    #[test]
    fn walls_are_found_and_nothing_else() {
        // Even on the logarithm, as durations are: no wall.
        let smooth = || (0..2000).map(|i| 0.01 * (f64::from(i) / 200.0).exp());
        assert_eq!(durations(smooth()).walls(0.01), []);
        let at_15 = || (0..40).map(|i| 15.001 + f64::from(i) / 4000.0);
        let walls = mixed(smooth(), at_15()).walls(0.01);
        let [wall] = walls.as_slice() else { panic!("{walls:?}") };
        assert!((wall.seconds - 15.0).abs() < 0.15 && wall.requests >= 40 && wall.expected < 10.0, "{wall:?}");
        assert_eq!(wall.failed, 40);
        // What did not fail, is below a second, few, or in a crowd is no timeout.
        assert_eq!(durations(smooth().chain(at_15())).walls(0.01), []);
        assert_eq!(mixed(smooth(), (0..40).map(|_| 0.5)).walls(0.01), []);
        assert_eq!(mixed([], (0..4).map(|_| 15.0)).walls(0.01), []);
        assert_eq!(mixed([], (0..4000).map(|i| 5.0 + f64::from(i) / 2000.0)).walls(0.01), []);
    }
}
