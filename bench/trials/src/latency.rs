//! Requests slower than stable's quantiles, where times are lognormal as those of most services roughly are.

use tidegate_core::judge::THRESHOLDS;

/// The quantiles p50, p75, p90, p95, p99, p99.9 of the standard normal distribution.
const QUANTILES: [f64; THRESHOLDS] = [0.0, 0.674_49, 1.281_55, 1.644_85, 2.326_35, 3.090_23];
/// The standard deviation of the logarithm of the time.
const SIGMA: f64 = 0.5;

/// Stable, by definition.
pub const STABLE: [f64; THRESHOLDS] = [0.5, 0.25, 0.1, 0.05, 0.01, 0.001];

/// Each request takes so many times as long.
pub fn slower(times: f64) -> [f64; THRESHOLDS] {
    QUANTILES.map(|quantile| 1.0 - below(quantile - times.ln() / SIGMA))
}

/// Each of the slowest tenth takes so many times as long.
pub fn longer_tail(times: f64) -> [f64; THRESHOLDS] {
    let mut slow = slower(times);
    slow.iter_mut().zip(STABLE).for_each(|(slow, stable)| *slow = slow.min(stable.max(0.1)));
    slow
}

/// The standard normal distribution, to seven digits (Abramowitz and Stegun 26.2.17).
fn below(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let terms = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| t * (term + sum));
    let upper = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * sum;
    if x >= 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_that_is_as_fast_has_stables_quantiles() {
        for (seen, stable) in slower(1.0).into_iter().zip(STABLE) {
            assert!((seen - stable).abs() < 1e-5, "{seen} {stable}");
        }
        let tail = longer_tail(1.2);
        assert_eq!((tail[0], tail[1], tail[2]), (0.5, 0.25, 0.1));
        assert!((tail[3] - 0.1).abs() < 0.002 && tail[4] > 0.02, "{tail:?}");
    }
}
