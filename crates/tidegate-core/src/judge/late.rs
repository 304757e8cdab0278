//! Late onset: a candidate that was good and is not any more. Shiryaev–Roberts, with a weight for each moment it may begin at.
//!
//! What the cumulative test has lost while the candidate was good it has to win back first. So a part of the stake is kept, and
//! a little of it is bet anew at each window that says anything: `R = (R + h_j) · factor`. The usual procedure takes `h = 1` and
//! alarms within `n` windows with probability `n / A`: a budget by the hour. Here the weights `h_j = c / ((j + c − 1)(j + c))` sum to 1
//! over all time and what has not been bet is kept, `H_j = c / (j + c)`. `R + H` is then an average, with fixed weights, of
//! processes that each are 1 until they begin and a product of bets from there: a supermartingale that begins with 1. It is
//! averaged with the cumulative test and needs no budget of its own, however long the rollout and its bake time last.

use serde::{Deserialize, Serialize};

use super::bet::{Factors, RATIOS};

/// So much is enough for any threshold; more would overflow some day.
const MOST: f64 = 1e280;

/// What the bets that begin late have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Late {
    windows: u64,
    begun: [f64; RATIOS.len()],
}

impl Late {
    /// A window that says something.
    #[inline]
    pub fn take(&mut self, factors: &Factors, scale: f64) {
        self.windows += 1;
        let at = self.windows as f64 + scale;
        let weight = scale / ((at - 1.0) * at);
        for (begun, factor) in self.begun.iter_mut().zip(factors) {
            *begun = ((*begun + weight) * factor).min(MOST);
        }
    }

    /// All of it, with what has not been bet yet.
    #[inline]
    pub fn value(&self, scale: f64) -> f64 {
        let begun = self.begun.iter().sum::<f64>() / RATIOS.len() as f64;
        begun + scale / (self.windows as f64 + scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stake_is_one_and_stays_one_where_nothing_is_won() {
        let mut late = Late::default();
        for _ in 0..1_000 {
            assert!((late.value(300.0) - 1.0).abs() < 1e-9, "{late:?}");
            late.take(&[1.0; RATIOS.len()], 300.0);
        }
    }
}
