//! `tidegate plan --json`: what a deploy would do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DependencyReport, PlannedTrain};
use crate::model::RevisionNo;

/// What a deploy would do. The same function makes the revision and the strategies when it is done for real.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanReport {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The build by its first 12 characters.
    pub build: String,
    /// `reuse` or `make`.
    pub build_action: String,
    /// The build command, where one would run.
    pub build_run: Option<String>,
    /// The revision it would be: a new number, or the one that has this content already.
    pub revision: RevisionNo,
    /// Whether that revision exists already.
    pub revision_exists: bool,
    /// The migration command, where one would run.
    pub migrate: Option<String>,
    /// The steps of the migration in words: what runs before, and what runs once nobody goes back any more.
    #[serde(default)]
    pub migrate_steps: Vec<String>,
    /// Its services.
    pub services: Vec<PlannedService>,
    /// Services that would be rolled out as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trains: Vec<PlannedTrain>,
    /// Its jobs on a schedule.
    #[serde(default)]
    pub jobs: Vec<PlannedJob>,
    /// Its routes and what changes about them.
    pub routes: Vec<PlannedRoute>,
    /// Its flags that differ from those in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<PlannedFlag>,
    /// Experiments that run, and what becomes of them; and those that would be possible from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<PlannedExperiment>,
    /// The commit that serves there now, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<String>,
    /// What differs between that commit and this one. Added by whoever has the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<PlannedCode>,
    /// How it comes there, and what it changes about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<PlannedWay>,
    /// What is known to be wrong with the packages of its lock files. Added by whoever has the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<DependencyReport>,
    /// What differs of configuration, parameters and secrets, by their versions: `secret.db_url v3 → v4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// What a user should know before: limits that cannot be enforced, a strategy that cannot be had, …
    pub warnings: Vec<String>,
}

/// The way of a commit into the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedWay {
    /// How it comes there: a push, a promotion.
    pub by: String,
    /// How many must agree.
    pub approvals: u32,
    /// Whether there is no other way.
    pub protected: bool,
    /// What would keep it waiting now: a freeze, a window that is closed.
    pub waits: Option<String>,
    /// What of these rules would be others once it has come there, a line each.
    pub changes: Vec<String>,
    /// What its run does, in the order of the pipeline.
    pub stages: Vec<PlannedStage>,
}

/// A stage of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStage {
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub does: String,
}

/// What of the code is new.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedCode {
    /// The commit that serves now.
    pub from: String,
    /// The commit of the plan.
    pub to: String,
    /// Commits that come, the newest first: short name and first line of the message.
    pub commits: Vec<String>,
    /// How many more there are.
    pub more_commits: usize,
    /// Commits that go: those that serve now and are not part of the new one.
    pub lost_commits: usize,
    /// Files that differ: `A`, `M`, `D` or the like, a blank and the path.
    pub files: Vec<String>,
    /// How many more there are.
    pub more_files: usize,
}

/// One service of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedService {
    /// Its name.
    pub name: String,
    /// `create`, `roll out`, `unchanged`, `remove`.
    pub action: String,
    /// The revision that serves now.
    pub stable: Option<RevisionNo>,
    /// Instances before and after.
    pub instances: (u32, u32),
    /// The strategy that will really be used.
    pub strategy: String,
    /// Why it is not what the manifest says.
    pub strategy_why: Option<String>,
    /// Whether requests can fail while it runs.
    pub zero_downtime: bool,
    /// The steps as they will happen, in words.
    pub steps: Vec<String>,
    /// What differs from the stable revision, in words; values of environment variables are never shown.
    pub changes: Vec<String>,
    /// The traffic that the forecasts in `steps` rest on; `None` where it is not known, or nothing is forecast.
    #[serde(default)]
    pub traffic: Option<PlannedTraffic>,
}

/// What a service answered lately: in the newest hour that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedTraffic {
    /// Requests a second.
    pub rps: f64,
    /// Of these, the bad ones, as a share.
    pub bad_share: f64,
    /// The seconds it was recorded in.
    pub seconds: u64,
}

/// One job of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedJob {
    /// Its name.
    pub name: String,
    /// `add`, `change`, `unchanged`, `remove`: once the rollouts have succeeded.
    pub action: String,
    /// When it is due, and in which zone.
    pub schedule: String,
    /// When it is due next after now, as the clocks of its zone show it.
    pub next: Option<String>,
    /// What differs from the revision it runs now, in words; values of environment variables are never shown.
    pub changes: Vec<String>,
}

/// One flag of a plan: what Git says of it. What is served of a flag is not changed by a deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedFlag {
    /// Its key.
    pub key: String,
    /// `add`, `change`, `remove`, or `keep` where it is gone from Git and a serving revision still asks for it.
    pub action: String,
    /// What differs: `targeting`, `variants`, …
    #[serde(default)]
    pub changes: Vec<String>,
}

/// One experiment of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedExperiment {
    /// Its flag.
    pub flag: String,
    /// `keep` where it goes on, `refuse` where the deploy would be refused because it runs, `remove` where it would end, `add` where one would
    /// begin with its first user, `broken` where the flag is to be one and cannot.
    pub action: String,
    /// What differs, or what is wrong, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What it has come to so far, where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One route of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedRoute {
    /// `add`, `keep`, `change`, `remove`.
    pub action: String,
    /// The host.
    pub host: String,
    /// The path prefix.
    pub path: String,
    /// The service; empty where the gateway answers by itself.
    pub to: String,
    /// What the gateway does besides, or what changes about that, a line each; no secrets.
    #[serde(default)]
    pub changes: Vec<String>,
}
