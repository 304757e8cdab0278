//! One window: what both arms did in the same short time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tally;

/// Counts of both arms over the same time, usually a second. **The share must not change within it**: whoever changes a weight
/// ends the window there, else a rate that moves at the same time looks like a difference between the arms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JudgeWindow")]
pub struct Window {
    /// When, in seconds from any beginning. Never less than that of the window before.
    pub second: u64,
    /// The stable arm.
    pub stable: Tally,
    /// The candidate.
    pub candidate: Tally,
}
