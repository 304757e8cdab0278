//! The deploy reconciler: once the build is there, a revision and its rollouts; once the migration is over, they may start.

use std::collections::BTreeSet;

use tidegate_core::event::Event;
use tidegate_core::flag::DebtKind;
use tidegate_core::migration::{after_expand, may_be_left_out};
use tidegate_core::model::{
    BuildFlags, BuildPhase, ContractPhase, Deploy, DeployPhase, FlagDefinitions, InstanceId, Job, JobKind,
    JobPhase, MigrateSpec, MigrationState, Name, Request, Revision, RevisionNo, Rollout, RolloutId,
    RolloutKind, ServiceKey, ServiceState, Smoke,
};
use tidegate_core::rollout::begin::{NewRollout, stable_after};
use tidegate_core::rollout::{Begun, begin, effective};
use tidegate_core::scale::wanted;
use tidegate_core::train::couple;
use tidegate_store::{Counter, Reader, StoreError};

use super::admission::{Admitted, Counts};
use super::{Effect, Engine, Outcome, Sight, Time, World, as_a_whole, expand_digest, site};
use crate::claim;
use crate::defined;
use crate::digest::digest_json;
use crate::flag_key::random;
use crate::left_over::{DAYS, left_over};
use crate::setting::pin::pinned;
use crate::succession;

impl Engine {
    /// Reconciles every deploy that waits for a build or a migration.
    pub(super) fn deploys(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        for deploy in world.store.open_deploys()? {
            outcome = outcome.and(match deploy.phase {
                DeployPhase::Building => self.building(world, sight, deploy)?,
                DeployPhase::Migrating => self.migrating(world, sight, deploy)?,
                DeployPhase::Rolling | DeployPhase::Failed => Outcome::default(),
            });
        }
        Ok(outcome)
    }

    fn building(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        deploy: Deploy,
    ) -> Result<Outcome, StoreError> {
        match world.store.build(&deploy.build)?.map(|build| build.phase) {
            Some(
                BuildPhase::Waiting | BuildPhase::Unpacking | BuildPhase::Running(_) | BuildPhase::Sealing,
            ) => Ok(Outcome::default()),
            // Two steps of migrations never run side by side.
            Some(BuildPhase::Ready) if contract_runs(world.store, &deploy)? => Ok(Outcome::default()),
            Some(BuildPhase::Ready) => self.built(world, sight, deploy),
            Some(BuildPhase::Failed(reason)) => self.fail_deploy(world, sight.time, deploy, reason),
            Some(BuildPhase::Pruned) | None => {
                self.fail_deploy(world, sight.time, deploy, "its build is gone; deploy again".to_owned())
            }
        }
    }

    /// Its build is ready. Into a protected environment it comes only as what it was when it was sealed.
    fn built(&mut self, world: &mut World<'_>, sight: &Sight, deploy: Deploy) -> Result<Outcome, StoreError> {
        if let Some(newer) = overtaken_by(world, &deploy)? {
            let reason = format!("deploy {newer}, asked for later, is already rolled out");
            return self.fail_deploy(world, sight.time, deploy, reason);
        }
        let place = (&deploy.app, &deploy.environment);
        match self.admitted(world, place, (&deploy.build, Counts::Since(deploy.created_at)), sight.time)? {
            Admitted::Yes => self.roll_out(world, sight.time, deploy),
            Admitted::Wait => Ok(Outcome::default()),
            Admitted::No(why) => {
                let reason = format!("provenance::altered-build: {why}");
                self.fail_deploy(world, sight.time, deploy, reason)
            }
        }
    }

    fn fail_deploy(
        &mut self,
        world: &mut World<'_>,
        time: Time,
        mut deploy: Deploy,
        reason: String,
    ) -> Result<Outcome, StoreError> {
        let message = format!("deploy {} failed, nothing changed: {reason}", deploy.id);
        let event = about(&deploy, "deploy.failed", message);
        deploy.phase = DeployPhase::Failed;
        deploy.error = Some(reason);
        self.decide(world, time, &[event], &[], |tx| tx.put_deploy(&deploy))?;
        Ok(Outcome::changed())
    }

    /// Makes the revision and the rollouts, and starts the migration, in one transaction.
    fn roll_out(
        &mut self,
        world: &mut World<'_>,
        time: Time,
        mut deploy: Deploy,
    ) -> Result<Outcome, StoreError> {
        let taken = claim::taken(world.store, &deploy.app, &deploy.environment, &deploy.spec.routes)?;
        if let Some(taken) = taken {
            return self.fail_deploy(world, time, deploy, taken);
        }
        if let Some(problem) = site::problem(world.workshop, &deploy.spec) {
            return self.fail_deploy(world, time, deploy, problem);
        }
        let pinned = pinned(world.store, (&deploy.app, &deploy.environment), &deploy.spec)?;
        if let Some(problem) = pinned.problem_in_words((&deploy.app, &deploy.environment)) {
            return self.fail_deploy(world, time, deploy, problem);
        }
        deploy.spec.settings = pinned.settings;
        let place = (&deploy.app, &deploy.environment);
        let flags = defined::of_deploy(world.store, &deploy)?;
        let mut definitions = defined::in_force(world.store, place, Some(deploy.id), flags.as_ref())?;
        let lost = definitions.as_ref().map(|flags| defined::in_the_way(world.store, flags)).transpose()?;
        if let Some(problem) = lost.flatten() {
            return self.fail_deploy(world, time, deploy, problem.to_string());
        }
        let unread = match &definitions {
            Some(_) => defined::unread(world.store, &deploy.app, &deploy.environment)?,
            None => Vec::new(),
        };
        let revision = revision_of(world.store, &deploy)?;
        definitions.iter_mut().for_each(|flags| flags.revision = Some(revision.number));
        let succession = definitions.as_ref().map(|flags| succession::by_deploy(world.store, flags, time));
        let succession = succession.transpose()?;
        let steps = steps_of(world.store, &deploy, &revision)?;
        let mut next_rollout = world.store.peek_id(Counter::Rollout)?;
        let mut events = Vec::new();
        let mut begun = Vec::new();
        let mut reverted = Vec::new();
        for step in steps {
            match step {
                ServiceStep::Unchanged => {}
                ServiceStep::BackToStable(mut rollout) => {
                    rollout.request = Some(Request::Abort);
                    reverted.push(*rollout);
                }
                ServiceStep::RollOut { state, active } => {
                    let id = RolloutId(next_rollout);
                    next_rollout += 1;
                    let one = begin_one(&state, active.as_deref(), id, &revision, deploy.id, time);
                    events.extend(told(&one));
                    begun.push(one);
                }
            }
        }
        events.extend(couple(&mut begun, &revision.spec.trains));
        if deploy.smoke
            && let Err(why) = stand_for_smoke(&mut begun)
        {
            return self.fail_deploy(world, time, deploy, why);
        }
        deploy.revision = Some(revision.number);
        deploy.rollouts = begun.iter().map(|one| one.rollout.id).collect();
        let number = world.store.peek_id(Counter::Instance)?;
        let left_out = left_out(world.store, &revision)?;
        let migrate = revision.spec.migrate.as_ref().filter(|_| left_out.is_none());
        let migration = migrate
            .zip(begun.first())
            .map(|(migrate, first)| migration_job(migrate, &revision, &first.state.key, number, time));
        deploy.phase = if migration.is_some() { DeployPhase::Migrating } else { DeployPhase::Rolling };
        deploy.migration = migration.as_ref().map(|job| job.id.clone());
        let message = format!("deploy {} is revision {}", deploy.id, revision.number);
        events.insert(
            0,
            Event { revision: Some(revision.number), ..about(&deploy, "deploy.revision", message) },
        );
        if let Some(of) = left_out.filter(|_| !begun.is_empty()) {
            let message = format!("the migration ran for this build with {of} and is left out");
            events.push(about(&deploy, "migration.left_out", message));
        }
        if let Some(job) = &migration {
            events.push(about(&deploy, "migration.started", format!("the migration runs as {}", job.id)));
        }
        events.extend(left_over_now(world.store, definitions.as_ref(), &deploy, time)?);
        let effects: Vec<Effect> = migration.iter().map(|job| Effect::StartJob(job.id.clone())).collect();
        self.decide(world, time, &events, &effects, |tx| {
            if tx.revision(&revision.app, &revision.environment, revision.number)?.is_none() {
                let given = tx.next_revision(&revision.app, &revision.environment)?;
                debug_assert_eq!(given, revision.number);
                tx.put_revision(&revision)?;
            }
            for one in &begun {
                tx.put_service(&one.state)?;
                one.superseded.iter().try_for_each(|ended| tx.put_rollout(ended))?;
                tx.put_rollout(&one.rollout)?;
            }
            reverted.iter().try_for_each(|rollout| tx.put_rollout(rollout))?;
            migration.iter().try_for_each(|job| tx.put_job(job))?;
            succession.iter().try_for_each(|succession| succession.write(tx, time))?;
            unread.iter().try_for_each(|build| tx.put_build_flags(build, &BuildFlags::default()))?;
            tx.use_ids_below(Counter::Rollout, next_rollout)?;
            tx.use_ids_below(Counter::Instance, number + 1)?;
            tx.put_deploy(&deploy)
        })?;
        Ok(Outcome::changed())
    }

    fn migrating(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        mut deploy: Deploy,
    ) -> Result<Outcome, StoreError> {
        let job = deploy.migration.as_ref().map(|id| world.store.job(id)).transpose()?.flatten();
        let event = match job.map(|job| job.phase) {
            Some(JobPhase::Running | JobPhase::Stopping { .. }) => return Ok(Outcome::default()),
            Some(JobPhase::Ended(exit)) if exit.success() => {
                about(&deploy, "migration.done", "the migration is done".to_owned())
            }
            ended => {
                let how = match ended {
                    Some(JobPhase::Ended(exit)) => exit.to_string(),
                    _ => "it was lost".to_owned(),
                };
                deploy.error = Some(how.clone());
                about(&deploy, "migration.failed", format!("the migration failed: {how}"))
            }
        };
        deploy.phase = DeployPhase::Rolling;
        let migrated = migrated(world.store, &deploy)?;
        self.decide(world, sight.time, &[event], &[], |tx| {
            migrated.iter().try_for_each(|state| tx.put_migration_state(state))?;
            tx.put_deploy(&deploy)
        })?;
        Ok(Outcome::changed())
    }
}

/// What a deploy means for one service.
pub(crate) enum ServiceStep {
    /// The revision serves already and nothing else is on its way.
    Unchanged,
    /// The revision is stable and another one is on its way: that one is taken back.
    BackToStable(Box<Rollout>),
    /// A rollout, taking the place of the one in progress.
    RollOut {
        /// The service.
        state: Box<ServiceState>,
        /// Its rollout in progress.
        active: Option<Box<Rollout>>,
    },
}

/// The revision of a deploy: the one with this content, or a new one.
fn revision_of(store: &Reader, deploy: &Deploy) -> Result<Revision, StoreError> {
    let digest = digest_json(&deploy.spec);
    if let Some(known) = store.revision_by_digest(&deploy.app, &deploy.environment, &digest)? {
        return Ok(known);
    }
    Ok(Revision {
        app: deploy.app.clone(),
        environment: deploy.environment.clone(),
        number: store.peek_revision(&deploy.app, &deploy.environment)?,
        digest,
        spec: deploy.spec.clone(),
        commit: deploy.source.commit.clone(),
        dirty: deploy.source.dirty,
        made_at_unix_ms: deploy.made_at_unix_ms,
    })
}

/// A newer deploy of the environment that is past its build.
fn overtaken_by(world: &World<'_>, deploy: &Deploy) -> Result<Option<u64>, StoreError> {
    let recent = world.store.deploys_of(&deploy.app, &deploy.environment, 20)?;
    let past = |other: &&Deploy| {
        other.id > deploy.id && matches!(other.phase, DeployPhase::Migrating | DeployPhase::Rolling)
    };
    Ok(recent.iter().find(past).map(|other| other.id))
}

fn steps_of(store: &Reader, deploy: &Deploy, revision: &Revision) -> Result<Vec<ServiceStep>, StoreError> {
    let known = store.services_of(&deploy.app, &deploy.environment)?;
    let names: BTreeSet<&Name> =
        revision.spec.services.keys().chain(known.iter().map(|state| &state.key.service)).collect();
    let mut steps = Vec::new();
    for name in names {
        let state = known.iter().find(|state| state.key.service == *name).cloned().unwrap_or_else(|| {
            let (app, environment) = (deploy.app.clone(), deploy.environment.clone());
            ServiceState::new(ServiceKey { app, environment, service: name.clone() })
        });
        let active = state.rollout.map(|id| store.rollout(id)).transpose()?.flatten();
        let active = active.map(|active| as_a_whole(store, active)).transpose()?;
        steps.push(step_of(state, active, revision));
    }
    Ok(steps)
}

fn step_of(state: ServiceState, active: Option<Rollout>, revision: &Revision) -> ServiceStep {
    let serves = state.stable == Some(revision.number);
    // A service that is gone from the manifest and has nothing running needs nothing.
    let nothing = !revision.spec.services.contains_key(&state.key.service) && state.stable.is_none();
    match active {
        None if serves || nothing => ServiceStep::Unchanged,
        Some(active) if active.to == revision.number => ServiceStep::Unchanged,
        Some(active) if serves => ServiceStep::BackToStable(Box::new(active)),
        active => ServiceStep::RollOut { state: Box::new(state), active: active.map(Box::new) },
    }
}

fn begin_one(
    state: &ServiceState,
    active: Option<&Rollout>,
    id: RolloutId,
    revision: &Revision,
    deploy: u64,
    time: Time,
) -> Begun {
    let effective = effective_for(state, active, revision, RolloutKind::Deploy);
    let new = NewRollout {
        id,
        kind: RolloutKind::Deploy,
        deploy: Some(deploy),
        to: revision.number,
        effective,
        unix_ms: time.unix_ms,
    };
    begin(state, active, new, time.now)
}

/// The strategy a rollout of a service to a revision will use. A service the revision no longer has leaves by one swap.
pub(crate) fn effective_for(
    state: &ServiceState,
    active: Option<&Rollout>,
    revision: &Revision,
    kind: RolloutKind,
) -> tidegate_core::model::Effective {
    use tidegate_core::model::{Effective, Strategy, StrategyKind};
    match revision.spec.services.get(&state.key.service) {
        Some(spec) => {
            effective(spec, wanted(state, spec, revision.number), kind, stable_after(state, active).is_some())
        }
        None => Effective {
            strategy: Strategy::new(StrategyKind::BlueGreen),
            why: Some("the revision does not have this service: it is removed".to_owned()),
            zero_downtime: true,
        },
    }
}

/// The revision the same expand step has run with already, where there is one.
fn left_out(store: &Reader, revision: &Revision) -> Result<Option<RevisionNo>, StoreError> {
    if revision.spec.migrate.is_none() {
        return Ok(None);
    }
    let state = store.migration_state(&revision.app, &revision.environment)?;
    Ok(state.and_then(|state| may_be_left_out(&state, &expand_digest(&revision.spec))))
}

/// Where the environment stands after the expand step of a deploy.
fn migrated(store: &Reader, deploy: &Deploy) -> Result<Option<MigrationState>, StoreError> {
    let (Some(spec), Some(revision)) = (&deploy.spec.migrate, deploy.revision) else { return Ok(None) };
    let known = store.migration_state(&deploy.app, &deploy.environment)?;
    let state = known.unwrap_or_else(|| MigrationState::new(deploy.app.clone(), deploy.environment.clone()));
    let digest = expand_digest(&deploy.spec);
    Ok(Some(after_expand(&state, spec, revision, digest, deploy.error.is_none())))
}

fn contract_runs(store: &Reader, deploy: &Deploy) -> Result<bool, StoreError> {
    let state = store.migration_state(&deploy.app, &deploy.environment)?;
    let contract = state.and_then(|state| state.contract);
    Ok(contract.is_some_and(|contract| matches!(contract.phase, ContractPhase::Running(_))))
}

fn migration_job(
    migrate: &MigrateSpec,
    revision: &Revision,
    key: &ServiceKey,
    number: u64,
    time: Time,
) -> Job {
    Job {
        id: InstanceId(format!("migrate-{number}")),
        kind: JobKind::Migrate,
        command: migrate.run.clone(),
        build: revision.spec.build.clone(),
        of: Some((key.clone(), revision.number)),
        env: migrate.env.clone(),
        phase: JobPhase::Running,
        created_at: time.now,
        within_ms: migrate.within.0,
        step: None,
    }
}

/// The rollouts stand once their candidates are ready, reached by whoever knows the secret of their own.
fn stand_for_smoke(begun: &mut [Begun]) -> Result<(), String> {
    for one in begun {
        let secret = random::<24>().map_err(|error| format!("no random bytes: {error}"))?;
        one.rollout.smoke = Some(Smoke::new(secret));
    }
    Ok(())
}

/// That a rollout has begun, and which one it has taken the place of.
pub(crate) fn told(begun: &Begun) -> Vec<Event> {
    begun.superseded.iter().map(superseded).chain([started(&begun.rollout)]).collect()
}

fn superseded(rollout: &Rollout) -> Event {
    let why = rollout.cause.as_ref().map(|cause| format!(": {}", cause.message)).unwrap_or_default();
    let message = format!("rollout {} to {} is superseded{why}", rollout.id, rollout.to);
    Event::of(&rollout.key, "rollout.superseded", Some(rollout.to), message)
}

fn started(rollout: &Rollout) -> Event {
    let from = rollout.from.map_or_else(|| "nothing".to_owned(), |from| from.to_string());
    let strategy = rollout.effective.strategy.kind;
    let message = format!("rollout {} from {from} to {} by {strategy}", rollout.id, rollout.to);
    Event::of(&rollout.key, "rollout.started", Some(rollout.to), message)
}

/// A short warning where flags are left over.
fn left_over_now(
    store: &Reader,
    definitions: Option<&FlagDefinitions>,
    deploy: &Deploy,
    time: Time,
) -> Result<Option<Event>, StoreError> {
    let Some(definitions) = definitions else { return Ok(None) };
    // What comes with this deploy serves soon.
    let coming = store.build_flags(&deploy.build)?.unwrap_or_default();
    let mut debts = left_over(store, definitions, None, (DAYS, time.unix_ms))?;
    debts.retain(|debt| debt.kind != DebtKind::Unreferenced || coming.lacks(&debt.key));
    let named: Vec<String> =
        debts.iter().take(5).map(|debt| format!("{} ({})", debt.key, debt.kind.as_str())).collect();
    let message =
        format!("{} left over of flags: {}; `tidegate flag debt` says more", debts.len(), named.join(", "));
    Ok((!debts.is_empty()).then(|| about(deploy, "flag.debt", message)))
}

fn about(deploy: &Deploy, kind: &str, message: String) -> Event {
    Event::about(deploy.app.as_str(), deploy.environment.as_str(), kind, message)
}
