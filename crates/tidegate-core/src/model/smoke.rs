//! The smoke test of a rollout: its candidate is looked at before it gets a user.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rollout that stands with its candidate ready, and no user on it, until it is told how the smoke test ended.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smoke {
    /// The value of the field [`Smoke::FIELD`] with which a request reaches the candidate. Nobody else knows it.
    pub secret: String,
    /// Whether the candidate can be reached so, with the instances it needs.
    #[serde(default)]
    pub ready: bool,
    /// How it ended; `None`: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<SmokeEnd>,
}

/// How a smoke test ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmokeEnd {
    /// The rollout goes on.
    Passed,
    /// It is taken back for this reason.
    Failed(String),
}

impl Smoke {
    /// The field of a request that leads to the candidate.
    pub const FIELD: &'static str = "tidegate-candidate";

    /// One that is still to be made.
    pub fn new(secret: String) -> Self {
        Smoke { secret, ready: false, end: None }
    }
}

impl fmt::Debug for Smoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smoke").field("ready", &self.ready).field("end", &self.end).finish_non_exhaustive()
    }
}
