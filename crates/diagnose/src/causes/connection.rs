//! Kinds in which targets cannot be reached or go away.

use super::view::family_words;
use super::{View, cause};
use crate::facts::Family;
use crate::features::Part;
use crate::model::{Cause, Kind};
use crate::stats::{correlation, ramp, share};

/// 502 without an answer.
const CUT: [Family; 2] = [Family::Refused, Family::Died];
/// Failures at this duration or below took no time at all, seconds; from the second on they did.
const AT_ONCE: (f64, f64) = (0.1, 0.6);

pub(super) fn keepalive_race(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let cut = f.family(&CUT);
    if cut <= 0.0 {
        return None;
    }
    let took = f.failure_duration(&CUT)?;
    let rolling = rolling(view);
    let confidence = 0.9
        * ramp(cut, 0.5, 0.85)
        * ramp(took, AT_ONCE.1, AT_ONCE.0)
        * ramp(view.targets_even, 0.5, 0.8)
        * (1.0 - view.one_target())
        * (1.0 - 0.7 * view.one_route())
        * (1.0 - 0.8 * ramp(view.slowed_share, 0.2, 0.6))
        * (1.0 - rolling.likely)
        // Such a race hits few: where a tenth of all requests fails, something is down.
        * ramp(share(f.excess, f.requests), 0.4, 0.1);
    let mut found = cause(
        Kind::KeepaliveRace,
        confidence,
        "Targets close idle connections just as the load balancer uses them again: their keep-alive is shorter than its idle timeout."
            .to_owned(),
    );
    found.evidence.push(format!(
        "{:.0} requests got 502 at once ({took:.3} s in the middle), spread over {} targets and {} routes as the requests are",
        f.excess,
        f.targets.iter().filter(|part| part.excess >= 0.5).count(),
        f.routes.iter().filter(|part| part.excess >= 0.5).count(),
    ));
    if view.slowed_share < 0.2 {
        found.evidence.push("nothing got slower".to_owned());
    }
    match traffic_correlation(view) {
        Some(r) if r < -0.2 => found
            .evidence
            .push(format!("the share that fails is higher when there is less traffic (correlation {r:.2})")),
        Some(r) if r > 0.4 => {
            found.against.push(format!("the share that fails rises with traffic (correlation {r:.2})"))
        }
        _ => {}
    }
    found.check.push("the keep-alive timeout of the application server or its proxy: it must be longer than the load balancer's idle timeout (60 s by default)".to_owned());
    Some(found)
}

/// Of the failing share with the traffic, over slots.
fn traffic_correlation(view: &View<'_>) -> Option<f64> {
    let f = view.f;
    let mut failed = vec![0.0; f.facts.slots];
    f.errors.iter().for_each(|e| failed[e.slot] += e.requests);
    let pairs: Vec<(f64, f64)> = (f.episode.start..f.episode.end)
        .filter(|slot| f.facts.requests[*slot] > 0.0)
        .map(|slot| (failed[slot] / f.facts.requests[slot], f.facts.requests[slot]))
        .collect();
    correlation(&pairs, 10)
}

pub(super) fn bad_target(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    if f.targets.len() < 2 {
        return None;
    }
    let slow = slow_target(view);
    let by_errors = view.one_target();
    let (target, confidence) = match &slow {
        // One target is slow and the others are not: with or without failures.
        Some((part, factor)) if by_errors < 0.3 || part.id == f.targets[0].id => {
            (*part, (0.9 * ramp(*factor, 1.8, 3.0)).max(0.9 * by_errors))
        }
        _ => (&f.targets[0], 0.93 * by_errors),
    };
    // If one target fails on one route only, it may still be the target; but a route that only one target got is the route's fault.
    let rolling = rolling(view);
    let confidence = confidence * (1.0 - 0.8 * rolling.likely);
    if confidence <= 0.0 {
        return None;
    }
    let name = f.target_name(target);
    let mut found = cause(Kind::BadTarget, confidence, format!("Target {name} is broken, the others are fine."));
    if by_errors > 0.0 {
        found.evidence.push(format!(
            "{:.0} % of the failures are on it, with {:.0} % of the requests: {:.0} of its {:.0} requests failed",
            100.0 * view.target_focus.0 * view.with_target,
            100.0 * view.target_focus.1,
            f.targets[0].errors,
            f.targets[0].during.requests,
        ));
        found.evidence.push(view.failures_sentence());
    }
    if let Some((part, factor)) = slow
        && part.id == target.id
    {
        found.evidence.push(format!("against its usual it takes {factor:.1} times as long as the next slowest target"));
    }
    if rolling.likely > 0.3 {
        found.against.push("targets come and go meanwhile: perhaps a deploy".to_owned());
    }
    found.check.push(format!("{name} itself: its log, disk, memory, health checks; take it out of the target group"));
    found.target = Some(name);
    Some(found)
}

/// The target that is slowest against its usual, and by which factor beside the next slowest: two slow targets are rather what both wait for. At
/// the median and at the 80th percentile, for a mixture of quick and slow routes can move one of them alone.
fn slow_target<'a>(view: &'a View<'_>) -> Option<(&'a Part, f64)> {
    let factor = |part: &Part, quantile: f64| {
        let others = view.f.targets.iter().filter(|other| other.id != part.id);
        let next = others.filter_map(|other| other.growth(quantile)).reduce(f64::max)?;
        Some(part.growth(quantile)? / next.max(1.0))
    };
    let factors = view.f.targets.iter().filter_map(|part| Some((part, factor(part, 0.5)?.min(factor(part, 0.8)?))));
    factors.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Signs of targets that are replaced one after the other, or all at once.
struct Rolling {
    likely: f64,
    bursts: usize,
    gone: Vec<String>,
    come: Vec<String>,
}

/// A target's failures are a burst if most of them lie within so many seconds.
const BURST_SECONDS: f64 = 240.0;
/// A restart of all targets at once is over after so many seconds.
const AT_ONCE_SECONDS: i64 = 300;

fn rolling(view: &View<'_>) -> Rolling {
    let f = view.f;
    let length = f.slots() as f64;
    let mut spans = Vec::new();
    let mut hit = 0;
    for part in f.targets.iter().filter(|part| part.excess >= 3.0) {
        hit += 1;
        let mut slots: Vec<f64> = Vec::new();
        for errors in f.errors.iter().filter(|e| e.target == Some(part.id) && f.families.contains_key(&e.family)) {
            slots.extend(std::iter::repeat_n(errors.slot as f64, errors.requests as usize));
        }
        slots.sort_by(f64::total_cmp);
        let at = |share: f64| slots[((slots.len() - 1) as f64 * share) as usize];
        // Nine tenths of them, so that one stray failure does not stretch it.
        spans.push((at(0.05), at(0.95) + 1.0));
    }
    let burst_slots = (BURST_SECONDS / f.facts.seconds as f64).max(1.0);
    let bursts = spans.iter().filter(|(from, to)| to - from <= burst_slots && to - from <= 0.6 * length).count();
    // One after the other: their middles differ.
    let mut middles: Vec<f64> = spans.iter().map(|(from, to)| f64::midpoint(*from, *to)).collect();
    middles.sort_by(f64::total_cmp);
    let distinct =
        middles.windows(2).filter(|pair| pair[1] - pair[0] >= 0.75).count() + usize::from(!middles.is_empty());
    let (gone, come) = replaced(view);
    let one_by_one =
        if hit >= 2 { share(bursts as f64, f64::from(hit)) * ramp(distinct as f64, 1.0, 2.0) } else { 0.0 };
    let exchanged = ramp(gone.len().min(come.len()) as f64, 0.0, 2.0);
    let short = f.slots() as i64 * f.facts.seconds <= AT_ONCE_SECONDS;
    let at_once = if short && hit >= 2 && view.targets_even >= 0.6 { 0.6 } else { 0.0 };
    // A target that is not ready yet may say so itself.
    let not_ready =
        f.errors.iter().filter(|e| e.family == Family::Application && e.status == 503).map(|e| e.requests).sum::<f64>();
    let reach =
        f.family(&[Family::Refused, Family::Died, Family::NoTarget, Family::ConnectTimeout, Family::BadResponse])
            + share(not_ready, f.excess);
    Rolling {
        likely: ramp(one_by_one.max(exchanged).max(at_once), 0.2, 0.8) * ramp(reach, 0.4, 0.7),
        bursts,
        gone,
        come,
    }
}

/// Targets that had requests only before the middle of the episode, and only after it, in a log that goes on on both sides.
fn replaced(view: &View<'_>) -> (Vec<String>, Vec<String>) {
    let f = view.f;
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let margin = 3;
    for part in &f.targets {
        let slots = || f.facts.targets.of(part.id).iter().map(|entry| entry.slot as usize);
        let (Some(first), Some(last)) = (slots().min(), slots().max()) else { continue };
        if last < f.episode.end + margin
            && last + margin >= f.episode.start
            && f.episode.end + 2 * margin < f.facts.slots
        {
            gone.push(f.target_name(part));
        }
        if first + margin >= f.episode.start && first < f.episode.end + margin && f.episode.start > 2 * margin {
            come.push(f.target_name(part));
        }
    }
    (gone, come)
}

pub(super) fn deploy(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let rolling = rolling(view);
    let confidence = 0.9 * rolling.likely * (1.0 - 0.6 * view.one_route());
    if confidence <= 0.0 {
        return None;
    }
    let mut found = cause(
        Kind::Deploy,
        confidence,
        "Targets were restarted or replaced, and requests in flight were cut off.".to_owned(),
    );
    found.evidence.push(view.failures_sentence());
    if rolling.bursts > 0 {
        found
            .evidence
            .push(format!("on {} targets the failures are a short burst each, not at the same time", rolling.bursts));
    }
    for (names, what) in [(&rolling.gone, "no longer asked afterwards"), (&rolling.come, "first asked meanwhile")] {
        if !names.is_empty() {
            found.evidence.push(format!("{what}: {}", names.join(", ")));
        }
    }
    if f.slots() as i64 * f.facts.seconds > 1800 {
        found.against.push("it lasted longer than a deploy usually does".to_owned());
    }
    found.check.push("whether there was a deploy; deregistration delay longer than the longest request, graceful shutdown, health checks that pass only when ready".to_owned());
    Some(found)
}

pub(super) fn no_targets(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let rolling = rolling(view);
    let confidence = 0.95 * ramp(f.family(&[Family::NoTarget]), 0.4, 0.8) * (1.0 - 0.6 * rolling.likely);
    if confidence <= 0.0 {
        return None;
    }
    let count = f.families.get(&Family::NoTarget).copied().unwrap_or_default();
    let mut found =
        cause(Kind::NoTargets, confidence, "The load balancer had no target to send requests to.".to_owned());
    found.evidence.push(format!("{count:.0} x {}, without a target", family_words(Family::NoTarget)));
    found.evidence.push(format!(
        "{:.0} % of all requests failed, on {} routes",
        100.0 * share(f.excess, f.requests),
        f.routes.iter().filter(|part| part.excess >= 0.5).count()
    ));
    found.check.push(
        "registered targets of the target group and listener rules; who deregistered them, or why they could not start"
            .to_owned(),
    );
    Some(found)
}
