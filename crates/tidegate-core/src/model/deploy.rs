//! A deploy: from an uploaded snapshot over a build and a migration to rollouts; and the build and jobs it uses.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BuildId, Exit, InstanceId, Name, RevisionNo, RolloutId, ServiceKey};
use crate::time::Moment;

/// A deploy as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deploy {
    /// Its number, unique in a data directory.
    pub id: u64,
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// The build it needs.
    pub build: BuildId,
    /// Where the snapshot came from.
    pub source: BuildSource,
    /// The validated revision to be.
    pub spec: super::RevisionSpec,
    /// What it defines of flags, where that was kept with the deploy itself. It is kept with the build now: a deploy is read often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<serde_json::Value>,
    /// Where it is.
    pub phase: DeployPhase,
    /// The revision, once the build is there.
    pub revision: Option<RevisionNo>,
    /// Its rollouts, once they are made.
    pub rollouts: Vec<RolloutId>,
    /// Why its build or its migration failed.
    pub error: Option<String>,
    /// The migration job, once it was started.
    pub migration: Option<InstanceId>,
    /// Whether its rollouts stand for a smoke test.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub smoke: bool,
    /// Who asked, for the timeline.
    pub by: String,
    /// When it was asked for.
    pub created_at: Moment,
    /// When it was asked for: milliseconds since the Unix epoch, for people.
    pub made_at_unix_ms: u64,
}

/// Where a deploy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployPhase {
    /// Its build is being made.
    Building,
    /// Its migration runs, its rollouts wait.
    Migrating,
    /// Its rollouts run, or are over: they know.
    Rolling,
    /// It ended before a rollout was made: nothing changed.
    Failed,
}

/// Where a snapshot came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BuildSource {
    /// The commit, where the folder was a Git checkout.
    pub commit: Option<String>,
    /// Whether the folder differed from it.
    pub dirty: bool,
}

/// A build as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// SHA-256 of its input.
    pub id: BuildId,
    /// The app it was made for.
    pub app: Name,
    /// SHA-256 of the snapshot's files.
    pub snapshot: String,
    /// The build command; `None`: the snapshot is the build.
    pub run: Option<String>,
    /// How long the build command may take, in milliseconds.
    pub within_ms: u64,
    /// Where it is.
    pub phase: BuildPhase,
    /// SHA-256 of its files, once sealed.
    pub content: Option<String>,
    /// Size of its files in bytes, once sealed.
    pub size: u64,
    /// Where the snapshot came from.
    pub source: BuildSource,
    /// When it was asked for: milliseconds since the Unix epoch.
    pub made_at_unix_ms: u64,
}

/// Where a build is. Each phase can be begun again after a kill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildPhase {
    /// A run of a pipeline has it, and has not asked for it yet. Whoever asks first has it made.
    Waiting,
    /// The snapshot is unpacked into a clean directory.
    Unpacking,
    /// The build command runs as this job.
    Running(InstanceId),
    /// Its files are made read-only and their digest is taken.
    Sealing,
    /// It can be used.
    Ready,
    /// It failed.
    Failed(String),
    /// It was removed to make room.
    Pruned,
}

impl BuildPhase {
    /// Whether something still has to be done for it.
    pub fn is_unfinished(&self) -> bool {
        match self {
            BuildPhase::Unpacking | BuildPhase::Running(_) | BuildPhase::Sealing => true,
            BuildPhase::Waiting | BuildPhase::Ready | BuildPhase::Failed(_) | BuildPhase::Pruned => false,
        }
    }
}

/// A process that runs to completion: a build command, a migration, a one-off command, a run of a job on a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: InstanceId,
    /// What it is for.
    pub kind: JobKind,
    /// What it runs.
    pub command: String,
    /// The build whose directory it runs in.
    pub build: BuildId,
    /// The service and revision whose environment it has; `None` for a build.
    pub of: Option<(ServiceKey, RevisionNo)>,
    /// Its environment beyond the standard variables.
    pub env: BTreeMap<String, String>,
    /// Where it is.
    pub phase: JobPhase,
    /// When it was asked for.
    pub created_at: Moment,
    /// How long it may take, in milliseconds.
    pub within_ms: u64,
    /// What it is of a run of a pipeline; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepJob>,
}

/// What a process of a step of a pipeline needs besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepJob {
    /// The run.
    pub run: super::RunNo,
    /// The environment the run goes to.
    pub environment: Name,
    /// What Tidegate says to it: `TIDEGATE_RUN`, `TIDEGATE_COMMIT`, …
    pub said: BTreeMap<String, String>,
    /// The names of secrets it gets as variables. Their values are read when it is started, and kept nowhere.
    pub secrets: Vec<String>,
    /// What it may use.
    pub limits: super::Limits,
    /// The workspace it runs in: the one of this process.
    pub workspace: InstanceId,
    /// How long it may take until its port accepts, in milliseconds; `None`: it has no port.
    pub ready_within_ms: Option<u64>,
    /// Whether it has no network but one of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// The build command, in a directory it may write to.
    Build,
    /// The migration step.
    Migrate,
    /// `tidegate run`.
    Run,
    /// An attempt at a run of a job on a schedule.
    Scheduled,
    /// An attempt at a step of a pipeline, in a workspace it may write to.
    Step,
    /// A process beside a step: a database for its tests, say.
    Beside,
}

impl JobKind {
    /// Whether it is known by the name of a service, or of a job on a schedule.
    pub fn is_of_service(self) -> bool {
        match self {
            JobKind::Build | JobKind::Migrate | JobKind::Step | JobKind::Beside => false,
            JobKind::Run | JobKind::Scheduled => true,
        }
    }
}

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobPhase {
    /// Its start was asked for, or it runs.
    Running,
    /// It is being ended: it took too long or was asked to stop.
    Stopping {
        /// Why.
        why: String,
    },
    /// It ended.
    Ended(Exit),
}
