//! What the gateway counts of the flags it watches, by the variant that a request was given.

use serde::{Deserialize, Serialize};

use super::{FlagKey, Histogram, Outcomes, RevisionNo};

/// Users are counted in so many cells, each user always in the same one: what happens to one user again and again is one thing,
/// and only the cells tell.
pub const FLAG_CELLS: usize = 256;

/// Counts of one variant of a flag on one revision, cumulative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagCounts {
    /// The upstream (service key printed).
    pub upstream: String,
    /// The flag.
    pub flag: FlagKey,
    /// The version of its state that the routing table names.
    pub version: u64,
    /// The variant that was given.
    pub variant: String,
    /// The revision that answered.
    pub revision: RevisionNo,
    /// Requests by outcome of the first attempt.
    pub outcomes: Outcomes,
    /// Requests by latency, from the pick of the endpoint to the head of its answer.
    #[serde(default)]
    pub latencies: Histogram,
    /// Requests that count, by cell of users; [`FLAG_CELLS`] of them.
    pub requests: Vec<u64>,
    /// Of these, the bad ones.
    pub bad: Vec<u64>,
}
