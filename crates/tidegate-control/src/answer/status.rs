//! `tidegate status`.

use tidegate_core::model::{Instance, Intent, RevisionNo, Rollout, Seen, ServiceSpec, ServiceState};
use tidegate_core::scale::wanted;
use tidegate_core::view::{GatewayStatus, InstanceStatus, RevisionStatus, ServiceStatus, Status};

use super::previews::preview_view;
use super::traffic_now::TrafficNow;
use super::{Answers, place_of, service_of, store_trouble};
use crate::plane::{Refusal, Scope, ServiceRef};

/// An environment of an app, now. Where nothing at all has been deployed: the gateway alone.
pub fn status(answers: &Answers<'_>, scope: &Scope) -> Result<Status, Refusal> {
    let gateway = gateway(answers);
    if *scope == Scope::default() && answers.store.apps().map_err(store_trouble)?.is_empty() {
        return Ok(Status {
            app: None,
            environment: None,
            services: Vec::new(),
            jobs: Vec::new(),
            migration: None,
            gateway,
            preview: None,
            leaving: None,
        });
    }
    let (app, environment) = place_of(answers.store, scope)?;
    let states = answers.store.services_of(&app, &environment).map_err(store_trouble)?;
    let services: Result<Vec<_>, Refusal> = states.iter().map(|state| one(answers, state)).collect();
    // A service that was removed from the manifest is gone once nothing of it runs.
    let services = services?.into_iter().filter(|service| {
        let wanted = service.stable.as_ref().is_some_and(|stable| stable.desired > 0);
        service.phase != "idle" || !service.instances.is_empty() || wanted || service.strategy != "none"
    });
    let kept = answers.store.environment(&app, &environment).map_err(store_trouble)?;
    let preview = kept.as_ref().map(|kept| preview_view(answers, kept)).transpose()?.flatten();
    Ok(Status {
        app: Some(app.to_string()),
        environment: Some(environment.to_string()),
        services: services.collect(),
        jobs: super::jobs::jobs_of(answers, &app, &environment)?,
        migration: super::migration::migration_of(answers, &app, &environment)?,
        gateway,
        preview,
        leaving: kept.and_then(|kept| kept.leaving).map(|leaving| leaving.why),
    })
}

/// One service, now.
pub fn service_status(answers: &Answers<'_>, service: &ServiceRef) -> Result<ServiceStatus, Refusal> {
    one(answers, &service_of(answers.store, service)?)
}

fn gateway(answers: &Answers<'_>) -> GatewayStatus {
    let seen = &answers.state.gateway;
    GatewayStatus { address: seen.listen.clone(), epoch: seen.acked, connected: seen.alive, pid: seen.pid }
}

fn one(answers: &Answers<'_>, state: &ServiceState) -> Result<ServiceStatus, Refusal> {
    let store = answers.store;
    let instances = store.instances_of(&state.key).map_err(store_trouble)?;
    let rollout = state.rollout.map(|id| store.rollout(id)).transpose().map_err(store_trouble)?.flatten();
    let spec_of = |number: Option<RevisionNo>| -> Result<Option<ServiceSpec>, Refusal> {
        let Some(number) = number else { return Ok(None) };
        let revision =
            store.revision(&state.key.app, &state.key.environment, number).map_err(store_trouble)?;
        Ok(revision.and_then(|mut revision| revision.spec.services.remove(&state.key.service)))
    };
    let stable = spec_of(state.stable)?;
    let candidate = spec_of(rollout.as_ref().map(|rollout| rollout.to))?;
    let count = |revision, spec: &Option<ServiceSpec>| RevisionStatus {
        revision,
        ready: ready(&instances, revision),
        desired: spec.as_ref().map_or(0, |spec| wanted(state, spec, revision)),
    };
    let now = TrafficNow(&answers.state.gateway);
    Ok(ServiceStatus {
        name: state.key.service.to_string(),
        phase: rollout.as_ref().map_or("idle", |rollout| rollout.phase.as_str()).to_owned(),
        strategy: strategy(rollout.as_ref(), stable.as_ref()),
        train: rollout.as_ref().and_then(|rollout| Some(rollout.train.as_ref()?.train.to_string())),
        weight: state.routing.candidate_weight(),
        stable: state.stable.map(|revision| count(revision, &stable)),
        candidate: rollout.as_ref().map(|rollout| count(rollout.to, &candidate)),
        instances: instances.iter().map(|instance| instance_status(answers, instance)).collect(),
        waiting: answers.reports.get(&state.key).cloned().unwrap_or_default(),
        urls: urls(answers, state)?,
        scaling: answers.scalings.get(&state.key).cloned().unwrap_or_default(),
        open_circuits: now.open_circuits(&state.key),
        mirror: now.mirror(&state.key),
    })
}

fn ready(instances: &[Instance], revision: RevisionNo) -> u32 {
    instances.iter().filter(|instance| instance.revision == revision && instance.is_ready()).count() as u32
}

fn strategy(rollout: Option<&Rollout>, stable: Option<&ServiceSpec>) -> String {
    let used = rollout.map(|rollout| rollout.effective.strategy.kind);
    used.or(stable.map(|spec| spec.strategy.kind)).map_or_else(|| "none".to_owned(), |kind| kind.to_string())
}

fn instance_status(answers: &Answers<'_>, instance: &Instance) -> InstanceStatus {
    InstanceStatus {
        id: instance.id.to_string(),
        revision: instance.revision,
        pid: instance.pid,
        port: instance.port,
        state: word_for(instance).to_owned(),
        restarts: instance.restarts,
        files: instance.files,
        ejected: TrafficNow(&answers.state.gateway).is_ejected(&instance.id),
        inflight: answers.state.gateway.inflight.get(&instance.id).copied().unwrap_or(0),
    }
}

fn word_for(instance: &Instance) -> &'static str {
    match (instance.intent, &instance.seen) {
        (Intent::Stop { .. }, _) => "stopping",
        (Intent::Drain { .. }, _) => "draining",
        (Intent::Run, Seen::Asked | Seen::Starting) => "starting",
        (Intent::Run, Seen::Ready) => "ready",
        (Intent::Run, Seen::Unready | Seen::Failing) => "unready",
        (Intent::Run, Seen::Ended) => "waiting",
    }
}

fn urls(answers: &Answers<'_>, state: &ServiceState) -> Result<Vec<String>, Refusal> {
    let (Some(number), Some(listen)) = (state.routing.routes_of, &answers.state.gateway.listen) else {
        return Ok(Vec::new());
    };
    let revision =
        answers.store.revision(&state.key.app, &state.key.environment, number).map_err(store_trouble)?;
    let port = listen.rsplit(':').next().unwrap_or("80");
    let routes = revision.map(|revision| revision.spec.routes).unwrap_or_default();
    let own = routes.into_iter().filter(|route| route.to.as_ref() == Some(&state.key.service));
    Ok(own.map(|route| format!("http://{}:{port}{}", route.host, route.path)).collect())
}
