//! What a strategy asks of the judge, as the manifest says it: numbers only, in millionths, so that they compare.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;

/// Parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Millionths(pub u32);

impl Millionths {
    /// As a fraction: 10,000 is 0.01.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// The error rates a judgement keeps to, and what it looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JudgeOptions {
    /// Most healthy candidates taken back, as a share of rollouts.
    pub alpha: Millionths,
    /// Most candidates promoted that are worse than `rho_m` allows, as a share of rollouts.
    pub beta: Millionths,
    /// How many times stable's share of bad answers a candidate may have.
    pub rho0: Millionths,
    /// How many times worse a candidate has to be shown not to be, before it is promoted.
    pub rho_m: Millionths,
    /// An excess of bad answers below this is nothing, as a share of requests.
    pub floor: Millionths,
    /// Most copies that may be answered differently, as a share; for copied traffic only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_differing: Option<Millionths>,
    /// The environment before this one, where what the same build showed there counts for a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carries_from: Option<Name>,
}

impl Default for JudgeOptions {
    fn default() -> Self {
        JudgeOptions {
            alpha: Millionths(10_000),
            beta: Millionths(50_000),
            rho0: Millionths(1_250_000),
            rho_m: Millionths(2_000_000),
            floor: Millionths(500),
            max_differing: None,
            carries_from: None,
        }
    }
}

impl JudgeOptions {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == JudgeOptions::default()
    }
}
