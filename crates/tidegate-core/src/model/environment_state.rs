//! What is kept of an environment besides what runs in it: the rules in force, the branch it was made for, and that it goes.

use serde::{Deserialize, Serialize};

use super::{EnvironmentPolicy, Name, RunNo};
use crate::time::{Millis, Moment};

/// An environment as the store keeps it. One that no run has succeeded in, and that is no preview, has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentState {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// By what rules commits get into it; `None` before one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// The branch it was made for; `None`: it was made for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// That it is taken down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Leaving>,
}

/// The way into an environment as the commit has it that came there last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// What its manifest says.
    pub policy: EnvironmentPolicy,
    /// The run that brought it.
    pub by: RunNo,
}

/// An environment made for a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The environment of the manifest that it was made from.
    pub base: Name,
    /// The branch.
    pub branch: String,
    /// What stands for the branch in names of environments and hosts.
    pub slug: String,
    /// The last push to its branch.
    pub pushed_at: Moment,
    /// The same for people: milliseconds since the Unix epoch.
    pub pushed_unix_ms: u64,
    /// How long it stays after that.
    pub stays: Millis,
    /// How many of its base there may be, as its last commit says.
    pub most: u32,
}

/// That an environment is taken down, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Why, in words.
    pub why: String,
    /// Since when.
    pub since: Moment,
}

impl EnvironmentState {
    /// One of which nothing is known yet.
    pub fn new(app: Name, environment: Name) -> Self {
        EnvironmentState { app, environment, rules: None, preview: None, leaving: None }
    }
}

impl Preview {
    /// When it has stayed long enough.
    pub fn goes_at(&self) -> Moment {
        self.pushed_at + self.stays
    }
}
