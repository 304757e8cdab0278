//! What people ask for, put into the store the way the control loop expects it.
//!
//! The simulation's only place that writes rows itself; everything else is the engine's doing.

use std::collections::BTreeMap;

use tidegate_control::engine::Time;
use tidegate_core::model::{
    Build, BuildId, BuildPhase, BuildSource, Deploy, DeployPhase, JobSpec, MigrateSpec, Name, Phase, Request,
    RevisionNo, RevisionSpec, Rollout, RolloutId, RolloutKind, RoutePolicy, RouteSpec, ServiceKey,
    ServiceSpec,
};
use tidegate_core::rollout::begin::NewRollout;
use tidegate_core::rollout::{Begun, begin, effective};
use tidegate_core::time::Millis;
use tidegate_core::train::couple;
use tidegate_store::{Counter, Store, StoreError};

/// The environment everything is deployed to.
pub const ENVIRONMENT: &str = "production";

/// A name known to be one.
pub fn name(text: &str) -> Name {
    text.parse().expect("the simulation's names are well formed")
}

/// A service of an app.
pub fn key(app: &str, service: &str) -> ServiceKey {
    ServiceKey { app: name(app), environment: name(ENVIRONMENT), service: name(service) }
}

/// A deploy to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployPlan {
    /// The app.
    pub app: String,
    /// The snapshot; its name says whether it can be unpacked and sealed.
    pub snapshot: String,
    /// The build command, as a behaviour.
    pub build: Option<String>,
    /// The migration, as a behaviour.
    pub migrate: Option<String>,
    /// The services.
    pub services: BTreeMap<String, ServiceSpec>,
    /// The jobs on a schedule.
    pub jobs: BTreeMap<String, JobSpec>,
    /// Services that are rolled out as one, in their order.
    pub trains: BTreeMap<String, Vec<String>>,
}

impl DeployPlan {
    pub(crate) fn build_id(&self) -> BuildId {
        BuildId(format!("{}-{}-{}", self.app, self.snapshot, self.build.as_deref().unwrap_or("plain")))
    }

    pub(crate) fn revision(&self) -> RevisionSpec {
        let routed = self.services.iter().filter(|(_, spec)| spec.has_port());
        let route = |service: &str| RouteSpec {
            host: format!("{service}.{}.test", self.app),
            path: "/".to_owned(),
            to: Some(name(service)),
            policy: RoutePolicy::default(),
        };
        let migrate = self.migrate.as_ref().map(|run| MigrateSpec {
            run: run.clone(),
            within: Millis::seconds(10),
            env: BTreeMap::new(),
            one_way: false,
            contract: None,
        });
        RevisionSpec {
            build: self.build_id(),
            routes: routed.map(|(service, _)| route(service)).collect(),
            services: self.services.iter().map(|(service, spec)| (name(service), spec.clone())).collect(),
            migrate,
            jobs: self.jobs.iter().map(|(job, spec)| (name(job), spec.clone())).collect(),
            trains: (self.trains.iter())
                .map(|(train, order)| (name(train), order.iter().map(|service| name(service)).collect()))
                .collect(),
            settings: Default::default(),
        }
    }
}

/// Asks for a deploy; its number.
pub fn deploy(store: &mut Store, plan: &DeployPlan, time: Time) -> Result<u64, StoreError> {
    let build = Build {
        id: plan.build_id(),
        app: name(&plan.app),
        snapshot: plan.snapshot.clone(),
        run: plan.build.clone(),
        within_ms: 10_000,
        phase: BuildPhase::Unpacking,
        content: None,
        size: 0,
        source: BuildSource::default(),
        made_at_unix_ms: time.unix_ms,
    };
    let gone = |known: Build| matches!(known.phase, BuildPhase::Failed(_) | BuildPhase::Pruned);
    let needed = store.build(&build.id)?.is_none_or(gone);
    store.transaction(|tx| {
        if needed {
            tx.put_build(&build)?;
        }
        let id = tx.next_id(Counter::Deploy)?;
        tx.put_deploy(&Deploy {
            id,
            app: build.app.clone(),
            environment: name(ENVIRONMENT),
            build: build.id.clone(),
            source: BuildSource::default(),
            spec: plan.revision(),
            flags: None,
            phase: DeployPhase::Building,
            revision: None,
            rollouts: Vec::new(),
            error: None,
            migration: None,
            smoke: false,
            by: "a person".to_owned(),
            created_at: time.now,
            made_at_unix_ms: time.unix_ms,
        })?;
        Ok(id)
    })
}

/// Asks something of the rollout in progress; false where there is none.
pub fn request(store: &mut Store, key: &ServiceKey, request: Request) -> Result<bool, StoreError> {
    let Some(rollout) = active(store, key)? else { return Ok(false) };
    let mut all = members(store, rollout)?;
    if all.iter().any(|member| member.phase == Phase::Succeeded) {
        return Ok(false);
    }
    all.retain(|member| !member.phase.is_final());
    all.iter_mut().for_each(|member| member.request = Some(request));
    store.transaction(|tx| all.iter().try_for_each(|member| tx.put_rollout(member)))?;
    Ok(true)
}

/// Asks to go back: out of the rollout in progress, else to the stable revision before this one.
pub fn rollback(store: &mut Store, key: &ServiceKey, time: Time) -> Result<bool, StoreError> {
    if request(store, key, Request::Abort)? {
        return Ok(true);
    }
    let previous = store.service(key)?.and_then(|state| state.previous);
    let Some(to) = previous else { return Ok(false) };
    let last = store.rollouts_of(key, 1)?.pop();
    let keys = last.map(|last| together(store, key, last)).transpose()?.unwrap_or_else(|| vec![key.clone()]);
    roll_out(store, &keys, to, RolloutKind::Rollback, time)
}

/// Removes the build of the stable revision before this one, as if to make room; false where there is none.
pub fn prune_previous(store: &mut Store, key: &ServiceKey) -> Result<bool, StoreError> {
    let Some(previous) = store.service(key)?.and_then(|state| state.previous) else { return Ok(false) };
    let Some(revision) = store.revision(&key.app, &key.environment, previous)? else { return Ok(false) };
    let Some(build) = store.build(&revision.spec.build)? else { return Ok(false) };
    store.transaction(|tx| tx.put_build(&Build { phase: BuildPhase::Pruned, ..build.clone() }))?;
    Ok(true)
}

/// Begins the last rollout that was taken back once more.
pub fn retry(store: &mut Store, key: &ServiceKey, time: Time) -> Result<bool, StoreError> {
    let last = store.rollouts_of(key, 1)?.pop();
    match last.filter(|rollout| matches!(rollout.phase, Phase::Aborted | Phase::Failed)) {
        Some(last) => {
            let to = last.to;
            let keys = together(store, key, last)?;
            roll_out(store, &keys, to, RolloutKind::Retry, time)
        }
        None => Ok(false),
    }
}

/// Sets the number of instances.
pub fn scale(store: &mut Store, key: &ServiceKey, instances: u32) -> Result<bool, StoreError> {
    let Some(mut state) = store.service(key)? else { return Ok(false) };
    state.scale = Some(instances);
    store.transaction(|tx| tx.put_service(&state))?;
    Ok(true)
}

fn active(store: &Store, key: &ServiceKey) -> Result<Option<Rollout>, StoreError> {
    let id = store.service(key)?.and_then(|state| state.rollout);
    Ok(id.map(|id| store.rollout(id)).transpose()?.flatten())
}

/// A rollout with the others of its train, in its order.
fn members(store: &Store, rollout: Rollout) -> Result<Vec<Rollout>, StoreError> {
    let Some(carriage) = &rollout.train else { return Ok(vec![rollout]) };
    let mut all = Vec::new();
    for id in &carriage.rollouts {
        all.extend(store.rollout(*id)?);
    }
    Ok(all)
}

/// The services of a rollout's train, in its order.
fn together(store: &Store, key: &ServiceKey, last: Rollout) -> Result<Vec<ServiceKey>, StoreError> {
    let keys: Vec<ServiceKey> = members(store, last)?.into_iter().map(|member| member.key).collect();
    Ok(if keys.contains(key) { keys } else { vec![key.clone()] })
}

/// Begins rollouts of these services to a revision, as one where there are several. A service that is there already or on
/// its way stays.
fn roll_out(
    store: &mut Store,
    keys: &[ServiceKey],
    to: RevisionNo,
    kind: RolloutKind,
    time: Time,
) -> Result<bool, StoreError> {
    let mut begun = Vec::new();
    let mut next = store.peek_id(Counter::Rollout)?;
    for key in keys {
        if active(store, key)?.is_none()
            && let Some(one) = begin_one(store, key, (RolloutId(next), to, kind), time)?
        {
            begun.push(one);
            next += 1;
        }
    }
    let order = begun.iter().map(|one| one.rollout.key.service.clone()).collect();
    couple(&mut begun, &BTreeMap::from([(name("all"), order)]));
    store.transaction(|tx| {
        begun.iter().try_for_each(|one| {
            tx.put_service(&one.state)?;
            tx.put_rollout(&one.rollout)
        })?;
        tx.use_ids_below(Counter::Rollout, next)
    })?;
    Ok(!begun.is_empty())
}

fn begin_one(
    store: &Store,
    key: &ServiceKey,
    (id, to, kind): (RolloutId, RevisionNo, RolloutKind),
    time: Time,
) -> Result<Option<Begun>, StoreError> {
    let Some(state) = store.service(key)? else { return Ok(None) };
    let Some(revision) = store.revision(&key.app, &key.environment, to)? else { return Ok(None) };
    let built = store.build(&revision.spec.build)?.is_some_and(|build| build.phase == BuildPhase::Ready);
    let spec = revision.spec.services.get(&key.service).filter(|_| built && state.stable != Some(to));
    let Some(spec) = spec else { return Ok(None) };
    let desired = state.scale.unwrap_or(spec.scale.min);
    let effective = effective(spec, desired, kind, state.stable.is_some());
    let new = NewRollout { id, kind, deploy: None, to, effective, unix_ms: time.unix_ms };
    Ok(Some(begin(&state, None, new, time.now)))
}
