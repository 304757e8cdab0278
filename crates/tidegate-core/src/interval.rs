//! Intervals for a difference of two averages that hold at all times at once: look as often as you like.
//!
//! The trial of two revisions and the experiments on flags both have theirs from here. It knows nothing of what is averaged.

/// A confidence sequence by a mixture of normal distributions, asymptotic in the number of observations: Waudby-Smith, Arbour,
/// Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", theorem 2.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequence {
    alpha: f64,
    /// ρ² of the paper: where in time the interval is narrowest for what it costs.
    rho_squared: f64,
}

impl Sequence {
    /// It misses the truth at any time at all with a probability of `alpha`, and is narrowest about when there are
    /// `tuned_for` observations. Which number that is costs width elsewhere, and never the guarantee.
    pub fn new(alpha: f64, tuned_for: f64) -> Self {
        Sequence { alpha, rho_squared: best(alpha) / tuned_for.max(1.0) }
    }

    /// Half the width of the interval: of an estimate with this `variance` (its standard error squared) from so many
    /// observations. At a fixed time 1.96 standard errors would do for 95 %; at all times it takes about 3.
    pub fn margin(&self, variance: f64, observations: f64) -> f64 {
        let scaled = observations * self.rho_squared;
        if scaled <= 0.0 {
            return f64::INFINITY;
        }
        let bound = 2.0 * (scaled + 1.0) / scaled * ((scaled + 1.0).sqrt() / self.alpha).ln();
        (variance * bound).sqrt()
    }
}

/// The ρ² that makes the interval narrowest at the first observation: −W₋₁(−α²/e) − 1, the root of v = ln(1 + v) − 2 ln α.
/// The step contracts for every v above 0, by 1 ÷ (1 + v): twelve of them leave nothing that shows.
fn best(alpha: f64) -> f64 {
    let least = -2.0 * alpha.ln();
    (0..12).fold(least, |v, _| least + v.ln_1p())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_narrowest_where_it_is_tuned_for() {
        let multiple = |tuned_for: f64| Sequence::new(0.05, tuned_for).margin(1.0, 10_000.0);
        let best = multiple(10_000.0);
        for other in [100.0, 5_000.0, 9_000.0, 11_000.0, 20_000.0, 1e6] {
            assert!(multiple(other) > best, "{other}: {}", multiple(other));
        }
        // There it is √(1 + v) standard errors wide, with the v that solves v = ln(1 + v) − 2 ln α: 8.212 for 5 %.
        assert!((best - 3.0351).abs() < 1e-3, "{best}");
    }

    #[test]
    fn it_grows_with_what_is_not_known() {
        let sequence = Sequence::new(0.05, 1_000.0);
        assert_eq!(sequence.margin(1.0, 0.0), f64::INFINITY);
        assert!(sequence.margin(4.0, 500.0) > sequence.margin(1.0, 500.0));
        assert!(Sequence::new(0.01, 1_000.0).margin(1.0, 500.0) > sequence.margin(1.0, 500.0));
    }
}
