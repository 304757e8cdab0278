//! Per-arm counts as the gateway reports them each second.

use serde::{Deserialize, Serialize};

use super::{ArmRole, InstanceId, RevisionNo};

/// Upper bounds of the latency histogram's buckets in milliseconds; the last bucket has no bound.
pub const LATENCY_BOUNDS_MS: [u32; 15] =
    [1, 2, 5, 10, 20, 35, 50, 75, 100, 200, 350, 500, 1_000, 5_000, 30_000];

/// The counts of a gateway process since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsReport {
    /// Which gateway process: counts of another start from zero again.
    pub incarnation: String,
    /// A row per upstream, arm, revision and instance.
    pub rows: Vec<ArmCounts>,
    /// Requests that no route matched (404 by the gateway).
    pub unrouted: u64,
}

/// Counts of one instance in one arm, cumulative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmCounts {
    /// The upstream (service key printed).
    pub upstream: String,
    /// The arm.
    pub role: ArmRole,
    /// The revision.
    pub revision: RevisionNo,
    /// The instance; `None`: the arm had no endpoint to give.
    pub instance: Option<InstanceId>,
    /// Requests by outcome of the first attempt.
    pub outcomes: Outcomes,
    /// Requests by latency, see [`LATENCY_BOUNDS_MS`]; one more bucket than bounds.
    pub latency: Vec<u64>,
}

/// Requests by outcome of the first attempt on the assigned arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// 1xx, 2xx and 3xx.
    pub good: u64,
    /// 4xx: the client's mistake.
    pub client_error: u64,
    /// 5xx from the instance.
    pub server_error: u64,
    /// The connection failed or broke before the answer was complete.
    pub reset: u64,
    /// No answer in time.
    pub timeout: u64,
    /// The client went away first; neither good nor bad.
    pub cancelled: u64,
}

impl Outcomes {
    /// Requests that count against the instance.
    pub fn bad(&self) -> u64 {
        self.server_error + self.reset + self.timeout
    }

    /// Requests that count at all.
    pub fn total(&self) -> u64 {
        self.good + self.client_error + self.bad()
    }
}
