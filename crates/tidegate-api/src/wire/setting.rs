//! Queries about configuration and parameters. The bodies are those of [`tidegate_control::setting`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_control::Scope;
use tidegate_core::model::{Name, RevisionNo};
use tidegate_core::setting::ParameterPath;

/// The query string of `/v1/config/diff`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigDiffParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
    /// The revision; left out: the one that serves.
    pub revision: Option<RevisionNo>,
}

/// The query string of `/v1/parameters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnderParams {
    /// Only those below this path; left out: all.
    pub under: String,
}

/// The query string of `/v1/parameters/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryParams {
    /// The parameter.
    pub path: ParameterPath,
}

impl ConfigDiffParams {
    /// Where it is asked.
    pub fn scope(&self) -> Scope {
        Scope { app: self.app.clone(), environment: self.environment.clone() }
    }
}
