//! The watch over a guarded release, as people see it: a part of `tidegate flag show`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EvidenceView;

/// The newest guarded release of a flag: what came of it so far, or in the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuardView {
    /// Whether it is watched now; else the figures are those of its end.
    pub at_work: bool,
    /// `continue`, `inconclusive` (its time is over and the share stays) or `abort` (it was turned off).
    pub verdict: String,
    /// One sentence: what it waits for, or why it was turned off.
    pub message: String,
    /// Who has the variant that is released.
    pub on: GuardedVariantView,
    /// The others.
    pub off: GuardedVariantView,
    /// Groups of users that the gateway has seen with the variant; all users fall into so many as `groups`.
    pub seen: u32,
    /// See `seen`.
    pub groups: u32,
    /// That the variant is worse.
    pub against: EvidenceView,
    /// That it is good enough for more users.
    pub growth: EvidenceView,
    /// Where a rollout goes or went on at the same time: whose the bad answers are.
    pub beside: Option<BlameView>,
}

/// What those who have one variant met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuardedVariantView {
    /// Its name.
    pub variant: String,
    /// Requests, by their first attempt.
    pub requests: u64,
    /// Of these, the bad ones: 5xx, reset, timeout.
    pub bad: u64,
    /// What half of its requests since the share last grew did not take longer than, in milliseconds.
    pub p50_ms: Option<f64>,
    /// What 95 of 100 did not.
    pub p95_ms: Option<f64>,
}

/// A rollout beside a guarded release: two revisions by two variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlameView {
    /// The service that is rolled out.
    #[serde(default)]
    pub service: String,
    /// The stable revision.
    pub stable: String,
    /// The candidate.
    pub candidate: String,
    /// Whose the bad answers are, in words.
    pub culprit: String,
    /// Stable with and without the variant, the candidate with and without it.
    pub cells: Vec<BlameCellView>,
}

/// Users who had no bad answer yet, on one revision with one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlameCellView {
    /// The revision.
    pub revision: String,
    /// The variant.
    pub variant: String,
    /// Their requests.
    pub requests: u64,
    /// How many groups of them met their first bad answer.
    pub bad: u64,
}
