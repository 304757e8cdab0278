//! Variables set at run time: changed by versions, each of which is a revision and a rollout like any other.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_config::variable_fault;
use tidegate_core::event::Event;
use tidegate_core::model::{Name, Revision, RevisionNo};
use tidegate_core::setting::reference::references;
use tidegate_core::setting::{ConfigVersion, Configured, LONGEST_VALUE, Layered, Settings, Variables};
use tidegate_core::view::{ConfigDiff, ConfigHistory, ConfigVariable, ConfigView, SettingChanged};
use tidegate_store::Reader;

use super::asked::{ConfigAct, ConfigChange};
use super::pin::{Place, pinned, pinned_with};
use super::roll::{Way, goal, way};
use super::{LONGEST_WHY, glass, line, place_meant, who};
use crate::answer::{rfc3339, store_trouble};
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind, Scope};
use crate::protection::{self, Change};

/// Versions that are shown.
const MOST_SHOWN: usize = 20;

/// Makes a version and has it rolled out.
pub(super) fn change(
    world: &mut World<'_>,
    time: Time,
    scope: &Scope,
    asked: &ConfigChange,
) -> Result<SettingChanged, Refusal> {
    let (app, environment) = place_meant(world.store, scope)?;
    let place = (&app, &environment);
    let newest = world.store.newest_config(&app, &environment).map_err(store_trouble)?;
    let version = newest.as_ref().map_or(0, |newest| newest.version);
    as_expected(asked.expect, version)?;
    let before = newest.map(|newest| newest.variables).unwrap_or_default();
    let variables = changed(world.store, place, &before, asked)?;
    let changes = differences(&before, &variables);
    if changes.is_empty() {
        let message = format!("nothing changes: it is so since version {version}");
        return Err(Refusal::new(RefusalKind::Conflict, "config::unchanged", message)
            .help("`tidegate config get` shows what is set"));
    }
    let version = ConfigVersion {
        app: app.clone(),
        environment: environment.clone(),
        version: version + 1,
        variables,
        changes: changes.clone(),
        by: who(&asked.by),
        why: line(&asked.why, LONGEST_WHY),
        at_unix_ms: time.unix_ms,
    };
    let way = way(world.store, place)?;
    way.is_open(world.store)?;
    nothing_is_missing(world.store, place, &way, &version)?;
    let glass = glass(&version.by, asked.break_glass.as_ref());
    let what = Change { place, what: "change its configuration", brings: None };
    protection::guard(world.store, time, &what, glass.as_ref())?;
    let called = format!("config v{}", version.version);
    let event = event(&version);
    let rollout = world.store.transaction(|tx| {
        tx.add_config_version(&version)?;
        tx.event(&event, time.unix_ms)?;
        way.take(tx, place, (&called, &version.by), time)
    });
    let rollouts = vec![rollout.map_err(store_trouble)?];
    Ok(SettingChanged { what: called, changes, rollouts, warnings: Vec::new() })
}

fn as_expected(expect: Option<u32>, version: u32) -> Result<(), Refusal> {
    match expect {
        Some(expect) if expect != version => {
            let message =
                format!("the configuration is at version {version}, not {expect}: somebody changed it");
            Err(Refusal::new(RefusalKind::Conflict, "config::version", message)
                .help("`tidegate config get` shows what is set now"))
        }
        Some(_) | None => Ok(()),
    }
}

fn event(version: &ConfigVersion) -> Event {
    let why = if version.why.is_empty() { String::new() } else { format!(": {}", version.why) };
    let message =
        format!("config v{} by {}: {}{why}", version.version, version.by, version.changes.join(", "));
    Event::about(version.app.as_str(), version.environment.as_str(), "config.changed", message)
}

/// What is set once it is done.
fn changed(
    store: &Reader,
    place: Place<'_>,
    before: &Variables,
    asked: &ConfigChange,
) -> Result<Variables, Refusal> {
    let mut variables = before.clone();
    match &asked.act {
        ConfigAct::Set(set) => {
            set.iter().try_for_each(|(name, value)| can_be_set(name, value))?;
            variables.layer(asked.service.as_ref()).extend(set.clone());
        }
        ConfigAct::Unset(names) => {
            let layer = variables.layer(asked.service.as_ref());
            for name in names {
                layer.remove(name).ok_or_else(|| not_set(name))?;
            }
        }
        ConfigAct::Rollback(0) => variables = Variables::default(),
        ConfigAct::Rollback(version) => {
            let found = store.config_version(place.0, place.1, *version).map_err(store_trouble)?;
            variables = found.ok_or_else(|| no_version(*version))?.variables;
        }
    }
    variables.tidy();
    within_limits(&variables)?;
    Ok(variables)
}

fn can_be_set(name: &str, value: &str) -> Result<(), Refusal> {
    let fault = variable_fault(name, value).or_else(|| {
        let too_long = || format!("the value of {name} has more than {LONGEST_VALUE} bytes");
        (value.len() > LONGEST_VALUE).then(too_long)
    });
    if let Some(fault) = fault {
        return Err(Refusal::new(RefusalKind::Invalid, "config::variable", fault)
            .help("`tidegate config set NAME=VALUE`"));
    }
    references(value).map(drop).map_err(|error| {
        let message = format!("the value of {name} cannot be read: {error}");
        Refusal::new(RefusalKind::Invalid, "config::reference", message)
            .help("`$${secret.NAME}` is how to write the text itself")
    })
}

fn not_set(name: &str) -> Refusal {
    let message = format!("`{}` is not set at run time", line(name, 128));
    Refusal::new(RefusalKind::NotFound, "config::not-set", message)
        .help("`tidegate config get` shows what is; what the manifest says is changed there")
}

fn no_version(version: u32) -> Refusal {
    let message = format!("there is no version {version} of the configuration, or it is forgotten");
    Refusal::new(RefusalKind::NotFound, "config::no-version", message)
        .help("`tidegate config get` lists the newest")
}

fn within_limits(variables: &Variables) -> Result<(), Refusal> {
    if variables.count() <= Variables::MOST && variables.bytes() <= Variables::MOST_BYTES {
        return Ok(());
    }
    let message = format!(
        "at most {} variables with {} KiB in all can be set at run time",
        Variables::MOST,
        Variables::MOST_BYTES >> 10
    );
    Err(Refusal::new(RefusalKind::Conflict, "config::too-much", message)
        .help("`tidegate config unset NAME` makes room"))
}

/// A deploy that would be refused for what it refers to is not begun.
fn nothing_is_missing(
    store: &Reader,
    place: Place<'_>,
    way: &Way,
    version: &ConfigVersion,
) -> Result<(), Refusal> {
    let Way::Deploy(revision) = way else { return Ok(()) };
    let config = Configured { version: version.version, variables: version.variables.clone() };
    let pinned = pinned_with(store, place, &revision.spec, Some(config)).map_err(store_trouble)?;
    pinned.problem(place).map_or(Ok(()), Err)
}

/// What differs, by names.
fn differences(before: &Variables, after: &Variables) -> Vec<String> {
    let services: BTreeSet<&Name> = before.services.keys().chain(after.services.keys()).collect();
    let mut all = differences_of("", &before.all, &after.all);
    for service in services {
        let of = |variables: &Variables| variables.services.get(service).cloned().unwrap_or_default();
        all.extend(differences_of(&format!("{service}: "), &of(before), &of(after)));
    }
    all
}

fn differences_of(
    prefix: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let one = |name: &String| match (before.get(name), after.get(name)) {
        (None, Some(_)) => Some(format!("{prefix}{name} is set")),
        (Some(_), None) => Some(format!("{prefix}{name} is unset")),
        (Some(a), Some(b)) if a != b => Some(format!("{prefix}{name} changes")),
        (Some(_), Some(_)) | (None, None) => None,
    };
    names.into_iter().filter_map(one).collect()
}

/// What an environment's variables are, and where each is from.
pub(super) fn view(store: &Reader, scope: &Scope) -> Result<ConfigView, Refusal> {
    let (app, environment) = place_meant(store, scope)?;
    let place = (&app, &environment);
    let history = store.config_versions(&app, &environment).map_err(store_trouble)?;
    let set = history.first().map(|newest| newest.variables.clone()).unwrap_or_default();
    let goal = goal(store, place).map_err(store_trouble)?;
    let mut variables = Vec::new();
    for service in services_of(goal.as_ref(), &set) {
        let deployed = goal.as_ref().map(|goal| deployed_of(goal, &service)).unwrap_or_default();
        let settings = goal.as_ref().map(|goal| goal.spec.settings.clone()).unwrap_or_default();
        let layers = Layered::of(&deployed, &set.of(Some(&service)));
        variables.extend(layers.into_iter().map(|layered| variable(&service, layered, &settings)));
    }
    let version = history.first().map_or(0, |newest| newest.version);
    let history = history.iter().take(MOST_SHOWN).map(told).collect();
    Ok(ConfigView { app: app.to_string(), environment: environment.to_string(), version, variables, history })
}

fn services_of(goal: Option<&Revision>, set: &Variables) -> BTreeSet<Name> {
    let deployed = goal.iter().flat_map(|goal| goal.spec.services.keys().chain(goal.spec.jobs.keys()));
    deployed.chain(set.services.keys()).cloned().collect()
}

fn deployed_of(goal: &Revision, service: &Name) -> BTreeMap<String, String> {
    let own = goal.spec.services.get(service).map(|service| &service.env);
    own.or_else(|| goal.spec.jobs.get(service).map(|job| &job.env)).cloned().unwrap_or_default()
}

fn variable(service: &Name, layered: Layered, settings: &Settings) -> ConfigVariable {
    use tidegate_core::setting::{Origin, Reference};
    let refers = references(&layered.value).unwrap_or_default();
    let pinned = |reference: &Reference| match reference {
        Reference::Secret(name) => settings.secrets.get(name).map(|pinned| pinned.version),
        Reference::Parameter(..) => {
            settings.parameters.get(&reference.to_string()).map(|pinned| pinned.version)
        }
    };
    let refers = refers.iter().map(|reference| match pinned(reference) {
        Some(version) => format!("{reference} v{version}"),
        None => reference.to_string(),
    });
    let refers = refers.collect();
    let value = match layered.origin {
        // It may be out of an env file.
        Origin::Deployed => None,
        Origin::Config | Origin::ConfigOverDeployed => Some(layered.value),
    };
    ConfigVariable {
        service: Some(service.to_string()),
        name: layered.name,
        value,
        from: layered.origin,
        refers,
    }
}

fn told(version: &ConfigVersion) -> ConfigHistory {
    ConfigHistory {
        version: version.version,
        changes: version.changes.clone(),
        by: version.by.clone(),
        why: version.why.clone(),
        at: rfc3339(version.at_unix_ms),
    }
}

/// What a revision has of settings and what counts now: what a deploy of it would change.
pub(super) fn diff(store: &Reader, scope: &Scope, number: Option<RevisionNo>) -> Result<ConfigDiff, Refusal> {
    let (app, environment) = place_meant(store, scope)?;
    let place = (&app, &environment);
    let revision = match number {
        Some(number) => {
            let found = store.revision(&app, &environment, number).map_err(store_trouble)?;
            let message = format!("{app} in {environment} has no revision {number}");
            let unknown = Refusal::new(RefusalKind::NotFound, "revision::unknown", message);
            Some(found.ok_or_else(|| unknown.help("`tidegate events` lists them"))?)
        }
        None => goal(store, place).map_err(store_trouble)?,
    };
    let Some(revision) = revision else { return Ok(ConfigDiff::default()) };
    let now = pinned(store, place, &revision.spec).map_err(store_trouble)?;
    let variables = |settings: &Settings| settings.config.clone().map(|it| it.variables).unwrap_or_default();
    let mut changes = differences(&variables(&revision.spec.settings), &variables(&now.settings));
    changes.extend(revision.spec.settings.changes_to(&now.settings));
    changes.extend(now.missing.iter().map(|reference| format!("{reference} is not set")));
    Ok(ConfigDiff { revision: Some(revision.number.to_string()), changes })
}
