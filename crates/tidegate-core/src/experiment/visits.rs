//! What the gateway saw of one user's requests, while their time was not over.

use serde::{Deserialize, Serialize};

/// Sums over the requests of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visits {
    /// Requests, those included that the user broke off.
    pub requests: u64,
    /// Those of them that were answered, well or badly.
    pub answered: u64,
    /// Those of these that were answered badly.
    pub bad: u64,
    /// How long all requests took together, in milliseconds. One that was broken off took as long as the user waited: left out, a
    /// variant so slow that nobody waits for it would seem quick.
    pub latency_ms: f64,
}

impl Visits {
    /// The same and more.
    pub fn and(self, more: Visits) -> Visits {
        Visits {
            requests: self.requests.saturating_add(more.requests),
            answered: self.answered.saturating_add(more.answered),
            bad: self.bad.saturating_add(more.bad),
            latency_ms: self.latency_ms + more.latency_ms,
        }
    }

    /// The share of bad answers among all of them; 0 where there was none.
    pub fn bad_share(self) -> f64 {
        if self.answered == 0 { 0.0 } else { self.bad as f64 / self.answered as f64 }
    }

    /// How long a request took on average, in milliseconds.
    pub fn mean_latency_ms(self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.latency_ms / self.requests as f64 }
    }
}
