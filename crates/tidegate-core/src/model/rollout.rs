//! A rollout: moving a service from the stable revision to the candidate.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Carriage, Effective, Evidence, InstanceId, RevisionNo, ServiceKey, Smoke};
use crate::check::CheckState;
use crate::time::Moment;

/// The number of a rollout, unique in a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RolloutId(pub u64);

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It waits for its migration.
    Pending,
    /// Candidates start and, step by step, take traffic.
    Progressing,
    /// A person stopped it between two steps.
    Paused,
    /// The candidate has all the traffic and is watched (the bake time).
    Promoting,
    /// The candidate is the stable revision now. Final.
    Succeeded,
    /// Traffic goes back to stable.
    Aborting,
    /// Stable has all the traffic again. Final.
    Aborted,
    /// It ended and there was no stable revision to go back to. Final.
    Failed,
    /// A newer rollout took its place. Final.
    Superseded,
}

impl Phase {
    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        match self {
            Phase::Pending | Phase::Progressing | Phase::Paused | Phase::Promoting | Phase::Aborting => false,
            Phase::Succeeded | Phase::Aborted | Phase::Failed | Phase::Superseded => true,
        }
    }

    /// The word for it in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Pending => "pending",
            Phase::Progressing => "progressing",
            Phase::Paused => "paused",
            Phase::Promoting => "promoting",
            Phase::Succeeded => "succeeded",
            Phase::Aborting => "aborting",
            Phase::Aborted => "aborted",
            Phase::Failed => "failed",
            Phase::Superseded => "superseded",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a rollout comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutKind {
    /// A deploy.
    Deploy,
    /// `tidegate rollback`: always by one swap.
    Rollback,
    /// `tidegate rollout retry`.
    Retry,
}

/// What a person asked of a rollout and the planner has not yet done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Stop before the next step.
    Pause,
    /// Go on.
    Resume,
    /// Go on and leave out the rest of the bake time.
    Promote,
    /// Go back to stable.
    Abort,
}

/// Why a rollout was taken back: a stable code for programs, a sentence for people, and what it was seen on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `crash-loop`, `smoke-failed`, `start-deadline`, `lost-readiness`, `progress-deadline`, `migration-failed`, `check-failed`, `train`, `asked`, …
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The instance it was seen on.
    pub instance: Option<InstanceId>,
}

/// Where a rollout is in the steps of its strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Steps that are over; as many as there are: the candidate is made ready for all the traffic.
    pub step: u32,
    /// Since when the gateway is known to do what the step asks for.
    pub since: Option<Moment>,
    /// Why it does not go on without a person, where the step says so.
    pub held: Option<Held>,
}

/// Why a step does not go on without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It is a pause.
    Pause,
    /// It needs an approval.
    Approval,
    /// Nothing was decided in the time there was.
    Inconclusive,
}

impl Position {
    fn is_start(&self) -> bool {
        *self == Position::default()
    }
}

/// A rollout as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Its number.
    pub id: RolloutId,
    /// The service it moves.
    pub key: ServiceKey,
    /// Where it comes from.
    pub kind: RolloutKind,
    /// The deploy it is part of.
    pub deploy: Option<u64>,
    /// The stable revision it started from.
    pub from: Option<RevisionNo>,
    /// The candidate.
    pub to: RevisionNo,
    /// The strategy that is really used.
    pub effective: Effective,
    /// Where it is.
    pub phase: Phase,
    /// The phase a paused rollout goes on with.
    pub resume_to: Option<Phase>,
    /// A person's request that waits to be done.
    pub request: Option<Request>,
    /// Whether the bake time is left out.
    pub skip_bake: bool,
    /// When it was made.
    pub created_at: Moment,
    /// When it last got anywhere; the progress deadline counts from here.
    pub progress_at: Moment,
    /// How many candidate instances had been ready at `progress_at`.
    pub progress: u32,
    /// Since when the gateway is known to send the candidate all the traffic.
    pub baking_since: Option<Moment>,
    /// When it reached a final phase.
    pub ended_at: Option<Moment>,
    /// Where it is in its steps.
    #[serde(default, skip_serializing_if = "Position::is_start")]
    pub position: Position,
    /// How the checks stand that count just now, and how those stood that did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, CheckState>,
    /// The train it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Carriage>,
    /// Its smoke test, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoke: Option<Smoke>,
    /// Why it was taken back.
    pub cause: Option<Cause>,
    /// What was seen on the instance to blame.
    pub evidence: Option<Evidence>,
    /// When it was made and when it ended: milliseconds since the Unix epoch, for people.
    pub made_at_unix_ms: u64,
    /// See `made_at_unix_ms`.
    pub ended_at_unix_ms: Option<u64>,
}

impl Rollout {
    /// Whether its candidate can be smoke tested: with the secret while it stands, or because it serves already, where there was
    /// no stable revision to stand beside.
    pub fn can_be_smoked(&self) -> bool {
        let serves = matches!(self.phase, Phase::Promoting | Phase::Succeeded);
        serves || self.smoke.as_ref().is_some_and(|smoke| smoke.ready)
    }
}
