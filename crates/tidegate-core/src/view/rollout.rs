//! `tidegate rollout show --json` and `tidegate explain --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ArmView, CheckView, JudgementView, OutcomeView, TimelineEvent, TrainView};
use crate::model::{BadRequest, Evidence, RevisionNo, RolloutId};

/// A rollout as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutView {
    /// Its number.
    pub id: RolloutId,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// `deploy`, `rollback`, `retry`.
    pub kind: String,
    /// The stable revision it started from.
    pub from: Option<RevisionNo>,
    /// The candidate.
    pub to: RevisionNo,
    /// The strategy really used.
    pub strategy: String,
    /// Why it is not what the manifest says.
    pub strategy_why: Option<String>,
    /// Its phase.
    pub phase: String,
    /// The step it is at, from 1; `None` where it does not go by steps, or not any more.
    #[serde(default)]
    pub step: Option<u32>,
    /// All steps as the manifest writes them.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Whether the gateway is known to do what the step asks for: its clock runs.
    #[serde(default)]
    pub step_in_force: bool,
    /// How long the step lasts at most from now, where that is known.
    #[serde(default)]
    pub step_seconds_left: Option<f64>,
    /// The train it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TrainView>,
    /// The candidate's share of requests, in percent.
    pub weight: u32,
    /// Candidate instances ready and wanted.
    pub candidate: (u32, u32),
    /// Stable instances ready and wanted.
    pub stable: (u32, u32),
    /// What it waits for, in words.
    pub waiting: Vec<String>,
    /// Why it was taken back: a code.
    pub code: Option<String>,
    /// Why it was taken back: a sentence.
    pub reason: Option<String>,
    /// What each side answered; empty where there was nothing to compare the candidate with.
    #[serde(default)]
    pub arms: Vec<ArmView>,
    /// What the judge says of it.
    #[serde(default)]
    pub judgement: Option<JudgementView>,
    /// The checks of its strategy, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckView>,
    /// What users of both sides did, where the strategy counts that.
    #[serde(default)]
    pub outcomes: Vec<OutcomeView>,
    /// Some of the candidate's bad answers, the first ones: they are found in logs by their id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_requests: Vec<BadRequest>,
    /// From its start until now, or until its end.
    pub seconds: f64,
    /// When it was made: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// Why a rollout ended as it did, with the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The rollout; `None` where a deploy ended before there was one.
    pub rollout: Option<RolloutView>,
    /// The answer in one sentence.
    pub summary: String,
    /// What was kept of the instance or job to blame.
    pub evidence: Option<Evidence>,
    /// What can be done next, each a command.
    pub next: Vec<String>,
    /// Its events.
    pub events: Vec<TimelineEvent>,
}
