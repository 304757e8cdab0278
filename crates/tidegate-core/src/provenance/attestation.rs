//! What is kept of a build's provenance.

use serde::{Deserialize, Serialize};

use super::Envelope;

/// The attestation of a build as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What was signed, and the signature.
    pub envelope: Envelope,
    /// The digest of the build: SHA-256 in hex of the text of its [`Listing`](super::Listing).
    pub subject: String,
    /// When it was signed: milliseconds since the Unix epoch.
    pub made_at_unix_ms: u64,
    /// What could not be read for its list of components.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// That the files of a build are not those that were sealed, as seen last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlteredBuild {
    /// The digest of what is there; empty where it cannot be taken.
    pub found: String,
    /// What is wrong, for people.
    pub why: String,
    /// When it was seen first: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// That somebody lets a build into a protected environment whatever is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmittedBuild {
    /// The digest of the files that are let in: others are refused again.
    pub found: String,
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: String,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}
