//! People who are known by name.

use serde::{Deserialize, Serialize};

use super::{NotLetIn, OpenIdLink};
use crate::model::Name;

/// Names that Tidegate's own records use for others than people.
pub const RESERVED_NAMES: [&str; 6] = ["owner", "somebody", "tidegate", "git", "admin", "root"];

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What they are called: what approvals, releases and runs are signed with.
    pub name: Name,
    /// When they were added: milliseconds since the Unix epoch.
    pub added_unix_ms: u64,
    /// Who added them.
    pub added_by: String,
    /// Since when they are let in nowhere: milliseconds since the Unix epoch.
    pub disabled_unix_ms: Option<u64>,
    /// Whether they were added as an administrator: they got the role `admin` everywhere then. What they may do now their roles say.
    pub admin: bool,
    /// As whom an identity provider knows them; `None`: it does not let them in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid: Option<OpenIdLink>,
}

impl User {
    /// Whether they are let in at all.
    ///
    /// # Errors
    /// [`NotLetIn::Disabled`].
    pub fn stands(&self) -> Result<(), NotLetIn> {
        if self.disabled_unix_ms.is_some() { Err(NotLetIn::Disabled) } else { Ok(()) }
    }
}
