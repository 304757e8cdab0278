//! `tidegate deploy`, while it runs and after.

use tidegate_core::model::{BuildPhase, Deploy, DeployPhase, JobKind, Phase, Rollout};
use tidegate_core::view::{DeployView, DeployedService};
use tidegate_os::clock;

use super::{Answers, store_trouble};
use crate::plane::{Refusal, RefusalKind};

/// A deploy.
pub fn deploy(answers: &Answers<'_>, id: u64) -> Result<DeployView, Refusal> {
    let Some(deploy) = answers.store.deploy(id).map_err(store_trouble)? else {
        let message = format!("there is no deploy {id}");
        return Err(Refusal::new(RefusalKind::NotFound, "deploy::unknown", message)
            .help("`tidegate events` lists them"));
    };
    let rollouts: Result<Vec<_>, _> = deploy.rollouts.iter().map(|id| answers.store.rollout(*id)).collect();
    let rollouts: Vec<Rollout> = rollouts.map_err(store_trouble)?.into_iter().flatten().collect();
    let rolling = deploy.phase == DeployPhase::Rolling;
    let rolled = rolling && rollouts.iter().all(|rollout| rollout.phase.is_final());
    let failed = deploy.phase == DeployPhase::Failed;
    let services = services(answers, &deploy, &rollouts)?;
    let succeeded = rolled && rollouts.iter().all(|rollout| rollout.phase == Phase::Succeeded);
    Ok(DeployView {
        id,
        app: deploy.app.to_string(),
        environment: deploy.environment.to_string(),
        phase: word_for(&deploy, rolled).to_owned(),
        build: deploy.build.short().to_owned(),
        revision: deploy.revision,
        services,
        error: error_of(&deploy),
        job: job(answers, &deploy)?,
        over: failed || rolled,
        succeeded,
        seconds: seconds(&deploy, &rollouts, failed || rolled),
    })
}

/// A deploy that got as far as its revision can only have failed by its migration, of which the error says how it ended.
fn error_of(deploy: &Deploy) -> Option<String> {
    let migrated = deploy.phase == DeployPhase::Rolling && deploy.migration.is_some();
    let error = deploy.error.as_ref()?;
    Some(if migrated { format!("the migration failed: {error}") } else { error.clone() })
}

fn word_for(deploy: &Deploy, rolled: bool) -> &'static str {
    match deploy.phase {
        DeployPhase::Building => "building",
        DeployPhase::Migrating => "migrating",
        DeployPhase::Rolling if rolled => "done",
        DeployPhase::Rolling => "rolling",
        DeployPhase::Failed => "failed",
    }
}

/// Services with a rollout, and those that had the revision already.
fn services(
    answers: &Answers<'_>,
    deploy: &Deploy,
    rollouts: &[Rollout],
) -> Result<Vec<DeployedService>, Refusal> {
    let Some(revision) = deploy.revision else { return Ok(Vec::new()) };
    let mut services: Vec<DeployedService> = rollouts.iter().map(deployed).collect();
    for name in deploy.spec.services.keys() {
        if services.iter().all(|service| service.name != name.as_str()) {
            services.push(unchanged(answers, deploy, name.as_str(), revision)?);
        }
    }
    services.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(services)
}

fn deployed(rollout: &Rollout) -> DeployedService {
    DeployedService {
        name: rollout.key.service.to_string(),
        rollout: Some(rollout.id),
        phase: rollout.phase.to_string(),
        revision: rollout.to,
        reason: rollout.cause.as_ref().map(|cause| cause.message.clone()),
    }
}

fn unchanged(
    answers: &Answers<'_>,
    deploy: &Deploy,
    name: &str,
    revision: tidegate_core::model::RevisionNo,
) -> Result<DeployedService, Refusal> {
    let states = answers.store.services_of(&deploy.app, &deploy.environment).map_err(store_trouble)?;
    let state = states.into_iter().find(|state| state.key.service.as_str() == name);
    let on_its_way =
        state.as_ref().filter(|state| state.stable != Some(revision)).and_then(|state| state.rollout);
    let reason = match on_its_way {
        Some(id) => format!("rollout {id} to {revision} was on its way already"),
        None => format!("{revision} serves already"),
    };
    Ok(DeployedService {
        name: name.to_owned(),
        rollout: None,
        phase: Phase::Succeeded.to_string(),
        revision,
        reason: Some(reason),
    })
}

/// The job whose output tells more now.
fn job(answers: &Answers<'_>, deploy: &Deploy) -> Result<Option<String>, Refusal> {
    let migration_tells = deploy.phase == DeployPhase::Migrating || deploy.error.is_some();
    if let Some(migration) = deploy.migration.as_ref().filter(|_| migration_tells) {
        return Ok(Some(migration.to_string()));
    }
    let build = answers.store.build(&deploy.build).map_err(store_trouble)?;
    let told =
        build.is_some_and(|build| matches!(build.phase, BuildPhase::Running(_) | BuildPhase::Failed(_)));
    let jobs = answers.store.jobs().map_err(store_trouble)?;
    let of_build =
        jobs.into_iter().filter(|job| told && job.kind == JobKind::Build && job.build == deploy.build);
    Ok(of_build.max_by_key(|job| job.created_at).map(|job| job.id.to_string()))
}

fn seconds(deploy: &Deploy, rollouts: &[Rollout], over: bool) -> f64 {
    let ended = rollouts.iter().filter_map(|rollout| rollout.ended_at_unix_ms).max().filter(|_| over);
    let end = ended.unwrap_or_else(clock::unix_ms);
    end.saturating_sub(deploy.made_at_unix_ms) as f64 / 1_000.0
}
