//! Policies that users wrote, as they are kept: versions of a whole set, each in place of the one before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A version of the user's own policies. The newest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Its number: 1 and on. 0: nobody has set any.
    pub version: u64,
    /// The files, by name.
    pub files: Vec<PolicyFile>,
    /// Which of the optional policies that come with Tidegate are in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enabled: Vec<String>,
    /// Who set it, as timelines write them.
    pub by: String,
    /// When: milliseconds since the Unix epoch.
    pub made_at_unix_ms: u64,
}

/// A file of policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Its name, without its folder: `freeze.cedar`.
    pub name: String,
    /// Its text, in Cedar.
    pub text: String,
}

impl PolicyVersion {
    /// The most files of a version.
    pub const MOST_FILES: usize = 32;
    /// The most bytes of all files of a version.
    pub const MOST_BYTES: usize = 128 << 10;
    /// The most policies of a version.
    pub const MOST_POLICIES: usize = 200;
    /// The longest name of a file, in characters.
    pub const LONGEST_NAME: usize = 64;

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.enabled.is_empty()
    }
}
