//! What is asked of the audit log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::model::Name;

/// The query string of `/v1/audit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditParams {
    /// Only from then on: milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Only of this one: a user, `owner`, `token:NAME`, `tidegate`, or as they called themselves.
    pub who: Option<String>,
    /// Only this action, like `deploy`, or command, like `rollout abort`.
    pub action: Option<String>,
    /// Only in this app.
    pub app: Option<Name>,
    /// Only in this environment.
    pub environment: Option<Name>,
    /// Only what was refused or failed.
    pub refused: bool,
    /// Only those before this number: where the page before ended.
    pub before: Option<u64>,
    /// At most this many; 0: 50.
    pub most: usize,
}

/// The query string of `/v1/audit/links`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditLinkParams {
    /// Only those after this number.
    pub after: u64,
    /// At most this many; 0: 1,000.
    pub most: usize,
}
