//! How users are dealt out to variants, and the alarm where those that were seen cannot have been dealt out like that.
//!
//! The test is Lindon and Malek's, "Anytime-valid inference for multinomial count data": the likelihood of the counts under a
//! Dirichlet mixture around the shares that were meant, over that under those shares. It is an e-process, so the alarm
//! is wrong with a probability of at most [`ALARM`] however often it is looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The alarm is raised on a good experiment with at most this probability, over its whole life.
pub const ALARM: f64 = 0.001;
/// How close to the shares that were meant the mixture looks: small differences are found sooner with more of it, large ones
/// later. At 200 a share of 50 % that is really 52 % is found soonest.
const CONCENTRATION: f64 = 200.0;

/// One variant that users are dealt out to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExperimentVariant")]
pub struct Drawn {
    /// Its name.
    pub variant: String,
    /// Its part of all weights.
    pub weight: u64,
}

/// The logarithm of the evidence that users were not dealt out by these weights; both lists in the same order. Negative: it
/// speaks for them.
pub fn log_evidence(counts: &[u64], weights: &[u64]) -> f64 {
    let all_weights: u64 = weights.iter().sum();
    let all: u64 = counts.iter().sum();
    if all_weights == 0 || weights.contains(&0) {
        return 0.0;
    }
    let each = counts.iter().zip(weights).map(|(count, weight)| {
        let share = *weight as f64 / all_weights as f64;
        let prior = CONCENTRATION * share;
        rising(prior, *count) - *count as f64 * share.ln()
    });
    each.sum::<f64>() - rising(CONCENTRATION, all)
}

/// Whether that is enough for the alarm.
pub fn is_alarming(counts: &[u64], weights: &[u64]) -> bool {
    log_evidence(counts, weights) >= -ALARM.ln()
}

/// ln Γ(from + steps) − ln Γ(from).
fn rising(from: f64, steps: u64) -> f64 {
    log_gamma(from + steps as f64) - log_gamma(from)
}

/// ln Γ(x) for x > 0 by Stirling's series, with x moved up to where six terms of it are exact to a double.
fn log_gamma(x: f64) -> f64 {
    let (mut moved, mut product) = (x, 1.0_f64);
    while moved < 10.0 {
        product *= moved;
        moved += 1.0;
    }
    let over = 1.0 / (moved * moved);
    let series = over.mul_add(-691.0 / 360_360.0, 1.0 / 1_188.0);
    let series = over.mul_add(series, -1.0 / 1_680.0);
    let series = over.mul_add(series, 1.0 / 1_260.0);
    let series = over.mul_add(series, -1.0 / 360.0);
    let series = over.mul_add(series, 1.0 / 12.0) / moved;
    (moved - 0.5) * moved.ln() - moved + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_of_gamma_is_that_of_factorials() {
        let mut factorial = 0.0_f64;
        for n in 1..170_u64 {
            factorial += (n as f64).ln();
            let found = log_gamma(n as f64 + 1.0);
            assert!((found - factorial).abs() <= 1e-12 * factorial.max(1.0), "{n}: {found} {factorial}");
        }
        assert!((log_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-12);
    }

    /// An e-process has an expectation of 1: over all outcomes of n users the evidence, weighed by how likely each is, is one.
    #[test]
    fn the_evidence_is_fair_where_users_are_dealt_out_as_meant() {
        for (weights, n) in [([1_u64, 1], 12_u64), ([9, 1], 15), ([3, 2], 1)] {
            let p = weights[0] as f64 / (weights[0] + weights[1]) as f64;
            let choose = |k: u64| rising(1.0, n) - rising(1.0, k) - rising(1.0, n - k);
            let expected: f64 = (0..=n)
                .map(|k| {
                    let likely = choose(k) + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln();
                    (likely + log_evidence(&[k, n - k], &weights)).exp()
                })
                .sum();
            assert!((expected - 1.0).abs() < 1e-9, "{weights:?}: {expected}");
        }
    }

    #[test]
    fn what_was_meant_raises_no_alarm_and_what_was_not_does() {
        assert!(!is_alarming(&[5_000, 5_050], &[1, 1]));
        assert!(!is_alarming(&[0, 0], &[1, 1]));
        assert!(is_alarming(&[5_000, 5_600], &[1, 1]));
        assert!(is_alarming(&[100, 0], &[1, 1]));
        assert!(!is_alarming(&[9_020, 1_010, 980], &[90, 10, 10]));
        assert!(is_alarming(&[9_000, 1_000, 700], &[90, 10, 10]));
        assert_eq!(log_evidence(&[5, 5], &[1, 0]), 0.0, "nothing can be said where nobody was meant");
    }
}
