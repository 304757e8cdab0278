//! What a plan writes: the run, its build, its processes and its deploy, in one transaction.

use std::collections::BTreeMap;

use tidegate_core::event::Event;
use tidegate_core::model::{
    Build, BuildPhase, Deploy, DeployPhase, EnvironmentState, InstanceId, Job, JobPhase, PipelineRun,
    Request, Rollout, Rules, RunEnding, RunState, SmokeEnd,
};
use tidegate_core::pipeline::{Act, Plan};
use tidegate_store::{Counter, Reader, StoreError, Tx};

use super::super::{Effect, Engine, Outcome, Sight, Time, World};
use crate::environment::{barred, entered};
use crate::pipeline::{build_row, may_come_again, put};
use crate::protection::came_there;

/// Why a plan that enters a deploy may not be carried out; `None`: it may. Seen at its beginning the same would have refused the run.
pub(super) fn barred_from(
    store: &Reader,
    run: &PipelineRun,
    plan: &Plan,
) -> Result<Option<String>, StoreError> {
    let enters = plan.acts.iter().any(|act| matches!(act, Act::Enter { .. }));
    if enters { kept_out(store, run) } else { Ok(None) }
}

/// Other rules may have come into its environment while it waited; somebody may have let it pass them.
fn kept_out(store: &Reader, run: &PipelineRun) -> Result<Option<String>, StoreError> {
    if run.passed.is_none()
        && let Err(refusal) = may_come_again(store, run)
    {
        return Ok(Some(refusal.message));
    }
    barred(store, run)
}

/// What is written besides the run.
#[derive(Default)]
struct Writes {
    build: Option<Build>,
    jobs: Vec<Job>,
    deploys: Vec<Deploy>,
    rollouts: Vec<Rollout>,
    effects: Vec<Effect>,
    /// The keys of flags that the build mentions, where it is deployed.
    mentioned: bool,
    /// What is kept of its environment from now on.
    environment: Option<EnvironmentState>,
    events: Vec<Event>,
}

impl Engine {
    /// Has a run end as one that failed, instead of what its plan says.
    pub(super) fn end_failed(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        before: &PipelineRun,
        why: String,
    ) -> Result<Outcome, StoreError> {
        let ending = RunEnding { state: RunState::Failed, why };
        let run = PipelineRun { ending: Some(ending), ..before.clone() };
        self.decide(world, sight.time, &[], &[], |tx| put(tx, Some(before), &run, sight.time))?;
        Ok(Outcome::changed())
    }

    /// Writes it all, and starts and stops what there is to start and stop. Whether anything was to be done.
    pub(super) fn remember_plan(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        before: &PipelineRun,
        plan: &Plan,
        jobs: &BTreeMap<InstanceId, Job>,
    ) -> Result<bool, StoreError> {
        let mut writes = Writes::of(world.store, before, plan, jobs, sight.time)?;
        writes.rule(world.store, before, &plan.run)?;
        if plan.run == *before && writes.is_empty() {
            return Ok(false);
        }
        self.decide(world, sight.time, &writes.events, &writes.effects, |tx| {
            tx.use_ids_below(Counter::Instance, plan.next_unit)?;
            tx.use_ids_below(Counter::Deploy, plan.next_deploy)?;
            writes.write(tx, plan)?;
            put(tx, Some(before), &plan.run, sight.time)
        })?;
        Ok(true)
    }
}

impl Writes {
    fn of(
        store: &Reader,
        run: &PipelineRun,
        plan: &Plan,
        jobs: &BTreeMap<InstanceId, Job>,
        time: Time,
    ) -> Result<Writes, StoreError> {
        let mut writes = Writes::default();
        for act in &plan.acts {
            match act {
                Act::MakeBuild => writes.build = Some(build_row(run, BuildPhase::Unpacking, time)),
                Act::Start(job) => {
                    writes.effects.push(Effect::StartJob(job.id.clone()));
                    writes.jobs.push(job.as_ref().clone());
                }
                Act::Stop { unit, why } => writes.stop(jobs.get(unit), why),
                Act::Enter { deploy, hold } => {
                    writes.mentioned = run.input.flags.is_some();
                    writes.enter(store, run, (*deploy, *hold), time)?;
                }
                Act::Abort { deploy, why } => writes.abort(store, *deploy, why)?,
                Act::GoOn(deploy) => writes.go_on(store, *deploy)?,
                Act::MoveBranch
                | Act::Lay { .. }
                | Act::Gather { .. }
                | Act::Clear(_)
                | Act::Release { .. } => {}
            }
        }
        Ok(writes)
    }

    fn is_empty(&self) -> bool {
        let Writes { build, jobs, deploys, rollouts, .. } = self;
        build.is_none() && jobs.is_empty() && deploys.is_empty() && rollouts.is_empty()
    }

    fn stop(&mut self, job: Option<&Job>, why: &str) {
        let Some(job) = job.filter(|job| job.phase == JobPhase::Running) else { return };
        self.jobs.push(Job { phase: JobPhase::Stopping { why: why.to_owned() }, ..job.clone() });
        self.effects.push(Effect::StopJob(job.id.clone()));
    }

    /// Its build is made by the deploy where the pipeline has no stage for it.
    fn enter(
        &mut self,
        store: &Reader,
        run: &PipelineRun,
        (id, hold): (u64, bool),
        time: Time,
    ) -> Result<(), StoreError> {
        let build = store.build(&run.input.build)?.map(|build| build.phase);
        let making = build.is_some_and(|phase| phase == BuildPhase::Ready || phase.is_unfinished());
        if !making {
            self.build = Some(build_row(run, BuildPhase::Unpacking, time));
        }
        self.deploys.push(Deploy { smoke: hold, ..deploy_of(run, id, time) });
        if let Some((state, made)) = entered(store, run, time)? {
            self.environment = Some(state);
            self.events.extend(made);
        }
        Ok(())
    }

    /// What a run's commit says of the way into the environment is in force once the run has gone it to its end.
    fn rule(&mut self, store: &Reader, before: &PipelineRun, run: &PipelineRun) -> Result<(), StoreError> {
        if came_there(before) || !came_there(run) || run.preview.is_some() {
            return Ok(());
        }
        let kept = store.environment(&run.app, &run.environment)?;
        let kept = kept.unwrap_or_else(|| EnvironmentState::new(run.app.clone(), run.environment.clone()));
        let rules = Rules { policy: run.own_policy().clone(), by: run.number };
        self.environment = Some(EnvironmentState { rules: Some(rules), ..kept });
        Ok(())
    }

    /// The smoke test passed: the rollouts go on.
    fn go_on(&mut self, store: &Reader, id: u64) -> Result<(), StoreError> {
        let Some(deploy) = store.deploy(id)? else { return Ok(()) };
        for id in &deploy.rollouts {
            let Some(mut rollout) = store.rollout(*id)? else { continue };
            if let Some(smoke) = rollout.smoke.as_mut().filter(|smoke| smoke.end.is_none()) {
                smoke.end = Some(SmokeEnd::Passed);
                self.rollouts.push(rollout);
            }
        }
        Ok(())
    }

    /// What has not begun never does; what is on its way goes back.
    fn abort(&mut self, store: &Reader, id: u64, why: &str) -> Result<(), StoreError> {
        let Some(mut deploy) = store.deploy(id)? else { return Ok(()) };
        if deploy.phase == DeployPhase::Building {
            deploy.phase = DeployPhase::Failed;
            deploy.error = Some(why.to_owned());
            self.deploys.push(deploy);
            return Ok(());
        }
        for id in &deploy.rollouts {
            let Some(mut rollout) = store.rollout(*id)?.filter(|rollout| !rollout.phase.is_final()) else {
                continue;
            };
            match rollout.smoke.as_mut().filter(|smoke| smoke.end.is_none()) {
                Some(smoke) => smoke.end = Some(SmokeEnd::Failed(why.to_owned())),
                None if rollout.request == Some(Request::Abort) => continue,
                None => rollout.request = Some(Request::Abort),
            }
            self.rollouts.push(rollout);
        }
        Ok(())
    }

    fn write(&self, tx: &Tx<'_>, plan: &Plan) -> Result<(), StoreError> {
        self.build.iter().try_for_each(|build| tx.put_build(build))?;
        self.environment.iter().try_for_each(|state| tx.put_environment(state))?;
        self.jobs.iter().try_for_each(|job| tx.put_job(job))?;
        self.deploys.iter().try_for_each(|deploy| tx.put_deploy(deploy))?;
        self.rollouts.iter().try_for_each(|rollout| tx.put_rollout(rollout))?;
        if self.mentioned {
            tx.put_build_flags(&plan.run.input.build, &plan.run.input.mentioned)?;
        }
        Ok(())
    }
}

fn deploy_of(run: &PipelineRun, id: u64, time: Time) -> Deploy {
    Deploy {
        id,
        app: run.app.clone(),
        environment: run.environment.clone(),
        build: run.input.build.clone(),
        source: run.input.source.clone(),
        spec: run.input.revision.clone(),
        flags: run.input.flags.clone(),
        phase: DeployPhase::Building,
        revision: None,
        rollouts: Vec::new(),
        error: None,
        migration: None,
        smoke: false,
        by: format!("run {}", run.number),
        created_at: time.now,
        made_at_unix_ms: time.unix_ms,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::model::{EnvironmentPolicy, RunNo};
    use tidegate_store::Store;

    use super::*;
    use crate::protection::test_run;

    /// A run of `feature` that waits, in an environment that takes such pushes by the rules it began with.
    fn waiting() -> PipelineRun {
        let mut run = test_run();
        run.source.branch = Some("feature".to_owned());
        run.policy.branches = vec!["*".to_owned()];
        run
    }

    fn ruled_by(policy: EnvironmentPolicy, run: &PipelineRun) -> Store {
        let rules = Some(Rules { policy, by: RunNo(1) });
        let kept =
            EnvironmentState { rules, ..EnvironmentState::new(run.app.clone(), run.environment.clone()) };
        let mut store = Store::in_memory().unwrap();
        store.transaction(|tx| tx.put_environment(&kept)).unwrap();
        store
    }

    #[test]
    fn rules_that_came_while_a_run_waited_are_asked_before_it_enters() {
        let run = waiting();
        assert_eq!(kept_out(&ruled_by(run.policy.clone(), &run), &run).unwrap(), None);
        let main_only = EnvironmentPolicy { branches: vec!["main".to_owned()], ..run.policy.clone() };
        let store = ruled_by(main_only, &run);
        let why = kept_out(&store, &run).unwrap().unwrap();
        assert!(why.contains("takes pushes to main") && why.contains("this is feature"), "{why}");
        let passed = PipelineRun { passed: Some("it is urgent".to_owned()), ..run };
        assert_eq!(kept_out(&store, &passed).unwrap(), None);
    }
}
