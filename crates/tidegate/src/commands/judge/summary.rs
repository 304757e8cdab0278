//! What many runs came to.

use serde::Serialize;
use tidegate_core::judge::Decision;
use tidegate_core::model::Verdict;

/// Counts of verdicts, and the middle of what they took.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    decisions: Vec<(Verdict, u64, u64)>,
    windows: u64,
}

/// As it is printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summed {
    /// Runs that were judged.
    pub runs: usize,
    /// Seconds that were read.
    pub windows: u64,
    /// Runs without a decision.
    pub r#continue: usize,
    /// Aborted ones.
    pub abort: Taken,
    /// Promoted ones.
    pub promote: Taken,
    /// Runs in which the time ran out.
    pub inconclusive: usize,
}

/// How many, and the middle of what the candidate served until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Runs.
    pub runs: usize,
    /// Requests to the candidate.
    pub median_candidate_requests: Option<u64>,
    /// Of these, the bad ones.
    pub median_candidate_bad: Option<u64>,
}

impl Summary {
    /// One more run.
    pub fn add(&mut self, decision: &Decision, windows: u64) {
        self.decisions.push((decision.verdict, decision.candidate_requests, decision.candidate_bad));
        self.windows += windows;
    }

    /// All of them.
    pub fn summed(&self) -> Summed {
        let of = |verdict| self.decisions.iter().filter(|decision| decision.0 == verdict).count();
        Summed {
            runs: self.decisions.len(),
            windows: self.windows,
            r#continue: of(Verdict::Continue),
            abort: self.taken(Verdict::Abort),
            promote: self.taken(Verdict::Promote),
            inconclusive: of(Verdict::Inconclusive),
        }
    }

    fn taken(&self, verdict: Verdict) -> Taken {
        let those = || self.decisions.iter().filter(move |decision| decision.0 == verdict);
        let requests: Vec<u64> = those().map(|decision| decision.1).collect();
        let bad = those().map(|decision| decision.2).collect();
        Taken {
            runs: requests.len(),
            median_candidate_requests: middle(requests),
            median_candidate_bad: middle(bad),
        }
    }
}

fn middle(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
