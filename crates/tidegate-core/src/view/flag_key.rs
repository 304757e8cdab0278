//! `tidegate flag key`: who may ask for flags.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::FlagAccessKind;

/// The keys of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagKeyList {
    /// Oldest first.
    pub keys: Vec<FlagKeyView>,
}

/// What is known of a key. The key itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagKeyView {
    /// By which it is revoked.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may see.
    pub kind: FlagAccessKind,
    /// The app whose flags it is for.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// When it was made, as RFC 3339.
    pub made_at: String,
}

/// A key that was just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagKeyMade {
    /// The key. It is told this once.
    pub secret: String,
    /// The rest of it.
    pub key: FlagKeyView,
}
