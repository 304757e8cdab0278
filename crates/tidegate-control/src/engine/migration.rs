//! The migration reconciler: the contract step of the stable revision, once its rollback window is closed. The expand step is
//! part of the deploy, which asks here what it is known by.
//!
//! A contract step counts as begun in the transaction that writes its job: no kill has it run twice.

use std::collections::BTreeMap;

use tidegate_core::migration::{Input, Plan, Stable, plan};
use tidegate_core::model::{
    ContractPhase, ContractSpec, Job, JobKind, JobPhase, MigrationState, Revision, RevisionSpec, ServiceKey,
    ServiceState,
};
use tidegate_core::setting::Reference;
use tidegate_core::setting::reference::references;
use tidegate_store::{Counter, Reader, StoreError};

use super::{Effect, Engine, Outcome, Sight, World};
use crate::digest::digest_json;

impl Engine {
    /// Reconciles the migrations of every environment.
    pub(super) fn migrations(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        for services in self.places(world)?.into_values() {
            outcome = outcome.and(self.migration(world, sight, &services)?);
        }
        Ok(outcome)
    }

    fn migration(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        services: &[ServiceState],
    ) -> Result<Outcome, StoreError> {
        let Some(key) = services.first().map(|service| service.key.clone()) else {
            return Ok(Outcome::default());
        };
        let revision = self.settled(world, services)?;
        let known = world.store.migration_state(&key.app, &key.environment)?;
        let wanted = revision.as_ref().is_some_and(|revision| contract_of(revision).is_some());
        if known.is_none() && !wanted {
            return Ok(Outcome::default());
        }
        let state = known.unwrap_or_else(|| MigrationState::new(key.app.clone(), key.environment.clone()));
        let digest = revision.as_ref().map(|revision| contract_digest(revision)).unwrap_or_default();
        let process = running(world.store, &state)?;
        let stable = revision.as_ref().map(|revision| Stable {
            revision: revision.number,
            migrate: revision.spec.migrate.as_ref(),
            digest: &digest,
        });
        let next_id = world.store.peek_id(Counter::Instance)?;
        let input = Input { state: &state, stable, process: process.as_ref(), next_id };
        let plan = plan(&input, sight.time.now);
        let wake = Outcome { changed: false, wake: plan.wake };
        if plan.state == state && plan.start.is_none() {
            return Ok(wake);
        }
        self.keep_migration(world, sight, &key, revision.as_deref(), &plan)?;
        Ok(wake.and(Outcome::changed()))
    }

    fn keep_migration(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        key: &ServiceKey,
        revision: Option<&Revision>,
        plan: &Plan,
    ) -> Result<(), StoreError> {
        let next_id = world.store.peek_id(Counter::Instance)?;
        let job = revision.and_then(|revision| contract_job(revision, key, plan, sight));
        let effects: Vec<Effect> = job.iter().map(|job| Effect::StartJob(job.id.clone())).collect();
        self.decide(world, sight.time, &plan.events, &effects, |tx| {
            tx.put_migration_state(&plan.state)?;
            job.iter().try_for_each(|job| {
                tx.put_job(job)?;
                tx.use_ids_below(Counter::Instance, next_id + 1)
            })
        })
    }
}

fn contract_of(revision: &Revision) -> Option<&ContractSpec> {
    revision.spec.migrate.as_ref().and_then(|migrate| migrate.contract.as_ref())
}

fn contract_job(revision: &Revision, key: &ServiceKey, plan: &Plan, sight: &Sight) -> Option<Job> {
    let migrate = revision.spec.migrate.as_ref()?;
    let contract = migrate.contract.as_ref()?;
    Some(Job {
        id: plan.start.clone()?,
        kind: JobKind::Migrate,
        command: contract.run.clone(),
        build: revision.spec.build.clone(),
        of: Some((key.clone(), revision.number)),
        env: migrate.env.clone(),
        phase: JobPhase::Running,
        created_at: sight.time.now,
        within_ms: contract.within.0,
        step: None,
    })
}

/// The process of the contract step that runs.
fn running(store: &Reader, state: &MigrationState) -> Result<Option<JobPhase>, StoreError> {
    let Some(ContractPhase::Running(job)) = state.contract.as_ref().map(|contract| &contract.phase) else {
        return Ok(None);
    };
    Ok(store.job(job)?.map(|job| job.phase))
}

/// What the expand step of a revision is known by: its build, its command and its environment. Another database in the
/// environment is another migration.
pub(crate) fn expand_digest(spec: &RevisionSpec) -> String {
    let step = spec.migrate.as_ref().map(|migrate| (&migrate.run, &migrate.env));
    match settings_of(spec) {
        None => digest_json(&("expand", &spec.build, step)),
        Some(settings) => digest_json(&("expand", &spec.build, step, settings)),
    }
}

/// What a migration's variables are besides those that were deployed, and the versions they mean; `None`: nothing.
fn settings_of(spec: &RevisionSpec) -> Option<(BTreeMap<String, String>, Vec<String>)> {
    let migrate = spec.migrate.as_ref().filter(|_| !spec.settings.is_empty())?;
    let env = spec.settings.over(&migrate.env, None);
    let refers = env.values().filter_map(|value| references(value).ok()).flatten();
    let pins = refers.map(|reference| match &reference {
        Reference::Secret(name) => format!("{reference} {:?}", spec.settings.secrets.get(name)),
        Reference::Parameter(..) => format!("{reference} {:?}", spec.settings.parameter(&reference)),
    });
    let pins: Vec<String> = pins.collect();
    (env != migrate.env || !pins.is_empty()).then_some((env, pins))
}

fn contract_digest(revision: &Revision) -> String {
    let migrate = revision.spec.migrate.as_ref();
    let step = migrate.map(|migrate| (migrate.contract.as_ref().map(|contract| &contract.run), &migrate.env));
    match settings_of(&revision.spec) {
        None => digest_json(&("contract", &revision.spec.build, step)),
        Some(settings) => digest_json(&("contract", &revision.spec.build, step, settings)),
    }
}
