//! What runs instances and jobs: the seam between decisions and processes, containers or clusters.
//!
//! Called by `tidegate-control` only. A backend decides nothing: it starts, stops and removes what it is told to, and says
//! what it sees.

pub mod fake;
pub mod process;
mod sealed;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tidegate_core::model::{
    Evidence, InstanceId, Limits, Name, PortSpec, Probes, RevisionNo, StopSpec, UnitObservation,
};
use tidegate_core::view::LogLine;

pub use sealed::Sealed;

/// An instance or job to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitSpec {
    /// Its name.
    pub id: InstanceId,
    /// Which start of it: the backend refuses one lower than it has seen, and takes an equal one as done.
    pub generation: u64,
    /// The app, for its labels and environment.
    pub app: Name,
    /// The environment; `None` for a build.
    pub environment: Option<Name>,
    /// The service; `None` for a build or a migration.
    pub service: Option<Name>,
    /// The revision; `None` for a build.
    pub revision: Option<RevisionNo>,
    /// The command, run by `/bin/sh -c`.
    pub command: String,
    /// The directory it runs in: a build's.
    pub dir: PathBuf,
    /// Whether it may write to `dir` (a build command does).
    pub writable: bool,
    /// Its environment beyond the standard variables.
    pub env: BTreeMap<String, String>,
    /// The port it gets.
    pub port: PortSpec,
    /// Its probes; `None` for a job, which is never ready.
    pub probes: Option<Probes>,
    /// How it is stopped.
    pub stop: StopSpec,
    /// What it may use.
    pub limits: Limits,
    /// What it is of a pipeline; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepUnit>,
    /// What of its environment is secret: handed to whoever starts it, written nowhere.
    #[serde(skip)]
    pub sealed: Sealed,
}

/// What a step of a pipeline, or a process beside one, has that no other unit has. It gets what is left of the CPU, runs as
/// a user of its own and has a home that neither builds nor instances ever read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUnit {
    /// Variables that Tidegate itself sets: `TIDEGATE_RUN`, `TIDEGATE_COMMIT`, …
    pub said: BTreeMap<String, String>,
    /// Whether it has no network but one of its own, in which nobody else is.
    #[serde(default)]
    pub offline: bool,
}

/// Why a backend could not do as told. Shown to users.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// A newer generation of it is known.
    #[error("{id}: generation {asked} is older than {known}")]
    Stale {
        /// The unit.
        id: InstanceId,
        /// The generation asked for.
        asked: u64,
        /// The newest one known.
        known: u64,
    },
    /// The machine refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the machine said.
        source: std::io::Error,
    },
}

/// What runs instances and jobs. All calls return within milliseconds; nothing waits for a process.
pub trait Backend: Send {
    /// Starts a unit. Done already for this generation: nothing happens. An earlier generation of it that still runs is
    /// killed first.
    fn start(&mut self, spec: &UnitSpec) -> Result<(), BackendError>;

    /// Tells a unit to stop: the signal, then SIGKILL to all of it after the grace. Stopped or unknown: nothing happens.
    fn stop(&mut self, id: &InstanceId, generation: u64, stop: StopSpec) -> Result<(), BackendError>;

    /// Forgets a unit and its directory; kills it first if it runs. Its output stays for [`Logs`] until it is
    /// pruned. Unknown: nothing happens.
    fn remove(&mut self, id: &InstanceId) -> Result<(), BackendError>;

    /// Every unit there is.
    fn observe(&mut self) -> Vec<UnitObservation>;

    /// CPU time of units that run, in microseconds since they started. One whose time is not known is left out.
    fn cpu_time(&mut self, _ids: &[InstanceId]) -> BTreeMap<InstanceId, u64> {
        BTreeMap::new()
    }

    /// What is known of a unit, for `explain`. Also works shortly after it ended.
    fn evidence(&mut self, id: &InstanceId) -> Evidence;

    /// What this machine cannot do for units of these limits: shown by `plan` and `doctor`.
    fn shortcomings(&self, limits: &Limits) -> Vec<String>;
}

/// Output of units, read while they run and after.
pub trait Logs: Send + Sync {
    /// The last `last` lines of the given units together, oldest first by time.
    fn tail(&self, units: &[InstanceId], last: usize) -> std::io::Result<Vec<LogLine>>;

    /// Lines after a cursor; an empty cursor begins at the oldest line kept. The returned cursor continues.
    fn after(
        &self,
        units: &[InstanceId],
        cursor: &LogCursor,
        most: usize,
    ) -> std::io::Result<(Vec<LogLine>, LogCursor)>;

    /// The place after the last whole line there is now, without reading all of it.
    fn end(&self, units: &[InstanceId]) -> std::io::Result<LogCursor>;

    /// Removes output of units not in `keep` older than `older_than_ms` or beyond `most_bytes` in all.
    fn prune(&self, keep: &[InstanceId], older_than_ms: u64, most_bytes: u64) -> std::io::Result<()>;
}

/// A place in the output of several units. Opaque; survives restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCursor(pub BTreeMap<InstanceId, (u64, u64)>);
