//! What is said about roles and policies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::access::{Action, Holder, Place, PolicyFile, Role};

/// The body of a role that is given or taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// Whose: `ann`, `token:ci`, `group:platform`.
    pub who: Holder,
    /// Which.
    pub role: Role,
    /// Where: `*`, `shop` or `shop/production`.
    pub place: Place,
}

/// The query string of `/v1/access/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessParams {
    /// Who.
    pub who: Holder,
    /// What they would do.
    pub action: Action,
    /// Where.
    pub place: Place,
}

/// The query string of `/v1/policies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyParams {
    /// An earlier version; left out: the one in force.
    pub version: Option<u64>,
}

/// The body of policies that are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoliciesBody {
    /// All files of the users' own policies.
    pub files: Vec<PolicyFile>,
    /// Which of Tidegate's optional policies are in force besides.
    pub enabled: Vec<String>,
}
