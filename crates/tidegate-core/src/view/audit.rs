//! `tidegate audit`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::{Anchor, Broken, Entry, Hash};

/// Entries of the audit log, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    /// Those that fit.
    pub entries: Vec<AuditRow>,
    /// There may be more before this number; `None`: that is all.
    pub next: Option<u64>,
}

/// An entry as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRow {
    /// Its number.
    pub seq: u64,
    /// When, as RFC 3339; empty where it cannot be read.
    pub at: String,
    /// Its hash.
    pub hash: Hash,
    /// What it says; `None`: it cannot be read, somebody altered it.
    pub entry: Option<Entry>,
}

/// How far the log has come, and what the control plane knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditStanding {
    /// The last entry. To be kept elsewhere: who has it finds out when the log was cut or written anew.
    pub head: Anchor,
    /// How far it had come when that was last sealed outside the database.
    pub sealed: Option<Anchor>,
    /// Why it is not sealed any more.
    pub trouble: Option<String>,
    /// Up to this entry the control plane has verified it since it began.
    pub verified: Option<u64>,
    /// Where it found it broken.
    pub broken: Option<Broken>,
}

/// What `tidegate audit verify` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditVerdict {
    /// Whether nothing is wrong.
    pub whole: bool,
    /// The first entry that was read; 0: there was none.
    pub first: u64,
    /// The last one; where something is wrong, the last before that.
    pub last: u64,
    /// How far the log has come, where it is whole.
    pub head: Option<Anchor>,
    /// The first thing that is wrong.
    pub broken: Option<Broken>,
    /// The same as a sentence; or why the log is not to be believed although its chain is whole.
    pub message: String,
}
