//! A revision: build + config + routes of one environment, immutable, numbered.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JobSpec, MigrateSpec, Name, RoutePolicy, ServiceSpec};
use crate::setting::Settings;

/// The number of a revision within its app and environment. Printed `r3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(extend("pattern" = "^r[0-9]+$"))]
pub struct RevisionNo(pub u32);

/// What a build is known by: the SHA-256 of its input (snapshot and build command) in hex. Printed by its first 12.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BuildId(pub String);

/// What makes a revision; its digest decides whether two deploys are the same revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionSpec {
    /// The build it runs.
    pub build: BuildId,
    /// Its services by name.
    pub services: BTreeMap<Name, ServiceSpec>,
    /// Where requests go: host and path prefix to service.
    pub routes: Vec<RouteSpec>,
    /// Its migration.
    pub migrate: Option<MigrateSpec>,
    /// Its jobs by name. None of them has the name of a service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jobs: BTreeMap<Name, JobSpec>,
    /// Services that are rolled out as one, by the name of their train: those that call before those they call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trains: BTreeMap<Name, Vec<Name>>,
    /// Configuration of the run time, and which parameters and secrets its variables mean.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
}

/// One route of an app.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RouteSpec {
    /// Lower-case host name, `*.suffix`, or `*` for any host no other route names.
    pub host: String,
    /// Path prefix, matched at a `/` boundary; `/` matches everything.
    pub path: String,
    /// The service it leads to; `None` where the gateway answers by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Name>,
    /// What the gateway does besides.
    #[serde(default, skip_serializing_if = "RoutePolicy::is_none")]
    pub policy: RoutePolicy,
}

/// A stored revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// Its number.
    pub number: RevisionNo,
    /// SHA-256 in hex of its spec's canonical JSON.
    pub digest: String,
    /// What it consists of.
    pub spec: RevisionSpec,
    /// The commit it was made from, where the folder was a Git checkout.
    pub commit: Option<String>,
    /// Whether the folder differed from that commit.
    pub dirty: bool,
    /// When it was made: milliseconds since the Unix epoch, for people.
    pub made_at_unix_ms: u64,
}

impl BuildId {
    /// The first 12 characters, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short())
    }
}

impl fmt::Display for RevisionNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("r{}", self.0))
    }
}

impl FromStr for RevisionNo {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('r')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(RevisionNo)
            .ok_or_else(|| format!("`{text}` is not a revision: write `r` and its number, like `r3`"))
    }
}

impl TryFrom<String> for RevisionNo {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RevisionNo> for String {
    fn from(number: RevisionNo) -> String {
        number.to_string()
    }
}
