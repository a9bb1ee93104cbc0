//! Times in which requests failed, or were slow, beyond what their traffic explains.
//!
//! The same test is put to many series: failures of each family, over all requests, over those of each route and of each target; and slow
//! requests likewise. What happens at the same time is one episode. A route that always fails a little is its own baseline, and four times the
//! traffic with the same rate of failures is nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Facts, Family};
use crate::latency::step_from;
use crate::segments::{Run, Series, price, runs};

/// Fewer failures beyond the expected are no incident, however improbable: a deploy of one target loses as many.
pub(crate) const LEAST_ERRORS: f64 = 5.0;
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
const CLEAR: f64 = 0.35;
/// Episodes with a calm of up to so many seconds between them are one. The same kind of failure may pause for longer, since what depends on load
/// comes and goes with it; and short bursts on one target after the other may be further apart: a rolling deploy waits until each is healthy.
const JOIN_SECONDS: i64 = 300;
const JOIN_ALIKE_SECONDS: i64 = 600;
const JOIN_BURSTS_SECONDS: i64 = 1200;
const BURST_SECONDS: i64 = 240;
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
    /// Only failures of these families belong to it, if another incident happens at the same time; else `None`.
    pub(crate) families: Option<BTreeSet<Family>>,
}

impl Episode {
    fn surprise(&self) -> f64 {
        self.findings.iter().map(|finding| finding.run.surprise).fold(0.0, f64::max)
    }

    pub(crate) fn has(&self, slot: usize) -> bool {
        (self.start..self.end).contains(&slot)
    }

    pub(crate) fn takes(&self, family: Family) -> bool {
        self.families.as_ref().is_none_or(|families| families.contains(&family))
    }
}

/// The first step in which a request of the route is slow.
pub(crate) fn slow_steps(facts: &Facts) -> Vec<u8> {
    (0..facts.routes.keys()).map(|route| slow_step(facts.routes.summary(route, |_| true).quantile(0.5))).collect()
}

fn slow_step(median: Option<f64>) -> u8 {
    step_from((SLOW_FACTOR * median.unwrap_or(f64::MAX)).max(SLOW_SECONDS))
}

/// Episodes in order of time.
pub(crate) fn episodes(facts: &Facts) -> Vec<Episode> {
    let series = all_series(facts);
    let price = price(facts.slots, series.len());
    let mut findings: Vec<Finding> = Vec::new();
    for ((signal, focus), mine) in &series {
        let most = match (signal, focus) {
            (Signal::Errors(family), Focus::All) => family.highest_background(),
            _ => 1.0,
        };
        let (_, runs) = runs(mine, price, most);
        let all = runs.into_iter().filter(|run| is_finding(*signal, run) && is_alone(*signal, *focus, run, &series));
        findings.extend(all.map(|run| Finding { signal: *signal, focus: *focus, run }));
    }
    for Finding { signal, focus, run } in &findings {
        tracing::debug!(
            ?signal,
            focus = match focus {
                Focus::All => "all",
                Focus::Route(id) => facts.route_names.get(*id),
                Focus::Target(id) => facts.target_names.get(*id),
            },
            start = %facts.time(run.start),
            end = %facts.time(run.end),
            events = run.events,
            expected = run.expected,
            trials = run.trials,
            surprise = run.surprise,
            "more than the traffic explains"
        );
    }
    let mut episodes: Vec<Episode> =
        join(gather(findings), facts.seconds).into_iter().flat_map(|episode| split(facts, episode)).collect();
    episodes.sort_by_key(|episode| (episode.start, episode.end));
    episodes
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

/// A target is slow only if no other one is as slow meanwhile: the routes that it serves may be slow, or be asked for more often.
fn is_alone(signal: Signal, focus: Focus, run: &Run, series: &BTreeMap<(Signal, Focus), Series>) -> bool {
    let (Signal::Slow, Focus::Target(target)) = (signal, focus) else {
        return true;
    };
    let as_slow = |other: &Series| {
        let sum = |counts: &[f64]| counts[run.start..run.end].iter().sum::<f64>();
        sum(&other.events) * SLOW_FACTOR * run.trials > run.events * sum(&other.trials)
    };
    !series.iter().any(|((signal, focus), other)| {
        *signal == Signal::Slow && matches!(focus, Focus::Target(id) if *id != target) && as_slow(other)
    })
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
                // Failures of all families together move nothing that one of them has settled.
                let settles = finding.signal != Signal::AllErrors;
                if settles && finding.run.surprise >= CLEAR * episode.surprise() {
                    episode.start = episode.start.min(start);
                    episode.end = episode.end.max(end);
                }
                episode.findings.push(finding);
            }
            None => episodes.push(Episode { start, end, findings: vec![finding], families: None }),
        }
    }
    episodes.retain(|episode| episode.findings.iter().any(stands_alone));
    episodes
}

fn join(mut episodes: Vec<Episode>, seconds: i64) -> Vec<Episode> {
    episodes.sort_by(|a, b| b.surprise().total_cmp(&a.surprise()));
    episodes.truncate(MOST_EPISODES);
    episodes.sort_by_key(|episode| episode.start);
    let mut groups: Vec<Vec<Episode>> = Vec::new();
    for episode in episodes {
        let belongs = |group: &Vec<Episode>| {
            let end = group.iter().map(|member| member.end).max().unwrap_or(0);
            let calm = episode.start.saturating_sub(end) as i64 * seconds;
            calm <= JOIN_SECONDS
                || (calm <= JOIN_ALIKE_SECONDS && group.iter().any(|member| are_alike(member, &episode)))
                || (calm <= JOIN_BURSTS_SECONDS && group.last().is_some_and(|last| are_bursts(last, &episode, seconds)))
        };
        match groups.last_mut().filter(|group| belongs(group)) {
            Some(group) => group.push(episode),
            None => groups.push(vec![episode]),
        }
    }
    let whole = |group: Vec<Episode>| Episode {
        start: group[0].start,
        end: group.iter().map(|episode| episode.end).max().unwrap_or(group[0].end),
        findings: group.into_iter().flat_map(|episode| episode.findings).collect(),
        families: None,
    };
    groups.into_iter().map(whole).collect()
}

/// The same happens to the same.
fn are_alike(a: &Episode, b: &Episode) -> bool {
    let of_b: BTreeSet<_> = b.findings.iter().map(|finding| (finding.signal, finding.focus)).collect();
    a.findings.iter().any(|finding| of_b.contains(&(finding.signal, finding.focus)))
}

/// Both are short, and failures of one family hit another target in each.
fn are_bursts(a: &Episode, b: &Episode, seconds: i64) -> bool {
    let is_short = |episode: &Episode| (episode.end - episode.start) as i64 * seconds <= BURST_SECONDS;
    let families = |episode: &Episode| -> BTreeSet<Family> {
        let family = |finding: &Finding| match finding.signal {
            Signal::Errors(family) => Some(family),
            _ => None,
        };
        episode.findings.iter().filter_map(family).collect()
    };
    let targets = |episode: &Episode| -> BTreeSet<usize> {
        let target = |finding: &Finding| match (finding.signal, finding.focus) {
            (Signal::Errors(_) | Signal::AllErrors, Focus::Target(target)) => Some(target),
            _ => None,
        };
        episode.findings.iter().filter_map(target).collect()
    };
    let (hit_a, hit_b) = (targets(a), targets(b));
    is_short(a)
        && is_short(b)
        && !families(a).is_disjoint(&families(b))
        && !hit_a.is_empty()
        && !hit_b.is_empty()
        && hit_a.is_disjoint(&hit_b)
}

/// Families that name their cause: two of them at the same time on different routes are two stories.
const NAMED: [Family; 4] = [Family::BodyTooLarge, Family::Lambda, Family::GaveUp, Family::Application];
/// The share of a family's failures that one route must have, and how many there must be, to tell its story apart.
const NARROW: f64 = 0.8;
const LEAST_APART: f64 = 20.0;

/// Takes a family of failures out of an episode if it has a route of its own that is not slow, and nothing else of the episode fails there.
fn split(facts: &Facts, episode: Episode) -> Vec<Episode> {
    let mut routes: BTreeMap<Family, BTreeMap<usize, f64>> = BTreeMap::new();
    for errors in facts.errors.iter().filter(|errors| episode.has(errors.slot)) {
        *routes.entry(errors.family).or_default().entry(errors.route).or_default() += errors.requests;
    }
    let total = |family: &Family| routes[family].values().sum::<f64>();
    let own_route = |family: Family| -> Option<usize> {
        let (route, most) = routes.get(&family)?.iter().max_by(|a, b| a.1.total_cmp(b.1))?;
        let others: f64 =
            routes.iter().filter(|(other, _)| **other != family).filter_map(|(_, on)| on.get(route)).sum();
        let slow = episode.findings.iter().any(|f| (f.signal, f.focus) == (Signal::Slow, Focus::Route(*route)));
        (*most >= NARROW * total(&family) && *most >= LEAST_APART && others <= (1.0 - NARROW) * most && !slow)
            .then_some(*route)
    };
    let run = |family: Family| {
        let mine = episode.findings.iter().filter(|f| f.signal == Signal::Errors(family));
        mine.max_by(|a, b| a.run.surprise.total_cmp(&b.run.surprise)).map(|finding| finding.run)
    };
    let apart: Vec<(Family, Run)> =
        NAMED.into_iter().filter(|f| own_route(*f).is_some()).filter_map(|f| Some((f, run(f)?))).collect();
    let rest: BTreeSet<Family> = Family::ALL.into_iter().filter(|f| !apart.iter().any(|(a, _)| a == f)).collect();
    let rest_found: Vec<Finding> = episode
        .findings
        .iter()
        .filter(|f| match f.signal {
            Signal::Errors(family) => rest.contains(&family),
            Signal::Slow => true,
            Signal::AllErrors => false,
        })
        .cloned()
        .collect();
    let rest_matters = rest_found.iter().any(|f| f.run.events - f.run.expected >= LEAST_APART);
    if apart.is_empty() || (apart.len() == 1 && !rest_matters) {
        return vec![episode];
    }
    let mut parts: Vec<Episode> = apart
        .into_iter()
        .map(|(family, run)| Episode {
            start: run.start,
            end: run.end,
            findings: episode.findings.iter().filter(|f| f.signal == Signal::Errors(family)).cloned().collect(),
            families: Some(BTreeSet::from([family])),
        })
        .collect();
    if rest_matters {
        let start = rest_found.iter().map(|f| f.run.start).min().unwrap_or(episode.start);
        let end = rest_found.iter().map(|f| f.run.end).max().unwrap_or(episode.end);
        parts.push(Episode {
            start: start.max(episode.start),
            end: end.min(episode.end),
            findings: rest_found,
            families: Some(rest),
        });
    }
    parts
}
