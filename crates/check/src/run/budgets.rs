//! Budgets of requests: verdicts on the counted durations of the window and of the baseline.

use crate::durations::Durations;
use crate::file::{Check, ErrorRate, Latency, Requests};
use crate::report::{Outcome, Verdict};
use crate::statistics::{at_least, enough, share_at_least, share_at_most};

/// So many requests in either window, unless the file says otherwise, before they are compared and found alike.
const MIN_COMPARED: u64 = 100;

/// What a check is held against.
pub(super) struct Seen {
    pub(super) window: Durations,
    pub(super) baseline: Durations,
    pub(super) window_s: f64,
    /// 0 if the lake does not reach back before the window.
    pub(super) baseline_s: f64,
    pub(super) min_requests: Option<u64>,
    /// Of failing a budget that is just kept.
    pub(super) chance: f64,
}

impl Check {
    pub(super) fn is_about_requests(&self) -> bool {
        self.no_new_timeout_wall
            || self.error_rate.is_some()
            || self.requests.is_some()
            || self.latencies().next().is_some()
    }

    pub(super) fn needs_baseline(&self) -> bool {
        self.no_new_timeout_wall
            || self.error_rate.as_ref().is_some_and(|rate| rate.max_increase.is_some())
            || self.requests.as_ref().is_some_and(|requests| requests.max_decrease.is_some())
            || self.latencies().any(|(_, latency)| latency.max_increase.is_some())
    }

    fn latencies(&self) -> impl Iterator<Item = (Percentile, &Latency)> {
        let all = [(P50, &self.p50), (P90, &self.p90), (P99, &self.p99)];
        all.into_iter().filter_map(|(percentile, latency)| Some((percentile, latency.as_ref()?)))
    }
}

impl Verdict {
    /// No verdict so far.
    pub(super) fn of(budget: &'static str) -> Verdict {
        Verdict {
            check: String::new(),
            number: 0,
            budget,
            outcome: Outcome::NoVerdict,
            observed: None,
            limit: None,
            requests: None,
            text: String::new(),
        }
    }
}

/// A percentile and the keys of its budgets.
struct Percentile {
    q: f64,
    name: &'static str,
    max: &'static str,
    max_increase: &'static str,
}

const P50: Percentile = Percentile { q: 0.5, name: "p50", max: "p50.max", max_increase: "p50.max_increase" };
const P90: Percentile = Percentile { q: 0.9, name: "p90", max: "p90.max", max_increase: "p90.max_increase" };
const P99: Percentile = Percentile { q: 0.99, name: "p99", max: "p99.max", max_increase: "p99.max_increase" };

pub(super) fn requests(check: &Check, seen: &Seen) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if let Some(budget) = &check.requests {
        verdicts.extend(number(budget, seen));
    }
    if let Some(budget) = &check.error_rate {
        verdicts.extend(error_rate(budget, seen));
    }
    for (percentile, budget) in check.latencies() {
        verdicts.extend(latency(&percentile, budget, seen));
    }
    if check.no_new_timeout_wall {
        verdicts.push(new_timeout_wall(seen));
    }
    verdicts
}

fn number(budget: &Requests, seen: &Seen) -> Vec<Verdict> {
    let n = seen.window.requests;
    let mut verdicts = Vec::new();
    let verdict = |budget, limit: f64| Verdict {
        observed: Some(n as f64),
        limit: Some(limit),
        requests: Some(n),
        ..Verdict::of(budget)
    };
    if let Some(min) = budget.min {
        let outcome = if n < min { Outcome::Failed } else { Outcome::Ok };
        verdicts.push(Verdict {
            outcome,
            text: format!("{}, at least {min} expected", requested(n)),
            ..verdict("requests.min", min as f64)
        });
    }
    if let Some(decrease) = budget.max_decrease {
        let before = seen.baseline.requests;
        let kept = 1.0 - decrease.0;
        let least = if seen.baseline_s > 0.0 { before as f64 * kept * seen.window_s / seen.baseline_s } else { 0.0 };
        let mut verdict = verdict("requests.max_decrease", least);
        if before == 0 {
            verdict.text = "there is no request in the baseline".to_owned();
        } else {
            let by_chance = share_at_most(n, before, seen.window_s * kept, seen.baseline_s);
            verdict.outcome = match n as f64 >= least {
                true => Outcome::Ok,
                false if by_chance < seen.chance => Outcome::Failed,
                false => Outcome::NoVerdict,
            };
            verdict.text = format!(
                "{}, at least {least:.1} expected ({decrease} less than in the baseline){}",
                requested(n),
                chance(&verdict, by_chance)
            );
        }
        verdicts.push(verdict);
    }
    verdicts
}

fn error_rate(budget: &ErrorRate, seen: &Seen) -> Vec<Verdict> {
    let (k, n) = (seen.window.errors, seen.window.requests);
    let rate = (n > 0).then(|| k as f64 / n as f64);
    let mut verdicts = Vec::new();
    let verdict = |budget| Verdict { observed: rate, requests: Some(n), ..Verdict::of(budget) };
    if let Some(max) = budget.max {
        let mut verdict = Verdict { limit: Some(max.0), ..verdict("error_rate.max") };
        let needed = seen.min_requests.unwrap_or_else(|| enough(max.0, seen.chance));
        let by_chance = at_least(k, n, max.0);
        judge(&mut verdict, rate.is_some_and(|rate| rate > max.0), by_chance, n >= needed, seen);
        verdict.text = format!(
            "{} in {}{}, at most {max} allowed{}",
            failed(k),
            requested(n),
            of(rate),
            reason(&verdict, by_chance, n, needed)
        );
        verdicts.push(verdict);
    }
    if let Some(increase) = budget.max_increase {
        let (k0, n0) = (seen.baseline.errors, seen.baseline.requests);
        let mut verdict = verdict("error_rate.max_increase");
        if n0 == 0 {
            verdict.text = "there is no request in the baseline".to_owned();
        } else {
            let limit = k0 as f64 / n0 as f64 * (1.0 + increase.0);
            verdict.limit = Some(limit);
            let needed = seen.min_requests.unwrap_or(MIN_COMPARED);
            let by_chance = share_at_least(k, k0, n as f64 * (1.0 + increase.0), n0 as f64);
            judge(&mut verdict, rate.is_some_and(|rate| rate > limit), by_chance, n.min(n0) >= needed, seen);
            verdict.text = format!(
                "{} in {}{}, at most {increase} more than in the baseline allowed: {k0} in {n0}{}{}",
                failed(k),
                requested(n),
                of(rate),
                of(Some(k0 as f64 / n0 as f64)),
                reason(&verdict, by_chance, n.min(n0), needed)
            );
        }
        verdicts.push(verdict);
    }
    verdicts
}

fn latency(percentile: &Percentile, budget: &Latency, seen: &Seen) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let allowed = 1.0 - percentile.q;
    let needed = seen.min_requests.unwrap_or_else(|| enough(allowed, seen.chance));
    let n = seen.window.timed;
    let observed = seen.window.percentile(percentile.q);
    // A percentile is above a limit if more requests than its share are; that is a rate as any other.
    let verdict = |budget, limit: f64, comparable: u64, source: &str| {
        let mut verdict = Verdict { observed, limit: Some(limit), requests: Some(n), ..Verdict::of(budget) };
        let longer = seen.window.longer_than(limit);
        let by_chance = at_least(longer, n, allowed);
        judge(&mut verdict, longer as f64 > allowed * n as f64, by_chance, n.min(comparable) >= needed, seen);
        verdict.text = format!(
            "{} is {}, at most {}{source} allowed: {longer} of {} took longer{}",
            percentile.name,
            observed.map_or_else(|| "not known".to_owned(), |seconds| format!("{seconds:.3} s")),
            format_args!("{limit:.3} s"),
            requested(n),
            reason(&verdict, by_chance, n.min(comparable), needed)
        );
        verdict
    };
    if let Some(max) = budget.max {
        verdicts.push(verdict(percentile.max, max.0, n, ""));
    }
    if let Some(increase) = budget.max_increase {
        match seen.baseline.percentile(percentile.q) {
            Some(before) if seen.baseline.timed >= needed => {
                let source = format!(" ({increase} more than the {before:.3} s of the baseline)");
                verdicts.push(verdict(
                    percentile.max_increase,
                    before * (1.0 + increase.0),
                    seen.baseline.timed,
                    &source,
                ));
            }
            before => verdicts.push(Verdict {
                observed,
                limit: before.map(|before| before * (1.0 + increase.0)),
                requests: Some(n),
                text: format!("the baseline has {}, fewer than {needed}", requested(seen.baseline.timed)),
                ..Verdict::of(percentile.max_increase)
            }),
        }
    }
    verdicts
}

fn new_timeout_wall(seen: &Seen) -> Verdict {
    let (now, before) = (&seen.window, &seen.baseline);
    let mut verdict = Verdict { requests: Some(now.timed), ..Verdict::of("no_new_timeout_wall") };
    let mut walls = now.walls(seen.chance);
    let found = walls.len();
    // A share of the baseline that is as large, or could be by chance, makes it an old one.
    walls.retain(|wall| {
        let (k, k0) = (now.within(wall.first, wall.last), before.within(wall.first, wall.last));
        share_at_least(k, k0, now.timed as f64, before.timed.max(1) as f64) < seen.chance
    });
    let needed = seen.min_requests.unwrap_or(MIN_COMPARED);
    (verdict.outcome, verdict.text) = match walls.iter().max_by_key(|wall| wall.requests) {
        None if found > 0 => (Outcome::Ok, "no pile-up of durations but those of the baseline".to_owned()),
        None if now.timed < needed => (Outcome::NoVerdict, format!("{}, fewer than {needed}", requested(now.timed))),
        None => (Outcome::Ok, "no pile-up of durations".to_owned()),
        Some(_) if before.timed < needed => (
            Outcome::NoVerdict,
            format!("durations pile up, but the baseline has {}, fewer than {needed}", requested(before.timed)),
        ),
        Some(wall) => {
            verdict.observed = Some(wall.seconds);
            let text = format!(
                "{} requests took about {:.2} s and {} of them failed, where {:.1} requests would go by the durations around; the baseline \
                 has no such pile-up",
                wall.requests, wall.seconds, wall.failed, wall.expected
            );
            (Outcome::Failed, text)
        }
    };
    verdict
}

/// Failed if it is exceeded beyond chance, however few there are; kept if it is not exceeded and there are enough to tell.
fn judge(verdict: &mut Verdict, exceeded: bool, by_chance: f64, enough: bool, seen: &Seen) {
    verdict.outcome = match () {
        () if exceeded && by_chance < seen.chance => Outcome::Failed,
        () if !exceeded && enough => Outcome::Ok,
        () => Outcome::NoVerdict,
    };
}

/// Why there is no verdict.
fn reason(verdict: &Verdict, by_chance: f64, requests: u64, needed: u64) -> String {
    match verdict.outcome {
        Outcome::NoVerdict if requests < needed => format!("; {requests} are too few to tell, {needed} are needed"),
        _ => chance(verdict, by_chance),
    }
}

fn chance(verdict: &Verdict, by_chance: f64) -> String {
    match verdict.outcome {
        Outcome::NoVerdict => format!("; that may be chance (probability {by_chance:.2})"),
        _ => String::new(),
    }
}

fn requested(n: u64) -> String {
    if n == 1 { "1 request".to_owned() } else { format!("{n} requests") }
}

fn failed(n: u64) -> String {
    if n == 1 { "1 error".to_owned() } else { format!("{n} errors") }
}

/// ` (0.512 %)`
fn of(rate: Option<f64>) -> String {
    rate.map_or_else(String::new, |rate| format!(" ({:.3} %)", rate * 100.0))
}
