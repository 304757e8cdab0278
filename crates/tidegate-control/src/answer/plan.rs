//! `tidegate plan`: what a deploy would do, by the same functions that do it.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_config::Source;
use tidegate_core::model::{
    BuildId, BuildPhase, Name, Revision, RevisionNo, RevisionSpec, Rollout, RolloutKind, RouteSpec,
    ServiceKey, ServiceSpec, ServiceState,
};
use tidegate_core::scale::wanted;
use tidegate_core::view::{PlanReport, PlannedRoute, PlannedService, PlannedTraffic};

use super::edge_needs::Edge;
use super::foresight::traffic_of;
use super::migration::planned_migration;
use super::planned_experiments::planned_experiments;
use super::planned_settings::planned_settings;
use super::planned_steps::{Planned, steps};
use super::settings::{differences, of_route, of_traffic};
use super::store_trouble;
use crate::claim;
use crate::digest::digest_json;
use crate::engine::{Time, World, effective_for};
use crate::intake::{Accepted, read_manifest, resolve};
use crate::plane::{PlanRequest, Refusal};
use crate::protection;

/// Forecasts rest on so many minutes.
const LATELY: u64 = 60;

/// What a deploy would do.
pub(crate) fn plan(world: &mut World<'_>, time: Time, request: &PlanRequest) -> Result<PlanReport, Refusal> {
    let source = Source::new(request.manifest_file.clone(), request.manifest_text.clone());
    let manifest = read_manifest(&source, &request.deploy)?;
    let resolved = resolve(&manifest, &request.deploy)?;
    let way = super::planned_way::planned_way(world.store, &manifest, &resolved.environment, time.unix_ms)?;
    let mut accepted = Accepted::new(resolved, request.snapshot.clone(), None);
    let settings = planned_settings(world.store, &mut accepted)?;
    let build = world.store.build(&accepted.build).map_err(store_trouble)?;
    let reuse = build.is_some_and(|build| build.phase == BuildPhase::Ready);
    let revision = would_be(world, &accepted)?;
    let (services, too_short) = services(world, &accepted, &revision)?;
    let any = services.iter().any(|service| service.action == "roll out" || service.action == "create");
    let migration = if any { planned_migration(world.store, &accepted)? } else { Default::default() };
    let mut warnings = shortcomings(world, &accepted.spec);
    warnings.extend(edge_of(world).misses(&accepted.spec));
    warnings.extend(taken(world, &accepted)?);
    warnings.extend(too_short);
    warnings.extend(
        services.iter().filter(|s| !s.zero_downtime).map(|s| format!("{}: not without downtime", s.name)),
    );
    warnings.extend(protected(world, &accepted)?);
    warnings.extend(settings.missing);
    Ok(PlanReport {
        app: accepted.app.to_string(),
        environment: accepted.environment.to_string(),
        build: accepted.build.short().to_owned(),
        build_action: if reuse { "reuse" } else { "make" }.to_owned(),
        build_run: accepted.build_run.clone().filter(|_| !reuse),
        revision: revision.number,
        revision_exists: world
            .store
            .revision(&accepted.app, &accepted.environment, revision.number)
            .map_err(store_trouble)?
            .is_some(),
        migrate: migration.run,
        migrate_steps: migration.steps,
        trains: super::planned_trains::planned_trains(&accepted.spec.trains, &services),
        services,
        jobs: super::planned_jobs::planned_jobs(world.store, &accepted)?,
        routes: routes(world, &accepted)?,
        flags: super::planned_flags::planned_flags(world.store, &accepted, request.flags.as_deref())?,
        experiments: planned_experiments(world.store, &accepted, request.flags.as_deref())?,
        serving: serving(world, &accepted)?,
        code: None,
        dependencies: None,
        way: Some(way),
        settings: settings.changes,
        warnings,
    })
}

fn edge_of(world: &mut World<'_>) -> Edge {
    let (has_places, seen) = (world.routes.has_places(), world.routes.observe());
    Edge { has_places, has_tls: !seen.alive || seen.https.is_some() }
}

/// That a route is another's, so that a deploy would be refused.
fn taken(world: &World<'_>, accepted: &Accepted) -> Result<Option<String>, Refusal> {
    let (app, environment) = (&accepted.app, &accepted.environment);
    let message =
        claim::taken(world.store, app, environment, &accepted.spec.routes).map_err(store_trouble)?;
    Ok(message.map(|message| format!("{message}: this deploy will be REFUSED (deploy::route-taken)")))
}

/// The commit of the newest revision that is stable.
fn serving(world: &World<'_>, accepted: &Accepted) -> Result<Option<String>, Refusal> {
    let (app, environment) = (&accepted.app, &accepted.environment);
    let known = world.store.services_of(app, environment).map_err(store_trouble)?;
    let Some(newest) = known.iter().filter_map(|state| state.stable).max() else { return Ok(None) };
    let revision = world.store.revision(app, environment, newest).map_err(store_trouble)?;
    Ok(revision.and_then(|revision| revision.commit))
}

/// That a folder could not be deployed there.
fn protected(world: &World<'_>, accepted: &Accepted) -> Result<Option<String>, Refusal> {
    let policy = protection::known(world.store, &accepted.app, &accepted.environment);
    let protected = policy.map_err(store_trouble)?.is_some_and(|policy| policy.protected);
    Ok(protected.then(|| format!("{} is protected: only runs of a pipeline change it", accepted.environment)))
}

fn would_be(world: &World<'_>, accepted: &Accepted) -> Result<Revision, Refusal> {
    let digest = digest_json(&accepted.spec);
    let (app, environment) = (&accepted.app, &accepted.environment);
    if let Some(known) = world.store.revision_by_digest(app, environment, &digest).map_err(store_trouble)? {
        return Ok(known);
    }
    Ok(Revision {
        app: app.clone(),
        environment: environment.clone(),
        number: world.store.peek_revision(app, environment).map_err(store_trouble)?,
        digest,
        spec: accepted.spec.clone(),
        commit: None,
        dirty: false,
        made_at_unix_ms: 0,
    })
}

fn services(
    world: &World<'_>,
    accepted: &Accepted,
    revision: &Revision,
) -> Result<(Vec<PlannedService>, Vec<String>), Refusal> {
    let known = world.store.services_of(&accepted.app, &accepted.environment).map_err(store_trouble)?;
    let names: BTreeSet<&Name> =
        accepted.spec.services.keys().chain(known.iter().map(|state| &state.key.service)).collect();
    let (mut planned, mut warnings) = (Vec::new(), Vec::new());
    for name in names {
        let state = known.iter().find(|state| state.key.service == *name).cloned().unwrap_or_else(|| {
            let (app, environment) = (accepted.app.clone(), accepted.environment.clone());
            ServiceState::new(ServiceKey { app, environment, service: name.clone() })
        });
        let before = stable_of(world, &state)?;
        let active =
            state.rollout.map(|id| world.store.rollout(id)).transpose().map_err(store_trouble)?.flatten();
        let recorded = world.store.latest_traffic(&state.key, LATELY).map_err(store_trouble)?;
        let past = Past { active: active.as_ref(), before: before.as_ref(), traffic: traffic_of(&recorded) };
        let (service, too_short) = service(&state, &past, revision);
        warnings.extend(too_short.into_iter().map(|text| format!("{name}: {text}")));
        planned.push(service);
    }
    planned.retain(|service| service.action != "remove" || service.stable.is_some());
    Ok((planned, warnings))
}

/// What was before a planned revision.
#[derive(Clone, Copy, Debug)]
struct Past<'a> {
    /// The rollout in progress.
    active: Option<&'a Rollout>,
    /// The stable revision.
    before: Option<&'a Revision>,
    /// What it answered lately.
    traffic: Option<PlannedTraffic>,
}

fn stable_of(world: &World<'_>, state: &ServiceState) -> Result<Option<Revision>, Refusal> {
    let Some(number) = state.stable else { return Ok(None) };
    world.store.revision(&state.key.app, &state.key.environment, number).map_err(store_trouble)
}

fn service(state: &ServiceState, past: &Past<'_>, revision: &Revision) -> (PlannedService, Vec<String>) {
    let Past { active, before, traffic } = *past;
    let name = &state.key.service;
    let (old, new) = (before.and_then(|r| r.spec.services.get(name)), revision.spec.services.get(name));
    let effective = effective_for(state, active, revision, RolloutKind::Deploy);
    let count = |number: Option<RevisionNo>, spec: Option<&ServiceSpec>| {
        number.zip(spec).map_or(0, |(number, spec)| wanted(state, spec, number))
    };
    let action = match (new, state.stable) {
        (None, _) => "remove",
        (Some(_), None) => "create",
        (Some(_), Some(stable)) if stable == revision.number => "unchanged",
        (Some(_), Some(_)) => "roll out",
    };
    let (from, to) = (count(state.stable, old), count(Some(revision.number), new));
    let by_steps = action == "roll out" && !effective.strategy.steps.is_empty() && from > 0 && to > 0;
    let traffic = traffic.filter(|_| by_steps && new.is_some_and(ServiceSpec::has_port));
    let planned = Planned { effective: &effective, from, to, spec: new, traffic };
    let mut too_short = Vec::new();
    let steps = if action == "unchanged" { Vec::new() } else { steps(&planned, &mut too_short) };
    let service = PlannedService {
        name: name.to_string(),
        action: action.to_owned(),
        stable: state.stable,
        instances: (from, to),
        strategy: effective.strategy.kind.to_string(),
        strategy_why: effective.why,
        zero_downtime: effective.zero_downtime,
        steps,
        changes: changes(before.map(|r| &r.spec.build), old, &revision.spec.build, new),
        traffic,
    };
    (service, too_short)
}

/// What differs, in words; values of variables are never shown.
fn changes(
    old_build: Option<&BuildId>,
    old: Option<&ServiceSpec>,
    new_build: &BuildId,
    new: Option<&ServiceSpec>,
) -> Vec<String> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let mut changes = Vec::new();
    if let Some(old_build) = old_build.filter(|build| *build != new_build) {
        changes.push(format!("build: {old_build} → {new_build}"));
    }
    for (what, differs) in [
        ("run", old.run != new.run),
        ("port", old.port != new.port),
        ("probes", old.probes != new.probes),
        ("scale", (old.scale, &old.autoscale) != (new.scale, &new.autoscale)),
        ("strategy", old.strategy != new.strategy),
        ("drain", old.drain != new.drain),
        ("stop", old.stop != new.stop),
        ("limits", old.limits != new.limits),
        ("static", old.site != new.site),
    ] {
        if differs {
            changes.push(format!("{what} changes"));
        }
    }
    let traffic = differences(&of_traffic(&old.traffic), &of_traffic(&new.traffic));
    changes.extend(traffic.into_iter().map(|line| format!("traffic.{line}")));
    changes.extend(env_changes(&old.env, &new.env));
    changes
}

/// What differs between the variables of two specs, by their names alone.
pub(super) fn env_changes(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| match (old.get(name), new.get(name)) {
        (None, Some(_)) => Some(format!("env {name} is added")),
        (Some(_), None) => Some(format!("env {name} is removed")),
        (Some(a), Some(b)) if a != b => Some(format!("env {name} changes")),
        _ => None,
    };
    names.into_iter().filter_map(change).collect()
}

fn routes(world: &World<'_>, accepted: &Accepted) -> Result<Vec<PlannedRoute>, Refusal> {
    let before = routes_in_force(world, &accepted.app, &accepted.environment)?;
    let same_place = |a: &RouteSpec, b: &RouteSpec| a.host == b.host && a.path == b.path;
    let after = &accepted.spec.routes;
    let mut routes: Vec<PlannedRoute> = after
        .iter()
        .map(|route| planned_route(before.iter().find(|old| same_place(old, route)), route))
        .collect();
    let gone = before.iter().filter(|old| !after.iter().any(|route| same_place(old, route)));
    routes.extend(gone.map(|route| route_line("remove", route, Vec::new())));
    Ok(routes)
}

/// The routes the gateway has of an environment now.
fn routes_in_force(world: &World<'_>, app: &Name, environment: &Name) -> Result<Vec<RouteSpec>, Refusal> {
    let mut routes = Vec::new();
    let mut newest: Option<RevisionNo> = None;
    for state in world.store.services_of(app, environment).map_err(store_trouble)? {
        let Some(number) = state.routing.routes_of else { continue };
        newest = newest.max(Some(number));
        let own = routes_of(world, app, environment, number)?;
        routes.extend(own.into_iter().filter(|route| route.to.as_ref() == Some(&state.key.service)));
    }
    if let Some(number) = newest {
        let own = routes_of(world, app, environment, number)?;
        routes.extend(own.into_iter().filter(|route| route.to.is_none()));
    }
    Ok(routes)
}

fn routes_of(
    world: &World<'_>,
    app: &Name,
    environment: &Name,
    number: RevisionNo,
) -> Result<Vec<RouteSpec>, Refusal> {
    let stored = world.store.revision(app, environment, number).map_err(store_trouble)?;
    Ok(stored.map(|stored| stored.spec.routes).unwrap_or_default())
}

fn planned_route(old: Option<&RouteSpec>, route: &RouteSpec) -> PlannedRoute {
    let settings = of_route(&route.policy);
    let Some(old) = old else {
        return route_line("add", route, differences(&[], &settings));
    };
    let changes = differences(&of_route(&old.policy), &settings);
    let action = if old.to == route.to && changes.is_empty() { "keep" } else { "change" };
    route_line(action, route, changes)
}

fn route_line(action: &str, route: &RouteSpec, changes: Vec<String>) -> PlannedRoute {
    PlannedRoute {
        action: action.to_owned(),
        host: route.host.clone(),
        path: route.path.clone(),
        to: route.to.as_ref().map(Name::to_string).unwrap_or_default(),
        changes,
    }
}

fn shortcomings(world: &World<'_>, spec: &RevisionSpec) -> Vec<String> {
    let mut all = Vec::new();
    for (name, service) in &spec.services {
        all.extend(
            world.backend.shortcomings(&service.limits).into_iter().map(|text| format!("{name}: {text}")),
        );
    }
    all
}
