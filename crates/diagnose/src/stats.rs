//! Statistics of small samples.

/// How much better a Poisson rate of `k` events explains what was seen than the `mu` that were expected, in nats; 0 if there were not
/// more than expected. By Chernoff's bound `exp(-surprise)` is at least the chance of `k` or more events.
pub(crate) fn surprise(k: f64, mu: f64) -> f64 {
    match () {
        _ if k <= mu => 0.0,
        _ if mu <= 0.0 => f64::INFINITY,
        _ => k * (k / mu).ln() - k + mu,
    }
}

/// Pearson's correlation of two equally long rows; `None` if one of them never changes or there are fewer than `least` pairs.
pub(crate) fn correlation(pairs: &[(f64, f64)], least: usize) -> Option<f64> {
    if pairs.len() < least.max(3) {
        return None;
    }
    let n = pairs.len() as f64;
    let (sx, sy) = pairs.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
    let (mx, my) = (sx / n, sy / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mx) * (x - mx);
        yy += (y - my) * (y - my);
        xy += (x - mx) * (y - my);
    }
    // What never changes correlates with nothing but the rounding of its own mean.
    let changes = |square: f64, mean: f64| square > 1e-18 * n * mean.mul_add(mean, 1e-12);
    (changes(xx, mx) && changes(yy, my)).then(|| xy / (xx * yy).sqrt())
}

/// 0 up to `low`, 1 from `high`, a straight line between; `low` may be the larger one, then it falls.
pub(crate) fn ramp(x: f64, low: f64, high: f64) -> f64 {
    ((x - low) / (high - low)).clamp(0.0, 1.0)
}

/// The middle of the values, the lower one of two; `None` without values.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = (values.len() - 1) / 2;
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// Share of `part` in `whole`; 0 of nothing.
pub(crate) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprise_bounds_the_tail() {
        assert_eq!(surprise(3.0, 3.0), 0.0);
        assert_eq!(surprise(1.0, 3.0), 0.0);
        assert!(surprise(1.0, 0.0).is_infinite());
        // P(X >= 10 | mu = 2) is 4.65e-5.
        assert!((-surprise(10.0, 2.0)).exp() >= 4.65e-5);
        assert!((-surprise(10.0, 2.0)).exp() < 1e-3);
    }

    #[test]
    fn correlations() {
        let line: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), 5.0 - 2.0 * f64::from(i))).collect();
        assert!((correlation(&line, 3).unwrap() + 1.0).abs() < 1e-12);
        let flat: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), 0.1 + 0.2)).collect();
        assert_eq!(correlation(&flat, 3), None);
        assert_eq!(correlation(&line[..2], 2), None);
        assert_eq!(correlation(&line, 11), None);
    }

    #[test]
    fn small_helpers() {
        assert_eq!([ramp(0.0, 1.0, 2.0), ramp(1.5, 1.0, 2.0), ramp(9.0, 1.0, 2.0)], [0.0, 0.5, 1.0]);
        assert_eq!([ramp(0.0, 2.0, 1.0), ramp(1.25, 2.0, 1.0), ramp(9.0, 2.0, 1.0)], [1.0, 0.75, 0.0]);
        assert_eq!(median(&mut [3.0, 1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
        assert_eq!(share(1.0, 0.0), 0.0);
    }
}
