//! `tidegate pipeline list` and `pipeline show`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Approval, RunNo, RunOrigin, RunState, StageState, TestCounts};

/// The runs of an app or of one of its environments, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PipelineList {
    /// The runs.
    pub runs: Vec<PipelineRunView>,
}

/// A run: while it runs and when it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PipelineRunView {
    /// Its number.
    pub run: RunNo,
    /// The app.
    pub app: String,
    /// The environment it deploys to.
    pub environment: String,
    /// The commit.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The author, by name.
    pub author: String,
    /// The first line of the commit's message.
    pub subject: String,
    /// Who began it.
    pub by: String,
    /// How it began.
    pub origin: RunOrigin,
    /// Where it is.
    pub state: RunState,
    /// Why it waits, failed, or was ended.
    pub why: Option<String>,
    /// What to type next, where something is to be done.
    pub help: Option<String>,
    /// Its stages.
    pub stages: Vec<StageView>,
    /// How many must agree.
    pub approvals_needed: u32,
    /// Who agreed.
    pub approvals: Vec<Approval>,
    /// The run whose build it carries on.
    pub from: Option<RunNo>,
    /// The run that overtook it or began it once more.
    pub next: Option<RunNo>,
    /// The build, by its first 12 characters.
    pub build: String,
    /// When it was asked for, for people: RFC 3339.
    pub at: String,
    /// From the request until now, or until it was over.
    pub seconds: f64,
    /// Whether nothing more follows.
    pub over: bool,
    /// Where the routes it brings lead in from: `http://shop.localhost:8080/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// What whoever began it is told besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageView {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub state: StageState,
    /// How long it took, or has taken; `None` before it begins.
    pub seconds: Option<f64>,
    /// Why it waits, failed or was left out.
    pub why: Option<String>,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// The deploy it entered.
    pub deploy: Option<u64>,
}

/// A step of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub state: StageState,
    /// How long it took, or has taken; `None` before it begins.
    pub seconds: Option<f64>,
    /// How it ended.
    pub exit: Option<String>,
    /// What its reports say.
    pub tests: Option<TestCounts>,
    /// The name its output is found under, of the newest attempt.
    pub unit: Option<String>,
    /// How many attempts there were.
    pub attempts: usize,
}
