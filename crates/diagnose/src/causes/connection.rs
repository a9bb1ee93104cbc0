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
    let rolling = &view.rolling;
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
    let rolling = &view.rolling;
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

pub(super) fn deploy(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let rolling = &view.rolling;
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
    let rolling = &view.rolling;
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
