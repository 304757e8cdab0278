//! `tidegate preview list`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The environments that were made for branches, by app and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewList {
    /// They.
    pub previews: Vec<PreviewView>,
}

/// An environment that was made for a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewView {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The environment of the manifest that it was made from.
    pub base: String,
    /// The branch.
    pub branch: String,
    /// Where its routes lead in from.
    pub urls: Vec<String>,
    /// The commit that serves; `None` before one does.
    pub commit: Option<String>,
    /// The last push to its branch, for people: RFC 3339.
    pub pushed: String,
    /// When it goes where nobody pushes, for people: RFC 3339.
    pub goes: String,
    /// Why it is being taken down; `None`: it is not.
    pub leaving: Option<String>,
}

/// An environment that is being taken down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeavingView {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
}
