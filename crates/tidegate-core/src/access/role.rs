//! What people and tokens may do, in five steps. The policies that come with Tidegate say what each means.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role of somebody in an app, in one of its environments, or everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks.
    Reader,
    /// Pushes commits and begins their runs; deploys where the environment is not protected.
    Developer,
    /// Changes what flags serve.
    Releaser,
    /// Deploys, approves, operates and configures.
    Operator,
    /// Everything, access included.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 5] = [Role::Reader, Role::Developer, Role::Releaser, Role::Operator, Role::Admin];

    /// Its name on the command line and in policies.
    pub fn name(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Developer => "developer",
            Role::Releaser => "releaser",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }
}

impl Role {
    /// The one of a name; `None`: it is no role's.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
