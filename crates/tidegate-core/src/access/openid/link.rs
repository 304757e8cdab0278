//! That a user is somebody whom an identity provider knows, and what it said of them last.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// See the module. Kept with the user: nobody else can be the same person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIdLink {
    /// Who vouches: its URL.
    pub issuer: String,
    /// By which the provider knows them, for ever: never their name, which they may be able to choose.
    pub subject: String,
    /// The groups they were in when they logged in last.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// Until when those groups give anything: milliseconds since the Unix epoch.
    #[serde(default)]
    pub groups_until_unix_ms: u64,
    /// When they logged in last: milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_unix_ms: Option<u64>,
}

impl OpenIdLink {
    /// Of somebody who has not logged in yet.
    pub fn new(issuer: &str, subject: &str) -> Self {
        OpenIdLink {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            groups: BTreeSet::new(),
            groups_until_unix_ms: 0,
            seen_unix_ms: None,
        }
    }

    /// Whether it is the person whom an issuer knows by a subject.
    pub fn is_of(&self, issuer: &str, subject: &str) -> bool {
        self.issuer == issuer && self.subject == subject
    }

    /// Whether what it says of groups is too old to give anything.
    pub fn is_stale(&self, now_unix_ms: u64) -> bool {
        now_unix_ms >= self.groups_until_unix_ms
    }
}
