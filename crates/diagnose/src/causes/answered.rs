//! Kinds that the answer itself names.

use std::collections::BTreeMap;

use super::{View, cause};
use crate::facts::Family;
use crate::model::{Cause, Kind};
use crate::stats::{ramp, share};

pub(super) fn body_too_large(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let refused = f.family(&[Family::BodyTooLarge]);
    let route = f.routes.first()?;
    let smallest = f.errors.iter().filter(|e| e.route == route.id).map(|e| e.smallest).fold(f64::MAX, f64::min);
    let largest = route.during.largest.max(route.quiet.largest);
    // Uploads that were cut off rather than answered: whatever failed on the route was larger than whatever passed. Below 32 kB it is no upload.
    let cut_off = view.one_route()
        * if smallest > largest && smallest >= 32_768.0 { 0.75 } else { 0.0 }
        * f.family(&[Family::Died, Family::Refused, Family::BadResponse, Family::GaveUp, Family::Other]);
    let confidence = (0.95 * ramp(refused, 0.3, 0.7)).max(cut_off);
    if confidence <= 0.0 {
        return None;
    }
    let name = view.focused_route(0.5);
    let count = f.families.get(&Family::BodyTooLarge).copied().unwrap_or(route.excess);
    let by_target = f.errors.iter().any(|e| e.family == Family::BodyTooLarge && e.target.is_some());
    let mut found = cause(
        Kind::BodyTooLarge,
        confidence,
        format!(
            "{count:.0} requests {}were refused because their body is over a limit{}.",
            name.as_ref().map_or(String::new(), |route| format!("to {route} ")),
            if by_target { " of the proxy or application on the target" } else { "" }
        ),
    );
    found.evidence.push(view.failures_sentence());
    if smallest < f64::MAX {
        let quiet = if route.quiet.requests > 0.0 {
            format!(", in quiet times {:.0}", route.quiet.largest)
        } else {
            String::new()
        };
        found.evidence.push(format!(
            "the smallest request that failed there had {smallest:.0} bytes, the largest that passed meanwhile {:.0}{quiet}",
            route.during.largest
        ));
    }
    if smallest < route.during.largest {
        found.against.push("larger requests to the same route passed meanwhile".to_owned());
    }
    found.check.push(
        if by_target {
            "the limit in front of the application: client_max_body_size of nginx, the framework's own; nginx's error log names the size"
        } else {
            "the load balancer's own limit: 1 MB to a Lambda target; upload to S3 with a signed URL instead"
        }
        .to_owned(),
    );
    found.route = name;
    Some(found)
}

pub(super) fn lambda_error(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    // A function that is cut off at its limit has a limit, and no other error.
    let (limit, piled) = view.failure_pile(|long| long.cause == Family::Lambda).map_or((0.0, 0.0), |(pile, _)| {
        let lambda = f.families.get(&Family::Lambda).copied().unwrap_or_default();
        (pile.limit, share(pile.requests, lambda))
    });
    let at_limit = ramp(limit, 1.0, 2.5) * ramp(piled, 0.5, 0.8);
    let confidence = 0.95 * ramp(f.family(&[Family::Lambda]), 0.3, 0.7) * (1.0 - 0.3 * at_limit);
    if confidence <= 0.0 {
        return None;
    }
    let mut reasons: BTreeMap<&str, f64> = BTreeMap::new();
    for errors in f.errors.iter().filter(|e| e.family == Family::Lambda) {
        *reasons.entry(errors.reason.map_or("-", |reason| f.facts.reason_names.get(reason))).or_default() +=
            errors.requests;
    }
    let mut reasons: Vec<(&str, f64)> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (first, _) = reasons.first()?;
    let name = view.focused_route(0.5);
    let mut found = cause(
        Kind::LambdaError,
        confidence,
        format!("The function behind {} fails: {first}.", name.as_deref().unwrap_or("several routes")),
    );
    found.evidence.push(reasons.iter().map(|(reason, n)| format!("{n:.0} x {reason}")).collect::<Vec<_>>().join(", "));
    found.check.push(
        "the function's log at these times; throttles: its concurrency; timeouts: its limit against the duration"
            .to_owned(),
    );
    found.route = name;
    Some(found)
}

pub(super) fn application_error(view: &View<'_>) -> Option<Cause> {
    let f = view.f;
    let answered = f.family(&[Family::Application]);
    if answered <= 0.0 {
        return None;
    }
    let took = f.failure_duration(&[Family::Application]).unwrap_or(0.0);
    let median = f.routes.first()?.quiet.quantile(0.5);
    let usual = median.unwrap_or(0.1);
    // An exception is thrown before the work is done; a time limit or a slow dependency shows in the duration.
    let quick = ramp(took, 4.0 * usual.max(0.25), 2.0 * usual.max(0.25));
    let confidence = 0.95
        * ramp(answered, 0.4, 0.8)
        * (0.1 + 0.9 * quick)
        * (0.55 + 0.45 * view.one_route())
        * (1.0 - 0.9 * view.one_target());
    let name = view.focused_route(0.5);
    let mut statuses: BTreeMap<i64, f64> = BTreeMap::new();
    for errors in f.errors.iter().filter(|e| e.family == Family::Application) {
        *statuses.entry(errors.status).or_default() += errors.requests;
    }
    let statuses: Vec<String> = statuses.iter().map(|(status, n)| format!("{n:.0} x {status}")).collect();
    let mut found = cause(
        Kind::ApplicationError,
        confidence,
        format!(
            "The application itself answers 5xx{}, on all targets.",
            name.as_ref().map_or(String::new(), |route| format!(" on {route}"))
        ),
    );
    found.evidence.push(format!("answered by targets: {}", statuses.join(", ")));
    let usual = median.map_or(String::new(), |usual| format!("; the route's usual median is {usual:.2} s"));
    found.evidence.push(format!("the failures took {took:.2} s in the middle{usual}"));
    let first = &f.routes[0];
    found.evidence.push(format!(
        "{:.0} % of the failures are on {}, which has {:.0} % of the requests; {:.1} % of its requests failed",
        100.0 * view.route_focus.0,
        f.route_name(first),
        100.0 * view.route_focus.1,
        100.0 * share(first.errors, first.during.requests),
    ));
    if view.one_target() > 0.3 {
        found.against.push(format!("{:.0} % of the failures are on one target", 100.0 * view.target_focus.0));
    }
    if quick < 0.5 {
        found.against.push("the failures are slow: a limit or a dependency rather than an exception".to_owned());
    }
    found.check.push("the application's log at these times; what was released just before".to_owned());
    found.route = name;
    Some(found)
}
