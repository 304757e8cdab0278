//! `tidegate config`, `tidegate secret`, `tidegate param`: what is shown of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::setting::Origin;

/// The variables of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigView {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The version of what was set at run time; 0: nothing was.
    pub version: u32,
    /// The variables, by service and name.
    pub variables: Vec<ConfigVariable>,
    /// Versions, the newest first.
    pub history: Vec<ConfigHistory>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigVariable {
    /// The service or job; `None`: everything in the environment.
    pub service: Option<String>,
    /// Its name.
    pub name: String,
    /// What was set at run time. `None`: it was deployed, and may be out of an env file, which nobody is shown.
    pub value: Option<String>,
    /// Where its value is from.
    pub from: Origin,
    /// What it refers to: `secret.db_url v3`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refers: Vec<String>,
}

/// A version of what was set at run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigHistory {
    /// Its number.
    pub version: u32,
    /// What it changed: names, no values.
    pub changes: Vec<String>,
    /// Who asked.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, as RFC 3339.
    pub at: String,
}

/// What differs between a revision's settings and those that count now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigDiff {
    /// The revision; `None`: nothing is deployed.
    pub revision: Option<String>,
    /// A line each, without values.
    pub changes: Vec<String>,
}

/// What came of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingChanged {
    /// What was changed: `config v4`, `secret.db_url v2`.
    pub what: String,
    /// What it changed, a line each, without values.
    pub changes: Vec<String>,
    /// What becomes of the environments that it is for.
    pub rollouts: Vec<SettingRollout>,
    /// What to know besides.
    pub warnings: Vec<String>,
}

/// What becomes of an environment after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingRollout {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The deploy that rolls it out; `None`: none does.
    pub deploy: Option<u64>,
    /// In words.
    pub what: String,
}

/// The secrets of an app. Their values are shown nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretList {
    /// By name.
    pub secrets: Vec<SecretView>,
}

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretView {
    /// The app.
    pub app: String,
    /// The environment; `None`: all that have none of their own.
    pub environment: Option<String>,
    /// Its name.
    pub name: String,
    /// Its newest version.
    pub version: u32,
    /// Equal values have equal ones, under the same key.
    pub fingerprint: String,
    /// Who set it.
    pub by: String,
    /// When, as RFC 3339.
    pub at: String,
    /// The revisions that serve with it: `production r4 v2`.
    pub used_by: Vec<String>,
}

/// Parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterList {
    /// By path; of a history the newest version first.
    pub parameters: Vec<ParameterView>,
}

/// A version of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterView {
    /// Its path.
    pub path: String,
    /// Its number.
    pub version: u32,
    /// Its value.
    pub value: String,
    /// The labels it has.
    pub labels: Vec<String>,
    /// Who set it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, as RFC 3339.
    pub at: String,
    /// Where what serves refers to it: `shop/production v3`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<String>,
}

/// What came of a new key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRotated {
    /// The beginning of the new public key.
    pub key: String,
    /// How many values were encrypted anew.
    pub secrets: usize,
}
