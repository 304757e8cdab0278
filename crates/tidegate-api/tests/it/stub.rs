//! A control plane that answers what it was told to.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, RwLock};
use std::time::Duration;

use tidegate_control::access::Gate;
use tidegate_control::{
    AuditLog, AuditQuery, BeginRun, BreakGlass, ControlPlane, DeployRequest, EventQuery, FlagRef, LogPage,
    LogQuery, PlanRequest, Refusal, RefusalKind, Scope, ServiceRef, TrafficView, UpgradeView,
};
use tidegate_core::audit::{Deed, Link};
use tidegate_core::experiment::{EventBatch, EventsTaken};
use tidegate_core::judge::Bundle;
use tidegate_core::model::{
    FlagAccessKind, FlagKey, InstanceId, Name, Request, RevisionNo, RolloutId, RunNo,
};
use tidegate_core::release::Asked;
use tidegate_core::view::{
    AuditPage, AuditStanding, DeployView, DoctorReport, ExperimentList, ExperimentView, Explanation,
    FlagDebtView, FlagHistory, FlagKeyList, FlagKeyMade, FlagKeyView, FlagList, FlagSetView, FlagView,
    JobHistory, JobList, JobRunView, JobView, LeavingView, LogLine, PipelineList, PipelineRunView,
    PlanReport, PreviewList, ReleasedView, RolloutView, RunView, ServiceStatus, Status, TimelineEvent,
};

/// Answers; `None`: refuses with `stub::unset`.
#[derive(Default)]
pub struct Answers {
    pub refusal: Option<Refusal>,
    pub panic: bool,
    pub flags: Option<FlagList>,
    pub releases: Option<FlagHistory>,
    pub released: Option<ReleasedView>,
    /// One after another; the last one stays.
    pub deploys: Vec<DeployView>,
    pub plan: Option<PlanReport>,
    pub status: Option<Status>,
    pub rollout: Option<RolloutView>,
    pub scale: Option<ServiceStatus>,
    pub runs: Vec<RunView>,
    /// One after another; the last one stays.
    pub pipeline_runs: Vec<PipelineRunView>,
    pub previews: Option<PreviewList>,
    pub jobs: Option<JobList>,
    pub job_runs: Option<JobHistory>,
    pub events: Vec<TimelineEvent>,
    pub logs: Vec<LogLine>,
    pub explanation: Option<Explanation>,
    pub proof: Option<Bundle>,
    pub traffic: Option<TrafficView>,
    pub events_taken: Option<EventsTaken>,
    pub experiments: Option<ExperimentList>,
    pub doctor: Option<DoctorReport>,
    pub upgrade: Option<UpgradeView>,
}

#[derive(Default)]
pub struct Stub {
    pub answers: Mutex<Answers>,
    /// What it was asked, in short.
    pub calls: Mutex<Vec<String>>,
    /// Snapshots it took over, with their bytes.
    pub snapshots: Mutex<Vec<(DeployRequest, PathBuf, Vec<u8>)>>,
    /// What the audit log was told.
    pub noted: Mutex<Vec<Deed>>,
    changed: Condvar,
    /// While a test has it, events wait.
    pub held: RwLock<()>,
}

impl Stub {
    pub fn new(answers: Answers) -> Self {
        Stub { answers: Mutex::new(answers), ..Stub::default() }
    }

    pub fn push_event(&self, event: TimelineEvent) {
        self.answers.lock().unwrap().events.push(event);
        self.changed.notify_all();
    }

    pub fn called(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn answer<T>(&self, call: String, pick: impl FnOnce(&mut Answers) -> Option<T>) -> Result<T, Refusal> {
        self.calls.lock().unwrap().push(call);
        let (refusal, panic, answer) = {
            let mut answers = self.answers.lock().unwrap();
            (answers.refusal.clone(), answers.panic, pick(&mut answers))
        };
        assert!(!panic, "asked to panic");
        match refusal {
            Some(refusal) => Err(refusal),
            None => {
                answer.ok_or_else(|| Refusal::new(RefusalKind::NotFound, "stub::unset", "nothing is set"))
            }
        }
    }
}

/// The first, which leaves unless it is the last.
fn next<T: Clone>(list: &mut Vec<T>) -> Option<T> {
    if list.len() > 1 { Some(list.remove(0)) } else { list.first().cloned() }
}

fn because(glass: Option<&BreakGlass>) -> String {
    glass.map_or(String::new(), |glass| format!(" because {}", glass.why))
}

pub fn event(seq: u64, kind: &str, message: &str) -> TimelineEvent {
    TimelineEvent {
        seq,
        at: format!("2026-01-02T03:04:{:02}.000Z", seq % 60),
        kind: kind.to_owned(),
        app: Some("shop".to_owned()),
        environment: Some("production".to_owned()),
        service: Some("web".to_owned()),
        revision: Some(RevisionNo(2)),
        instance: None,
        message: message.to_owned(),
    }
}

impl AuditLog for Stub {
    fn audit_list(&self, query: &AuditQuery) -> Result<AuditPage, Refusal> {
        let call = format!("audit_list {:?} before {:?}", query.filter.who, query.before);
        self.answer(call, |_| Some(AuditPage { entries: Vec::new(), next: None }))
    }
    fn audit_links(&self, after: u64, most: usize) -> Result<Vec<Link>, Refusal> {
        self.answer(format!("audit_links {after} {most}"), |_| Some(Vec::new()))
    }
    fn audit_standing(&self) -> Result<AuditStanding, Refusal> {
        self.answer("audit_standing".to_owned(), |_| None)
    }
    fn audit_note(&self, deeds: Vec<Deed>) -> Result<(), Refusal> {
        self.noted.lock().unwrap().extend(deeds);
        Ok(())
    }
}

impl ControlPlane for Stub {
    fn deploy(&self, request: DeployRequest, snapshot: PathBuf, gate: &Gate) -> Result<DeployView, Refusal> {
        // A manifest is not read here: the folder is called as its app is.
        if let (Ok(app), Some(environment)) = (request.folder.parse(), &request.environment) {
            gate.pass(&app, environment, false)?;
        }
        let bytes = std::fs::read(&snapshot).unwrap();
        self.snapshots.lock().unwrap().push((request, snapshot, bytes));
        self.answer("deploy".to_owned(), |answers| next(&mut answers.deploys))
    }
    fn deploy_view(&self, id: u64) -> Result<DeployView, Refusal> {
        self.answer(format!("deploy_view {id}"), |answers| next(&mut answers.deploys))
    }
    fn plan(&self, request: PlanRequest) -> Result<PlanReport, Refusal> {
        self.answer(format!("plan {}", request.manifest_file), |answers| answers.plan.clone())
    }
    fn status(&self, scope: &Scope) -> Result<Status, Refusal> {
        self.answer(format!("status {scope:?}"), |answers| answers.status.clone())
    }
    fn rollout(&self, service: &ServiceRef) -> Result<RolloutView, Refusal> {
        self.answer(format!("rollout {}", service.service), |answers| answers.rollout.clone())
    }
    fn request(
        &self,
        service: &ServiceRef,
        request: Request,
        by: &str,
        glass: Option<&BreakGlass>,
    ) -> Result<RolloutView, Refusal> {
        let who = if by.is_empty() { "nobody" } else { "somebody" };
        let asked = format!("request {} {request:?} by {who}{}", service.service, because(glass));
        self.answer(asked, |answers| answers.rollout.clone())
    }
    fn retry(&self, service: &ServiceRef, glass: Option<&BreakGlass>) -> Result<RolloutView, Refusal> {
        self.answer(format!("retry {}{}", service.service, because(glass)), |answers| answers.rollout.clone())
    }
    fn rollback(
        &self,
        service: &ServiceRef,
        to: Option<RevisionNo>,
        glass: Option<&BreakGlass>,
    ) -> Result<RolloutView, Refusal> {
        let to = to.map_or("the one before".to_owned(), |to| to.to_string());
        let call = format!("rollback {} to {to}{}", service.service, because(glass));
        self.answer(call, |answers| answers.rollout.clone())
    }
    fn scale(
        &self,
        service: &ServiceRef,
        instances: Option<u32>,
        glass: Option<&BreakGlass>,
    ) -> Result<ServiceStatus, Refusal> {
        let instances = instances.map_or("auto".to_owned(), |instances| instances.to_string());
        let call = format!("scale {} to {instances}{}", service.service, because(glass));
        self.answer(call, |answers| answers.scale.clone())
    }
    fn run(
        &self,
        service: &ServiceRef,
        revision: Option<RevisionNo>,
        command: String,
        glass: Option<&BreakGlass>,
    ) -> Result<RunView, Refusal> {
        let revision = revision.map_or(String::new(), |revision| format!(" at {revision}"));
        let call = format!("run {}{revision}: {command}{}", service.service, because(glass));
        self.answer(call, |answers| next(&mut answers.runs))
    }
    fn run_view(&self, id: &InstanceId) -> Result<RunView, Refusal> {
        self.answer(format!("run_view {id}"), |answers| next(&mut answers.runs))
    }
    fn run_stop(&self, id: &InstanceId) -> Result<RunView, Refusal> {
        self.answer(format!("run_stop {id}"), |answers| next(&mut answers.runs))
    }
    fn jobs(&self, scope: &Scope) -> Result<JobList, Refusal> {
        self.answer(format!("jobs {scope:?}"), |answers| answers.jobs.clone())
    }
    fn job(&self, job: &ServiceRef) -> Result<JobView, Refusal> {
        self.answer(format!("job {}", job.service), |answers| answers.jobs.as_ref()?.jobs.first().cloned())
    }
    fn job_history(&self, job: &ServiceRef) -> Result<JobHistory, Refusal> {
        self.answer(format!("job_history {}", job.service), |answers| answers.job_runs.clone())
    }
    fn job_start(&self, job: &ServiceRef) -> Result<JobRunView, Refusal> {
        self.answer(format!("job_start {}", job.service), |answers| {
            answers.job_runs.as_ref()?.runs.first().cloned()
        })
    }
    fn flags(&self, scope: &Scope) -> Result<FlagList, Refusal> {
        self.answer(format!("flags {scope:?}"), |answers| answers.flags.clone())
    }
    fn flag(&self, flag: &FlagRef) -> Result<FlagView, Refusal> {
        self.answer(format!("flag {}", flag.flag), |answers| answers.flags.as_ref()?.flags.first().cloned())
    }
    fn flag_history(&self, flag: &FlagRef) -> Result<FlagHistory, Refusal> {
        self.answer(format!("flag_history {}", flag.flag), |answers| answers.releases.clone())
    }
    fn flag_set(&self, scope: &Scope) -> Result<FlagSetView, Refusal> {
        self.answer(format!("flag_set {scope:?}"), |_| None)
    }
    fn flag_debt(&self, scope: &Scope, days: Option<u64>) -> Result<FlagDebtView, Refusal> {
        self.answer(format!("flag_debt {scope:?} {days:?}"), |_| None)
    }
    fn release(&self, flag: &FlagRef, asked: Asked) -> Result<ReleasedView, Refusal> {
        let Asked { order, by, expect_version, .. } = asked;
        self.answer(format!("release {} {order} by {by} after {expect_version:?}", flag.flag), |answers| {
            answers.released.clone()
        })
    }
    fn events(&self, query: &EventQuery) -> Result<Vec<TimelineEvent>, Refusal> {
        let most = if query.most == 0 { 1_000 } else { query.most };
        self.answer(format!("events after {}", query.after), |answers| {
            let mut found: Vec<_> =
                answers.events.iter().filter(|event| event.seq > query.after).cloned().collect();
            if query.after == 0 {
                found.drain(..found.len().saturating_sub(most));
            }
            found.truncate(most);
            Some(found)
        })
    }
    fn logs(&self, query: &LogQuery) -> Result<LogPage, Refusal> {
        let after: usize = query.cursor.as_ref().map_or(0, |cursor| cursor.parse().unwrap());
        self.answer(format!("logs {:?}", query.unit), |answers| {
            let lines: Vec<_> = answers.logs.iter().skip(after).cloned().collect();
            Some(LogPage { cursor: (after + lines.len()).to_string(), lines })
        })
    }
    fn proof(&self, service: &ServiceRef, rollout: Option<RolloutId>) -> Result<Bundle, Refusal> {
        self.answer(format!("proof {} {rollout:?}", service.service), |answers| answers.proof.clone())
    }
    fn traffic(&self, service: &ServiceRef) -> Result<TrafficView, Refusal> {
        self.answer(format!("traffic {}", service.service), |answers| answers.traffic.clone())
    }
    fn explain(&self, _: &Scope, rollout: Option<RolloutId>) -> Result<Explanation, Refusal> {
        self.answer(format!("explain {rollout:?}"), |answers| answers.explanation.clone())
    }
    fn flag_key_scope(&self, key: &str) -> Result<Option<Scope>, Refusal> {
        let environment = key.strip_prefix("tidegate-server-of-").and_then(|name| name.parse().ok());
        Ok(environment.map(|name| Scope { app: Some("shop".parse().unwrap()), environment: Some(name) }))
    }
    fn take_events(&self, scope: &Scope, batch: EventBatch) -> Result<EventsTaken, Refusal> {
        let place = scope.environment.as_ref().map_or(String::new(), |name| format!(" in {name}"));
        let asked = format!("take_events {} and {}{place}", batch.exposures.len(), batch.metrics.len());
        let answer = self.answer(asked, |answers| answers.events_taken.clone());
        drop(self.held.read());
        answer
    }
    fn experiments(&self, scope: &Scope) -> Result<ExperimentList, Refusal> {
        self.answer(format!("experiments {scope:?}"), |answers| answers.experiments.clone())
    }
    fn experiment(&self, _: &Scope, flag: &FlagKey) -> Result<ExperimentView, Refusal> {
        self.answer(format!("experiment {flag}"), |answers| {
            answers.experiments.as_ref()?.experiments.first().cloned()
        })
    }
    fn experiment_stop(
        &self,
        _: &Scope,
        flag: &FlagKey,
        by: &str,
        why: Option<&str>,
    ) -> Result<ExperimentView, Refusal> {
        self.answer(format!("experiment_stop {flag} by {by} because {why:?}"), |answers| {
            answers.experiments.as_ref()?.experiments.first().cloned()
        })
    }
    fn flag_keys(&self, scope: &Scope) -> Result<FlagKeyList, Refusal> {
        self.answer(format!("flag_keys {scope:?}"), |_| None)
    }
    fn flag_key_create(
        &self,
        _: &Scope,
        kind: FlagAccessKind,
        name: &str,
        by: &str,
    ) -> Result<FlagKeyMade, Refusal> {
        self.answer(format!("flag_key_create {kind:?} {name} by {by}"), |_| None)
    }
    fn flag_key_revoke(&self, _: &Scope, which: &str, by: &str) -> Result<FlagKeyView, Refusal> {
        self.answer(format!("flag_key_revoke {which} by {by}"), |_| None)
    }
    fn run_begin(&self, request: BeginRun, snapshot: PathBuf) -> Result<PipelineRunView, Refusal> {
        let size = std::fs::metadata(&snapshot).unwrap().len();
        let call = format!("run_begin {} to {}, {size} bytes", request.app, request.environment);
        self.answer(call, |answers| next(&mut answers.pipeline_runs))
    }
    fn pipeline_runs(&self, scope: &Scope, most: usize) -> Result<PipelineList, Refusal> {
        self.answer(format!("pipeline_runs {scope:?} {most}"), |answers| {
            Some(PipelineList { runs: answers.pipeline_runs.iter().take(most).cloned().collect() })
        })
    }
    fn pipeline_run(&self, run: RunNo) -> Result<PipelineRunView, Refusal> {
        self.answer(format!("pipeline_run {run}"), |answers| next(&mut answers.pipeline_runs))
    }
    fn pipeline_logs(
        &self,
        run: RunNo,
        stage: Option<&str>,
        cursor: Option<&str>,
        most: usize,
    ) -> Result<LogPage, Refusal> {
        let after: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        self.answer(format!("pipeline_logs {run} {stage:?}"), |answers| {
            let lines: Vec<_> = answers.logs.iter().skip(after).take(most).cloned().collect();
            Some(LogPage { cursor: (after + lines.len()).to_string(), lines })
        })
    }
    fn run_cancel(&self, run: RunNo, by: &str) -> Result<PipelineRunView, Refusal> {
        self.answer(format!("run_cancel {run} by {by}"), |answers| next(&mut answers.pipeline_runs))
    }
    fn run_retry(&self, run: RunNo, by: &str) -> Result<PipelineRunView, Refusal> {
        self.answer(format!("run_retry {run} by {by}"), |answers| next(&mut answers.pipeline_runs))
    }
    fn run_approve(
        &self,
        run: RunNo,
        by: &str,
        why: Option<&str>,
        glass: Option<&BreakGlass>,
    ) -> Result<PipelineRunView, Refusal> {
        let call = format!("run_approve {run} by {by} because {why:?}{}", because(glass));
        self.answer(call, |answers| next(&mut answers.pipeline_runs))
    }
    fn promote(&self, scope: &Scope, to: &Name, by: &str) -> Result<PipelineRunView, Refusal> {
        let call = format!("promote from {:?} to {to} by {by}", scope.environment);
        self.answer(call, |answers| next(&mut answers.pipeline_runs))
    }
    fn previews(&self, scope: &Scope) -> Result<PreviewList, Refusal> {
        self.answer(format!("previews {scope:?}"), |answers| answers.previews.clone())
    }
    fn environment_remove(
        &self,
        scope: &Scope,
        by: &str,
        glass: Option<&BreakGlass>,
    ) -> Result<LeavingView, Refusal> {
        let call = format!("environment_remove {:?} by {by}{}", scope.environment, because(glass));
        self.answer(call, |_| {
            let name = |name: &Option<Name>| name.as_ref().map(Name::to_string);
            Some(LeavingView { app: name(&scope.app)?, environment: name(&scope.environment)? })
        })
    }
    fn branch_gone(&self, app: &Name, branch: &str, by: &str) -> Result<Vec<Name>, Refusal> {
        self.answer(format!("branch_gone {app} {branch} by {by}"), |_| Some(Vec::new()))
    }
    fn audit(&self) -> &dyn AuditLog {
        self
    }
    fn doctor(&self) -> Result<DoctorReport, Refusal> {
        self.answer("doctor".to_owned(), |answers| answers.doctor.clone())
    }
    fn down(&self) -> Result<(), Refusal> {
        self.answer("down".to_owned(), |_| Some(()))
    }
    fn upgrade(&self) -> Result<UpgradeView, Refusal> {
        self.answer("upgrade".to_owned(), |answers| answers.upgrade.clone())
    }
    fn wait_for_event(&self, after: u64, wait_ms: u64) -> u64 {
        let newest = |answers: &Answers| answers.events.last().map_or(0, |event| event.seq);
        let answers = self.answers.lock().unwrap();
        let wait = Duration::from_millis(wait_ms);
        let waited = self.changed.wait_timeout_while(answers, wait, |answers| newest(answers) <= after);
        newest(&waited.unwrap().0)
    }
}
