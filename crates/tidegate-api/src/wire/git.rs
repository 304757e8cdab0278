//! What is said about Git: the address of a repository, and what a hook asks about a push.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::model::Name;

/// The query string of `/v1/git/url`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitUrlParams {
    /// The app.
    pub app: Name,
    /// Who will push, as they call themselves.
    #[serde(default)]
    pub by: String,
}

/// Where a Git client finds an app's repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitUrls {
    /// The app.
    pub app: Name,
    /// Over HTTP, with the token that opens it: a secret.
    pub http: String,
}

/// What a hook of an app's repository asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushBody {
    /// The app.
    pub app: Name,
    /// Who pushes, as they call themselves.
    pub by: String,
    /// What is pushed.
    pub updates: Vec<RefUpdate>,
}

/// A branch or tag that is to move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefUpdate {
    /// Its full name: `refs/heads/main`.
    pub name: String,
    /// Where it is, by the id of a commit; all zeros: it is not there.
    pub before: String,
    /// Where it is to be; all zeros: it is to go.
    pub after: String,
}

impl RefUpdate {
    /// Whether the branch or tag is to go.
    pub fn removes(&self) -> bool {
        is_nothing(&self.after)
    }

    /// Whether it is not there yet.
    pub fn creates(&self) -> bool {
        is_nothing(&self.before)
    }

    /// The branch's short name; `None`: it is no branch.
    pub fn branch(&self) -> Option<&str> {
        self.name.strip_prefix("refs/heads/")
    }
}

fn is_nothing(id: &str) -> bool {
    id.bytes().all(|b| b == b'0')
}

/// A line of the answer to a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushLine {
    /// Something to tell whoever pushes.
    Said(String),
    /// The end: what becomes of each update, in their order.
    Done(Vec<RefVerdict>),
}

/// What becomes of an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefVerdict {
    /// A run has moved the branch.
    Moved,
    /// Git may do it at once: nothing waits for a run.
    Plain,
    /// It stays where it is, and why, in a few words.
    Refused(String),
}
