//! How much worse the candidate is, in bad answers per request: for the floor, and to be told.

use serde::{Deserialize, Serialize};

use super::Window;

/// So many standard errors the estimate must lie over the floor.
const STANDARD_ERRORS: f64 = 1.0;

/// The difference of the rates, window by window (Mantel and Haenszel), so that neither a rate that moves for both arms nor a
/// share that changes looks like a difference.
///
/// Its use is a gate: an abort waits until the difference is over the floor by a standard error. A gate takes aborts away and
/// adds none, so what is proved of the [case](super::case) stands. To *prove* an excess over the floor instead would take seven times the
/// requests to find 0.1 % where there was 0.01 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Excess {
    weight: f64,
    difference: f64,
    variance: f64,
}

impl Excess {
    /// A window. Where one arm had no request it says nothing.
    #[inline]
    pub fn take(&mut self, window: &Window) {
        let (n_c, n_b) = (window.candidate.n as f64, window.stable.n as f64);
        let weight = n_c * n_b / (n_c + n_b).max(1.0);
        self.weight += weight;
        if weight > 0.0 && window.candidate.bad + window.stable.bad > 0 {
            let (of_c, of_b) = (weight / n_c, weight / n_b);
            let (x_c, x_b) = (window.candidate.bad as f64, window.stable.bad as f64);
            self.difference += x_c * of_c - x_b * of_b;
            self.variance += x_c * of_c * of_c + x_b * of_b * of_b;
        }
    }

    /// The candidate's rate less stable's.
    pub fn estimate(&self) -> f64 {
        if self.weight > 0.0 { self.difference / self.weight } else { 0.0 }
    }

    /// Whether it is worth an abort.
    pub fn is_over(&self, floor: f64) -> bool {
        floor == 0.0 || self.difference - STANDARD_ERRORS * self.variance.sqrt() >= floor * self.weight
    }
}
