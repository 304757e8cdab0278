//! The one function that decides what happens to a service.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::model::{Instance, InstanceId, RevisionNo, Rollout, ServiceSpec, ServiceState, StopSpec};
use crate::time::Moment;

/// All that is known of a service now.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What is kept for it.
    pub state: &'a ServiceState,
    /// Its rollout in progress.
    pub rollout: Option<&'a Rollout>,
    /// Its instances, what was seen of them taken in.
    pub instances: &'a [Instance],
    /// The service as each revision in play has it; a revision without the service is missing.
    pub specs: &'a BTreeMap<RevisionNo, ServiceSpec>,
    /// Whether the rollout may leave `pending`.
    pub gate: &'a Gate,
    /// Whether every worker of the gateway uses a table at least as new as `state.routing`.
    pub settled: bool,
    /// Requests in flight per instance, seen since then.
    pub inflight: &'a BTreeMap<InstanceId, u32>,
    /// The number the next new instance gets.
    pub next_id: u64,
}

/// What must be over before a rollout starts: the migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing, or it is done.
    Open,
    /// It runs.
    Waiting,
    /// It failed, with the reason.
    Failed(String),
}

/// Something to do to the world after `next` is remembered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Start this generation of an instance.
    Start {
        /// The instance.
        id: InstanceId,
        /// Which start of it.
        generation: u64,
    },
    /// Stop it.
    Stop {
        /// The instance.
        id: InstanceId,
        /// Which start of it.
        generation: u64,
        /// How.
        stop: StopSpec,
    },
    /// Forget it, killing it if it runs.
    Remove {
        /// The instance.
        id: InstanceId,
    },
}

/// When to look again, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at: Moment,
    /// Why.
    pub why: String,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The service's state from now on.
    pub state: ServiceState,
    /// The rollout from now on (the same one, changed).
    pub rollout: Option<Rollout>,
    /// All instances from now on; one that is missing is forgotten.
    pub instances: Vec<Instance>,
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// When to look again even if nothing is heard.
    pub wake: Option<Wake>,
    /// Why nothing more happens now, in words.
    pub report: Vec<String>,
    /// What users are told happened.
    pub events: Vec<Event>,
    /// The number the next new instance gets.
    pub next_id: u64,
}
