//! What the judge, or a check beside it, says of a candidate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InstanceId;

/// The four things that can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is decided: go on watching.
    Continue,
    /// The candidate is worse than stable: take it back.
    Abort,
    /// The candidate is not worse than the policy allows: go on.
    Promote,
    /// There was too little traffic to say, and no more time.
    Inconclusive,
}

/// The code of a verdict that names an instance which is bad where its siblings are not.
pub const BAD_INSTANCE: &str = "bad-instance";

/// A verdict and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What is said.
    pub verdict: Verdict,
    /// `error-rate`, `latency`, `bad-instance`, `check-failed`, …; empty while nothing is decided.
    pub code: String,
    /// One sentence with the figures.
    pub message: String,
    /// The instance it is about, where it is about one.
    pub instance: Option<InstanceId>,
}

impl Verdict {
    /// The word for it in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Continue => "continue",
            Verdict::Abort => "abort",
            Verdict::Promote => "promote",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

impl Judged {
    /// Nothing is decided.
    pub fn undecided(message: impl Into<String>) -> Self {
        Judged { verdict: Verdict::Continue, code: String::new(), message: message.into(), instance: None }
    }
}
