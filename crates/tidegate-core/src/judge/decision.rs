//! What the judge says, with the figures it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Judged, Verdict};

/// On what count something was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "JudgeCount")]
pub enum Count {
    /// Bad answers.
    #[default]
    ErrorRate,
    /// Slow ones.
    Latency,
}

impl Count {
    /// The word for it in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Count::ErrorRate => "error-rate",
            Count::Latency => "latency",
        }
    }
}

/// A verdict and its figures. Of a decision they are those of the moment it was made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JudgeDecision")]
pub struct Decision {
    /// What is said.
    pub verdict: Verdict,
    /// On what count.
    #[serde(default)]
    pub count: Count,
    /// The second of the window that decided; `None` while nothing is decided.
    pub at_second: Option<u64>,
    /// Requests the candidate had until then.
    pub candidate_requests: u64,
    /// Of these, the bad ones.
    pub candidate_bad: u64,
    /// Requests stable had until then.
    pub stable_requests: u64,
    /// Of these, the bad ones.
    pub stable_bad: u64,
    /// The logarithm of the evidence that the verdict is about: against the candidate, or for it where it is promoted.
    pub log_e: f64,
    /// What it had to reach.
    pub threshold: f64,
}

impl Decision {
    /// For the planner and for users.
    pub fn judged(&self) -> Judged {
        let code = match self.verdict {
            Verdict::Continue => "",
            Verdict::Abort => self.count.as_str(),
            Verdict::Promote => "not-worse",
            Verdict::Inconclusive => "inconclusive",
        };
        Judged { verdict: self.verdict, code: code.to_owned(), message: self.message(), instance: None }
    }

    /// One sentence with the figures.
    fn message(&self) -> String {
        let said = match (self.verdict, self.count) {
            (Verdict::Continue, _) => "nothing is decided yet",
            (Verdict::Abort, Count::ErrorRate) => "the candidate errs more than stable",
            (Verdict::Abort, Count::Latency) => "the candidate is slower than stable",
            (Verdict::Promote, _) => "the candidate is not worse than allowed",
            (Verdict::Inconclusive, _) => "there was too little traffic to decide in the time there was",
        };
        let figures = match (self.verdict, self.count) {
            (Verdict::Abort, Count::Latency) => format!("after {} of its requests", self.candidate_requests),
            _ => format!(
                "{} against {}",
                part("candidate", self.candidate_bad, self.candidate_requests),
                part("stable", self.stable_bad, self.stable_requests)
            ),
        };
        format!("{said}: {figures} (evidence {:.1} of {:.1})", self.log_e, self.threshold)
    }
}

/// `stable 12 bad of 21500 (0.06 %)`.
fn part(who: &str, bad: u64, requests: u64) -> String {
    let percent = bad as f64 * 100.0 / requests.max(1) as f64;
    let digits = if percent >= 1.0 || bad == 0 { 1 } else { 2 };
    format!("{who} {bad} bad of {requests} ({percent:.digits$} %)")
}
