//! The schedule reconciler: jobs follow the stable revision of their environment and run when they are due.
//!
//! A slot, its run and the process to start are written in one transaction: killed before it, the slot is still due;
//! killed after it, the process is in the outbox. The processes themselves are run to their end by the job reconciler.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::{
    InstanceId, Job, JobKind, JobPhase, JobRun, JobSpec, JobState, Revision, ServiceKey,
};
use tidegate_core::schedule::{Attempt, Input, Now, Plan, Schedule, adopt, plan};
use tidegate_store::{Counter, StoreError, Tx};

use super::{Effect, Engine, Outcome, Sight, World};

/// Beyond this many the schedules read before are read anew.
const MOST_READ: usize = 4_096;

/// Schedules read before, by expression and zone; `None` where one cannot be read.
pub(super) type Schedules = BTreeMap<(String, String), Option<Arc<Schedule>>>;

/// What is kept of all jobs.
struct Kept {
    runs: BTreeMap<ServiceKey, Vec<JobRun>>,
    processes: BTreeMap<InstanceId, JobPhase>,
}

impl Engine {
    /// Reconciles every job on a schedule.
    pub(super) fn schedules(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = self.adopt_jobs(world, sight)?;
        let states = world.store.job_states()?;
        if states.is_empty() {
            return Ok(outcome);
        }
        let mut kept = Kept { runs: BTreeMap::new(), processes: BTreeMap::new() };
        for run in world.store.open_job_runs()? {
            kept.runs.entry(run.key.clone()).or_default().push(run);
        }
        let processes = world.store.jobs()?.into_iter().filter(|job| job.kind == JobKind::Scheduled);
        kept.processes.extend(processes.map(|job| (job.id, job.phase)));
        for state in states {
            outcome = outcome.and(self.schedule(world, sight, &kept, &state)?);
        }
        Ok(outcome)
    }

    /// Moves the jobs of every environment to the revision all of its services have.
    fn adopt_jobs(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        for ((app, environment), services) in self.places(world)? {
            let Some(revision) = self.settled(world, &services)? else { continue };
            let states = world.store.job_states_of(&app, &environment)?;
            let adopted = adopt(&revision, &services, &states, sight.time.unix_ms);
            if !adopted.states.is_empty() {
                self.decide(world, sight.time, &adopted.events, &[], |tx| {
                    adopted.states.iter().try_for_each(|state| tx.put_job_state(state))
                })?;
                outcome = outcome.and(Outcome::changed());
            }
        }
        Ok(outcome)
    }

    fn schedule(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        kept: &Kept,
        state: &JobState,
    ) -> Result<Outcome, StoreError> {
        let revision = self.revisions.get(world.store, &state.key, state.revision)?;
        let spec = revision.as_ref().and_then(|revision| revision.spec.jobs.get(&state.key.service));
        let schedule = spec.and_then(|spec| self.schedule_of(spec));
        let runs = kept.runs.get(&state.key).map_or(&[][..], Vec::as_slice);
        let next_id = world.store.peek_id(Counter::Instance)?;
        let input =
            Input { state, spec, schedule: schedule.as_deref(), runs, processes: &kept.processes, next_id };
        let mut plan = plan(&input, Now { moment: sight.time.now, unix_ms: sight.time.unix_ms });
        let wake = Outcome { changed: false, wake: plan.wake };
        if plan.state == *state && plan.runs == runs && !plan.gone {
            return Ok(wake);
        }
        add_output(world, &mut plan);
        self.keep_plan(world, sight, &plan, revision.as_deref())?;
        Ok(wake.and(Outcome::changed()))
    }

    fn keep_plan(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        plan: &Plan,
        revision: Option<&Revision>,
    ) -> Result<(), StoreError> {
        let spec =
            revision.and_then(|revision| Some((revision, revision.spec.jobs.get(&plan.state.key.service)?)));
        let processes: Vec<Job> = spec.map_or_else(Vec::new, |(revision, spec)| {
            plan.attempts.iter().map(|attempt| process_of(attempt, plan, revision, spec, sight)).collect()
        });
        let effects: Vec<Effect> = processes.iter().map(|job| Effect::StartJob(job.id.clone())).collect();
        self.decide(world, sight.time, &plan.events, &effects, |tx| {
            plan.ended.iter().try_for_each(|process| tx.remove_job(process))?;
            if plan.gone {
                return tx.remove_job_state(&plan.state.key);
            }
            tx.put_job_state(&plan.state)?;
            plan.runs.iter().try_for_each(|run| tx.put_job_run(run))?;
            processes.iter().try_for_each(|job| tx.put_job(job))?;
            tx.use_ids_below(Counter::Instance, plan.next_id)?;
            spec.map_or(Ok(()), |(_, spec)| prune_runs(tx, plan, spec))
        })
    }

    /// The schedule of a job, read once.
    fn schedule_of(&mut self, spec: &JobSpec) -> Option<Arc<Schedule>> {
        if self.schedules.len() >= MOST_READ {
            self.schedules.clear();
        }
        let key = (spec.schedule.clone(), spec.timezone.clone());
        let read = || Schedule::parse(&spec.schedule, &spec.timezone).ok().map(Arc::new);
        self.schedules.entry(key).or_insert_with(read).clone()
    }
}

fn prune_runs(tx: &Tx<'_>, plan: &Plan, spec: &JobSpec) -> Result<(), StoreError> {
    if plan.runs.iter().any(|run| run.phase.is_over()) {
        tx.prune_job_runs(&plan.state.key, spec.history)?;
    }
    Ok(())
}

fn process_of(attempt: &Attempt, plan: &Plan, revision: &Revision, spec: &JobSpec, sight: &Sight) -> Job {
    Job {
        id: attempt.process.clone(),
        kind: JobKind::Scheduled,
        command: spec.run.clone(),
        build: revision.spec.build.clone(),
        of: Some((plan.state.key.clone(), revision.number)),
        env: spec.env.clone(),
        phase: JobPhase::Running,
        created_at: sight.time.now,
        within_ms: spec.timeout.0,
        step: None,
    }
}

/// The last words of attempts that failed, before anything of them is removed.
fn add_output(world: &mut World<'_>, plan: &mut Plan) {
    for run in &mut plan.runs {
        let failed = run.exit.as_ref().is_some_and(|exit| !exit.success());
        if let Some(process) = run.attempts.last().filter(|last| failed && plan.ended.contains(last)) {
            run.last_output = world.backend.evidence(process).last_output;
        }
    }
}
