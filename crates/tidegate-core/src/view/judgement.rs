//! What live traffic says of a rollout, as people see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ArmRole, MirrorDifference, RevisionNo};

/// One side of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What came of answers to copies, where the strategy judges them.
    #[serde(default)]
    pub comparison: Option<ComparisonView>,
    /// What it began with that was seen elsewhere: `rollout 3 of shop/eu/web`.
    #[serde(default)]
    pub carried: Option<String>,
}

/// Answers to copies beside stable's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonView {
    /// Requests with all three answers: stable's, the candidate's, and a second one of stable.
    pub compared: u64,
    /// Of these, those that the candidate answered otherwise.
    pub differing: u64,
    /// Those that stable itself answered otherwise the second time.
    pub stable_differing: u64,
    /// That the candidate answers otherwise.
    pub against: EvidenceView,
    /// That it does not.
    pub promotion: EvidenceView,
    /// Some that only the candidate answered otherwise, newest last: method, path, statuses and what differs. No bodies.
    pub samples: Vec<SampleView>,
}

/// What users of both sides of an A/B did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeView {
    /// Its name.
    pub name: String,
    /// What counts, as the manifest says it.
    pub counts: String,
    /// Stable's requests, and those that count.
    pub stable: (u64, u64),
    /// The candidate's.
    pub candidate: (u64, u64),
    /// The candidate's share less stable's.
    pub difference: f64,
    /// Between what the true difference lies, at all times together with a probability of 95 %; `None` while there is too little
    /// to say.
    pub between: Option<(f64, f64)>,
}

/// One request that was answered in two ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleView {
    /// Its `x-request-id`.
    pub request: String,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// Stable's status.
    pub stable_status: u16,
    /// The candidate's; 0: it did not answer.
    pub candidate_status: u16,
    /// What differs: `status`, the name of a field, `body` or a place in it, `answer` where there was none.
    pub differs: Vec<String>,
}

impl From<&MirrorDifference> for SampleView {
    fn from(difference: &MirrorDifference) -> Self {
        SampleView {
            request: difference.request.clone(),
            method: difference.method.clone(),
            path: difference.path.clone(),
            stable_status: difference.original.status,
            candidate_status: difference.copy.status,
            differs: difference.differs.clone(),
        }
    }
}

/// How much speaks for something, as logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
