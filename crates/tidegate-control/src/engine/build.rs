//! The build reconciler: snapshot, clean copy, build command, seal. The same input is built once.

use tidegate_core::event::Event;
use tidegate_core::model::{Build, BuildPhase, InstanceId, Job, JobKind, JobPhase};
use tidegate_store::{Counter, StoreError};

use super::{Effect, Engine, Outcome, Sight, World};
use crate::seams::Step;

impl Engine {
    /// Reconciles every build that is not finished.
    pub(super) fn builds(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        self.forget_late(world.store)?;
        for build in world.store.builds()? {
            outcome = outcome.and(self.build(world, sight, build)?);
        }
        Ok(outcome)
    }

    fn build(&mut self, world: &mut World<'_>, sight: &Sight, build: Build) -> Result<Outcome, StoreError> {
        match build.phase.clone() {
            BuildPhase::Unpacking => self.unpack(world, sight, build),
            BuildPhase::Running(job) => self.run_build(world, sight, build, &job),
            BuildPhase::Sealing => self.seal(world, sight, build),
            BuildPhase::Ready => self.attest_late(world, sight, &build),
            BuildPhase::Waiting | BuildPhase::Failed(_) | BuildPhase::Pruned => Ok(Outcome::default()),
        }
    }

    fn unpack(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        mut build: Build,
    ) -> Result<Outcome, StoreError> {
        match world.workshop.step(&build.id) {
            Step::Idle | Step::Sealed { .. } => {
                world.workshop.unpack(&build.id, &build.snapshot);
                Ok(Outcome::default())
            }
            Step::Busy => Ok(Outcome::default()),
            Step::Failed(reason) => self.fail(world, sight, build, reason),
            Step::Unpacked => {
                let Some(command) = build.run.clone() else {
                    build.phase = BuildPhase::Sealing;
                    world.store.transaction(|tx| tx.put_build(&build))?;
                    return Ok(Outcome::changed());
                };
                self.start_build(world, sight, build, command)
            }
        }
    }

    fn start_build(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        mut build: Build,
        command: String,
    ) -> Result<Outcome, StoreError> {
        let number = world.store.peek_id(Counter::Instance)?;
        let job = Job {
            id: InstanceId(format!("build-{number}")),
            kind: JobKind::Build,
            command,
            build: build.id.clone(),
            of: None,
            env: Default::default(),
            phase: JobPhase::Running,
            created_at: sight.time.now,
            within_ms: build.within_ms,
            step: None,
        };
        build.phase = BuildPhase::Running(job.id.clone());
        let event =
            told(&build, "build.started", format!("build {} runs its command as {}", build.id, job.id));
        self.decide(world, sight.time, &[event], &[Effect::StartJob(job.id.clone())], |tx| {
            tx.put_build(&build)?;
            tx.put_job(&job)?;
            tx.use_ids_below(Counter::Instance, number + 1)
        })?;
        Ok(Outcome::changed())
    }

    fn run_build(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        mut build: Build,
        job: &InstanceId,
    ) -> Result<Outcome, StoreError> {
        match world.store.job(job)?.map(|job| job.phase) {
            Some(JobPhase::Running | JobPhase::Stopping { .. }) => Ok(Outcome::default()),
            Some(JobPhase::Ended(exit)) if exit.success() => {
                build.phase = BuildPhase::Sealing;
                world.store.transaction(|tx| tx.put_build(&build))?;
                Ok(Outcome::changed())
            }
            Some(JobPhase::Ended(exit)) => {
                let reason =
                    format!("the build command failed: {exit} (`tidegate logs --unit {job}` has its output)");
                self.fail(world, sight, build, reason)
            }
            None => self.fail(world, sight, build, "the build command was lost; deploy again".to_owned()),
        }
    }

    fn seal(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        mut build: Build,
    ) -> Result<Outcome, StoreError> {
        match world.workshop.step(&build.id) {
            Step::Idle | Step::Unpacked => {
                world.workshop.seal(&build);
                Ok(Outcome::default())
            }
            Step::Busy => Ok(Outcome::default()),
            Step::Failed(reason) => self.fail(world, sight, build, reason),
            Step::Sealed { content, size, found } => {
                build.phase = BuildPhase::Ready;
                build.content = Some(content);
                build.size = size;
                let attestation = self.attestation_of(world.store, &build, found, (sight.time, false))?;
                let event = told(&build, "build.ready", format!("build {} is ready", build.id));
                // With its attestation or not at all.
                self.decide(world, sight.time, &[event], &[], |tx| {
                    tx.put_build(&build)?;
                    tx.remove_altered_build(&build.id)?;
                    attestation.iter().try_for_each(|attestation| tx.put_attestation(&build.id, attestation))
                })?;
                self.forget_looks(&build.id);
                Ok(Outcome::changed())
            }
        }
    }

    fn fail(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        mut build: Build,
        reason: String,
    ) -> Result<Outcome, StoreError> {
        build.phase = BuildPhase::Failed(reason.clone());
        let event = told(&build, "build.failed", format!("build {} failed: {reason}", build.id));
        self.decide(world, sight.time, &[event], &[], |tx| tx.put_build(&build))?;
        // The files it was made from stay where a run may try it again; else they go with the next clearing up.
        let runs = !world.store.pipeline_runs_with(&build.id)?.is_empty();
        world.workshop.discard(&build.id, Some(&build.snapshot).filter(|_| !runs).map(String::as_str));
        Ok(Outcome::changed())
    }
}

pub(super) fn told(build: &Build, kind: &str, message: String) -> Event {
    Event { app: Some(build.app.to_string()), ..Event::platform(kind, message) }
}
