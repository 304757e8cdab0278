//! `tidegate status --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JobView, MigrationView, PreviewView};
use crate::model::{MirrorCounts, MirrorDifference, RevisionNo};

/// One environment of an app, now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The app; `None` where nothing was ever deployed.
    pub app: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// Its services, by name.
    pub services: Vec<ServiceStatus>,
    /// Its jobs on a schedule, by name.
    #[serde(default)]
    pub jobs: Vec<JobView>,
    /// Where it stands with its migrations; `None` where it never had one.
    #[serde(default)]
    pub migration: Option<MigrationView>,
    /// The gateway in front of them.
    pub gateway: GatewayStatus,
    /// The branch it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<PreviewView>,
    /// Why it is being taken down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<String>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// The phase of its rollout in progress, or `idle`.
    pub phase: String,
    /// The strategy in use, or the stable revision's.
    pub strategy: String,
    /// The train that its rollout in progress is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<String>,
    /// The candidate's share of requests, in percent.
    pub weight: u32,
    /// The stable revision; `None` before a rollout succeeded.
    pub stable: Option<RevisionStatus>,
    /// The candidate while a rollout is in progress.
    pub candidate: Option<RevisionStatus>,
    /// Every instance, by name.
    pub instances: Vec<InstanceStatus>,
    /// Why nothing more happens right now, in words. Empty when idle.
    pub waiting: Vec<String>,
    /// Where its routes lead in from: `http://shop.localhost:8080/`.
    pub urls: Vec<String>,
    /// Where the number of instances follows the load: how many are wanted, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scaling: Vec<String>,
    /// Arms whose requests are refused because too many failed: their circuit is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_circuits: Vec<OpenCircuit>,
    /// What came of copies of its requests since the gateway began; `None` where none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<MirrorStatus>,
}

/// An arm whose circuit is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenCircuit {
    /// `stable`, `candidate`, …
    pub arm: String,
    /// Its revision.
    pub revision: RevisionNo,
}

/// What came of copies of a service's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MirrorStatus {
    /// How many, by what became of them.
    pub counts: MirrorCounts,
    /// The latest that were answered otherwise than their originals, oldest first; 16 at most.
    #[serde(default)]
    pub latest: Vec<MirrorDifference>,
}

/// A revision's instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionStatus {
    /// The revision.
    pub revision: RevisionNo,
    /// Instances that take requests.
    pub ready: u32,
    /// Instances wanted.
    pub desired: u32,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceStatus {
    /// Its name.
    pub id: String,
    /// The revision it runs.
    pub revision: RevisionNo,
    /// Its main process.
    pub pid: Option<u32>,
    /// The port it was given.
    pub port: Option<u16>,
    /// `starting`, `ready`, `unready`, `draining`, `stopping`, `waiting` (to be started again).
    pub state: String,
    /// How many times it was started again.
    pub restarts: u32,
    /// Requests in flight at the gateway.
    pub inflight: u32,
    /// Whether the gateway leaves it out for a while because it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ejected: bool,
    /// Whether it is a folder of files, served by the gateway itself: there is no process.
    #[serde(default)]
    pub files: bool,
}

/// The gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayStatus {
    /// Where it listens.
    pub address: Option<String>,
    /// The newest routing table every worker of it uses.
    pub epoch: u64,
    /// Whether the control plane has a connection to it.
    pub connected: bool,
    /// Its process.
    pub pid: Option<u32>,
}
