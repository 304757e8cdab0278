//! What is done to the world after it was decided: executed from the outbox, at least once, in order.

use serde::{Deserialize, Serialize};
use tidegate_backend::{BackendError, UnitSpec};
use tidegate_core::health::backoff;
use tidegate_core::model::{
    Build, Exit, Instance, InstanceId, Intent, Job, JobKind, JobPhase, Limits, PortSpec, Seen, ServiceKey,
    StepJob, StopSpec,
};
use tidegate_core::rollout::Action;
use tidegate_core::time::Millis;
use tidegate_store::StoreError;

use super::admission::Admitted;
use super::pipeline::step_unit;
use super::{Engine, Time, World, app_user};
use crate::setting::resolve::{Resolved, Resolver, of_build};

/// How a job is stopped.
pub(super) const JOB_STOP: StopSpec = StopSpec { signal: 15, grace: Millis::seconds(10) };

/// Processes and threads an instance may have where its manifest says nothing: more than any service needs, and an end to
/// one that forks without end.
const DEFAULT_PIDS: u32 = 4_096;

/// One entry of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// To an instance.
    Unit(Action),
    /// Starts a job.
    StartJob(InstanceId),
    /// Stops a job.
    StopJob(InstanceId),
    /// Forgets a unit.
    Remove(InstanceId),
}

/// Executes the outbox. A failure is recorded as a fact; the reconcilers, which come again, are the retry.
pub(super) fn run_all(engine: &mut Engine, world: &mut World<'_>, time: Time) -> Result<(), StoreError> {
    for (seq, effect) in world.store.outbox::<Effect>()? {
        let failure = engine.execute(world, &effect, time)?;
        world.store.transaction(|tx| {
            if let Some((id, reason)) = &failure {
                record_failure(tx, id, reason, time)?;
            }
            tx.done(seq)
        })?;
    }
    Ok(())
}

type Failure = (InstanceId, String);

impl Engine {
    fn execute(
        &mut self,
        world: &mut World<'_>,
        effect: &Effect,
        time: Time,
    ) -> Result<Option<Failure>, StoreError> {
        let (id, done) = match effect {
            Effect::Unit(Action::Start { id, generation }) => {
                (id, self.start_instance(world, (id, *generation), time)?)
            }
            Effect::StartJob(id) => (id, self.start_job(world, id)?),
            Effect::Unit(Action::Stop { id, generation, stop }) => {
                (id, world.backend.stop(id, *generation, *stop).or_else(unless_stale))
            }
            Effect::StopJob(id) => (id, world.backend.stop(id, 1, JOB_STOP).or_else(unless_stale)),
            Effect::Unit(Action::Remove { id }) | Effect::Remove(id) => (id, world.backend.remove(id)),
        };
        let Err(error) = done else { return Ok(None) };
        tracing::warn!(unit = %id, %error, "could not do what was decided");
        let starts = matches!(effect, Effect::Unit(Action::Start { .. }) | Effect::StartJob(_));
        Ok(starts.then(|| (id.clone(), error.to_string())))
    }

    fn start_instance(
        &mut self,
        world: &mut World<'_>,
        (id, generation): (&InstanceId, u64),
        time: Time,
    ) -> Result<Result<(), BackendError>, StoreError> {
        let Some((key, instance)) = world.store.instance(id)? else { return Ok(Ok(())) };
        if instance.generation != generation || instance.intent != Intent::Run {
            return Ok(Ok(()));
        }
        let Some(spec) = self.unit_of(world, &key, &instance)? else { return Ok(Ok(())) };
        let spec = match spec {
            Ok(spec) => spec,
            Err(why) => return Ok(Err(no_start(why))),
        };
        match self.admitted_instance(world, &key, instance.revision, time)? {
            Admitted::Yes => app_user::start(world, spec),
            // Its start is asked for again for as long as it is not there.
            Admitted::Wait => Ok(Ok(())),
            Admitted::No(why) => Ok(Err(not_let_in(why))),
        }
    }

    fn unit_of(
        &mut self,
        world: &World<'_>,
        key: &ServiceKey,
        instance: &Instance,
    ) -> Result<Option<Result<UnitSpec, String>>, StoreError> {
        let Some(revision) = self.revisions.get(world.store, key, instance.revision)? else {
            return Ok(None);
        };
        // A folder of files is served by the gateway; there is nothing to start.
        let service = revision.spec.services.get(&key.service).filter(|service| service.site.is_none());
        let Some(service) = service else { return Ok(None) };
        let place = (&key.app, &key.environment);
        let resolver = Resolver::new(world, place, &revision.spec.settings);
        let resolved = resolver.environment(&service.env, Some(&key.service));
        Ok(Some(resolved.map(|(env, sealed)| UnitSpec {
            id: instance.id.clone(),
            generation: instance.generation,
            app: key.app.clone(),
            environment: Some(key.environment.clone()),
            service: Some(key.service.clone()),
            revision: Some(instance.revision),
            command: service.run.clone(),
            dir: world.workshop.dir(&revision.spec.build),
            writable: false,
            env,
            port: service.port,
            probes: Some(service.probes.clone()),
            stop: service.stop,
            limits: Limits { pids: service.limits.pids.or(Some(DEFAULT_PIDS)), ..service.limits },
            step: None,
            user: None,
            sealed,
        })))
    }

    fn start_job(
        &mut self,
        world: &mut World<'_>,
        id: &InstanceId,
    ) -> Result<Result<(), BackendError>, StoreError> {
        let Some(job) = world.store.job(id)?.filter(|job| job.phase == JobPhase::Running) else {
            return Ok(Ok(()));
        };
        if let Some(step) = &job.step {
            return self.start_step(world, &job, step);
        }
        if let Some((key, _)) = &job.of
            && let Some(why) = self.barred(world.store, (&key.app, &key.environment), &job.build)?
        {
            return Ok(Err(not_let_in(why)));
        }
        let limits = self.limits_of(world, &job)?;
        let build = world.store.build(&job.build)?;
        let (env, sealed) = match self.environment_of(world, &job, build.as_ref())? {
            Ok(resolved) => resolved,
            Err(why) => return Ok(Err(no_start(why))),
        };
        let app = match (&job.of, build) {
            (Some((key, _)), _) => key.app.clone(),
            (None, Some(build)) => build.app,
            (None, None) => return Ok(Ok(())),
        };
        let unit = UnitSpec {
            id: job.id.clone(),
            generation: 1,
            app,
            environment: job.of.as_ref().map(|(key, _)| key.environment.clone()),
            service: job.of.as_ref().filter(|_| job.kind.is_of_service()).map(|(key, _)| key.service.clone()),
            revision: job.of.as_ref().map(|(_, revision)| *revision),
            command: job.command.clone(),
            dir: world.workshop.dir(&job.build),
            writable: job.kind == JobKind::Build,
            env,
            port: PortSpec::None,
            probes: None,
            stop: JOB_STOP,
            limits,
            step: None,
            user: None,
            sealed,
        };
        app_user::start(world, unit)
    }

    /// A job has the settings of its revision. A build has none, and its output is not to tell any all the same.
    fn environment_of(
        &mut self,
        world: &World<'_>,
        job: &Job,
        build: Option<&Build>,
    ) -> Result<Resolved, StoreError> {
        let Some((key, number)) = &job.of else {
            let sealed = build.map(|build| of_build(world, build)).transpose()?;
            return Ok(Ok((job.env.clone(), sealed.unwrap_or_default())));
        };
        let revision = self.revisions.get(world.store, key, *number)?;
        let settings = revision.map(|revision| revision.spec.settings.clone()).unwrap_or_default();
        let of = job.kind.is_of_service().then_some(&key.service);
        let place = (&key.app, &key.environment);
        Ok(Resolver::new(world, place, &settings).environment(&job.env, of))
    }

    fn start_step(
        &self,
        world: &mut World<'_>,
        job: &Job,
        step: &StepJob,
    ) -> Result<Result<(), BackendError>, StoreError> {
        let Some(build) = world.store.build(&job.build)? else { return Ok(Ok(())) };
        let unit = step_unit(world, (build.app, job, step), self.config.job_limits);
        match unit {
            Ok(unit) => app_user::start(world, unit),
            Err(why) => Ok(Err(no_start(why))),
        }
    }

    /// A one-off command has its service's limits, a run its job's; a build or a migration those of the machine's owner.
    fn limits_of(&mut self, world: &World<'_>, job: &Job) -> Result<Limits, StoreError> {
        let Some((key, number)) = job.of.as_ref().filter(|_| job.kind.is_of_service()) else {
            return Ok(self.config.job_limits);
        };
        let revision = self.revisions.get(world.store, key, *number)?;
        let limits = revision.as_ref().and_then(|revision| match job.kind {
            JobKind::Scheduled => revision.spec.jobs.get(&key.service).map(|job| job.limits),
            JobKind::Build | JobKind::Migrate | JobKind::Run | JobKind::Step | JobKind::Beside => {
                revision.spec.services.get(&key.service).map(|service| service.limits)
            }
        });
        Ok(limits.unwrap_or(self.config.job_limits))
    }
}

fn no_start(why: String) -> BackendError {
    BackendError::Io { what: "its variables".to_owned(), source: std::io::Error::other(why) }
}

fn not_let_in(why: String) -> BackendError {
    BackendError::Io { what: "provenance::altered-build".to_owned(), source: std::io::Error::other(why) }
}

/// A later generation is there already: what was asked of the earlier one is done.
fn unless_stale(error: BackendError) -> Result<(), BackendError> {
    match error {
        BackendError::Stale { .. } => Ok(()),
        BackendError::Io { .. } => Err(error),
    }
}

/// A start that failed counts as an end: the instance waits and is started again, a job has ended.
fn record_failure(
    tx: &tidegate_store::Tx<'_>,
    id: &InstanceId,
    reason: &str,
    time: Time,
) -> Result<(), StoreError> {
    let exit = Exit::trouble(format!("it could not be started: {reason}"));
    if let Some((key, mut instance)) = tx.instance(id)? {
        instance.seen = Seen::Ended;
        instance.crashes += 1;
        instance.next_start = Some(time.now + backoff::delay(instance.crashes, backoff::seed_of(&id.0)));
        instance.last_exit = Some(exit);
        tx.put_instance(&key, &instance)?;
    } else if let Some(mut job) = tx.job(id)? {
        job.phase = JobPhase::Ended(exit);
        tx.put_job(&job)?;
    }
    Ok(())
}
