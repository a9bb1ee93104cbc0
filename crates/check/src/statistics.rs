//! How probable it is to see so many by chance.

/// The probability of at least `k` in `n` where each has the probability `p`: the binomial tail, exact but for rounding.
///
/// The terms are summed from `k` away from the expected number, where they fall at least geometrically; a few standard deviations of
/// them at most.
pub(crate) fn at_least(k: u64, n: u64, p: f64) -> f64 {
    match () {
        () if k == 0 => return 1.0,
        () if k > n || p <= 0.0 => return 0.0,
        () if p >= 1.0 => return 1.0,
        () => {}
    }
    let odds = p / (1.0 - p);
    if k as f64 > n as f64 * p {
        return sum(probability(k, n, p), (k..n).map(|i| (n - i) as f64 / (i + 1) as f64 * odds));
    }
    1.0 - sum(probability(k - 1, n, p), (1..k).rev().map(|i| i as f64 / (n - i + 1) as f64 / odds))
}

/// The probability of at most `k` in `n`.
pub(crate) fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n { 1.0 } else { at_least(n - k, n, 1.0 - p) }
}

/// The probability that of `k1 + k0` events so many as `k1` or more fall into the first of two spans whose expected numbers are as
/// `weight1` to `weight0`. This is the exact test of two Poisson rates (Przyborowski and Wilenski, 1940).
pub(crate) fn share_at_least(k1: u64, k0: u64, weight1: f64, weight0: f64) -> f64 {
    at_least(k1, k1 + k0, weight1 / (weight1 + weight0))
}

/// As [`share_at_least`], for so few as `k1` or fewer.
pub(crate) fn share_at_most(k1: u64, k0: u64, weight1: f64, weight0: f64) -> f64 {
    at_most(k1, k1 + k0, weight1 / (weight1 + weight0))
}

/// So many requests must be looked at that at least one would fail if the share `p` did, but for the given chance.
pub(crate) fn enough(p: f64, chance: f64) -> u64 {
    if p <= 0.0 || p >= 1.0 {
        return 1;
    }
    (chance.ln() / (-p).ln_1p()).ceil() as u64
}

/// Of exactly `k` in `n`, for `p` between 0 and 1.
fn probability(k: u64, n: u64, p: f64) -> f64 {
    let factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
    let ways = factorial(n) - factorial(k) - factorial(n - k);
    (ways + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

/// The first term and those that follow it, each given by its ratio to the one before.
fn sum(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (first, first);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term < sum * 1e-16 {
            break;
        }
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1e-12), "{a} {b}");
    }

    #[test]
    fn the_tail_of_the_binomial() {
        // Two of three heads; no head; a six in four throws.
        close(at_least(2, 3, 0.5), 0.5);
        close(at_most(0, 10, 0.5), 1.0 / 1024.0);
        close(at_least(1, 4, 1.0 / 6.0), 0.517_746_913_580);
        // Both sides of the expected number add up to 1.
        for (k, n, p) in [(3, 100, 0.01), (1, 100, 0.01), (60_000, 1_000_000, 0.06), (10, 1_000_000_000, 1e-9)] {
            close(at_least(k, n, p) + at_most(k - 1, n, p), 1.0);
        }
        // Far out it is neither 0 by accident nor NaN.
        let far = at_least(100, 1000, 0.01);
        assert!(far > 0.0 && far < 1e-60, "{far}");
        assert_eq!(
            (at_least(0, 0, 0.5), at_least(1, 0, 0.5), at_least(5, 5, 1.0), at_least(1, 5, 0.0)),
            (1.0, 0.0, 1.0, 0.0)
        );
    }

    #[test]
    fn rates_of_two_spans() {
        // Of 3 errors all in the shorter span, a seventh as long: (1/8)^3.
        close(share_at_least(3, 0, 1.0, 7.0), 1.0 / 512.0);
        assert!(share_at_least(10, 70, 1.0, 7.0) > 0.4);
        assert!(share_at_most(0, 70, 1.0, 7.0) < 1e-4);
    }

    #[test]
    fn enough_requests_for_a_verdict() {
        assert_eq!((enough(0.01, 0.01), enough(0.5, 0.01), enough(0.0, 0.01), enough(1.0, 0.01)), (459, 7, 1, 1));
    }
}
