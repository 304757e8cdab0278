//! What the API may ask of the control plane. Calls block for milliseconds; none waits for a rollout.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_config::Diagnostic;
use tidegate_core::access::Who;
use tidegate_core::experiment::{EventBatch, EventsTaken};
use tidegate_core::judge::{Bundle, Window};
use tidegate_core::model::{
    BuildSource, FlagAccessKind, FlagKey, InstanceId, Name, PushedRef, Request, RevisionNo, RolloutId, RunNo,
    RunSource,
};
use tidegate_core::release::Asked;
use tidegate_core::view::{
    DeployView, DoctorReport, ExperimentList, ExperimentView, Explanation, FlagDebtView, FlagHistory,
    FlagKeyList, FlagKeyMade, FlagKeyView, FlagList, FlagSetView, FlagView, JobHistory, JobList, JobRunView,
    JobView, LeavingView, LogLine, PipelineList, PipelineRunView, PlanReport, PreviewList, ReleasedView,
    RoleView, RolloutView, RunView, ServiceStatus, Status, TimelineEvent,
};

use crate::access::Gate;
use crate::audit::AuditLog;

/// The control plane as the API sees it.
pub trait ControlPlane: Send + Sync + 'static {
    /// Begins a deploy of an uploaded snapshot (a tar file the call takes over) once `gate` lets it pass: where it goes its manifest
    /// says. Nothing is changed where it is refused.
    fn deploy(&self, request: DeployRequest, snapshot: PathBuf, gate: &Gate) -> Result<DeployView, Refusal>;
    /// A deploy, while it runs and after.
    fn deploy_view(&self, id: u64) -> Result<DeployView, Refusal>;
    /// What a deploy would do.
    fn plan(&self, request: PlanRequest) -> Result<PlanReport, Refusal>;
    /// An environment of an app, now.
    fn status(&self, scope: &Scope) -> Result<Status, Refusal>;
    /// The rollout in progress of a service, or its last one.
    fn rollout(&self, service: &ServiceRef) -> Result<RolloutView, Refusal>;
    /// Pause, resume, promote or abort the rollout in progress.
    /// `by`: who asks, for the timeline; empty where that is not known. `glass` as for a rollback; it takes one only to promote.
    fn request(
        &self,
        service: &ServiceRef,
        request: Request,
        by: &str,
        glass: Option<&BreakGlass>,
    ) -> Result<RolloutView, Refusal>;
    /// Begins the last rollout that was taken back once more, unchanged. `glass` as for a rollback.
    fn retry(&self, service: &ServiceRef, glass: Option<&BreakGlass>) -> Result<RolloutView, Refusal>;
    /// Goes back to a revision; without one, to the stable revision before this one, or out of the rollout in progress.
    /// `glass`: whoever does so by hand in a protected environment. Out of a rollout it takes nobody's.
    fn rollback(
        &self,
        service: &ServiceRef,
        to: Option<RevisionNo>,
        glass: Option<&BreakGlass>,
    ) -> Result<RolloutView, Refusal>;
    /// Sets the number of instances; `None`: it is the manifest's and the load's again. `glass` as for a rollback.
    fn scale(
        &self,
        service: &ServiceRef,
        instances: Option<u32>,
        glass: Option<&BreakGlass>,
    ) -> Result<ServiceStatus, Refusal>;
    /// Starts a one-off command in the build and environment of the stable revision (or the given one). `glass` as for a rollback.
    fn run(
        &self,
        service: &ServiceRef,
        revision: Option<RevisionNo>,
        command: String,
        glass: Option<&BreakGlass>,
    ) -> Result<RunView, Refusal>;
    /// A one-off command, while it runs and for a while after.
    fn run_view(&self, id: &InstanceId) -> Result<RunView, Refusal>;
    /// Stops a one-off command.
    fn run_stop(&self, id: &InstanceId) -> Result<RunView, Refusal>;
    /// The jobs of an environment.
    fn jobs(&self, scope: &Scope) -> Result<JobList, Refusal>;
    /// A job: its name stands where a service's does.
    fn job(&self, job: &ServiceRef) -> Result<JobView, Refusal>;
    /// The runs of a job that are kept, the newest first.
    fn job_history(&self, job: &ServiceRef) -> Result<JobHistory, Refusal>;
    /// Has a job run now, whatever its schedule; the run it got.
    fn job_start(&self, job: &ServiceRef) -> Result<JobRunView, Refusal>;
    /// The flags of an environment.
    fn flags(&self, scope: &Scope) -> Result<FlagList, Refusal>;
    /// A flag.
    fn flag(&self, flag: &FlagRef) -> Result<FlagView, Refusal>;
    /// The releases of a flag, the newest first.
    fn flag_history(&self, flag: &FlagRef) -> Result<FlagHistory, Refusal>;
    /// What Git says of an environment's flags, and what is served of them.
    fn flag_set(&self, scope: &Scope) -> Result<FlagSetView, Refusal>;
    /// Flags that are left over; `days`: how long the same for everybody is long.
    fn flag_debt(&self, scope: &Scope, days: Option<u64>) -> Result<FlagDebtView, Refusal>;
    /// Changes what a flag serves.
    fn release(&self, flag: &FlagRef, asked: Asked) -> Result<ReleasedView, Refusal>;
    /// Events after a number, oldest first.
    fn events(&self, query: &EventQuery) -> Result<Vec<TimelineEvent>, Refusal>;
    /// Output of services, instances or jobs.
    fn logs(&self, query: &LogQuery) -> Result<LogPage, Refusal>;
    /// Why a rollout (or the last deploy) ended as it did.
    fn explain(&self, scope: &Scope, rollout: Option<RolloutId>) -> Result<Explanation, Refusal>;
    /// The proof of a rollout's verdict: of the given one, or of the service's last.
    fn proof(&self, service: &ServiceRef, rollout: Option<RolloutId>) -> Result<Bundle, Refusal>;
    /// What a service's stable revision answered in the last days, second by second.
    fn traffic(&self, service: &ServiceRef) -> Result<TrafficView, Refusal>;
    /// Takes events of users for the experiments of an environment.
    fn take_events(&self, scope: &Scope, batch: EventBatch) -> Result<EventsTaken, Refusal>;
    /// The experiments of an environment.
    fn experiments(&self, scope: &Scope) -> Result<ExperimentList, Refusal>;
    /// The experiment of a flag.
    fn experiment(&self, scope: &Scope, flag: &FlagKey) -> Result<ExperimentView, Refusal>;
    /// Ends the running experiment of a flag. `by`: who asks.
    fn experiment_stop(
        &self,
        scope: &Scope,
        flag: &FlagKey,
        by: &str,
        why: Option<&str>,
    ) -> Result<ExperimentView, Refusal>;
    /// The keys to an environment's flags.
    fn flag_keys(&self, scope: &Scope) -> Result<FlagKeyList, Refusal>;
    /// The environment whose flags a server key is for; `None`: there is no such key, or it is a client's.
    fn flag_key_scope(&self, key: &str) -> Result<Option<Scope>, Refusal>;
    /// Makes a key to an environment's flags, which is told this once. `by`: who asks, for the timeline.
    fn flag_key_create(
        &self,
        scope: &Scope,
        kind: FlagAccessKind,
        name: &str,
        by: &str,
    ) -> Result<FlagKeyMade, Refusal>;
    /// Revokes a key, by its id or name; what it was.
    fn flag_key_revoke(&self, scope: &Scope, which: &str, by: &str) -> Result<FlagKeyView, Refusal>;
    /// Begins a run of a commit (a tar file of its files, which the call takes over). Nothing is changed where it is refused.
    fn run_begin(&self, request: BeginRun, snapshot: PathBuf) -> Result<PipelineRunView, Refusal>;
    /// The runs of an app, or of one of its environments, the newest first; 0: the newest 20.
    fn pipeline_runs(&self, scope: &Scope, most: usize) -> Result<PipelineList, Refusal>;
    /// A run, while it runs and after.
    fn pipeline_run(&self, run: RunNo) -> Result<PipelineRunView, Refusal>;
    /// The output of a run's steps, of its build and of its migration, or of one stage. Without a cursor from the beginning.
    fn pipeline_logs(
        &self,
        run: RunNo,
        stage: Option<&str>,
        cursor: Option<&str>,
        most: usize,
    ) -> Result<LogPage, Refusal>;
    /// Ends a run. What it deploys is taken back. `by`: who asks.
    fn run_cancel(&self, run: RunNo, by: &str) -> Result<PipelineRunView, Refusal>;
    /// Begins a run that failed or was cancelled once more, without what it has done already; the new one.
    fn run_retry(&self, run: RunNo, by: &str) -> Result<PipelineRunView, Refusal>;
    /// Agrees to a run. Refused for its author and for who pushed it. `glass`: has it go on whatever its rules ask for.
    fn run_approve(
        &self,
        run: RunNo,
        by: &str,
        why: Option<&str>,
        glass: Option<&BreakGlass>,
    ) -> Result<PipelineRunView, Refusal>;
    /// Carries the build that is in an environment into the next one.
    fn promote(&self, scope: &Scope, to: &Name, by: &str) -> Result<PipelineRunView, Refusal>;
    /// The environments that were made for branches.
    fn previews(&self, scope: &Scope) -> Result<PreviewList, Refusal>;
    /// Takes an environment down: what runs in it is stopped, its routes go, and it is forgotten. `by`: who asks; `glass` as for a
    /// rollback.
    fn environment_remove(
        &self,
        scope: &Scope,
        by: &str,
        glass: Option<&BreakGlass>,
    ) -> Result<LeavingView, Refusal>;
    /// Takes the previews of a branch down that is removed by somebody; which ones.
    fn branch_gone(&self, app: &Name, branch: &str, by: &str) -> Result<Vec<Name>, Refusal>;
    /// What this machine can and cannot do.
    fn doctor(&self) -> Result<DoctorReport, Refusal>;
    /// Stops every instance, the gateway and the control plane. Returns at once; the process ends when all is stopped.
    fn down(&self) -> Result<(), Refusal>;
    /// Has the gateway and then the control plane replaced by the program on disk. Returns once the new gateway serves; the
    /// process goes on as the new program right afterwards.
    fn upgrade(&self) -> Result<UpgradeView, Refusal>;
    /// The roles that somebody has, for `whoami`.
    fn roles_of(&self, _who: &Who) -> Result<Vec<RoleView>, Refusal> {
        Ok(Vec::new())
    }
    /// The audit log.
    fn audit(&self) -> &dyn AuditLog;
    /// The newest event's number; and a way to wait for a newer one, at most `wait_ms`. Returns the newest then.
    fn wait_for_event(&self, after: u64, wait_ms: u64) -> u64;
}

/// Which app and environment. Missing parts are filled in where there is just one choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The app.
    pub app: Option<Name>,
    /// The environment.
    pub environment: Option<Name>,
}

/// A service of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRef {
    /// Where.
    pub scope: Scope,
    /// Which.
    pub service: Name,
}

/// A flag of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagRef {
    /// Where.
    pub scope: Scope,
    /// Which.
    pub flag: FlagKey,
}

/// What goes with an uploaded snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeployRequest {
    /// The environment; `None`: the manifest's default.
    pub environment: Option<Name>,
    /// The folder's name: the app's name where only a `Procfile` is there.
    pub folder: String,
    /// Where the snapshot came from.
    pub source: BuildSource,
    /// Variables from `--env-file`. Never shown again.
    pub env: BTreeMap<String, String>,
    /// Who asked: for the timeline.
    pub by: String,
    /// Why a protected environment is changed by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
}

/// Somebody who changes a protected environment by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    /// Who, as they call themselves.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What goes with a commit's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginRun {
    /// The app its manifest must be of.
    pub app: Name,
    /// The environment it goes to.
    pub environment: Name,
    /// What it is of, and who began it.
    pub source: RunSource,
    /// The branch that waits for the run.
    pub push: Option<PushedRef>,
}

/// What a plan needs: the manifest and what identifies the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRequest {
    /// As for the deploy.
    pub deploy: DeployRequest,
    /// The manifest's file name: `tidegate.yaml` or `Procfile`.
    pub manifest_file: String,
    /// Its text.
    pub manifest_text: String,
    /// SHA-256 of the snapshot's files, as [`crate::snapshot`] takes it.
    pub snapshot: String,
    /// The flags it defines, as JSON in flagd's format; `None`: its manifest says nothing of flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQuery {
    /// Only later ones than this number.
    pub after: u64,
    /// Where; both `None`: everywhere.
    pub scope: Scope,
    /// Only of this service.
    pub service: Option<Name>,
    /// At most this many; 0: 1,000. With `after` 0 the newest ones, still oldest first.
    pub most: usize,
}

/// Which output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// Where.
    pub scope: Scope,
    /// Of this service; `None`: of all services.
    pub service: Option<Name>,
    /// Of this instance or job instead.
    pub unit: Option<InstanceId>,
    /// Where an earlier page ended; `None`: the last `most` lines.
    pub cursor: Option<String>,
    /// At most this many lines; 0: 200.
    pub most: usize,
}

/// Output, and where it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogPage {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// Give it back to go on; opaque.
    pub cursor: String,
}

/// What was counted of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficView {
    /// Its seconds with requests, oldest first; only the stable side is filled.
    pub windows: Vec<Window>,
}

/// How an upgrade has begun: the gateway is replaced, the control plane about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpgradeView {
    /// The program on disk.
    pub program: PathBuf,
    /// The version it says it is.
    pub version: String,
    /// The process of the gateway that drains; `None` where none ran.
    pub gateway_before: Option<u32>,
    /// The process of the gateway that serves.
    pub gateway: u32,
}

/// A request that is not done, and why. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Whose mistake.
    pub kind: RefusalKind,
    /// A stable code: `deploy::disk-full`, `rollout::none-active`, …
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to type or do next.
    pub help: Option<String>,
    /// The manifest's mistakes, where those are the reason.
    pub diagnostics: Vec<Diagnostic>,
}

/// Whose mistake a refusal is: decides the exit code and the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The request is wrong (400, exit 1).
    Invalid,
    /// There is no such thing (404, exit 1).
    NotFound,
    /// It does not fit what is going on (409, exit 1).
    Conflict,
    /// The machine: disk, permission, gateway (503, exit 2).
    Environment,
    /// A bug in Tidegate (500, exit 70).
    Bug,
}

impl Refusal {
    /// A refusal without help.
    pub fn new(kind: RefusalKind, code: &str, message: impl Into<String>) -> Self {
        Refusal { kind, code: code.to_owned(), message: message.into(), help: None, diagnostics: Vec::new() }
    }

    /// The same with what to do next.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
