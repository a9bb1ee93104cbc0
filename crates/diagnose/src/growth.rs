//! Routes that get slower from day to day.

use std::collections::BTreeMap;

use albatross_query::Session;

use crate::Result;
use crate::diagnose::rounded;
use crate::facts::sql;
use crate::model::Growth;
use crate::rows::{Sql, Window, ask, float, route_name, text};

/// With fewer days there is no trend.
const LEAST_DAYS: usize = 3;
/// Days with fewer requests of the route have no median worth the name.
const LEAST_REQUESTS: u32 = 30;
/// The last day against the first.
const LEAST_GROWTH: f64 = 1.15;
/// The share of neighbouring days between which it must have grown: a trend and not one bad day.
const RISING: f64 = 0.75;
/// Seconds; what is quicker bothers nobody yet.
const LEAST_SECONDS: f64 = 0.05;

pub(crate) async fn growth(session: &Session, window: Window) -> Result<Vec<Growth>> {
    if (window.to - window.from).num_days() + 1 < LEAST_DAYS as i64 {
        return Ok(Vec::new());
    }
    let mut days: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for rows in ask(session, &sql!("growth"), window, &[("min_requests", LEAST_REQUESTS.to_string())]).await? {
        let (verb, route, p50) = (rows.texts("verb")?, rows.texts("route")?, rows.floats("p50")?);
        for row in 0..rows.len() {
            if let Some(p50) = float(&p50, row) {
                days.entry(route_name(text(&verb, row), text(&route, row))).or_default().push(p50);
            }
        }
    }
    let mut growing: Vec<Growth> = days.into_iter().filter_map(|(route, p50)| of(route, &p50)).collect();
    growing.sort_by(|a, b| b.per_day.total_cmp(&a.per_day));
    Ok(growing)
}

/// Medians in order of days.
fn of(route: String, p50: &[f64]) -> Option<Growth> {
    let (first, last) = (*p50.first()?, *p50.last()?);
    let steps = p50.len() - 1;
    let rising = p50.windows(2).filter(|pair| pair[1] > pair[0]).count();
    if p50.len() < LEAST_DAYS
        || last < LEAST_SECONDS
        || last < LEAST_GROWTH * first
        || (rising as f64) < RISING * steps as f64
    {
        return None;
    }
    let per_day = (last / first).powf(1.0 / steps as f64);
    Some(Growth {
        text: format!(
            "{route} gets slower from day to day: its median went from {first:.2} s to {last:.2} s in {} days ({:+.0} % a day).",
            p50.len(),
            100.0 * (per_day - 1.0)
        ),
        days: p50.len() as u64,
        first_p50: rounded(first, 1e4),
        last_p50: rounded(last, 1e4),
        per_day: rounded(per_day, 1e4),
        route,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_more_than_one_bad_day() {
        let of = |p50: &[f64]| of("GET /a".to_owned(), p50).map(|growth| growth.per_day);
        assert_eq!(of(&[1.0, 1.1, 1.21]), Some(1.1));
        assert_eq!(of(&[1.0, 1.5]), None, "two days");
        assert_eq!(of(&[1.0, 0.9, 0.8, 2.0]), None, "one bad day");
        assert_eq!(of(&[1.0, 1.01, 1.02]), None, "hardly any");
        assert_eq!(of(&[0.001, 0.002, 0.003]), None, "too quick to matter");
    }
}
