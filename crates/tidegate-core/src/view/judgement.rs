//! What live traffic says of a rollout, as people see it.

use serde::{Deserialize, Serialize};

use crate::model::{ArmRole, RevisionNo};

/// One side of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmView {
    /// Stable or candidate.
    pub role: ArmRole,
    /// The revision.
    pub revision: RevisionNo,
    /// Requests since the rollout began, by their first attempt.
    pub requests: u64,
    /// Of these, the bad ones: 5xx, reset, timeout.
    pub bad: u64,
    /// What half of its requests of about the last minute did not take longer than, in milliseconds.
    pub p50_ms: Option<f64>,
    /// What 95 of 100 did not.
    pub p95_ms: Option<f64>,
    /// What 99 of 100 did not.
    pub p99_ms: Option<f64>,
}

/// What the judge says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgementView {
    /// `continue`, `abort`, `promote`, `inconclusive`.
    pub verdict: String,
    /// One sentence with the figures.
    pub message: String,
    /// That the candidate errs more.
    pub errors: EvidenceView,
    /// That it is slower.
    pub latency: EvidenceView,
    /// That it is not so bad that it must not be promoted.
    pub promotion: EvidenceView,
}

/// How much speaks for something, as logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// So much.
    pub log_e: f64,
    /// From here on it is decided.
    pub threshold: f64,
}

impl From<(f64, f64)> for EvidenceView {
    fn from((log_e, threshold): (f64, f64)) -> Self {
        EvidenceView { log_e, threshold }
    }
}
