//! What slow is: stable's own latencies from before the rollout, fixed then.

use serde::{Deserialize, Serialize};

use crate::judge::THRESHOLDS;
use crate::model::{CountsReport, Histogram, RevisionNo};

/// The shares of stable's requests that were at most as slow as each threshold.
const SHARES: [f64; THRESHOLDS] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
/// Fewer requests than this say nothing of how slow stable is.
const FEWEST: u64 = 200;

/// Latencies in nanoseconds, rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thresholds([u64; THRESHOLDS]);

impl Thresholds {
    /// Those of a revision, by all that was counted of it; `None` where that is too little.
    pub fn of(report: &CountsReport, upstream: &str, revision: RevisionNo) -> Option<Thresholds> {
        let mut all = Histogram::default();
        let rows = report.rows.iter().filter(|row| row.upstream == upstream && row.revision == revision);
        rows.for_each(|row| all.merge(&row.latencies));
        if all.total() < FEWEST {
            return None;
        }
        let limit = |share| all.quantile_ns(share).unwrap_or(u64::MAX);
        Some(Thresholds(SHARES.map(limit)))
    }

    /// How many requests were slower than each; those without an answer in time were.
    pub(super) fn slower(&self, latencies: &Histogram, timeouts: u64) -> [u64; THRESHOLDS] {
        let answered = latencies.total();
        self.0.map(|limit| answered - latencies.at_most_ns(limit) + timeouts)
    }
}
