//! The window against earlier times.

use std::collections::BTreeMap;

use albatross_diagnose::Window;
use albatross_query::compare;
use chrono::{SecondsFormat, TimeDelta};

use crate::Result;
use crate::gather::{Ask, overlap, span};
use crate::model::{Against, Comparison, Endpoint, RouteChange};

/// Routes that changed most: by the time that targets spent on them, and by errors.
const MOST_BY_TIME: usize = 8;
const MOST_BY_ERRORS: usize = 4;
/// A smaller change of the time is no news, as a share of the larger of both.
const LEAST_CHANGE: f64 = 0.05;
/// Fewer errors more or less are no news.
const LEAST_ERRORS: u64 = 5;

/// Two scans for each earlier time that the lake has.
pub(crate) async fn comparisons(
    ask: &Ask<'_>,
    asked: Window,
    window: Window,
    lake: Option<Window>,
    endpoints: &[Endpoint],
) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for &against in which(asked) {
        let (from, to) = compare::Against::from(against).baseline((window.from, window.to));
        let baseline = Window { from, to };
        let mut comparison =
            Comparison { against, window: span(baseline), totals: None, only_from: None, routes: Vec::new() };
        if lake.and_then(|lake| overlap(baseline, lake)).is_some() {
            let totals = ask.totals(baseline).await?;
            if totals.requests > 0 {
                let begin = lake.map_or(from, |lake| lake.from);
                // The first request of a time is never at its first moment.
                comparison.only_from =
                    (begin > from + TimeDelta::minutes(1)).then(|| begin.to_rfc3339_opts(SecondsFormat::Secs, true));
                comparison.totals = Some(totals);
                comparison.routes = changes(endpoints, &ask.endpoints(baseline).await?);
            }
        }
        comparisons.push(comparison);
    }
    Ok(comparisons)
}

/// What a window of this length is compared with: an hour or a day of summer time more is still a day.
fn which(asked: Window) -> &'static [Against] {
    let length = asked.to - asked.from;
    if length <= TimeDelta::hours(25) {
        &[Against::DayBefore, Against::WeekBefore]
    } else if length <= TimeDelta::hours(7 * 24 + 1) {
        &[Against::WeekBefore]
    } else {
        &[Against::Before]
    }
}

impl From<Against> for compare::Against {
    fn from(against: Against) -> compare::Against {
        match against {
            Against::DayBefore => compare::Against::DayBefore,
            Against::WeekBefore => compare::Against::WeekBefore,
            Against::Before => compare::Against::Before,
        }
    }
}

/// The routes that changed most, without those that hardly changed; those with the largest change of the targets' time first.
fn changes(now: &[Endpoint], before: &[Endpoint]) -> Vec<RouteChange> {
    let mut pairs: BTreeMap<_, (Option<&Endpoint>, Option<&Endpoint>)> = BTreeMap::new();
    for endpoint in now {
        pairs.entry((&endpoint.method, &endpoint.route)).or_default().0 = Some(endpoint);
    }
    for endpoint in before {
        pairs.entry((&endpoint.method, &endpoint.route)).or_default().1 = Some(endpoint);
    }
    let time = |endpoint: Option<&Endpoint>| endpoint.and_then(|e| e.target_time).unwrap_or(0.0);
    let errors = |endpoint: Option<&Endpoint>| endpoint.map_or(0, |e| e.errors);
    let changed = |now: Option<&Endpoint>, before: Option<&Endpoint>| {
        let (a, b) = (time(now), time(before));
        (a - b).abs() > LEAST_CHANGE * a.max(b) || errors(now).abs_diff(errors(before)) >= LEAST_ERRORS
    };
    let mut rows: Vec<(f64, RouteChange)> = pairs
        .into_iter()
        .filter(|(_, (now, before))| changed(*now, *before))
        .map(|((method, route), (now, before))| {
            let requests = |endpoint: Option<&Endpoint>| endpoint.map_or(0, |e| e.requests);
            let change = RouteChange {
                method: method.clone(),
                route: route.clone(),
                requests: requests(now),
                requests_before: requests(before),
                errors: errors(now),
                errors_before: errors(before),
                p50: now.and_then(|e| e.p50),
                p50_before: before.and_then(|e| e.p50),
                p99: now.and_then(|e| e.p99),
                p99_before: before.and_then(|e| e.p99),
            };
            ((time(now) - time(before)).abs(), change)
        })
        .collect();
    rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut rest = rows.split_off(MOST_BY_TIME.min(rows.len()));
    rest.retain(|(_, row)| row.errors.abs_diff(row.errors_before) >= LEAST_ERRORS);
    rest.sort_by_key(|(_, row)| std::cmp::Reverse(row.errors.abs_diff(row.errors_before)));
    rest.truncate(MOST_BY_ERRORS);
    rows.into_iter().chain(rest).map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_time_is_compared_with() {
        let of_hours = |hours| {
            let from = "2026-11-19T00:00:00Z".parse().unwrap();
            which(Window { from, to: from + TimeDelta::hours(hours) })
        };
        assert_eq!(of_hours(3), [Against::DayBefore, Against::WeekBefore]);
        assert_eq!(of_hours(25), [Against::DayBefore, Against::WeekBefore]);
        assert_eq!(of_hours(26), [Against::WeekBefore]);
        assert_eq!(of_hours(168), [Against::WeekBefore]);
        assert_eq!(of_hours(720), [Against::Before]);
    }

    #[test]
    fn routes_that_changed_most() {
        let endpoint = |route: &str, errors, target_time| Endpoint {
            method: Some("GET".to_owned()),
            route: Some(route.to_owned()),
            requests: 100,
            errors,
            error_rate: 0.0,
            p50: Some(0.1),
            p90: None,
            p99: None,
            max: None,
            target_time: Some(target_time),
            target_time_share: None,
            bytes: None,
            seconds_per_mb: None,
        };
        // Ten routes that take some more time, of which one fails more, and one as before; one that is new and one that is gone, both of
        // much work.
        let usual = |errors, more: f64| {
            (0..10).map(move |i| endpoint(&format!("/{i}"), if i == 9 { errors } else { 0 }, f64::from(10 - i) * more))
        };
        let same = || endpoint("/same", 70, 100.0);
        let now: Vec<_> = usual(LEAST_ERRORS, 1.2).chain([same(), endpoint("/new", 0, 500.0)]).collect();
        let before: Vec<_> = usual(0, 1.0).chain([same(), endpoint("/gone", 0, 900.0)]).collect();
        let changed = changes(&now, &before);
        let routes: Vec<_> = changed.iter().filter_map(|row| row.route.as_deref()).collect();
        assert_eq!((routes[0], routes[1], *routes.last().unwrap()), ("/gone", "/new", "/9"));
        assert_eq!((routes.len(), routes.contains(&"/same")), (MOST_BY_TIME + 1, false));
        assert_eq!((changed[0].requests, changed[0].requests_before, changed[0].p50), (0, 100, None));
        assert_eq!((changed[1].requests, changed[1].requests_before), (100, 0));
        // One error less than counts, and less time.
        let now: Vec<_> = usual(LEAST_ERRORS - 1, 1.04).collect();
        assert!(changes(&now, &usual(0, 1.0).collect::<Vec<_>>()).is_empty());
    }
}
