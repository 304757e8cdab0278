//! What was counted of one arm in one window.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many latency thresholds there are: stable's p50, p75, p90, p95, p99 and p99.9, taken before the rollout and fixed then.
pub const THRESHOLDS: usize = 6;

/// Requests of one arm, by the arm they were assigned to and by their first attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JudgeTally")]
pub struct Tally {
    /// Requests.
    pub n: u64,
    /// Of these, the bad ones: 5xx, reset, timeout.
    pub bad: u64,
    /// Of these, the ones slower than each threshold, or unfinished at the deadline.
    #[serde(default)]
    pub slow: [u64; THRESHOLDS],
}

impl Tally {
    /// Requests and bad ones; nothing is known of latencies.
    pub const fn of(n: u64, bad: u64) -> Self {
        Tally { n, bad, slow: [0; THRESHOLDS] }
    }

    /// Both together.
    pub fn plus(&self, other: &Tally) -> Tally {
        let mut slow = self.slow;
        slow.iter_mut().zip(other.slow).for_each(|(mine, its)| *mine = mine.saturating_add(its));
        Tally { n: self.n.saturating_add(other.n), bad: self.bad.saturating_add(other.bad), slow }
    }

    /// Without the other, which is a part of it.
    pub fn minus(&self, part: &Tally) -> Tally {
        let mut slow = self.slow;
        slow.iter_mut().zip(part.slow).for_each(|(mine, its)| *mine = mine.saturating_sub(its));
        Tally { n: self.n.saturating_sub(part.n), bad: self.bad.saturating_sub(part.bad), slow }
    }

    /// Bad ones per request; 0 where there was none.
    pub fn rate(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.bad as f64 / self.n as f64 }
    }
}
