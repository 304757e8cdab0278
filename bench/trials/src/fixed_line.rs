//! What others do with fixed lines, once a minute: a success rate of the candidate under 99 % is a failed sample.

use tidegate_core::judge::Window;

const MINUTE: u64 = 60;
const LEAST_SUCCESS: f64 = 0.99;

/// Takes the candidate back at so many failed samples: Flagger's threshold is 5 in its documentation, Argo Rollouts' limit is 0,
/// so that the first one is enough.
#[derive(Clone, Debug)]
pub struct FixedLine {
    failures_allowed: u32,
    failed: u32,
    requests: u64,
    bad: u64,
}

impl FixedLine {
    /// Flagger's way: the fifth failed sample.
    pub fn fifth() -> Self {
        FixedLine { failures_allowed: 4, failed: 0, requests: 0, bad: 0 }
    }

    /// Argo Rollouts' way: the first.
    pub fn first() -> Self {
        FixedLine { failures_allowed: 0, ..Self::fifth() }
    }

    /// Whether the candidate is taken back now.
    pub fn take(&mut self, window: &Window) -> bool {
        self.requests += window.candidate.n;
        self.bad += window.candidate.bad;
        if !(window.second + 1).is_multiple_of(MINUTE) {
            return false;
        }
        let success = 1.0 - self.bad as f64 / self.requests.max(1) as f64;
        self.failed += u32::from(success < LEAST_SUCCESS);
        (self.requests, self.bad) = (0, 0);
        self.failed > self.failures_allowed
    }
}
