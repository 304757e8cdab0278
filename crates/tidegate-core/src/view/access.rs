//! `tidegate access` and `tidegate policy`: who has which role where, what the policies are, and why somebody may do something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Action, Facts, Holder, Place, PolicyFile, Role, Rule};

/// Roles that are given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessList {
    /// By holder.
    pub bindings: Vec<BindingView>,
}

/// A role somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BindingView {
    /// Who: `ann`, `token:ci`, `group:platform`.
    pub who: Holder,
    /// Which.
    pub role: Role,
    /// Where: `*`, `shop` or `shop/production`.
    pub place: Place,
    /// Who gave it.
    pub by: String,
    /// When, as RFC 3339.
    pub at: String,
}

/// What came of giving or taking a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BindingChanged {
    /// Whether anything is different now.
    pub changed: bool,
    /// The role.
    pub binding: BindingView,
}

/// Why somebody may do something, or may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessExplanation {
    /// Who.
    pub who: Holder,
    /// What.
    pub action: Action,
    /// Where.
    pub place: Place,
    /// Their roles that count there.
    pub roles: Vec<Role>,
    /// What is known of the place.
    pub facts: Facts,
    /// Whether they may.
    pub allowed: bool,
    /// The policies that decided; none: no policy allows it.
    pub rules: Vec<Rule>,
    /// The least role that would allow it.
    pub would: Option<Role>,
}

/// The policies in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySetView {
    /// The number of the users' own; 0: there are none.
    pub version: u64,
    /// Who set them.
    pub by: String,
    /// When, as RFC 3339; empty: never.
    pub at: String,
    /// The users' own.
    pub files: Vec<PolicyFile>,
    /// The optional policies of Tidegate's that are in force.
    pub enabled: Vec<String>,
    /// All rules in force, Tidegate's own included.
    pub rules: Vec<Rule>,
    /// Why the users' own cannot be read (any more). Nobody but the owner gets in then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<String>,
}
