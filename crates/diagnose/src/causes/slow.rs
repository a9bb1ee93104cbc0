//! Kinds in which requests take too long.

use super::{View, cause};
use crate::facts::Family;
use crate::features::Part;
use crate::model::{Cause, Kind};
use crate::stats::{median, ramp, share};

/// A route that keeps the targets busy.
struct Culprit<'a> {
    part: &'a Part,
    /// Share of the target time, and of the requests.
    time: f64,
    requests: f64,
}

/// The work of a request is seen in its quicker quarter: the longer ones have waited for others' work.
const WORK: f64 = 0.25;
/// A route has more work than before if it has slowed down by this much more than the others, who wait: from not at all to certainly. One step
/// of a duration is a fifth.
const MORE_WORK: (f64, f64) = (1.4, 3.0);

/// The route whose requests cost more than before, or always more than others'. A busy CPU makes all routes slower by about the same factor; what
/// one route has beyond that is its own work.
fn culprit<'a>(view: &'a View<'_>) -> Option<Culprit<'a>> {
    let f = view.f;
    let time: f64 = f.routes.iter().map(|part| part.during.target_time).sum();
    let mut growth: Vec<f64> = f.routes.iter().filter_map(|part| part.growth(WORK)).collect();
    let usual = median(&mut growth).unwrap_or(1.0).max(1.0);
    let added = |part: &Part| {
        let (Some(during), Some(quiet)) = (part.during.quantile(WORK), part.quiet.quantile(WORK)) else { return 0.0 };
        part.during.requests
            * (during - usual * quiet).max(0.0)
            * ramp(during / quiet / usual, MORE_WORK.0, MORE_WORK.1)
    };
    let all_added: f64 = f.routes.iter().map(added).sum();
    f.routes
        .iter()
        .filter(|part| part.during.requests >= 8.0)
        .map(|part| {
            let (time, requests) = (share(part.during.target_time, time), share(part.during.requests, f.requests));
            let score = share(added(part), all_added) + (time - requests).max(0.0);
            (Culprit { part, time, requests }, score)
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(culprit, _)| culprit)
}

/// By how much more than the other slow routes one of them has slowed down, for a CPU that one route eats: from not at all to certainly.
const OUTLIER: (f64, f64) = (2.0, 5.0);

/// Signs of a busy CPU in the requests alone: the guilty route has slowed down far more than those that wait for it, and connections break, for
/// what starves on its CPU is killed or dies. Who waits for something else is slow by a like factor, and times out.
fn looks_busy(view: &View<'_>) -> f64 {
    let growth = |part: &Part| part.growth(WORK);
    let worst =
        view.slowed.iter().copied().max_by(|a, b| growth(a).unwrap_or(0.0).total_cmp(&growth(b).unwrap_or(0.0)));
    let outlier = worst.map_or(0.0, |worst| {
        let mut others: Vec<f64> =
            view.slowed.iter().filter(|part| part.id != worst.id).filter_map(|part| growth(part)).collect();
        let usual = median(&mut others).unwrap_or(f64::INFINITY);
        ramp(growth(worst).unwrap_or(0.0) / usual, OUTLIER.0, OUTLIER.1)
    });
    let broken = ramp(view.f.family(&[Family::Died, Family::Refused]), 0.3, 0.6);
    f64::midpoint(outlier, broken)
}

pub(super) fn cpu_bound_endpoint(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let culprit = culprit(view)?;
    let broad = f.family(&[
        Family::Died,
        Family::Refused,
        Family::TargetTimeout,
        Family::ConnectTimeout,
        Family::NoTarget,
        Family::Application,
        Family::GaveUp,
    ]);
    // Without CPU data it may still be seen from the time that one route takes.
    let hot = view.hotter().unwrap_or(0.3 + 0.6 * looks_busy(view));
    // The others wait for the CPU, or the guilty route alone keeps the targets busy: a seventh of their time with hardly any requests.
    let slowed = ramp(view.slowed_share, 0.1, 0.5).max(ramp(culprit.time - culprit.requests, 0.07, 0.2));
    // What fails at once fails for another reason than a busy target.
    let took = f.failure_duration(&[
        Family::Died,
        Family::Refused,
        Family::TargetTimeout,
        Family::Application,
        Family::GaveUp,
    ]);
    let late = took.map_or(1.0, |took| ramp(took, 0.0, 0.1));
    let spread = if f.excess > 0.0 { 1.0 - 0.8 * ramp(view.route_focus.0, 0.75, 0.95) } else { 1.0 };
    let confidence = 0.95
        * hot
        * (0.3 + 0.7 * slowed)
        * (0.3 + 0.7 * late)
        * if f.excess > 0.0 { ramp(broad, 0.3, 0.7) } else { 0.8 }
        * spread
        * (1.0 - view.one_target())
        // Targets that start are busy too.
        * (1.0 - 0.7 * view.rolling.likely)
        * (0.4 + 0.6 * ramp(culprit.time - culprit.requests, 0.05, 0.2));
    if confidence <= 0.0 {
        return None;
    }
    let name = f.route_name(culprit.part);
    let mut found = cause(
        Kind::CpuBoundEndpoint,
        confidence,
        format!(
            "{name} eats the CPU: {:.0} % of all target time with {:.1} % of the requests; the others fail because the targets are busy with it.",
            100.0 * culprit.time,
            100.0 * culprit.requests
        ),
    );
    let seconds = |quantile: f64| culprit.part.during.quantile(quantile).unwrap_or(0.0);
    found.evidence.push(format!(
        "{name}: {:.0} requests, median {:.2} s, 99th percentile {:.2} s, {:.1} kB returned per request",
        culprit.part.during.requests,
        seconds(0.5),
        seconds(0.99),
        share(culprit.part.during.sent, culprit.part.during.requests) / 1000.0
    ));
    if let (Some(growth), Some(usual)) = (culprit.part.growth(0.5), view.usual_growth(culprit.part.id)) {
        found.evidence.push(format!(
            "against quiet times its median is {growth:.1} times as long; that of the other routes {usual:.1} times"
        ));
    }
    match view.hot {
        Some((during, quiet)) => {
            let quiet =
                quiet.map_or(String::new(), |quiet| format!(", in quiet times {:.0} % of the time", 100.0 * quiet));
            let sentence = format!(
                "maximum CPU is at its limit when it happens ({:.0} % of the time or of the failures){quiet}",
                100.0 * during
            );
            if during > 0.4 { found.evidence.push(sentence) } else { found.against.push(sentence) }
        }
        None => found.against.push("there is no CPU data, so this rests on the target time alone".to_owned()),
    }
    if f.excess > 0.0 {
        let own = f.routes.iter().find(|part| part.id == culprit.part.id).map_or(0.0, |part| part.excess);
        found.evidence.push(format!(
            "{}; {:.0} % of them on {name} itself",
            view.failures_sentence(),
            100.0 * share(own, f.excess)
        ));
    }
    found.check.push(format!("what {name} loads: a query without a limit, every user's rows; profile one request"));
    found.check.push("alarms on maximum CPU, not on the average".to_owned());
    found.route = Some(name);
    Some(found)
}

pub(super) fn slow_dependency(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    if view.slowed.is_empty() {
        return None;
    }
    let on_slowed: f64 = view.slowed.iter().map(|part| part.excess).sum();
    let theirs = if f.excess > 0.0 { share(on_slowed, f.routes.iter().map(|part| part.excess).sum()) } else { 1.0 };
    let slow_kinds = [Family::TargetTimeout, Family::Application, Family::GaveUp, Family::Died, Family::BadResponse];
    let fits = if f.excess > 0.0 { ramp(f.family(&slow_kinds), 0.4, 0.8) } else { 1.0 };
    let cool = 1.0 - view.hotter().unwrap_or(0.2 + 0.5 * looks_busy(view));
    let confidence = 0.88
        * ramp(theirs, 0.3, 0.7)
        * fits
        * cool
        * (0.6 + 0.4 * ramp(view.slowed.len() as f64, 1.0, 2.0))
        * (1.0 - view.one_target());
    if confidence <= 0.0 {
        return None;
    }
    let most =
        view.slowed.iter().max_by(|a, b| a.growth(0.5).unwrap_or(0.0).total_cmp(&b.growth(0.5).unwrap_or(0.0)))?;
    let names: Vec<String> = view.slowed.iter().take(4).map(|part| f.route_name(part)).collect();
    let mut found = cause(
        Kind::SlowDependency,
        confidence,
        format!(
            "Something that {} wait for is slow: a database, a cache, another service.",
            routes_words(view.slowed.len())
        ),
    );
    found.evidence.push(format!(
        "slower on all targets: {}{}",
        names.join(", "),
        if view.slowed.len() > 4 { format!(" and {} more", view.slowed.len() - 4) } else { String::new() }
    ));
    found.evidence.push(format!(
        "{}: median {:.2} s, usually {:.2} s",
        f.route_name(most),
        most.during.quantile(0.5).unwrap_or(0.0),
        most.quiet.quantile(0.5).unwrap_or(0.0)
    ));
    if f.excess > 0.0 {
        found.evidence.push(format!("{:.0} % of the failures are on these routes", 100.0 * theirs));
    }
    match view.hot {
        Some((during, _)) if during < 0.3 => {
            found.evidence.push(format!(
                "the targets are not busy: maximum CPU at its limit in {:.0} % of the minutes",
                100.0 * during
            ));
        }
        Some((during, _)) => {
            found.against.push(format!("maximum CPU is at its limit in {:.0} % of the minutes", 100.0 * during))
        }
        None => found.against.push("there is no CPU data: busy targets would look alike".to_owned()),
    }
    found.check.push("what these routes have in common: database, cache, other services, and their latency and connections at these times".to_owned());
    if view.slowed.len() == 1 {
        found.route = Some(f.route_name(view.slowed[0]));
    }
    Some(found)
}

fn routes_words(n: usize) -> String {
    if n == 1 { "one route has to".to_owned() } else { format!("{n} routes have to") }
}

pub(super) fn timeout_limit(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let route = f.routes.first().filter(|part| part.excess > 0.0)?;
    let name = f.route_name(route);
    let (pile, piled) = view.failure_pile(|long| long.route == name && ![413, 460].contains(&long.status))?;
    let others = view.slowed.iter().filter(|part| part.id != route.id).count();
    let limited = [
        Family::TargetTimeout,
        Family::Application,
        Family::Died,
        Family::BadResponse,
        Family::Lambda,
        Family::NoTarget,
    ];
    let confidence = 0.95
        * ramp(f.family(&limited), 0.4, 0.8)
        * ramp(view.route_focus.0, 0.4, 0.7)
        * ramp(piled, 0.4, 0.75)
        * ramp(share(pile.requests, route.errors), 0.3, 0.7)
        // A limit is one route's; what other routes wait for as well is something behind them.
        * (1.0 - 0.4 * ramp(others as f64, 0.0, 2.0))
        * (1.0 - view.one_target());
    if confidence <= 0.0 {
        return None;
    }
    let limit = crate::diagnose::rounded(pile.limit, 10.0);
    let may = f.long.iter().filter(|l| l.failed && l.route == name && (pile.limit..=pile.end).contains(&l.duration));
    let with_target: f64 = may.clone().map(|l| l.with_target).sum();
    let by_target: f64 = may.filter(|l| l.by_target).map(|l| l.requests).sum();
    let mut found = cause(Kind::TimeoutLimit, confidence, format!("{name} runs into a limit of {limit:.1} s."));
    found.evidence.push(format!(
        "{:.0} of the {:.0} failures on {name} ended at {:.1} to {:.1} s",
        pile.requests, route.errors, pile.limit, pile.end
    ));
    found.evidence.push(format!("{:.0} % of all failures are on this route", 100.0 * view.route_focus.0));
    if with_target > 0.0 {
        found.evidence.push(format!(
            "{with_target:.0} of them had been given to a target: the work may have been done behind the failed answer"
        ));
    }
    if let (Some(during), Some(quiet)) = (route.during.quantile(0.5), route.quiet.quantile(0.5)) {
        found.evidence.push(format!("its median is {during:.2} s, usually {quiet:.2} s"));
    }
    if others > 0 {
        found.against.push(format!("{others} other routes are slower too: perhaps a dependency"));
    }
    found.check.push(if by_target > 0.5 * pile.requests {
        format!("which limit of {limit:.1} s the target has: worker, function, gateway or database; and whether what it had begun is done")
    } else {
        format!("the load balancer's idle timeout and the limits on the target ({limit:.1} s); whether what was begun is done all the same")
    });
    found.limit_s = Some(limit);
    found.route = Some(name);
    Some(found)
}

pub(super) fn client_gave_up(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let gone = f.family(&[Family::GaveUp]);
    let confidence = 0.93 * ramp(gone, 0.35, 0.65);
    if confidence <= 0.0 {
        return None;
    }
    let name = view.focused_route(0.5);
    let pile = view.failure_pile(|long| long.status == 460 && name.as_ref().is_none_or(|name| *name == long.route));
    let pile = pile.filter(|(_, piled)| *piled >= 0.4);
    let count = f.families.get(&Family::GaveUp).copied().unwrap_or_default();
    let limit = pile.map(|(pile, _)| crate::diagnose::rounded(pile.limit, 10.0));
    let mut found = cause(
        Kind::ClientGaveUp,
        confidence * if limit.is_some() { 1.0 } else { 0.8 },
        format!(
            "Clients close the connection before {} answers{}.",
            name.as_deref().unwrap_or("the service"),
            limit.map_or(String::new(), |limit| format!(", after {limit:.1} s"))
        ),
    );
    found.evidence.push(format!(
        "{count:.0} requests ended with 460: nothing was sent, though the target may have done the work"
    ));
    if let Some((pile, piled)) = pile {
        found.evidence.push(format!(
            "{:.0} % of them after {:.1} to {:.1} s: a client's own timeout",
            100.0 * piled,
            pile.limit,
            pile.end
        ));
    }
    if let Some(client) = f.clients.first() {
        if client.errors >= 0.6 * f.count {
            found.client = Some(client.address.clone());
        }
        found.evidence.push(format!("{:.0} clients; the most ({:.0}) by {}", client.of, client.errors, client.address));
    }
    if let Some(route) = f.routes.first()
        && let (Some(during), Some(quiet)) = (route.during.quantile(0.5), route.quiet.quantile(0.5))
    {
        found.evidence.push(format!("{}: median {during:.2} s, usually {quiet:.2} s", f.route_name(route)));
    }
    found.check.push(
        "why the route is slow, and the client's timeout: it must be longer than what it asks for takes".to_owned(),
    );
    found.limit_s = limit;
    found.route = name;
    Some(found)
}
