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
/// By the trend, the last day against the first.
const LEAST_GROWTH: f64 = 1.15;
/// The trend in its standard errors. Some hundred routes are looked at: chance alone makes one of a million that steep.
const LEAST_Z: f64 = 5.0;
/// The share of neighbouring days between which it must have grown: a trend and not one bad day.
const RISING: f64 = 0.75;
/// Seconds; what is quicker bothers nobody yet.
const LEAST_SECONDS: f64 = 0.05;

/// A day of a route.
#[derive(Clone, Copy)]
struct Day {
    /// Days since 1970.
    day: f64,
    requests: f64,
    /// Logarithm of the median, and between the quartiles.
    ln_p50: f64,
    ln_quartiles: f64,
}

impl Day {
    /// Of the median's logarithm, as if durations were log-normal.
    fn variance(&self) -> f64 {
        let sigma = self.ln_quartiles / 1.349;
        std::f64::consts::FRAC_PI_2 * sigma * sigma / self.requests
    }
}

pub(crate) async fn growth(session: &Session, window: Window) -> Result<Vec<Growth>> {
    if (window.to - window.from).num_days() + 1 < LEAST_DAYS as i64 {
        return Ok(Vec::new());
    }
    let mut routes: BTreeMap<String, Vec<Day>> = BTreeMap::new();
    for rows in ask(session, &sql!("growth"), window, &[("min_requests", LEAST_REQUESTS.to_string())]).await? {
        let (verb, route, day, requests) =
            (rows.texts("verb")?, rows.texts("route")?, rows.floats("day")?, rows.floats("requests")?);
        let (p50, quartiles) = (rows.floats("ln_p50")?, rows.floats("ln_quartiles")?);
        for row in 0..rows.len() {
            let read = || {
                let (day, requests) = (float(&day, row)?, float(&requests, row)?);
                Some(Day { day, requests, ln_p50: float(&p50, row)?, ln_quartiles: float(&quartiles, row)? })
            };
            routes.entry(route_name(text(&verb, row), text(&route, row))).or_default().extend(read());
        }
    }
    let mut growing: Vec<Growth> = routes.into_iter().filter_map(|(route, days)| of(route, &days)).collect();
    growing.sort_by(|a, b| b.per_day.total_cmp(&a.per_day));
    Ok(growing)
}

/// In order of days.
fn of(route: String, days: &[Day]) -> Option<Growth> {
    if days.len() < LEAST_DAYS {
        return None;
    }
    let (first, last) = (days.first()?, days.last()?);
    let rising = days.windows(2).filter(|pair| pair[1].ln_p50 > pair[0].ln_p50).count();
    let (slope, error) = trend(days)?;
    let growth = (slope * (last.day - first.day)).exp();
    if last.ln_p50.exp() < LEAST_SECONDS
        || growth < LEAST_GROWTH
        || slope < LEAST_Z * error
        || (rising as f64) < RISING * (days.len() - 1) as f64
    {
        return None;
    }
    let (first_p50, last_p50, per_day) = (first.ln_p50.exp(), last.ln_p50.exp(), slope.exp());
    let span = last.day - first.day + 1.0;
    Some(Growth {
        text: format!(
            "{route} gets slower from day to day: its median went from {first_p50:.2} s to {last_p50:.2} s in {span:.0} days ({:+.0} % a day).",
            100.0 * (per_day - 1.0)
        ),
        days: days.len() as u64,
        first_p50: rounded(first_p50, 1e4),
        last_p50: rounded(last_p50, 1e4),
        per_day: rounded(per_day, 1e4),
        route,
    })
}

/// Slope of the medians' logarithms per day, by weighted least squares, and its standard error: that of the medians, or more if they scatter
/// more than that about the line.
fn trend(days: &[Day]) -> Option<(f64, f64)> {
    let weights: Vec<f64> = days.iter().map(|day| 1.0 / day.variance()).collect();
    let sum = |of: &dyn Fn(&Day) -> f64| days.iter().zip(&weights).map(|(day, weight)| weight * of(day)).sum::<f64>();
    let all = sum(&|_| 1.0);
    let (mean_day, mean) = (sum(&|day| day.day) / all, sum(&|day| day.ln_p50) / all);
    let spread = sum(&|day| (day.day - mean_day).powi(2));
    let slope = sum(&|day| (day.day - mean_day) * (day.ln_p50 - mean)) / spread;
    let scatter = sum(&|day| (day.ln_p50 - mean - slope * (day.day - mean_day)).powi(2)) / (days.len() - 2) as f64;
    slope.is_finite().then(|| (slope, (scatter.max(1.0) / spread).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(p50: &[f64], requests: f64) -> Option<f64> {
        let day = |(day, p50): (usize, &f64)| Day { day: day as f64, requests, ln_p50: p50.ln(), ln_quartiles: 0.6 };
        let days: Vec<Day> = p50.iter().enumerate().map(day).collect();
        of("GET /a".to_owned(), &days).map(|growth| growth.per_day)
    }

    #[test]
    fn a_trend_is_more_than_one_bad_day() {
        assert_eq!(growth(&[1.0, 1.1, 1.21], 1000.0), Some(1.1));
        assert_eq!(growth(&[1.0, 1.5], 1000.0), None, "two days");
        assert_eq!(growth(&[1.0, 0.9, 0.8, 2.0], 1000.0), None, "falls, then one bad day");
        assert_eq!(growth(&[1.0, 1.01, 1.02, 1.03, 3.0], 1000.0), None, "one bad day");
        assert_eq!(growth(&[1.0, 1.01, 1.02], 1000.0), None, "hardly any");
        assert_eq!(growth(&[0.001, 0.002, 0.003], 1000.0), None, "too quick to matter");
        assert_eq!(growth(&[1.0, 1.1, 1.21], 30.0), None, "medians of so few requests are not that sure");
    }
}
