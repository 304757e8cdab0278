//! The repository at a Git host that an app follows: where it is, and what was last seen of it. What opens it is not here: secrets
//! are files of the data directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Name;
use crate::time::{Millis, Moment};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSource {
    /// The app. It follows one repository at most.
    pub app: Name,
    /// Which connection this is: a later one of the same app has another.
    pub id: String,
    /// Where the repository is, without anything that opens it.
    pub address: String,
    /// Patterns of the branches that are followed; empty: all of them.
    pub branches: Vec<String>,
    /// How often it is looked at without being told to; `None`: never.
    pub poll: Option<Millis>,
    /// What opens it.
    pub access: SourceAccess,
    /// Who connected it, as they call themselves.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub made_at_unix_ms: u64,
    /// What was seen of it so far.
    pub state: SourceState,
}

/// What opens a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceAccess {
    /// Nothing: everybody may read it.
    #[default]
    Open,
    /// A token, under a name.
    Token {
        /// The name that goes with it.
        user: String,
    },
    /// A key for SSH.
    Key,
}

/// What was seen of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// Each followed branch with its commit that was dealt with last: runs were begun of it, or none were to be.
    pub heads: BTreeMap<String, String>,
    /// When it was looked at last and answered, in milliseconds since the Unix epoch.
    pub looked_at_unix_ms: Option<u64>,
    /// How often in a row it could not be looked at.
    pub failures: u32,
    /// Why not, the last time.
    pub error: Option<String>,
    /// When it is looked at next; `None`: when its host says that something is new.
    pub due: Option<Moment>,
    /// What its host said of branches since the last look.
    pub hints: BTreeMap<String, Hint>,
    /// The last webhook that was its host's.
    pub hook: Option<HookSeen>,
}

/// What a webhook says of a branch. Whether it is so is seen in the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The commit the branch is at.
    pub commit: String,
    /// Who pushed it: what the host says.
    pub by: String,
}

/// A webhook that was taken for its host's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookSeen {
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// The kind of host: `GitHub`.
    pub host: String,
    /// What it was answered.
    pub said: String,
}

impl GitSource {
    /// The most branches that are followed.
    pub const MOST_BRANCHES: usize = 1_000;
    /// The most patterns of branches.
    pub const MOST_PATTERNS: usize = 50;
    /// The shortest time between two looks without being told to.
    pub const SHORTEST_POLL: Millis = Millis::seconds(10);
    /// The longest.
    pub const LONGEST_POLL: Millis = Millis::seconds(24 * 3_600);
}
