//! Timeout walls: durations that pile up just at a value.

use std::collections::BTreeMap;

use albatross_query::Session;

use crate::Result;
use crate::diagnose::rounded;
use crate::facts::{Facts, sql};
use crate::features::{LEAST_LIMIT, Long, long_requests};
use crate::model::Wall;
use crate::rows::{Sql, ask, int};
use crate::stats::surprise;

/// A pile is as wide as this part of its duration, and at least so many seconds: a limit is passed by the time that it takes to notice.
const WIDTH: f64 = 0.02;
const LEAST_WIDTH: f64 = 0.15;
/// Requests that a pile must have, its surprise beside what is around it, and by how much it must stand out: without a limit, durations thin
/// out evenly.
const LEAST_REQUESTS: f64 = 8.0;
const LEAST_SURPRISE: f64 = 15.0;
const LEAST_RATIO: f64 = 6.0;
/// How many widths on either side it is compared with, and how many may be just past it, beside those in the pile.
const AROUND: f64 = 8.0;
const MOST_PAST: f64 = 0.3;
/// A pile begins with the first duration that so large a part of the most frequent one's requests have.
const CROWD: f64 = 0.2;
/// Walls that are told of.
const MOST_WALLS: usize = 10;

/// Durations that are nearly the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pile {
    /// The limit, seconds: where the pile begins.
    pub(crate) limit: f64,
    pub(crate) end: f64,
    pub(crate) requests: f64,
}

/// The largest pile of durations (seconds, how many; in order), whether or not it stands out; `None` without any.
pub(crate) fn pile(durations: &[(f64, f64)]) -> Option<Pile> {
    let mut best: Option<Pile> = None;
    let (mut end, mut requests) = (0, 0.0);
    for (duration, count) in durations {
        let width = (WIDTH * duration).max(LEAST_WIDTH);
        while end < durations.len() && durations[end].0 <= duration + width {
            requests += durations[end].1;
            end += 1;
        }
        if best.is_none_or(|best| requests > best.requests) {
            best = Some(Pile { limit: *duration, end: durations[end - 1].0, requests });
        }
        requests -= count;
    }
    let best = best?;
    // The first few may be there by chance: the limit is where the crowd begins.
    let inside = || durations.iter().filter(|(duration, _)| (best.limit..=best.end).contains(duration));
    let crowd = CROWD * inside().map(|(_, count)| *count).fold(0.0, f64::max);
    let limit = inside().find(|(_, count)| *count >= crowd).map_or(best.limit, |(duration, _)| *duration);
    Some(Pile { limit, ..best })
}

/// Whether so many in the pile are more than what is around it explains, and hardly any request gets past it. Durations are known from
/// `seen` seconds on.
fn stands_out(pile: &Pile, durations: &[(f64, f64)], seen: f64) -> bool {
    let width = (WIDTH * pile.limit).max(LEAST_WIDTH);
    let count = |from: f64, to: f64| -> f64 {
        durations.iter().filter(|(duration, _)| *duration >= from && *duration < to).map(|(_, n)| n).sum()
    };
    let from = (pile.limit - (AROUND + 0.5) * width).max(seen);
    let to = pile.limit - 0.5 * width;
    if to - from < width {
        return false;
    }
    let before = count(from, to) * width / (to - from);
    let past = count(pile.end + 0.5 * width, pile.end + (AROUND + 0.5) * width);
    let expected = before.max(past / AROUND) + 0.1;
    pile.requests >= LEAST_REQUESTS
        && pile.requests >= LEAST_RATIO * expected
        && surprise(pile.requests, expected) >= LEAST_SURPRISE
        && past <= MOST_PAST * pile.requests
}

pub(crate) async fn walls(session: &Session, facts: &Facts) -> Result<Vec<Wall>> {
    let long = long_requests(session, facts.window).await?;
    let mut routes: BTreeMap<&str, Vec<&Long>> = BTreeMap::new();
    for long in &long {
        routes.entry(&long.route).or_default().push(long);
    }
    let mut walls = Vec::new();
    for (route, long) in routes {
        let durations: Vec<(f64, f64)> = long.iter().map(|long| (long.duration, long.requests)).collect();
        let Some(pile) = pile(&durations).filter(|pile| stands_out(pile, &durations, LEAST_LIMIT)) else {
            continue;
        };
        let hits: Vec<&&Long> = long.iter().filter(|l| (pile.limit..=pile.end).contains(&l.duration)).collect();
        let sum = |of: &dyn Fn(&Long) -> f64| hits.iter().map(|long| of(long)).sum::<f64>();
        let mut statuses = BTreeMap::new();
        for hit in &hits {
            *statuses.entry(format!("{:03}", hit.status)).or_default() += hit.requests as u64;
        }
        let requests: f64 = (0..facts.route_names.len())
            .find(|id| facts.route_names.get(*id) == route)
            .map_or(0.0, |id| facts.routes.summary(id, |_| true).requests);
        walls.push((
            pile,
            Wall {
                limit_s: rounded(pile.limit, 10.0),
                route: route.to_owned(),
                requests: pile.requests as u64,
                share: rounded(pile.requests / requests.max(pile.requests), 1e4),
                failed: sum(&|l| if l.failed { l.requests } else { 0.0 }) as u64,
                may_have_succeeded: sum(&|l| if l.failed { l.with_target } else { 0.0 }) as u64,
                clients: 0,
                clients_tried_again: 0,
                statuses,
            },
        ));
    }
    walls.sort_by(|a, b| b.1.requests.cmp(&a.1.requests).then_with(|| a.1.route.cmp(&b.1.route)));
    walls.truncate(MOST_WALLS);
    for (pile, wall) in walls.iter_mut().filter(|(_, wall)| wall.failed > 0) {
        let Some((verb, route)) = wall.route.split_once(' ') else { continue };
        let given = [
            ("verb", verb.to_owned()),
            ("route", route.to_owned()),
            ("longer", pile.limit.to_string()),
            ("shorter", pile.end.to_string()),
        ];
        for rows in ask(session, &sql!("retries"), facts.window, &given).await? {
            if rows.len() > 0 {
                wall.clients = int(&rows.ints("clients")?, 0).unwrap_or(0) as u64;
                wall.clients_tried_again = int(&rows.ints("tried_again")?, 0).unwrap_or(0) as u64;
            }
        }
    }
    Ok(walls.into_iter().map(|(_, wall)| wall).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_any_value_stands_out() {
        let mut durations: Vec<(f64, f64)> =
            (0..200).map(|i| (1.0 + f64::from(i) * 0.1, 2.0 - f64::from(i) / 100.0)).collect();
        durations.extend([(12.5, 40.0), (12.52, 20.0), (12.61, 5.0)]);
        durations.sort_by(|a, b| a.0.total_cmp(&b.0));
        let found = pile(&durations).unwrap();
        assert_eq!(found.limit, 12.5);
        assert!(found.requests >= 65.0 && stands_out(&found, &durations, 1.0));
    }

    #[test]
    fn durations_that_thin_out_have_no_limit() {
        let durations: Vec<(f64, f64)> =
            (0..200).map(|i| (1.0 + f64::from(i) * 0.05, (200.0 - f64::from(i)) / 4.0)).collect();
        assert!(!stands_out(&pile(&durations).unwrap(), &durations, 1.0));
        assert_eq!(pile(&[]), None);
    }
}
