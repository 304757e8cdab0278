//! One execution of a pipeline: a commit on its way into one environment. Promotion is a run of its own with the same build.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BuildId, BuildSource, EnvironmentPolicy, Exit, InstanceId, Name, PipelineSpec, RevisionSpec};
use crate::time::Moment;

/// The number of a run, unique in a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RunNo(pub u64);

impl fmt::Display for RunNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineRun {
    /// Its number.
    pub number: RunNo,
    /// The app.
    pub app: Name,
    /// The environment it deploys to.
    pub environment: Name,
    /// What it is of, and who began it.
    pub source: RunSource,
    /// What it deploys, as its commit's manifest says.
    pub input: RunInput,
    /// Its pipeline.
    pub spec: PipelineSpec,
    /// The way into its environment that it has to go: what is in force there, or what its own commit says where nothing is.
    pub policy: EnvironmentPolicy,
    /// What its own commit says of that way, where it is something else: in force once the run has gone it to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brings: Option<EnvironmentPolicy>,
    /// The branch its environment is made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<RunPreview>,
    /// Why somebody let it pass by the rules of its environment; `None`: nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<String>,
    /// Whether its files were uploaded over the API, those of a run it carries on included: then nobody knows that they are those of
    /// its commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uploaded: bool,
    /// What whoever began it is told besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Its stages, in the order of the pipeline.
    pub stages: Vec<StageRun>,
    /// Where it is.
    pub state: RunState,
    /// Why it waits, failed, or was ended.
    pub why: Option<String>,
    /// Who agreed.
    pub approvals: Vec<Approval>,
    /// The run whose build this one carries on.
    pub from: Option<RunNo>,
    /// The branch that moves to the commit once every stage before the first deploy has succeeded.
    pub push: Option<PushedRef>,
    /// The run that began it once more, or that overtook it.
    pub next: Option<RunNo>,
    /// When it was asked for.
    pub created_at: Moment,
    /// When it was asked for: milliseconds since the Unix epoch, for people.
    pub made_at_unix_ms: u64,
    /// When it was over.
    pub ended_at: Option<Moment>,
    /// How it is to end as soon as nothing of it runs any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<RunEnding>,
    /// The runs whose artifacts its steps get besides its own: those it tries again or carries on, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts_of: Vec<RunNo>,
}

/// That a run's environment is made for its branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPreview {
    /// The environment of the manifest that it is made from.
    pub base: Name,
    /// What stands for the branch in names of environments and hosts.
    pub slug: String,
}

/// How a run ends before it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnding {
    /// The state it will have.
    pub state: RunState,
    /// Why.
    pub why: String,
}

/// Where a commit came from, and who brought it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSource {
    /// The commit, 40 or 64 hex digits; `None`: a folder that is no checkout.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The author, by name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// The first line of the message.
    pub subject: String,
    /// Who began the run: a name, not yet a proof.
    pub by: String,
    /// How it began.
    pub origin: RunOrigin,
}

/// How a run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOrigin {
    /// By a push to Tidegate's own Git server.
    #[default]
    Push,
    /// By a webhook of the host the repository is at.
    Webhook,
    /// Because polling found a new commit.
    Poll,
    /// By `tidegate promote`, or by itself after the environment before.
    Promotion,
    /// By `tidegate pipeline retry`.
    Retry,
    /// By an upload over the API: what its files are of is what whoever sent them says.
    Upload,
}

/// What a run deploys. Only its environment's part is read from the manifest again when it is promoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInput {
    /// SHA-256 of the commit's files.
    pub snapshot: String,
    /// The build they make.
    pub build: BuildId,
    /// The build command.
    pub build_run: Option<String>,
    /// How long it may take, in milliseconds.
    pub build_within_ms: u64,
    /// The validated revision to be.
    pub revision: RevisionSpec,
    /// What it defines of flags, in flagd's format.
    pub flags: Option<Value>,
    /// The flags its source mentions.
    pub mentioned: super::BuildFlags,
    /// The commit, for the build and the deploy.
    pub source: BuildSource,
    /// The manifest's file name and text: another environment's part is read from it on promotion.
    pub manifest: (String, String),
}

/// A branch that waits for a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedRef {
    /// The full name: `refs/heads/main`.
    pub name: String,
    /// What it was when the push began; 40 or 64 zeros: it did not exist.
    pub before: String,
    /// Whether it has moved.
    pub moved: bool,
}

/// Somebody's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// What they said.
    pub why: Option<String>,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It waits for its turn.
    Queued,
    /// A stage of it is being done.
    Running,
    /// It waits for consent, or for the environment to be open.
    Waiting,
    /// All of it is done. Final.
    Succeeded,
    /// A stage failed. Final.
    Failed,
    /// Somebody ended it. Final.
    Cancelled,
    /// A newer commit of its branch overtook it before it deployed anything. Final.
    Superseded,
}

/// One stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRun {
    /// Its name.
    pub name: Name,
    /// Where it is.
    pub state: StageState,
    /// Why it waits, failed or was left out.
    pub why: Option<String>,
    /// When it began.
    pub began_at: Option<Moment>,
    /// When it was over.
    pub ended_at: Option<Moment>,
    /// Its steps.
    pub steps: Vec<StepRun>,
    /// The deploy it entered.
    pub deploy: Option<u64>,
    /// The earlier run that did it, where it is left out for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_by: Option<RunNo>,
}

/// Where a stage or a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// What it needs is not there yet.
    Pending,
    /// It is being done.
    Running,
    /// It waits for consent, for the environment to be open, or in the queue.
    Waiting,
    /// It is done. Final.
    Succeeded,
    /// It failed. Final.
    Failed,
    /// It is not for this run, or an earlier run did it already. Final.
    Skipped,
    /// It never came to its turn, or was ended. Final.
    Cancelled,
}

/// One step of a stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub state: StageState,
    /// The processes of its attempts, the newest last. Their output is found under these names.
    pub attempts: Vec<InstanceId>,
    /// When its first attempt began.
    pub began_at: Option<Moment>,
    /// When it was over.
    pub ended_at: Option<Moment>,
    /// How the newest attempt that ended did so.
    pub exit: Option<Exit>,
    /// What its reports say.
    pub tests: Option<TestCounts>,
    /// What is being done for it just now.
    #[serde(default)]
    pub phase: StepPhase,
    /// The processes beside its newest attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<InstanceId>,
    /// How many attempts were lost with their machine: they do not count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What is being done for a step that is in progress. Each can be begun again after a kill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepPhase {
    /// Its workspace is laid out.
    #[default]
    Laying,
    /// The processes beside it start.
    Beside,
    /// Its command runs.
    Running,
    /// What it left is taken in: artifacts, caches, reports.
    Gathering,
}

/// What reports of tests say, summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestCounts {
    /// All tests.
    pub tests: u64,
    /// Those that failed or broke.
    pub failed: u64,
    /// Those that were left out.
    pub skipped: u64,
    /// The first that failed: name and message.
    pub failures: Vec<(String, String)>,
    /// Reports that say nothing: which, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<(String, String)>,
}

impl PipelineRun {
    /// What its own commit says of the way into its environment.
    pub fn own_policy(&self) -> &EnvironmentPolicy {
        self.brings.as_ref().unwrap_or(&self.policy)
    }

    /// The same run, going by these rules; what its own commit says is kept.
    pub fn under(self, rules: EnvironmentPolicy) -> Self {
        let own = self.own_policy().clone();
        let brings = (own != rules).then_some(own);
        PipelineRun { policy: rules, brings, ..self }
    }
}

impl RunState {
    /// Whether nothing more follows.
    pub const fn is_over(self) -> bool {
        match self {
            RunState::Queued | RunState::Running | RunState::Waiting => false,
            RunState::Succeeded | RunState::Failed | RunState::Cancelled | RunState::Superseded => true,
        }
    }

    /// The word for it in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Waiting => "waiting",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Superseded => "superseded",
        }
    }
}

impl StageState {
    /// Whether nothing more follows.
    pub const fn is_over(self) -> bool {
        match self {
            StageState::Pending | StageState::Running | StageState::Waiting => false,
            StageState::Succeeded | StageState::Failed | StageState::Skipped | StageState::Cancelled => true,
        }
    }

    /// The word for it in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            StageState::Pending => "pending",
            StageState::Running => "running",
            StageState::Waiting => "waiting",
            StageState::Succeeded => "succeeded",
            StageState::Failed => "failed",
            StageState::Skipped => "skipped",
            StageState::Cancelled => "cancelled",
        }
    }
}
