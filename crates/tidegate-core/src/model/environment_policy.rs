//! How versions get into an environment: from which branch, after which environment, when, and with whose consent.

use serde::{Deserialize, Serialize};

use super::{Name, Notify};
use crate::time::Millis;

/// What the manifest says of the way into an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentPolicy {
    /// Patterns of branches whose pushes are deployed here: `main`, `release/*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// The environment a build must have succeeded in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promote_from: Option<Name>,
    /// Whether a build that succeeded there comes here by itself (continuous deployment); else `tidegate promote` brings it.
    #[serde(default)]
    pub automatic: bool,
    /// How many people must agree, the author not among them.
    #[serde(default)]
    pub approvals: u32,
    /// Who may agree; empty: everybody who may use the API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// Nothing but a run of a commit on its branches may change it.
    #[serde(default)]
    pub protected: bool,
    /// When deploys may begin; empty: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// When no deploy may begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// One environment for each branch instead of one for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<PreviewPolicy>,
    /// Who is told of what happens here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notify>,
}

/// A time that comes again and again in which deploys may begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it opens, as [`Schedule`](crate::schedule::Schedule) reads it.
    pub schedule: String,
    /// The time zone that is meant in, by its IANA name.
    pub timezone: String,
    /// How long it is open.
    pub lasts: Millis,
    /// So long before its end nothing begins any more.
    pub cutoff: Millis,
}

/// A time in which no deploy begins: one that comes again, or one between two days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Why, for whoever is refused.
    pub why: Option<String>,
    /// When.
    pub when: FreezeTime,
}

/// When a freeze is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeTime {
    /// From each slot of the schedule on for so long; the cutoff is not used.
    Schedule(Window),
    /// From one moment to another, in milliseconds since the Unix epoch; the second one is not part of it.
    Between {
        /// Its beginning.
        from_unix_ms: u64,
        /// Its end.
        until_unix_ms: u64,
    },
}

/// Environments made for branches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewPolicy {
    /// How many there may be at once.
    pub most: u32,
    /// How long one stays after its last push.
    pub stays: Millis,
}
