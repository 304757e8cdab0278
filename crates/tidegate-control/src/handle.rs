//! The control plane as the API gets it: reads on a connection of its own, writes as requests to the loop.

mod way;

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tidegate_backend::Logs;
use tidegate_core::access::{Action, Who};
use tidegate_core::audit::Deed;
use tidegate_core::experiment::{EventBatch, EventsTaken, ExperimentKey, MOST_EVENTS};
use tidegate_core::judge::Bundle;
use tidegate_core::model::{
    FlagAccessKind, FlagKey, InstanceId, Name, Request, RevisionNo, RolloutId, RunNo,
};
use tidegate_core::release::Asked;
use tidegate_core::view::{
    DeployView, DoctorFinding, DoctorReport, ExperimentList, ExperimentView, Explanation, FlagDebtView,
    FlagHistory, FlagKeyList, FlagKeyMade, FlagKeyView, FlagList, FlagSetView, FlagView, JobHistory, JobList,
    JobRunView, JobView, LeavingView, PipelineList, PipelineRunView, PlanReport, PreviewList, ReleasedView,
    RoleView, RolloutView, RunView, ServiceStatus, Status, TimelineEvent,
};
use tidegate_store::Reader;

use crate::access::{self, Compiled, Gate};
use crate::answer;
use crate::audit::{AuditLog, deeds};
use crate::change;
use crate::environment;
use crate::experiment::{self, Pseudonyms};
use crate::flag_key;
use crate::git;
use crate::intake;
use crate::pipeline;
use crate::plane::{
    BeginRun, BreakGlass, ControlPlane, DeployRequest, EventQuery, FlagRef, LogPage, LogQuery, PlanRequest,
    Refusal, RefusalKind, Scope, ServiceRef, TrafficView, UpgradeView,
};
use crate::release::release;
use crate::run::{Published, Signal};
use crate::setting;
use crate::source;
use crate::start_job::start_job;

/// A check of the machine, for `doctor`.
pub type MachineCheck = Box<dyn Fn() -> Vec<DoctorFinding> + Send + Sync>;

/// What `upgrade` begins with: everything up to the end of this process's program.
pub type BeginUpgrade = Box<dyn Fn() -> Result<UpgradeView, Refusal> + Send + Sync>;

/// What a handle is made from.
pub struct HandleParts {
    /// The way to the loop.
    pub signals: Sender<Signal>,
    /// What the loop says of itself.
    pub published: Published,
    /// A connection for reading.
    pub reader: Reader,
    /// Output of instances and jobs.
    pub logs: Arc<dyn Logs>,
    /// The data directory.
    pub data: PathBuf,
    /// What the machine can and cannot do.
    pub machine: MachineCheck,
    /// Called for `down`: the process ends after it has stopped everything.
    pub down: Box<dyn Fn() + Send + Sync>,
    /// Called for `upgrade`: the process goes on as another program after it has answered.
    pub upgrade: BeginUpgrade,
}

/// See the module.
pub struct Handle {
    signals: Mutex<Sender<Signal>>,
    published: Published,
    reader: Mutex<Reader>,
    logs: Arc<dyn Logs>,
    data: PathBuf,
    machine: MachineCheck,
    down: Box<dyn Fn() + Send + Sync>,
    upgrade: BeginUpgrade,
    pseudonyms: OnceLock<Pseudonyms>,
    pub(crate) policies: Compiled,
}

impl Handle {
    /// A handle on a running loop.
    pub fn new(parts: HandleParts) -> Self {
        Handle {
            signals: Mutex::new(parts.signals),
            published: parts.published,
            reader: Mutex::new(parts.reader),
            logs: parts.logs,
            data: parts.data,
            machine: parts.machine,
            down: parts.down,
            upgrade: parts.upgrade,
            pseudonyms: OnceLock::new(),
            policies: Compiled::default(),
        }
    }
}

impl ControlPlane for Handle {
    fn deploy(&self, request: DeployRequest, snapshot: PathBuf, gate: &Gate) -> Result<DeployView, Refusal> {
        let id = intake::by_upload(self, request, &snapshot, gate)?;
        self.deploy_view(id)
    }

    fn deploy_view(&self, id: u64) -> Result<DeployView, Refusal> {
        self.read(|answers| answer::deploy(answers, id))
    }

    fn plan(&self, request: PlanRequest) -> Result<PlanReport, Refusal> {
        self.without_secrets(self.ask(move |world, time| answer::plan(world, time, &request)))
    }

    fn status(&self, scope: &Scope) -> Result<Status, Refusal> {
        self.read(|answers| answer::status(answers, scope))
    }

    fn rollout(&self, service: &ServiceRef) -> Result<RolloutView, Refusal> {
        self.read(|answers| answer::rollout(answers, service))
    }

    fn request(
        &self,
        service: &ServiceRef,
        request: Request,
        by: &str,
        glass: Option<&BreakGlass>,
    ) -> Result<RolloutView, Refusal> {
        let (asked, by, glass) = (service.clone(), by.to_owned(), glass.cloned());
        let deed = deeds::request(service, request, &by, glass.as_ref());
        self.change(deed, move |world, time| {
            change::request(world, time, (&asked, &by), request, glass.as_ref())
        })?;
        self.rollout(service)
    }

    fn retry(&self, service: &ServiceRef, glass: Option<&BreakGlass>) -> Result<RolloutView, Refusal> {
        let (asked, glass) = (service.clone(), glass.cloned());
        let deed = deeds::retry(service, glass.as_ref());
        self.change(deed, move |world, time| change::retry(world, time, &asked, glass.as_ref()))?;
        self.rollout(service)
    }

    fn rollback(
        &self,
        service: &ServiceRef,
        to: Option<RevisionNo>,
        glass: Option<&BreakGlass>,
    ) -> Result<RolloutView, Refusal> {
        let (asked, glass) = (service.clone(), glass.cloned());
        let deed = deeds::rollback(service, to, glass.as_ref());
        self.change(deed, move |world, time| change::rollback(world, time, &asked, to, glass.as_ref()))?;
        self.rollout(service)
    }

    fn scale(
        &self,
        service: &ServiceRef,
        instances: Option<u32>,
        glass: Option<&BreakGlass>,
    ) -> Result<ServiceStatus, Refusal> {
        let (asked, glass) = (service.clone(), glass.cloned());
        let deed = deeds::scale(service, instances, glass.as_ref());
        self.change(deed, move |world, time| change::scale(world, time, &asked, instances, glass.as_ref()))?;
        self.read(|answers| answer::service_status(answers, service))
    }

    fn run(
        &self,
        service: &ServiceRef,
        revision: Option<RevisionNo>,
        command: String,
        glass: Option<&BreakGlass>,
    ) -> Result<RunView, Refusal> {
        let (asked, glass) = (service.clone(), glass.cloned());
        let deed = deeds::run(service, revision, glass.as_ref());
        let id = self.change(deed, move |world, time| {
            change::run(world, time, (&asked, revision), command, glass.as_ref())
        })?;
        self.run_view(&id)
    }

    fn run_view(&self, id: &InstanceId) -> Result<RunView, Refusal> {
        self.read(|answers| answer::run(answers, id))
    }

    fn run_stop(&self, id: &InstanceId) -> Result<RunView, Refusal> {
        let asked = id.clone();
        self.change(deeds::run_stop(id), move |world, _| change::run_stop(world, &asked))?;
        self.run_view(id)
    }

    fn jobs(&self, scope: &Scope) -> Result<JobList, Refusal> {
        self.read(|answers| answer::jobs(answers, scope))
    }

    fn job(&self, job: &ServiceRef) -> Result<JobView, Refusal> {
        self.read(|answers| answer::job(answers, job))
    }

    fn job_history(&self, job: &ServiceRef) -> Result<JobHistory, Refusal> {
        self.read(|answers| answer::job_history(answers, job))
    }

    fn job_start(&self, job: &ServiceRef) -> Result<JobRunView, Refusal> {
        let asked = job.clone();
        let deed = deeds::job_start(job);
        let number = self.change(deed, move |world, time| start_job(world, time, &asked))?;
        self.read(|answers| answer::job_run(answers, job, number))
    }

    fn flags(&self, scope: &Scope) -> Result<FlagList, Refusal> {
        self.read(|answers| answer::flags(answers, scope))
    }

    fn flag(&self, flag: &FlagRef) -> Result<FlagView, Refusal> {
        self.read(|answers| answer::flag(answers, flag))
    }

    fn flag_history(&self, flag: &FlagRef) -> Result<FlagHistory, Refusal> {
        self.read(|answers| answer::flag_history(answers, flag))
    }

    fn flag_set(&self, scope: &Scope) -> Result<FlagSetView, Refusal> {
        self.read(|answers| answer::flag_set(answers, scope))
    }

    fn flag_debt(&self, scope: &Scope, days: Option<u64>) -> Result<FlagDebtView, Refusal> {
        self.read(|answers| answer::flag_debt(answers, scope, days))
    }

    fn release(&self, flag: &FlagRef, asked: Asked) -> Result<ReleasedView, Refusal> {
        let meant = flag.clone();
        let deed = deeds::release(flag, &asked);
        let outcome = self.change(deed, move |world, time| release(world, time, &meant, asked))?.to_owned();
        let flag = self.flag(flag)?;
        Ok(ReleasedView { outcome, warning: answer::reaches_nobody(&flag), flag })
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<TimelineEvent>, Refusal> {
        self.read(|answers| answer::events(answers, query))
    }

    fn logs(&self, query: &LogQuery) -> Result<LogPage, Refusal> {
        let units = self.read(|answers| answer::units_of(answers, query))?;
        answer::logs(self.logs.as_ref(), &units, query)
    }

    fn explain(&self, scope: &Scope, rollout: Option<RolloutId>) -> Result<Explanation, Refusal> {
        self.read(|answers| answer::explain(answers, scope, rollout))
    }

    fn proof(&self, service: &ServiceRef, rollout: Option<RolloutId>) -> Result<Bundle, Refusal> {
        self.read(|answers| answer::proof(answers, service, rollout))
    }

    fn traffic(&self, service: &ServiceRef) -> Result<TrafficView, Refusal> {
        self.read(|answers| answer::traffic(answers, service))
    }

    fn take_events(&self, scope: &Scope, batch: EventBatch) -> Result<EventsTaken, Refusal> {
        let events = batch.exposures.len() + batch.metrics.len();
        if events > MOST_EVENTS {
            let message = format!("the batch has {events} events: {MOST_EVENTS} are possible");
            return Err(Refusal::new(RefusalKind::Invalid, "experiment::too-many", message));
        }
        let (app, environment) = self.read(|answers| answer::place_of(answers.store, scope))?;
        let received = self.pseudonyms()?.digested((&app, &environment), batch)?;
        self.ask(move |world, time| experiment::take(world, time, (&app, &environment), &received))
    }

    fn experiments(&self, scope: &Scope) -> Result<ExperimentList, Refusal> {
        self.read(|answers| answer::experiments(answers, scope))
    }

    fn experiment(&self, scope: &Scope, flag: &FlagKey) -> Result<ExperimentView, Refusal> {
        self.read(|answers| answer::experiment(answers, scope, flag))
    }

    fn experiment_stop(
        &self,
        scope: &Scope,
        flag: &FlagKey,
        by: &str,
        why: Option<&str>,
    ) -> Result<ExperimentView, Refusal> {
        let deed = deeds::experiment_stop(scope, flag, by, why);
        let place = self.read(|answers| answer::place_of(answers.store, scope));
        let (app, environment) = self.or_noted(&deed, place)?;
        let key = ExperimentKey { app, environment, flag: flag.clone() };
        let (by, why) = (by.to_owned(), why.map(str::to_owned));
        self.change(deed, move |world, time| experiment::stop(world, time, &key, (&by, why.as_deref())))?;
        self.experiment(scope, flag)
    }

    fn flag_keys(&self, scope: &Scope) -> Result<FlagKeyList, Refusal> {
        self.read(|answers| answer::flag_keys(answers, scope))
    }

    fn flag_key_scope(&self, key: &str) -> Result<Option<Scope>, Refusal> {
        self.read(|answers| flag_key::scope_of(answers.store, key))
    }

    fn flag_key_create(
        &self,
        scope: &Scope,
        kind: FlagAccessKind,
        name: &str,
        by: &str,
    ) -> Result<FlagKeyMade, Refusal> {
        let (scope, name, by) = (scope.clone(), name.to_owned(), by.to_owned());
        let deed = deeds::flag_key_create(&scope, kind, &name, &by);
        self.change(deed, move |world, time| flag_key::create(world, time, &scope, (kind, &name, &by)))
    }

    fn flag_key_revoke(&self, scope: &Scope, which: &str, by: &str) -> Result<FlagKeyView, Refusal> {
        let (scope, which, by) = (scope.clone(), which.to_owned(), by.to_owned());
        let deed = deeds::flag_key_revoke(&scope, &which, &by);
        let revoked =
            self.change(deed, move |world, time| flag_key::revoke(world, time, &scope, (&which, &by)))?;
        Ok(answer::flag_key_view(&revoked))
    }

    fn run_begin(&self, request: BeginRun, snapshot: PathBuf) -> Result<PipelineRunView, Refusal> {
        let taken = pipeline::read(&self.data, &request, &snapshot);
        // The upload is the call's to remove, whatever became of it.
        let _ = std::fs::remove_file(&snapshot);
        let deed = deeds::run_begin(&request);
        let taken = self.without_secrets(taken);
        let (taken, data) = (self.or_noted(&deed, taken)?, self.data.clone());
        let run =
            self.change(deed, move |world, time| pipeline::enter(world, time, &data, taken, request))?;
        self.pipeline_run(run)
    }

    fn pipeline_runs(&self, scope: &Scope, most: usize) -> Result<PipelineList, Refusal> {
        self.read(|answers| answer::pipeline_runs(answers, scope, most))
    }

    fn pipeline_run(&self, run: RunNo) -> Result<PipelineRunView, Refusal> {
        self.read(|answers| answer::pipeline_run(answers, run))
    }

    fn pipeline_logs(
        &self,
        run: RunNo,
        stage: Option<&str>,
        cursor: Option<&str>,
        most: usize,
    ) -> Result<LogPage, Refusal> {
        self.read(|answers| answer::pipeline_logs(answers, run, stage, (cursor, most)))
    }

    fn run_cancel(&self, run: RunNo, by: &str) -> Result<PipelineRunView, Refusal> {
        let by = by.to_owned();
        let deed = deeds::of_run(Action::Push, "pipeline cancel", run, &by);
        self.change(deed, move |world, time| pipeline::cancel(world, time, run, &by))?;
        self.pipeline_run(run)
    }

    fn run_retry(&self, run: RunNo, by: &str) -> Result<PipelineRunView, Refusal> {
        let (by, data) = (by.to_owned(), self.data.clone());
        let deed = deeds::of_run(Action::Push, "pipeline retry", run, &by);
        let next = self.change(deed, move |world, time| pipeline::retry(world, time, &data, (run, &by)))?;
        self.pipeline_run(next)
    }

    fn run_approve(
        &self,
        run: RunNo,
        by: &str,
        why: Option<&str>,
        glass: Option<&BreakGlass>,
    ) -> Result<PipelineRunView, Refusal> {
        let (by, why, glass) = (by.to_owned(), why.map(str::to_owned), glass.cloned());
        let deed = deeds::run_approve(run, &by, why.as_deref(), glass.as_ref());
        self.change(deed, move |world, time| {
            pipeline::approve(world, time, run, (&by, why.as_deref()), glass.as_ref())
        })?;
        self.pipeline_run(run)
    }

    fn promote(&self, scope: &Scope, to: &Name, by: &str) -> Result<PipelineRunView, Refusal> {
        let (scope, to, by) = (scope.clone(), to.clone(), by.to_owned());
        let deed = deeds::promote(&scope, &to, &by);
        let run = self.change(deed, move |world, time| pipeline::promote(world, time, &scope, (&to, &by)))?;
        self.pipeline_run(run)
    }

    fn previews(&self, scope: &Scope) -> Result<PreviewList, Refusal> {
        self.read(|answers| answer::previews(answers, scope))
    }

    fn environment_remove(
        &self,
        scope: &Scope,
        by: &str,
        glass: Option<&BreakGlass>,
    ) -> Result<LeavingView, Refusal> {
        let (scope, by, glass) = (scope.clone(), by.to_owned(), glass.cloned());
        let deed = deeds::environment_remove(&scope, &by, glass.as_ref());
        self.change(deed, move |world, time| environment::remove(world, time, &scope, (&by, glass.as_ref())))
    }

    fn branch_gone(&self, app: &Name, branch: &str, by: &str) -> Result<Vec<Name>, Refusal> {
        let (app, branch, by) = (app.clone(), branch.to_owned(), by.to_owned());
        let deed = deeds::branch_gone(&app, &branch, &by);
        self.change(deed, move |world, time| environment::branch_gone(world, time, (&app, &branch), &by))
    }

    fn doctor(&self) -> Result<DoctorReport, Refusal> {
        let mut findings = (self.machine)();
        findings.push(git::finding());
        findings.extend(self.read(|answers| Ok(source::findings(answers.store)))?);
        findings.push(self.read(|answers| access::finding(answers.store))?);
        findings.push(self.published.audit.finding());
        findings.extend(self.read(|answers| Ok(setting::finding(answers.store, &self.data)))?);
        let state = self.published.state();
        findings.extend(self.read(|answers| answer::edge_findings(answers.store, &state))?);
        Ok(answer::doctor(findings, &state, &self.data))
    }

    fn down(&self) -> Result<(), Refusal> {
        self.tell_of(Deed::new(Action::Administer, "down"));
        (self.down)();
        Ok(())
    }

    fn upgrade(&self) -> Result<UpgradeView, Refusal> {
        let deed = Deed::new(Action::Administer, "upgrade");
        // Before it: the process may be another one as soon as it is done.
        self.tell_of(deed.clone());
        self.or_noted(&deed, (self.upgrade)())
    }

    fn roles_of(&self, who: &Who) -> Result<Vec<RoleView>, Refusal> {
        self.read(|answers| access::roles_of(answers.store, who))
    }

    fn audit(&self) -> &dyn AuditLog {
        self
    }

    fn wait_for_event(&self, after: u64, wait_ms: u64) -> u64 {
        self.published.wait_for_event(after, Duration::from_millis(wait_ms.min(60_000)))
    }
}
