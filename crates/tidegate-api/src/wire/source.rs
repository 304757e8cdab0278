//! What is said about repositories at Git hosts, beyond [`tidegate_control::source::ConnectSource`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The query string of what is asked of a repository that an app follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceParams {
    /// Who asks, as they call themselves.
    pub by: String,
}
