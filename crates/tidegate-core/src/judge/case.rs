//! The case against the candidate on one count (bad answers, or one threshold of latency): an e-process.
//!
//! Let F be all that is known before a window, with its numbers of requests and of bad answers, but not whose these were. Every
//! factor is chosen from F and has an expectation of at most 1 given F ([`bet`](super::bet)) for a candidate that is as good as it must
//! be. So each product of factors is a supermartingale that begins with 1, as is each that begins later ([`late`](super::late)), and so is
//! their average with fixed weights. It is never negative, hence by Ville's inequality
//!
//! ```text
//! P(it is ever 1/α or more) ≤ α
//! ```
//!
//! at any schedule of looks, with a rate that moves over time for both arms (it cancels, window by window), and with shares that
//! change between windows (they are in F). Where one arm has no request the factor is 1.

use serde::{Deserialize, Serialize};

use super::Policy;
use super::bet::{Bet, RATIOS};
use super::late::Late;
use super::wealth::Wealth;

/// What all bets on one count have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    whole: [Wealth; RATIOS.len()],
    late: Late,
}

impl Case {
    /// A window that says something.
    #[inline]
    pub fn take(&mut self, bet: &Bet, policy: &Policy) {
        let factors = bet.factors();
        self.whole.iter_mut().zip(&factors).for_each(|(wealth, factor)| wealth.multiply(*factor));
        self.late.take(&factors, policy.late_scale);
    }

    /// E. Finite, and never 0: what has not been bet is part of it.
    #[inline]
    pub fn value(&self, policy: &Policy) -> f64 {
        (self.of_the_whole(policy) + self.of_what_came_later(policy)).min(f64::MAX)
    }

    /// Whether most of it was won by bets that began late.
    pub fn is_late(&self, policy: &Policy) -> bool {
        self.of_what_came_later(policy) > self.of_the_whole(policy)
    }

    fn of_the_whole(&self, policy: &Policy) -> f64 {
        let sum: f64 = self.whole.iter().map(|wealth| wealth.value() / RATIOS.len() as f64).sum();
        (1.0 - policy.late_weight) * sum
    }

    fn of_what_came_later(&self, policy: &Policy) -> f64 {
        policy.late_weight * self.late.value(policy.late_scale)
    }
}
