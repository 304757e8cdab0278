//! The case for the candidate: that it is not much worse than stable, or not worse by anything that matters.
//!
//! A candidate must not be promoted whose rate is `rho_m` times stable's and over it by the floor. Two processes, of which the first is
//! a supermartingale for the one and the second for the other, so that their average is one for any such candidate, and P(it
//! is ever promoted) ≤ β:
//!
//! - **Ratio.** The bet of [`bet`](super::bet) turned round: `1 − λ (s − θ_M)` is `((1 − s)(1 − θ) / (1 − θ_M)) + s θ / θ_M` with `θ = n_c / (n_c + n_b)` and
//!   `θ_M = ρ_M n_c / (ρ_M n_c + n_b)`. Where the candidate is ρ_M times worse the expectation of `s` is at least `θ_M` as bad answers
//!   are rare. It is linear in `s` here as well: one session of *stable* that errs forty times must not promote anything.
//! - **Floor.** Where nothing ever errs there is nothing to share. Then `(q/f)^x ((1 − q)/(1 − f))^(n − x)` with `q = f/10` tells whether the
//!   candidate's rate can be as much as the floor `f` at all.

use serde::{Deserialize, Serialize};

use super::wealth::Wealth;
use super::{Policy, Window};

/// The part of the stake that is bet on the floor.
const ON_THE_FLOOR: f64 = 0.1;
/// What a good candidate's rate is, as that bet has it, in floors.
const GOOD: f64 = 0.1;

/// What both bets have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    ratio: Wealth,
    requests: u64,
    bad: u64,
}

impl Promotion {
    /// A window.
    #[inline]
    pub fn take(&mut self, window: &Window, policy: &Policy) {
        let (n_c, n_b) = (window.candidate.n as f64, window.stable.n as f64);
        self.count(window);
        if n_c > 0.0 && n_b > 0.0 {
            self.bet(window, (policy.rho_m * n_c + n_b) / (n_c + n_b), policy);
        }
    }

    /// The same where the arms are drawn, at `odds` to 1.
    #[inline]
    pub fn take_drawn(&mut self, window: &Window, odds: f64, policy: &Policy) {
        self.count(window);
        self.bet(window, (policy.rho_m * odds + 1.0) / (odds + 1.0), policy);
    }

    #[inline]
    fn count(&mut self, window: &Window) {
        self.requests = self.requests.saturating_add(window.candidate.n);
        self.bad = self.bad.saturating_add(window.candidate.bad);
    }

    #[inline]
    fn bet(&mut self, window: &Window, shrunk: f64, policy: &Policy) {
        let m = window.candidate.bad + window.stable.bad;
        if m > 0 {
            let seen = window.candidate.bad as f64 / m as f64;
            self.ratio.multiply(shrunk * ((1.0 - seen) + seen / policy.rho_m));
        }
    }

    /// E'.
    #[inline]
    pub fn value(&self, policy: &Policy) -> f64 {
        let ([on_ratio, on_floor], [ratio, floor]) = (parts(policy), self.each(policy));
        if on_floor == 0.0 { ratio } else { on_ratio * ratio + on_floor * floor }
    }

    /// What each bet has that began with all of the stake: on the ratio, on the floor.
    #[inline]
    pub(super) fn each(&self, policy: &Policy) -> [f64; 2] {
        let floor = if policy.floor == 0.0 { 1.0 } else { self.under(policy.floor) };
        [policy.carried.ratio * self.ratio.value(), policy.carried.floor * floor]
    }

    /// Its logarithm, finite however small it is.
    pub fn ln(&self, policy: &Policy) -> f64 {
        let value = self.value(policy);
        if value > 0.0 { value.ln() } else { self.ratio.ln() }
    }

    #[inline]
    fn under(&self, floor: f64) -> f64 {
        let good = self.requests.saturating_sub(self.bad) as f64;
        let log = good * log_good(floor) + self.bad as f64 * GOOD.ln();
        log.min(600.0).exp()
    }
}

/// What each good answer adds to the logarithm of the bet on the floor.
pub(super) fn log_good(floor: f64) -> f64 {
    (-GOOD * floor).ln_1p() - (-floor).ln_1p()
}

/// What the bet on the floor has to win in nats until it alone promotes, and what a request adds at a rate.
pub(super) fn on_the_floor(policy: &Policy, rate: f64) -> (f64, f64) {
    let wanted = (1.0 / (policy.beta * ON_THE_FLOOR)).ln();
    (wanted, (1.0 - rate) * log_good(policy.floor) + rate * GOOD.ln())
}

/// The parts of the stake that are bet on the ratio and on the floor.
#[inline]
pub(super) fn parts(policy: &Policy) -> [f64; 2] {
    if policy.floor == 0.0 { [1.0, 0.0] } else { [1.0 - ON_THE_FLOOR, ON_THE_FLOOR] }
}
