//! Times in which requests failed, or were slow, beyond what their traffic explains.
//!
//! The same test is put to many series: failures of each family, over all requests, over those of each route and of each target; and slow
//! requests likewise. What happens at the same time is one episode. A route that always fails a little is its own baseline, and four times the
//! traffic with the same rate of failures is nothing.

use std::collections::BTreeMap;

use crate::facts::{Facts, Family};
use crate::latency::step_from;
use crate::segments::{Run, Series, price, runs};

/// Fewer failures beyond the expected are no incident, however improbable: a deploy of one target loses as many.
const LEAST_ERRORS: f64 = 5.0;
/// A request is slow if it takes so many times the median of its route, and at least so many seconds: below that nobody complains.
const SLOW_FACTOR: f64 = 3.0;
const SLOW_SECONDS: f64 = 0.25;
/// The share of requests that must be slow, and how many: latency varies with traffic, so that probability alone finds every busy hour.
const SLOW_SHARE: f64 = 0.15;
const LEAST_SLOW: f64 = 20.0;
/// The same if nothing fails: then it is an incident only if nobody can miss it.
const SLOW_SHARE_ALONE: f64 = 0.4;
const LEAST_SLOW_ALONE: f64 = 60.0;
/// A finding belongs to an episode if they share so much of the shorter one.
const OVERLAP: f64 = 0.5;
/// A finding moves the episode's edges if it is as clear as this share of the clearest.
const CLEAR: f64 = 0.2;
/// Episodes with a calm of up to so many seconds between them are one; those of the same kind of failure up to the longer time, since what depends
/// on load comes and goes with it.
const JOIN_SECONDS: i64 = 300;
const JOIN_ALIKE_SECONDS: i64 = 600;
/// More episodes are not examined: the clearest are.
const MOST_EPISODES: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signal {
    /// Failures of a family.
    Errors(Family),
    AllErrors,
    Slow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Focus {
    All,
    Route(usize),
    Target(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) signal: Signal,
    pub(crate) focus: Focus,
    pub(crate) run: Run,
}

/// Slots, `end` excluded, with what was found in them.
#[derive(Debug, Clone)]
pub(crate) struct Episode {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) findings: Vec<Finding>,
}

impl Episode {
    fn surprise(&self) -> f64 {
        self.findings.iter().map(|finding| finding.run.surprise).fold(0.0, f64::max)
    }

    pub(crate) fn has(&self, slot: usize) -> bool {
        (self.start..self.end).contains(&slot)
    }
}

/// The first step in which a request of the route is slow.
pub(crate) fn slow_steps(facts: &Facts) -> Vec<u8> {
    (0..facts.routes.keys())
        .map(|route| slow_step(facts.routes.summary(route, |_| true).quantile(0.5)))
        .collect()
}

fn slow_step(median: Option<f64>) -> u8 {
    step_from((SLOW_FACTOR * median.unwrap_or(f64::MAX)).max(SLOW_SECONDS))
}

/// Episodes in order of time.
pub(crate) fn episodes(facts: &Facts) -> Vec<Episode> {
    let series = all_series(facts);
    let price = price(facts.slots, series.len());
    let mut findings: Vec<Finding> = Vec::new();
    for ((signal, focus), series) in &series {
        let most = match (signal, focus) {
            (Signal::Errors(family), Focus::All) => family.highest_background(),
            _ => 1.0,
        };
        let (_, runs) = runs(series, price, most);
        let all = runs.into_iter().filter(|run| is_finding(*signal, run));
        findings.extend(all.map(|run| Finding { signal: *signal, focus: *focus, run }));
    }
    join(gather(findings), facts.seconds)
}

/// Everything that is looked at for runs.
fn all_series(facts: &Facts) -> BTreeMap<(Signal, Focus), Series> {
    let slots = facts.slots;
    let mut events: BTreeMap<(Signal, Focus), Vec<f64>> = BTreeMap::new();
    for errors in &facts.errors {
        let foci = [Some(Focus::All), Some(Focus::Route(errors.route)), errors.target.map(Focus::Target)];
        for focus in foci.into_iter().flatten() {
            for signal in [Signal::Errors(errors.family), Signal::AllErrors] {
                events.entry((signal, focus)).or_insert_with(|| vec![0.0; slots])[errors.slot] += errors.requests;
            }
        }
    }
    events.retain(|_, events| events.iter().sum::<f64>() >= LEAST_ERRORS);
    let mut slow_at_all = vec![0.0; slots];
    for (route, step) in slow_steps(facts).into_iter().enumerate() {
        let slow = facts.routes.count(route, slots, step);
        for (all, slow) in slow_at_all.iter_mut().zip(&slow) {
            *all += slow;
        }
        events.insert((Signal::Slow, Focus::Route(route)), slow);
    }
    events.insert((Signal::Slow, Focus::All), slow_at_all);
    for target in 0..facts.targets.keys() {
        let step = slow_step(facts.targets.summary(target, |_| true).quantile(0.5));
        events.insert((Signal::Slow, Focus::Target(target)), facts.targets.count(target, slots, step));
    }
    events.retain(|(signal, _), events| *signal != Signal::Slow || events.iter().sum::<f64>() >= LEAST_SLOW);
    events
        .into_iter()
        .map(|((signal, focus), events)| {
            let trials = match focus {
                Focus::All => facts.requests.clone(),
                Focus::Route(route) => facts.routes.requests(route, slots),
                Focus::Target(target) => facts.targets.requests(target, slots),
            };
            ((signal, focus), Series { events, trials })
        })
        .collect()
}

fn is_finding(signal: Signal, run: &Run) -> bool {
    match signal {
        Signal::Slow => {
            run.events >= LEAST_SLOW
                && run.events - run.expected >= SLOW_SHARE * run.trials
                && run.events >= SLOW_FACTOR * run.expected
        }
        _ => run.events - run.expected >= LEAST_ERRORS,
    }
}

/// Whether it makes an episode by itself.
fn stands_alone(finding: &Finding) -> bool {
    let run = &finding.run;
    finding.signal != Signal::Slow || (run.events >= LEAST_SLOW_ALONE && run.events >= SLOW_SHARE_ALONE * run.trials)
}

fn gather(mut findings: Vec<Finding>) -> Vec<Episode> {
    findings.sort_by(|a, b| b.run.surprise.total_cmp(&a.run.surprise));
    let mut episodes: Vec<Episode> = Vec::new();
    for finding in findings {
        let (start, end) = (finding.run.start, finding.run.end);
        let shared = |episode: &Episode| episode.end.min(end).saturating_sub(episode.start.max(start)) as f64;
        let belongs = |episode: &&mut Episode| {
            shared(episode) >= OVERLAP * ((episode.end - episode.start).min(end - start)) as f64
        };
        match episodes.iter_mut().find(belongs) {
            Some(episode) => {
                if finding.run.surprise >= CLEAR * episode.surprise() {
                    episode.start = episode.start.min(start);
                    episode.end = episode.end.max(end);
                }
                episode.findings.push(finding);
            }
            None => episodes.push(Episode { start, end, findings: vec![finding] }),
        }
    }
    episodes.retain(|episode| episode.findings.iter().any(stands_alone));
    episodes
}

fn join(mut episodes: Vec<Episode>, seconds: i64) -> Vec<Episode> {
    episodes.sort_by(|a, b| b.surprise().total_cmp(&a.surprise()));
    episodes.truncate(MOST_EPISODES);
    episodes.sort_by_key(|episode| episode.start);
    let mut joined: Vec<Episode> = Vec::new();
    for episode in episodes {
        if let Some(last) = joined.last_mut() {
            let calm = episode.start.saturating_sub(last.end) as i64 * seconds;
            let alike = last.findings.iter().any(|a| {
                episode.findings.iter().any(|b| (a.signal, a.focus) == (b.signal, b.focus))
            });
            if calm <= JOIN_SECONDS || (alike && calm <= JOIN_ALIKE_SECONDS) {
                last.end = last.end.max(episode.end);
                last.findings.extend(episode.findings);
                continue;
            }
        }
        joined.push(episode);
    }
    joined
}
