//! A service: what its revision says of it, and the state kept for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Autoscale, Probes, RevisionNo, RolloutId, Routing, ServiceKey, Strategy, TrafficPolicy};
use crate::scale::Autoscaled;
use crate::time::Millis;
use crate::units::{ByteSize, MilliCpu};

/// One service of a revision, validated, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSpec {
    /// The command, run by `/bin/sh -c` in the build's directory; empty where there is a site.
    pub run: String,
    /// The port it listens on.
    pub port: PortSpec,
    /// Its probes.
    pub probes: Probes,
    /// How many instances.
    pub scale: Scale,
    /// How a rollout of it proceeds.
    pub strategy: Strategy,
    /// How long requests in flight may take to finish on an instance that leaves.
    pub drain: Millis,
    /// How an instance is told to stop.
    pub stop: StopSpec,
    /// What an instance may use.
    pub limits: Limits,
    /// Its environment: the app's, the environment's and its own, merged.
    pub env: BTreeMap<String, String>,
    /// How the gateway shares its requests out.
    #[serde(default, skip_serializing_if = "TrafficPolicy::is_default")]
    pub traffic: TrafficPolicy,
    /// A folder of files that is served instead of running a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteSpec>,
    /// How its number of instances follows its load; `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
}

/// A folder of a build whose files are served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteSpec {
    /// The folder, relative to the build and within it; `.` for all of it.
    pub root: String,
    /// Paths without a file get `index.html` (single-page applications), not 404.
    #[serde(default)]
    pub spa: bool,
    /// The file for 404, within the folder.
    #[serde(default)]
    pub not_found: Option<String>,
}

/// The port an instance listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortSpec {
    /// It listens on none (a worker).
    None,
    /// A free one, given in `$PORT`.
    Auto,
    /// Always this one: two instances cannot run side by side.
    Fixed(u16),
}

/// How many instances a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// At least this many; the number that runs where nothing scales it.
    pub min: u32,
    /// At most this many.
    pub max: u32,
}

/// How an instance is told to stop: the signal to its process group, then SIGKILL after the grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopSpec {
    /// Signal number.
    pub signal: i32,
    /// From the signal to SIGKILL.
    pub grace: Millis,
}

/// What one instance may use. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Resident memory.
    pub memory: Option<ByteSize>,
    /// CPU time per second.
    pub cpu: Option<MilliCpu>,
    /// Processes and threads.
    pub pids: Option<u32>,
    /// Bytes it may write to the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<ByteSize>,
}

impl Default for StopSpec {
    fn default() -> Self {
        StopSpec { signal: 15, grace: Millis::seconds(30) }
    }
}

impl ServiceSpec {
    /// The default drain time.
    pub const DRAIN: Millis = Millis::seconds(30);

    /// Whether the service takes requests: it listens, or is a folder of files.
    pub fn has_port(&self) -> bool {
        self.port != PortSpec::None || self.site.is_some()
    }

    /// Whether two instances of it can run at the same time.
    pub fn exclusive(&self) -> bool {
        matches!(self.port, PortSpec::Fixed(_))
    }
}

/// What is kept for a service of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// Which service.
    pub key: ServiceKey,
    /// The revision that serves; `None` before the first rollout succeeded.
    pub stable: Option<RevisionNo>,
    /// The stable revision before this one: where `rollback` goes.
    pub previous: Option<RevisionNo>,
    /// The rollout in progress.
    pub rollout: Option<RolloutId>,
    /// A number of instances set by `tidegate scale`, over the manifest's.
    pub scale: Option<u32>,
    /// Who gets requests now, as last decided.
    pub routing: Routing,
    /// The epoch of the routing table in which `routing` first stood.
    pub route_epoch: u64,
    /// What its load asks for, as last decided; see [`crate::scale`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaled: Option<Autoscaled>,
}

impl ServiceState {
    /// A service nothing has been deployed to.
    pub fn new(key: ServiceKey) -> Self {
        ServiceState {
            key,
            stable: None,
            previous: None,
            rollout: None,
            scale: None,
            routing: Routing::default(),
            route_epoch: 0,
            autoscaled: None,
        }
    }
}
