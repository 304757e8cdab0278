//! What is seen of a run: its build, its processes, its workspaces, its deploys, and whether its environment takes one now.

use std::collections::BTreeMap;

use tidegate_core::model::{
    BuildPhase, Deploy, DeployPhase, InstanceId, Job, JobPhase, Name, Phase, PipelineRun, Rollout, StageRun,
    UnitState,
};
use tidegate_core::pipeline::{DeploySight, Gate, Opening, ProcessSight, WorkspaceSight, opening};
use tidegate_core::redact::Redactor;
use tidegate_core::time::Millis;
use tidegate_store::{Reader, StoreError};

use super::super::{Sight, World};
use super::start::secrets_of;

/// See the module.
pub(super) struct Seen {
    pub(super) build: Option<BuildPhase>,
    pub(super) deploys: BTreeMap<u64, DeploySight>,
    pub(super) processes: BTreeMap<InstanceId, ProcessSight>,
    pub(super) workspaces: BTreeMap<InstanceId, WorkspaceSight>,
    pub(super) gate: Gate,
    pub(super) candidate: BTreeMap<String, String>,
}

impl Seen {
    pub(super) fn of(
        world: &mut World<'_>,
        sight: &Sight,
        (run, others, jobs): (&PipelineRun, &[PipelineRun], &BTreeMap<InstanceId, Job>),
    ) -> Result<Seen, StoreError> {
        let units = || in_progress(run).flat_map(|step| step.attempts.last().into_iter().chain(&step.beside));
        let processes = units().filter_map(|unit| Some((unit.clone(), process(sight, jobs.get(unit)?))));
        let workspaces = units().filter_map(|unit| Some((unit.clone(), world.workspaces.sight(unit)?)));
        let mut workspaces: BTreeMap<InstanceId, WorkspaceSight> = workspaces.collect();
        for (unit, workspace) in &mut workspaces {
            clean(world, &run.app, jobs.get(unit), workspace);
        }
        Ok(Seen {
            processes: processes.collect(),
            workspaces,
            build: world.store.build(&run.input.build)?.map(|build| build.phase),
            deploys: deploys(world.store, run)?,
            gate: gate(run, others, sight),
            candidate: candidate(world.store, run)?,
        })
    }
}

/// What reports of tests say is kept: without the secrets the step had.
fn clean(world: &World<'_>, app: &Name, job: Option<&Job>, workspace: &mut WorkspaceSight) {
    let step = job.and_then(|job| job.step.as_ref()).filter(|step| !step.secrets.is_empty());
    let Some(step) = step else { return };
    let WorkspaceSight::Gathered { tests: Some(tests) } = workspace else { return };
    let all = tests.failures.iter_mut().chain(&mut tests.unread);
    let texts = all.flat_map(|(name, text)| [name, text]);
    match secrets_of(world, app, step) {
        Ok(secrets) => {
            let named = secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let redactor = Redactor::new(named);
            texts.for_each(|text| redactor.clean(text));
        }
        // Nobody can tell what in it is secret.
        Err(_) => texts.for_each(|text| *text = "[left out]".to_owned()),
    }
}

fn in_progress(run: &PipelineRun) -> impl Iterator<Item = &tidegate_core::model::StepRun> {
    run.stages.iter().flat_map(|stage| &stage.steps).filter(|step| !step.state.is_over())
}

fn process(sight: &Sight, job: &Job) -> ProcessSight {
    if let JobPhase::Ended(exit) = &job.phase {
        return ProcessSight::Ended(exit.clone());
    }
    let unit = sight.seeing.get(&job.id);
    let ready = unit.is_some_and(|unit| matches!(unit.state, UnitState::Running(health) if health.ready));
    ProcessSight::Running { port: unit.and_then(|unit| unit.port), ready, since: job.created_at }
}

fn deploys(store: &Reader, run: &PipelineRun) -> Result<BTreeMap<u64, DeploySight>, StoreError> {
    let mut deploys = BTreeMap::new();
    for id in run.stages.iter().filter_map(|stage: &StageRun| stage.deploy) {
        if let Some(deploy) = store.deploy(id)? {
            deploys.insert(id, deploy_sight(store, &deploy)?);
        }
    }
    Ok(deploys)
}

fn deploy_sight(store: &Reader, deploy: &Deploy) -> Result<DeploySight, StoreError> {
    let failed = || {
        let why = deploy.error.clone().unwrap_or_else(|| "it failed".to_owned());
        DeploySight::Failed(why)
    };
    match deploy.phase {
        DeployPhase::Building | DeployPhase::Migrating => Ok(DeploySight::Going),
        DeployPhase::Failed => Ok(failed()),
        DeployPhase::Rolling => {
            let rollouts: Result<Vec<_>, _> = deploy.rollouts.iter().map(|id| store.rollout(*id)).collect();
            let rollouts: Vec<Rollout> = rollouts?.into_iter().flatten().collect();
            Ok(match rolled(&rollouts) {
                DeploySight::Succeeded if deploy.error.is_some() => failed(),
                sight => sight,
            })
        }
    }
}

fn rolled(rollouts: &[Rollout]) -> DeploySight {
    let bad = rollouts.iter().find(|rollout| rollout.phase.is_final() && rollout.phase != Phase::Succeeded);
    if rollouts.iter().any(|rollout| !rollout.phase.is_final()) {
        let held = bad.is_none() && rollouts.iter().all(Rollout::can_be_smoked);
        let open =
            rollouts.iter().any(|rollout| rollout.smoke.as_ref().is_some_and(|smoke| smoke.end.is_none()));
        return if held && open { DeploySight::Held } else { DeploySight::Going };
    }
    bad.map_or(DeploySight::Succeeded, |rollout| {
        let why = rollout.cause.as_ref().map(|cause| format!(": {}", cause.message)).unwrap_or_default();
        DeploySight::Failed(format!("{} is {}{why}", rollout.key.service, rollout.phase))
    })
}

/// Where candidates that are ready are reached on this machine, by service. Nobody else knows these addresses.
fn candidate(store: &Reader, run: &PipelineRun) -> Result<BTreeMap<String, String>, StoreError> {
    let deploy = run.deploy().map(|id| store.deploy(id)).transpose()?.flatten();
    let Some((deploy, revision)) = deploy.and_then(|deploy| Some((deploy.clone(), deploy.revision?))) else {
        return Ok(BTreeMap::new());
    };
    let mut said = BTreeMap::new();
    for state in store.services_of(&deploy.app, &deploy.environment)? {
        let instances = store.instances_of(&state.key)?;
        let candidates = instances.iter().filter(|instance| instance.revision == revision);
        let Some(port) = candidates.filter(|instance| instance.is_ready()).find_map(|instance| instance.port)
        else {
            continue;
        };
        let name = state.key.service.as_str().to_uppercase().replace('-', "_");
        let url = format!("http://127.0.0.1:{port}");
        said.insert(format!("TIDEGATE_CANDIDATE_URL_{name}"), url.clone());
        said.entry("TIDEGATE_CANDIDATE_URL".to_owned()).or_insert(url);
    }
    Ok(said)
}

/// One run at a time deploys to an environment, and only when its calendar says so.
fn gate(run: &PipelineRun, others: &[PipelineRun], sight: &Sight) -> Gate {
    let there = |other: &&PipelineRun| {
        let same = other.app == run.app && other.environment == run.environment;
        same && other.number != run.number && other.has_deployed()
    };
    if let Some(other) = others.iter().find(there) {
        let why = format!("run {} is being deployed to {}", other.number, run.environment);
        return Gate::Closed { why, until: None };
    }
    match opening(&run.policy, sight.time.unix_ms) {
        Opening::Open => Gate::Open,
        Opening::Closed { why, opens_unix_ms } => {
            let wait = opens_unix_ms.map(|at| Millis(at.saturating_sub(sight.time.unix_ms).max(1)));
            Gate::Closed { why, until: wait.map(|wait| sight.time.now + wait) }
        }
    }
}
