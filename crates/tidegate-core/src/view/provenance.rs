//! `tidegate verify --json`, `tidegate key list --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::advisory::Vulnerable;
use crate::provenance::{Claims, Envelope};

/// Whether a build is what its attestation says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyView {
    /// The build: the digest of its input.
    pub build: String,
    /// Whether nothing is wrong with it.
    pub genuine: bool,
    /// What is wrong, a sentence each.
    pub findings: Vec<String>,
    /// The digest of the files that are there, where it could be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How many entries were looked at.
    pub entries: u64,
    /// How many bytes of files.
    pub bytes: u64,
    /// What the attestation says. To be believed where it is genuine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<Claims>,
    /// The key that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When that key was retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_retired: Option<String>,
    /// What could not be read for the list of its components.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The attestation of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttestationView {
    /// The build: the digest of its input.
    pub build: String,
    /// The envelope: what to give to others.
    pub envelope: Envelope,
}

/// The list of a build's components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SbomView {
    /// The build: the digest of its input.
    pub build: String,
    /// CycloneDX 1.6, its text as the attestation names its digest.
    pub document: String,
    /// What could not be read for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A build that was let into a protected environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdmittedView {
    /// The build: the digest of its input.
    pub build: String,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The digest of the files that are let in.
    pub digest: String,
}

/// What is known to be wrong with packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DependencyReport {
    /// How many packages were looked for.
    pub packages: usize,
    /// How many advisories are known.
    pub advisories: usize,
    /// What was found.
    pub vulnerable: Vec<Vulnerable>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Why that may not be all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The keys of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyList {
    /// The one that signs first, then those that did, the newest first.
    pub keys: Vec<KeyView>,
}

/// The public half of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// SHA-256 in hex of its SubjectPublicKeyInfo.
    pub id: String,
    /// That in PEM.
    pub public: String,
    /// Since when it signs.
    pub made: String,
    /// Since when it does not any more; `None`: it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<String>,
}
