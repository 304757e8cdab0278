//! The leaving reconciler: previews that have to go, and environments that are taken down until nothing of them is left.
//!
//! It looks at what is still there and tells it to go; once nothing is there any more, the environment is forgotten. What of it
//! serves drains like what leaves with a rollout. It can be cut off between any two lines, and begun again.

use std::collections::BTreeSet;

use tidegate_core::event::Event;
use tidegate_core::model::{
    Deploy, DeployPhase, EnvironmentState, Job, JobKind, JobPhase, JobState, Leaving, PipelineRun,
    RevisionNo, Rollout, ServiceKey, ServiceState,
};
use tidegate_core::preview::to_go;
use tidegate_core::rollout::leave;
use tidegate_store::{Reader, StoreError};

use super::{Effect, Engine, Outcome, Sight, Time, World};
use crate::environment::{ended, told};
use crate::pipeline;

/// A revision there never is: jobs of it have nothing to run.
const NONE: RevisionNo = RevisionNo(0);

/// What has to be told to go yet.
#[derive(Default)]
struct Telling {
    runs: Vec<PipelineRun>,
    deploys: Vec<Deploy>,
    services: Vec<(ServiceState, Option<Rollout>)>,
    schedules: Vec<JobState>,
    jobs: Vec<Job>,
}

impl Engine {
    /// Has previews go, and takes down what goes.
    pub(super) fn leaving(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = self.previews(world, sight)?;
        for state in world.store.leaving_environments()? {
            outcome = outcome.and(self.take_down(world, sight, &state)?);
        }
        Ok(outcome)
    }

    /// Those that nobody pushed to for long, and the oldest of too many.
    fn previews(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let previews = world.store.previews()?;
        let (go, wake) = to_go(&previews, sight.time.now);
        let wait = Outcome { changed: false, wake };
        if go.is_empty() {
            return Ok(wait);
        }
        let reason = |state: &EnvironmentState| {
            let one = go.iter().find(|one| one.app == state.app && one.environment == state.environment)?;
            Some(one.why.clone())
        };
        let leaving: Vec<EnvironmentState> = previews
            .into_iter()
            .filter_map(|state| Some(marked(reason(&state)?, state, sight.time)))
            .collect();
        let events: Vec<Event> =
            leaving.iter().filter_map(|state| Some(told(state, &state.leaving.as_ref()?.why))).collect();
        self.decide(world, sight.time, &events, &[], |tx| {
            leaving.iter().try_for_each(|state| tx.put_environment(state))
        })?;
        Ok(wait.and(Outcome::changed()))
    }

    fn take_down(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        state: &EnvironmentState,
    ) -> Result<Outcome, StoreError> {
        let telling = Telling::of(world.store, state, sight.time)?;
        if !telling.is_empty() {
            return self.tell(world, sight, &telling);
        }
        if is_there(world.store, state)? {
            return Ok(Outcome::default());
        }
        self.forget_environment(world, sight, state)
    }

    fn tell(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        telling: &Telling,
    ) -> Result<Outcome, StoreError> {
        let effects: Vec<Effect> = telling.jobs.iter().map(|job| Effect::StopJob(job.id.clone())).collect();
        self.decide(world, sight.time, &[], &effects, |tx| {
            for run in &telling.runs {
                let before = tx.pipeline_run(run.number)?;
                pipeline::put(tx, before.as_ref(), run, sight.time)?;
            }
            telling.deploys.iter().try_for_each(|deploy| tx.put_deploy(deploy))?;
            for (service, rollout) in &telling.services {
                tx.put_service(service)?;
                rollout.iter().try_for_each(|rollout| tx.put_rollout(rollout))?;
            }
            telling.schedules.iter().try_for_each(|job| tx.put_job_state(job))?;
            telling.jobs.iter().try_for_each(|job| tx.put_job(job))
        })?;
        Ok(Outcome::changed())
    }

    fn forget_environment(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        state: &EnvironmentState,
    ) -> Result<Outcome, StoreError> {
        let EnvironmentState { app, environment, .. } = state;
        let message = format!("{environment} is gone");
        let event = Event::about(app.as_str(), environment.as_str(), "environment.removed", message);
        self.decide(world, sight.time, &[event], &[], |tx| tx.forget_environment(app, environment))?;
        for reports in [&self.reports, &self.scalings] {
            if let Ok(mut reports) = reports.lock() {
                reports.retain(|key, _| !is_in(key, state));
            }
        }
        Ok(Outcome::changed())
    }
}

fn marked(why: String, state: EnvironmentState, time: Time) -> EnvironmentState {
    EnvironmentState { leaving: Some(Leaving { why, since: time.now }), ..state }
}

fn is_in(key: &ServiceKey, state: &EnvironmentState) -> bool {
    key.app == state.app && key.environment == state.environment
}

impl Telling {
    fn of(store: &Reader, state: &EnvironmentState, time: Time) -> Result<Telling, StoreError> {
        let why = state.leaving.as_ref().map_or("", |leaving| leaving.why.as_str());
        let mut services = Vec::new();
        for service in store.services_of(&state.app, &state.environment)? {
            let rollout = service.rollout.map(|id| store.rollout(id)).transpose()?.flatten();
            services.extend(leave(&service, rollout.as_ref(), why, (time.now, time.unix_ms)));
        }
        let runs = deploying(store, state)?.into_iter().filter(|run| run.ending.is_none());
        let schedules = store.job_states_of(&state.app, &state.environment)?;
        let schedules = schedules.into_iter().filter(|job| job.revision != NONE);
        Ok(Telling {
            runs: runs.map(|run| ended(&run, why)).collect(),
            deploys: building(store, state)?.into_iter().map(|deploy| failed(deploy, why)).collect(),
            services,
            schedules: schedules.map(|job| JobState { revision: NONE, ..job }).collect(),
            jobs: running(store, state)?.into_iter().filter_map(|job| stopped(job, why)).collect(),
        })
    }

    fn is_empty(&self) -> bool {
        let Telling { runs, deploys, services, schedules, jobs } = self;
        runs.is_empty()
            && deploys.is_empty()
            && services.is_empty()
            && schedules.is_empty()
            && jobs.is_empty()
    }
}

/// Whether there is anything left to wait for.
fn is_there(store: &Reader, state: &EnvironmentState) -> Result<bool, StoreError> {
    let (app, environment) = (&state.app, &state.environment);
    for service in store.services_of(app, environment)? {
        if !store.instances_of(&service.key)?.is_empty() {
            return Ok(true);
        }
    }
    let deploys = store.open_deploys()?;
    let deploys = deploys.iter().any(|deploy| deploy.app == *app && deploy.environment == *environment);
    Ok(deploys
        || !deploying(store, state)?.is_empty()
        || !store.job_states_of(app, environment)?.is_empty()
        || !running(store, state)?.is_empty())
}

/// Runs that have deployed something there: those that have not may still bring it back.
fn deploying(store: &Reader, state: &EnvironmentState) -> Result<Vec<PipelineRun>, StoreError> {
    let there = |run: &PipelineRun| {
        run.app == state.app && run.environment == state.environment && run.has_deployed()
    };
    Ok(store.open_pipeline_runs()?.into_iter().filter(there).collect())
}

/// Deploys that would begin rollouts once their build is there. A migration is let to its end.
fn building(store: &Reader, state: &EnvironmentState) -> Result<Vec<Deploy>, StoreError> {
    let runs = deploying(store, state)?;
    let of_runs: BTreeSet<u64> = runs.iter().filter_map(PipelineRun::deploy).collect();
    let there = |deploy: &Deploy| {
        let same = deploy.app == state.app && deploy.environment == state.environment;
        same && deploy.phase == DeployPhase::Building && !of_runs.contains(&deploy.id)
    };
    Ok(store.open_deploys()?.into_iter().filter(there).collect())
}

fn failed(deploy: Deploy, why: &str) -> Deploy {
    let error = Some(format!("its environment is taken down: {why}"));
    Deploy { phase: DeployPhase::Failed, error, ..deploy }
}

/// Processes of its jobs and of one-off commands that are not over.
fn running(store: &Reader, state: &EnvironmentState) -> Result<Vec<Job>, StoreError> {
    let there = |job: &Job| {
        let of = job.of.as_ref().is_some_and(|(key, _)| is_in(key, state));
        of && matches!(job.kind, JobKind::Run | JobKind::Scheduled)
            && !matches!(job.phase, JobPhase::Ended(_))
    };
    Ok(store.jobs()?.into_iter().filter(there).collect())
}

fn stopped(job: Job, why: &str) -> Option<Job> {
    let why = format!("its environment is taken down: {why}");
    (job.phase == JobPhase::Running).then_some(Job { phase: JobPhase::Stopping { why }, ..job })
}
