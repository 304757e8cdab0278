//! How a check stands, in `tidegate rollout show --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A check of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckView {
    /// Its name.
    pub name: String,
    /// `prometheus`, `http`, `command`.
    pub kind: String,
    /// What is asked, as the manifest says it.
    pub asks: String,
    /// What the answer has to be: `at most 0.01`, `status 200`.
    pub wanted: String,
    /// Whether it holds over the whole rollout; otherwise at its steps only.
    pub guard: bool,
    /// `waiting` (for an answer), `passing`, `failing` (a bad answer, not often enough yet), `failed` (it takes the candidate back);
    /// where it does not count now `idle`, or `passed` where its last answer was good.
    pub state: String,
    /// What was last answered, or why nothing is.
    pub message: String,
    /// The last answer, where it was a number.
    pub value: Option<f64>,
    /// Bad answers in a row.
    pub failures: u32,
    /// So many take the candidate back.
    pub failures_allowed: u32,
    /// How long ago the last answer was asked for.
    pub seconds_ago: Option<f64>,
}
