//! What a pick depends on besides the endpoints: the time, chance, and what of the request outlives its head.

use std::sync::LazyLock;
use std::time::Instant;

use tidegate_core::balance::{Point, mix};

/// The clock's zero. One second before it begins, so that 0 stands for never.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
const FIRST: u64 = 1_000_000;

/// A moment as balancing counts time: microseconds of this process, never 0.
pub(crate) fn micros(at: Instant) -> u64 {
    let since = at.saturating_duration_since(*START);
    since.as_secs() * 1_000_000 + u64::from(since.subsec_micros()) + FIRST
}

/// One pick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// When; see [`micros`].
    pub(crate) now: u64,
    /// Another number each time.
    pub(crate) turn: u64,
    /// The client as a number, where the upstream tells clients apart.
    pub(crate) key: u64,
    /// Where the client is, where the upstream asks for it and it is known.
    pub(crate) location: Option<Point>,
}

impl Ask {
    /// Chance: the `n`th number of this pick.
    pub(crate) fn chance(&self, n: u64) -> u64 {
        mix(self.turn ^ n << 56)
    }

    /// A member of so many by chance, or 0 of none.
    pub(crate) fn one_of(&self, many: usize, n: u64) -> usize {
        scale(self.chance(n), many)
    }
}

/// A number of the whole range as one below `many`.
pub(super) fn scale(chance: u64, many: usize) -> usize {
    ((u128::from(chance) * many as u128) >> 64) as usize
}
