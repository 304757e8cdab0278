//! What a shim is told (`spec.json`) and what it records of its main process (`main.json`).

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cgroup::GroupPlan;
use crate::UnitSpec;

/// Everything a shim needs to know but secrets, which it is told over its socket. Values of env files are in it: mode 0600, never printed.
#[derive(Serialize, Deserialize)]
pub(super) struct ShimSpec {
    /// The unit; its `env` is empty here.
    pub unit: UnitSpec,
    /// The whole environment, but for what is secret of it.
    pub env: BTreeMap<String, String>,
    /// Whether more of it, the secret part, is the first thing said over the socket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
    /// The port it got.
    pub port: Option<u16>,
    /// The boot of the machine it belongs to.
    pub boot_id: String,
    /// When its start was asked for, by the boot clock.
    pub asked_ms: u64,
    /// Where its output goes.
    pub log: PathBuf,
    /// What it is confined to.
    pub isolation: Isolation,
    /// The control groups it joins.
    pub groups: Vec<GroupPlan>,
}

/// What a unit is confined to beyond what every unit is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Isolation {
    /// User and group to become.
    pub user: Option<(u32, u32)>,
    /// Whether it gets a view of the file system of its own; only with a user to become.
    pub mounts: bool,
    /// Directories it may write to, filled by us; they become its own.
    pub writable: Vec<PathBuf>,
    /// Directories it may write to, filled by others before it: nothing in them is touched.
    pub kept: Vec<PathBuf>,
    /// Directories it may read.
    pub readable: Vec<PathBuf>,
    /// Whether it gets only what others leave of the CPU, and is the first to go where memory is short.
    #[serde(default)]
    pub background: bool,
    /// Whether it has no network but one of its own.
    #[serde(default)]
    pub offline: bool,
    /// What it reads in place of `/etc/passwd`, where it is a user of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<PathBuf>,
}

/// A unit's main process: the id alone could be another process by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Main {
    /// Its id, which is also its process group and session.
    pub pid: u32,
    /// When it started, in ticks since boot.
    pub started: u64,
    /// When it started, by the boot clock.
    pub started_ms: u64,
}

impl ShimSpec {
    /// The variable every process of this unit carries, by which leftovers are found.
    pub(super) const MARK: &'static str = "TIDEGATE_UNIT";
}

impl fmt::Debug for ShimSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShimSpec({}@{})", self.unit.id, self.unit.generation)
    }
}

/// A small unit for tests.
#[cfg(test)]
pub(super) fn example(id: &str) -> UnitSpec {
    use tidegate_core::model::{InstanceId, Limits, PortSpec, StopSpec};
    UnitSpec {
        id: InstanceId(id.to_owned()),
        generation: 1,
        app: "shop".parse().expect("a name"),
        environment: None,
        service: None,
        revision: None,
        command: "true".to_owned(),
        dir: "/".into(),
        writable: false,
        env: BTreeMap::new(),
        port: PortSpec::None,
        probes: None,
        stop: StopSpec::default(),
        limits: Limits::default(),
        step: None,
        sealed: Default::default(),
    }
}
