//! Share betting: what one window says about who has more than its share of the bad answers.
//!
//! Of the `m` bad answers of a window, `s = x_c / m` were the candidate's. Where it is no worse than allowed, the expectation of
//! `s` is at most a θ0 that depends on the counts of requests alone ([`Fair`]). A bet on `s` multiplies the wealth by
//!
//! ```text
//! 1 + λ (s − θ0),   λ = (r − 1) / (1 + θ0 (r − 1)),   which is   (1 + s (r − 1)) / (1 + θ0 (r − 1))
//! ```
//!
//! and is the best one if the odds are `r` times those of θ0. It is linear in `s`: its expectation is at most 1 whatever the
//! variance, so a session that errs forty times within the window counts no more than one that errs once.

use super::Tally;

/// How many times worse than allowed the candidate may be, as bets have it. Each gets the same part of the stake: whatever the
/// truth is, one of them is near, and all it costs is the logarithm of their number.
pub const RATIOS: [f64; 6] = [1.4, 2.0, 3.3, 6.5, 18.0, 80.0];

/// The wealth is multiplied by so much, for each of [`RATIOS`].
pub type Factors = [f64; RATIOS.len()];

/// The largest share of the bad answers that a candidate has in expectation that is as good as it must be.
///
/// **Claim.** Let `x_c` of `n_c` and `x_b` of `n_b` independent requests be bad, with odds `p/(1-p)` of the candidate at most ω ≥ 1
/// times those of stable. Given `m = x_c + x_b > 0`: `E[x_c] / m ≤ ω n_c / (ω n_c + n_b)`, whatever the rate itself is.
///
/// *Proof.* Given `m`, `X = x_c` is noncentral hypergeometric and increases with ω, so let the odds be ω times exactly. Its weights
/// obey `E[X (n_b − m + X)] = ω E[(n_c − X)(m − X)]`; sorted, with `μ = E[X]`:
/// `μ (n_b + ω n_c) = ω n_c m − (ω − 1) E[X (m − X)]`, and `X (m − X) ≥ 0`. ∎
///
/// Of a rate of 5 % odds of 1.25 to 1 are a ratio of 1.234, of 0.1 % they are one of 1.2497. If bad answers arrive as Poisson
/// processes, `X` is binomial and the same bound holds for the ratio itself.
#[derive(Clone, Copy, Debug)]
pub enum Fair {
    /// The claim above, as it is: for rare things.
    Rare,
    /// A smaller one for things that are not rare, see [`Fair::common`].
    Common,
}

impl Fair {
    #[inline]
    fn share(self, omega: f64, n_c: f64, n_b: f64, m: f64) -> f64 {
        match self {
            Fair::Rare => omega * n_c / (omega * n_c + n_b),
            Fair::Common => Self::common(omega, n_c, n_b, m),
        }
    }

    /// `E[X (m − X)]` of the proof is not nothing where half of all requests count as slow. `X` is a sum of independent
    /// indicators (its generating polynomial has real roots only), at most `k = min(n_c, m)` of them, so `Var X ≤ μ − μ²/k` and
    /// `E[X (m − X)] ≥ mμ − μ² − μ + μ²/k`. With `d = ω − 1` that is `a μ² − b μ + c ≥ 0` for `a = d (1 − 1/k)`,
    /// `b = n_b + ω n_c + d (m − 1)`, `c = ω n_c m`. Where `n_b ≥ d`, `b² ≥ (d m + ω n_c)² ≥ 4 d m ω n_c ≥ 4 a c`: there are two
    /// roots for each ω down to 1, μ is continuous in ω and below the smaller one at 1, so it is below it everywhere.
    #[inline]
    fn common(omega: f64, n_c: f64, n_b: f64, m: f64) -> f64 {
        let d = omega - 1.0;
        let b = n_b + omega * n_c + d * (m - 1.0);
        let c = omega * n_c * m;
        let a = d * (1.0 - 1.0 / n_c.min(m));
        let square = b * b - 4.0 * a * c;
        if n_b < d || square < 0.0 {
            return omega * n_c / (omega * n_c + n_b);
        }
        2.0 * c / (b + square.sqrt()) / m
    }
}

/// What one window says: the share that was seen, and the one that is fair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bet {
    seen: f64,
    fair: f64,
    /// Of so many bad answers that have nothing to do with each other; 1: of all together.
    each: u32,
}

/// No window multiplies or divides the wealth by more. To take less than was won is safe; to lose no more than this adds less than
/// a 10^30th to an expectation.
const MOST: f64 = (1_u128 << 100) as f64;

impl Bet {
    /// Of counts: requests and bad ones of each arm. `None` where the window says nothing: nothing was bad, or one of the arms
    /// had no request. Both are known without looking at *whose* the bad answers were, so leaving it out favours nobody.
    #[inline]
    pub fn of(fair: Fair, omega: f64, candidate: (u64, u64), stable: (u64, u64)) -> Option<Bet> {
        let ((n_c, x_c), (n_b, x_b)) = (candidate, stable);
        if x_c + x_b == 0 || n_c == 0 || n_b == 0 {
            return None;
        }
        let m = (x_c + x_b) as f64;
        Some(Bet { seen: x_c as f64 / m, fair: fair.share(omega, n_c as f64, n_b as f64, m), each: 1 })
    }

    /// On the bad answers of a window.
    #[inline]
    pub fn on_errors(omega: f64, candidate: &Tally, stable: &Tally) -> Option<Bet> {
        Bet::of(Fair::Rare, omega, (candidate.n, candidate.bad), (stable.n, stable.bad))
    }

    /// Where who gets which arm is drawn: `odds` to 1 that a bad answer is the candidate's where both arms are alike, however many
    /// requests each of them has. `None` where nothing was bad.
    #[inline]
    pub fn drawn(omega: f64, odds: f64, bad: (u64, u64)) -> Option<Bet> {
        let m = bad.0 + bad.1;
        let fair = omega * odds / (omega * odds + 1.0);
        (m > 0).then(|| Bet { seen: bad.0 as f64 / m as f64, fair, each: 1 })
    }

    /// The same on each of the bad answers by itself, where each is another user's: the product is that of the binomial, and as its
    /// expectation is at most 1 for each, so it is for all of them. Which of them came first does not matter.
    #[inline]
    pub fn one_by_one(self, bad: u64) -> Bet {
        Bet { each: u32::try_from(bad).unwrap_or(u32::MAX).max(1), ..self }
    }

    /// What each of the bets multiplies the wealth by.
    #[inline]
    pub fn factors(&self) -> Factors {
        RATIOS.map(|ratio| self.factor(ratio))
    }

    /// What the bet on one ratio does.
    #[inline]
    pub fn factor(&self, ratio: f64) -> f64 {
        let lost = 1.0 + self.fair * (ratio - 1.0);
        if self.each == 1 {
            return (1.0 + self.seen * (ratio - 1.0)) / lost;
        }
        let each = f64::from(self.each);
        let log = (self.seen * each).round() * ratio.ln() - each * lost.ln();
        log.exp().clamp(1.0 / MOST, MOST)
    }
}
