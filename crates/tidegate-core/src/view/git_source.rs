//! `tidegate git sources`: the repositories at Git hosts that apps follow, and what a webhook is answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The repositories that are followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GitSourceList {
    /// By app.
    pub sources: Vec<GitSourceView>,
}

/// A repository that an app follows. Nothing that opens it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GitSourceView {
    /// The app.
    pub app: String,
    /// Where the repository is.
    pub url: String,
    /// Patterns of the branches that are followed; empty: all of them.
    pub branches: Vec<String>,
    /// How often it is looked at, in seconds; `None`: when its host says that something is new.
    pub poll_seconds: Option<f64>,
    /// What opens it: `none`, `token` or `ssh-key`.
    pub access: String,
    /// `new` before the first look, then `ok` or `failing`.
    pub state: String,
    /// How often in a row it could not be looked at.
    pub failures: u32,
    /// Why not, the last time.
    pub error: Option<String>,
    /// When it was looked at last and answered, as RFC 3339.
    pub looked_at: Option<String>,
    /// In how many seconds it is looked at next; `None`: when its host says that something is new.
    pub next_look_seconds: Option<f64>,
    /// The last webhook of its host.
    pub hook: Option<HookView>,
    /// Where its host sends webhooks to: the path at this machine's API.
    pub hook_path: String,
    /// Each followed branch with the commit that was dealt with last.
    pub heads: BTreeMap<String, String>,
    /// When it was connected, as RFC 3339.
    pub connected_at: String,
    /// Who connected it.
    pub by: String,
}

/// A webhook that was its host's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookView {
    /// When, as RFC 3339.
    pub at: String,
    /// The kind of host: `GitHub`.
    pub host: String,
    /// What it was answered.
    pub said: String,
}

/// A repository that was just connected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GitConnected {
    /// What its host signs webhooks with, where it was made here. It is told this once.
    pub secret: Option<String>,
    /// The rest of it.
    pub source: GitSourceView,
}

/// What a webhook is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookAnswer {
    /// Whether the repository is looked at because of it.
    pub taken: bool,
    /// Why, or why not.
    pub message: String,
}
