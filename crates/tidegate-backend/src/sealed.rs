//! What of a unit's environment is secret.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Variables with secrets in them, and the secrets themselves, to be taken out of what the unit writes. It goes to the shim over its
/// socket, so that no file has it and no argument; printing it tells no value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Variables, over those of the unit's environment.
    pub env: BTreeMap<String, String>,
    /// Values by the names of their secrets.
    pub secrets: BTreeMap<String, String>,
}

impl Sealed {
    /// The most bytes in all: what a socket holds until somebody reads it.
    pub const MOST: usize = 96 << 10;

    /// Whether there is nothing secret.
    pub fn is_empty(&self) -> bool {
        self.env.is_empty() && self.secrets.is_empty()
    }

    /// Bytes of names and values.
    pub fn bytes(&self) -> usize {
        let all = self.env.iter().chain(&self.secrets);
        all.map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// How much, never what.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} variables, {} secrets)", self.env.len(), self.secrets.len())
    }
}
