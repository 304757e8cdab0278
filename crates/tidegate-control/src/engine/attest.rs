//! What is signed about a build, from what is known of it when it is ready.

use tidegate_core::event::Event;
use tidegate_core::model::{
    Build, BuildId, BuildPhase, Deploy, Exit, Job, JobKind, JobPhase, PipelineRun, RunOrigin, StageState,
};
use tidegate_core::provenance::{AlteredBuild, Attestation, Builder, Facts, Sealed, StepFact, statement};
use tidegate_store::{Reader, StoreError};

use super::build::told;
use super::{Engine, Outcome, Sight, Time, World};
use crate::answer::rfc3339;
use crate::seams::Step;

impl Engine {
    /// The attestation of a build that has just been sealed; `None`: nobody signs here.
    pub(super) fn attestation_of(
        &self,
        store: &Reader,
        build: &Build,
        sealed: Sealed,
        (time, late): (Time, bool),
    ) -> Result<Option<Attestation>, StoreError> {
        let Some(keys) = &self.config.keys else { return Ok(None) };
        let (subject, notes) = (sealed.subject.clone(), sealed.notes.clone());
        let builder = Builder { key: keys.current(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let facts = facts_of(store, build, sealed, (time, late), builder)?;
        let envelope = keys.sign(&statement(&facts));
        Ok(Some(Attestation { envelope, subject, made_at_unix_ms: time.unix_ms, notes }))
    }

    /// Builds of versions that made no attestations get theirs, one after the other: where their files are still those that were
    /// sealed, and saying that it was made later.
    pub(super) fn attest_late(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        build: &Build,
    ) -> Result<Outcome, StoreError> {
        if self.config.keys.is_none() || !self.admission.may_be_late(&build.id) {
            return Ok(Outcome::default());
        }
        if world.store.attestation(&build.id)?.is_some() {
            self.admission.attested(&build.id);
            return Ok(Outcome::default());
        }
        match world.workshop.step(&build.id) {
            Step::Idle | Step::Unpacked => {
                self.admission.begin_late(&build.id);
                world.workshop.seal(build);
                Ok(Outcome::default())
            }
            Step::Busy => Ok(Outcome::default()),
            Step::Failed(why) => self.not_attested(world, sight, build, why),
            Step::Sealed { content, .. } if build.content.as_ref() != Some(&content) => {
                let why = "its files are not those that were built".to_owned();
                self.not_attested(world, sight, build, why)
            }
            Step::Sealed { found, .. } => {
                let attestation = self.attestation_of(world.store, build, found, (sight.time, true))?;
                world.store.transaction(|tx| {
                    tx.remove_altered_build(&build.id)?;
                    attestation.iter().try_for_each(|attestation| tx.put_attestation(&build.id, attestation))
                })?;
                self.admission.attested(&build.id);
                Ok(Outcome::changed())
            }
        }
    }

    /// One that was removed meanwhile must not keep others waiting.
    pub(super) fn forget_late(&mut self, store: &Reader) -> Result<(), StoreError> {
        let Some(late) = self.admission.late() else { return Ok(()) };
        if store.build(late)?.is_none_or(|build| build.phase != BuildPhase::Ready) {
            self.admission.end_late();
        }
        Ok(())
    }

    fn not_attested(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        build: &Build,
        why: String,
    ) -> Result<Outcome, StoreError> {
        let message = format!("build {} gets no attestation: {why}", build.id);
        let events: Vec<Event> = match world.store.altered_build(&build.id)? {
            Some(_) => Vec::new(),
            None => vec![told(build, "build.altered", message)],
        };
        let altered = AlteredBuild { found: String::new(), why, at_unix_ms: sight.time.unix_ms };
        self.decide(world, sight.time, &events, &[], |tx| tx.put_altered_build(&build.id, &altered))?;
        self.admission.attested(&build.id);
        Ok(Outcome::changed())
    }
}

fn facts_of(
    store: &Reader,
    build: &Build,
    sealed: Sealed,
    (time, late): (Time, bool),
    builder: Builder,
) -> Result<Facts, StoreError> {
    let run = run_of(store, &build.id, late)?;
    let deploy = store.open_deploys()?.into_iter().find(|deploy| deploy.build == build.id);
    let job = store.jobs()?.into_iter().rev().find(|job| job.kind == JobKind::Build && job.build == build.id);
    let repository = store.git_source(&build.app)?.map(|source| source.address);
    Ok(Facts {
        build: build.id.clone(),
        app: build.app.clone(),
        command: build.run.clone(),
        within_ms: build.within_ms,
        snapshot: build.snapshot.clone(),
        source: build.source.clone(),
        from_git: run.as_ref().is_some_and(is_from_git) && build.source.commit.is_some(),
        branch: run.as_ref().and_then(|run| run.source.branch.clone()),
        // The way to one behind a key is no URL.
        repository: repository.filter(|address| address.starts_with("https://") && !address.contains('@')),
        run: run.as_ref().map(|run| run.number),
        environment: environment_of(run.as_ref(), deploy.as_ref()),
        by: asked_by(run.as_ref(), deploy.as_ref()),
        steps: run.iter().flat_map(steps_of).chain(job.as_ref().and_then(command_of)).collect(),
        job: job.map(|job| job.id.0),
        sealed,
        started: rfc3339(build.made_at_unix_ms),
        finished: rfc3339(time.unix_ms),
        late,
        builder,
    })
}

/// The run it was made for: the oldest that waits for it. Afterwards, the oldest that is known.
fn run_of(store: &Reader, build: &BuildId, late: bool) -> Result<Option<PipelineRun>, StoreError> {
    let runs = store.pipeline_runs_with(build)?;
    let made_it = |run: &PipelineRun| run.from.is_none() && (late || !run.state.is_over());
    Ok(runs.into_iter().rev().find(made_it))
}

/// Whether its files were read out of a repository.
fn is_from_git(run: &PipelineRun) -> bool {
    let uploaded = run.uploaded || run.source.origin == RunOrigin::Upload;
    !uploaded && run.source.commit.is_some()
}

fn environment_of(run: Option<&PipelineRun>, deploy: Option<&Deploy>) -> Option<tidegate_core::model::Name> {
    run.map(|run| run.environment.clone()).or_else(|| deploy.map(|deploy| deploy.environment.clone()))
}

fn asked_by(run: Option<&PipelineRun>, deploy: Option<&Deploy>) -> String {
    let name = run.map(|run| run.source.by.as_str()).or_else(|| deploy.map(|deploy| deploy.by.as_str()));
    name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect()
}

/// The steps that succeeded before it was built.
fn steps_of(run: &PipelineRun) -> Vec<StepFact> {
    let stages = run.stages.iter().zip(&run.spec.stages);
    let steps = stages.flat_map(|(stage, spec)| {
        let done = stage.steps.iter().filter(|step| step.state == StageState::Succeeded);
        done.map(move |step| {
            let steps = match &spec.work {
                tidegate_core::model::StageWork::Steps(steps)
                | tidegate_core::model::StageWork::Smoke(steps) => steps.as_slice(),
                tidegate_core::model::StageWork::Build
                | tidegate_core::model::StageWork::Deploy
                | tidegate_core::model::StageWork::Verify
                | tidegate_core::model::StageWork::Release(_) => &[],
            };
            StepFact {
                stage: stage.name.clone(),
                name: step.name.clone(),
                exit: step.exit.clone(),
                tests: step.tests.clone(),
                caches: steps
                    .iter()
                    .find(|one| one.name == step.name)
                    .map(|one| one.cache.clone())
                    .unwrap_or_default(),
            }
        })
    });
    steps.collect()
}

/// The build command.
fn command_of(job: &Job) -> Option<StepFact> {
    let exit: Option<Exit> = match &job.phase {
        JobPhase::Ended(exit) => Some(exit.clone()),
        JobPhase::Running | JobPhase::Stopping { .. } => None,
    };
    let stage = "build".parse().ok()?;
    Some(StepFact { stage, name: "command".to_owned(), exit, tests: None, caches: Vec::new() })
}
