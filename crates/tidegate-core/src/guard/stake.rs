//! What part of the evidence each service has: the averages of several are evidence as long as the parts are fixed beforehand.
//!
//! Services of the environment that take requests when the watch begins share most of it alike. A little is kept for those that come
//! later, of which each gets less than the one before; what nobody has got yet counts as evidence of nothing: 1.

use serde::{Deserialize, Serialize};

/// What is kept for services that come later.
const KEPT: f64 = 0.1;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stakes {
    /// Services that were there when it began.
    first: u32,
    /// Those that came later.
    later: u32,
}

impl Stakes {
    /// Of a watch that begins with so many services.
    pub(super) fn of(first: usize) -> Self {
        Stakes { first: u32::try_from(first).unwrap_or(u32::MAX), later: 0 }
    }

    /// The part of each of the first ones.
    pub(super) fn first(&self) -> f64 {
        (1.0 - self.kept()) / f64::from(self.first.max(1))
    }

    /// The part of one that comes now.
    pub(super) fn next(&mut self) -> f64 {
        self.later += 1;
        let n = f64::from(self.later);
        self.kept() / (n * (n + 1.0))
    }

    /// What nobody has got.
    pub(super) fn left(&self) -> f64 {
        self.kept() / (f64::from(self.later) + 1.0)
    }

    fn kept(&self) -> f64 {
        if self.first == 0 { 1.0 } else { KEPT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_the_whole_however_many_come() {
        for first in [0, 1, 3] {
            let mut stakes = Stakes::of(first);
            let mut given = first as f64 * stakes.first();
            for _ in 0..20 {
                given += stakes.next();
                assert!((given + stakes.left() - 1.0).abs() < 1e-12, "{first} {stakes:?}");
            }
        }
    }
}
