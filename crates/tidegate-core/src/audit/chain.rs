//! Entries as links of a chain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::canonical;
use super::deed::Deed;
use super::hash::Hash;

/// What an entry's hash begins with.
const ENTRY: &str = "tidegate audit entry 1";
/// What the hash of a chain's beginning begins with.
const BEGIN: &str = "tidegate audit begin 1";

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub struct Entry {
    /// Its number: 1, 2, 3, …
    pub seq: u64,
    /// When: milliseconds since the Unix epoch, by the clock of the machine.
    pub at_ms: u64,
    /// The hash of the entry before it; of the first one, the [beginning](begin).
    pub prev: Hash,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
}

/// An entry as it is kept: its canonical text, and the hash of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditLink")]
pub struct Link {
    /// The number it is found by.
    pub seq: u64,
    /// The entry's canonical text.
    pub body: String,
    /// Its hash.
    pub hash: Hash,
}

/// What the first entry of an installation's chain holds for the one before it.
pub fn begin(installation: &str) -> Hash {
    Hash::of(BEGIN, installation.as_bytes())
}

impl Entry {
    /// The entry as it is kept.
    ///
    /// # Errors
    /// None that can happen: an entry is plain data.
    pub fn link(&self) -> Result<Link, serde_json::Error> {
        let body = canonical(&serde_json::to_value(self)?);
        Ok(Link { seq: self.seq, hash: hash_of(&body), body })
    }
}

impl Link {
    /// What it says.
    ///
    /// # Errors
    /// Where its text is no entry.
    pub fn entry(&self) -> Result<Entry, serde_json::Error> {
        serde_json::from_str(&self.body)
    }

    /// Whether its hash is that of its text.
    pub fn is_whole(&self) -> bool {
        hash_of(&self.body) == self.hash
    }
}

fn hash_of(body: &str) -> Hash {
    Hash::of(ENTRY, body.as_bytes())
}
