//! Definitions of flags belong to the revision they came with: what takes their place, and what that means for what is released.
//!
//! A deploy brings its own. A rollback brings those of the revision it goes to, and an abort those of the revision that stays,
//! each in the transaction that decides it. Flags that code that serves still asks for stay in force. Called by the deploy and
//! service reconcilers and by what people ask of services; what is released is decided in `tidegate_core::release`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_core::event::Event;
use tidegate_core::flag::{carried, lost_variants};
use tidegate_core::model::{
    FlagDefinitions, FlagKey, FlagState, Name, Phase, Release, ReleaseCause, Request, RevisionNo, ServiceKey,
};
use tidegate_core::release::{Definition, back_in_force, left_force, safe_step, withdraw};
use tidegate_store::{Reader, StoreError, Tx};

use crate::defined;
use crate::engine::Time;
use crate::experiment;
use crate::flag_code::FlagCode;
use crate::release::put_release;
use crate::trial::trial;

/// Flags that an event names.
const MOST_NAMED: usize = 5;

type Place<'p> = (&'p Name, &'p Name);

/// What follows, to be written in one transaction with its reason.
#[derive(Debug)]
pub(crate) struct Succession {
    app: Name,
    environment: Name,
    /// `None`: those in force stay.
    definitions: Option<FlagDefinitions>,
    /// In order: a flag may have several.
    releases: Vec<(FlagState, Release)>,
    events: Vec<Event>,
}

impl Succession {
    /// Writes it all.
    pub(crate) fn write(&self, tx: &Tx<'_>, time: Time) -> Result<(), StoreError> {
        let (app, environment) = (&self.app, &self.environment);
        self.events.iter().try_for_each(|event| tx.event(event, time.unix_ms).map(drop))?;
        for (state, release) in &self.releases {
            put_release(tx, app, environment, (state, release), time)?;
        }
        let Some(definitions) = &self.definitions else { return Ok(()) };
        tx.put_flag_definitions(definitions)?;
        // An experiment on what is defined otherwise now is over.
        experiment::settle(tx, (app, environment), time).map(drop)
    }

    fn nothing((app, environment): Place<'_>, releases: Vec<(FlagState, Release)>) -> Self {
        let (app, environment) = (app.clone(), environment.clone());
        Succession { app, environment, definitions: None, releases, events: Vec::new() }
    }

    fn tell(&mut self, kind: &str, revision: Option<RevisionNo>, message: String) {
        let event = Event::about(self.app.as_str(), self.environment.as_str(), kind, message);
        self.events.push(Event { revision, ..event });
    }
}

/// Whether a rollout does not go to its revision any more.
pub(crate) fn is_left(phase: Phase) -> bool {
    match phase {
        Phase::Aborting | Phase::Aborted | Phase::Failed | Phase::Superseded => true,
        Phase::Pending | Phase::Progressing | Phase::Paused | Phase::Promoting | Phase::Succeeded => false,
    }
}

/// The revisions that the services of an environment stay on or go to; `moved` are about to be decided otherwise.
pub(crate) fn goals(
    store: &Reader,
    (app, environment): Place<'_>,
    moved: &BTreeMap<ServiceKey, Option<RevisionNo>>,
) -> Result<BTreeSet<RevisionNo>, StoreError> {
    let mut goals = BTreeSet::new();
    for state in store.services_of(app, environment)? {
        if let Some(goal) = moved.get(&state.key) {
            goals.extend(*goal);
            continue;
        }
        let active = state.rollout.map(|id| store.rollout(id)).transpose()?.flatten();
        let on_its_way =
            active.filter(|rollout| !is_left(rollout.phase) && rollout.request != Some(Request::Abort));
        goals.extend(on_its_way.map(|rollout| rollout.to).or(state.stable));
    }
    // Services that are new have no row yet.
    goals.extend(moved.values().flatten());
    Ok(goals)
}

/// What a deploy's definitions mean for what is released.
pub(crate) fn by_deploy(
    store: &Reader,
    definitions: &FlagDefinitions,
    time: Time,
) -> Result<Succession, StoreError> {
    let place = (&definitions.app, &definitions.environment);
    let mut succession = Succession::nothing(place, Vec::new());
    let before = store.flag_definitions(place.0, place.1)?;
    for state in store.flag_states_of(place.0, place.1)? {
        let is_there = |document: &Value| has(document, &state.key);
        match is_there(&definitions.document) {
            false => succession.releases.extend(left_force(&state, time.unix_ms)),
            true if state.archived && !before.as_ref().is_some_and(|before| is_there(&before.document)) => {
                let message = format!(
                    "{} is defined again and was archived: nothing of it is served until it is released",
                    state.key
                );
                succession.tell("flag.archived_key", definitions.revision, message);
            }
            true => {}
        }
    }
    succession.definitions = Some(definitions.clone());
    Ok(succession)
}

/// What is in force once services go to these revisions: what is, while one of them brought it, else what the newest of them
/// brought. `fallen`: releases that belong into the same transaction and come first.
pub(crate) fn follow(
    store: &Reader,
    place: Place<'_>,
    goals: &BTreeSet<RevisionNo>,
    fallen: Vec<(FlagState, Release)>,
    time: Time,
) -> Result<Succession, StoreError> {
    let mut succession = Succession::nothing(place, fallen);
    let (Some(before), Some(to)) = (store.flag_definitions(place.0, place.1)?, goals.last()) else {
        return Ok(succession);
    };
    let owner = owner(store, &before)?;
    if owner.is_none_or(|owner| goals.contains(&owner)) {
        return Ok(succession);
    }
    let Some(revision) = store.revision(place.0, place.1, *to)? else { return Ok(succession) };
    let Some(own) = defined::of_revision(store, &revision)? else {
        let message = format!("the flags stay defined as they are: what {to} defined is not known any more");
        succession.tell("flag.kept", Some(*to), message);
        return Ok(succession);
    };
    let document = carried(&own, &before.document, &FlagCode::of(store, place.0, place.1)?.mentioned());
    let releases = releases(store, place, (&before.document, &document), (*to, &succession.releases), time)?;
    let mut states = states_after(store, place, &succession.releases)?;
    releases.iter().for_each(|(state, _)| drop(states.insert(state.key.clone(), state.clone())));
    let states: Vec<FlagState> = states.into_values().collect();
    let definitions = FlagDefinitions { deploy: None, revision: Some(*to), document, ..before };
    let why = defined::too_large(store, &definitions)?.or_else(|| trial(&definitions.document, &states));
    if let Some(why) = why {
        let message = format!("the flags stay defined as they are, and not as {to} has them: {why}");
        succession.tell("flag.kept", Some(*to), message);
        return Ok(succession);
    }
    if let Some(changes) = told(&before.document, &definitions.document) {
        let message = format!("flags are defined as {to} has them again: {changes}");
        succession.tell("flag.put_back", Some(*to), message);
    }
    succession.releases.extend(releases);
    succession.definitions = Some(definitions);
    Ok(succession)
}

/// The revision that brought definitions; `None`: that is not known.
fn owner(store: &Reader, definitions: &FlagDefinitions) -> Result<Option<RevisionNo>, StoreError> {
    if definitions.revision.is_some() {
        return Ok(definitions.revision);
    }
    let deploy = definitions.deploy.map(|id| store.deploy(id)).transpose()?.flatten();
    Ok(deploy.and_then(|deploy| deploy.revision))
}

fn states_after(
    store: &Reader,
    (app, environment): Place<'_>,
    fallen: &[(FlagState, Release)],
) -> Result<BTreeMap<FlagKey, FlagState>, StoreError> {
    let states = store.flag_states_of(app, environment)?.into_iter();
    let after = fallen.iter().map(|(state, _)| state.clone());
    Ok(states.chain(after).map(|state| (state.key.clone(), state)).collect())
}

/// What follows for each flag that was released: it ends with its definition, comes back with it, or goes to what is safe where
/// its variant is gone.
fn releases(
    store: &Reader,
    place: Place<'_>,
    (before, document): (&Value, &Value),
    (to, fallen): (RevisionNo, &[(FlagState, Release)]),
    time: Time,
) -> Result<Vec<(FlagState, Release)>, StoreError> {
    let states = states_after(store, place, fallen)?;
    let all: Vec<FlagState> = states.values().cloned().collect();
    let lost = |states: &[FlagState]| -> BTreeSet<FlagKey> {
        lost_variants(document, states).into_iter().map(|lost| lost.flag).collect()
    };
    let served: Vec<FlagState> =
        all.iter().map(|state| FlagState { waiting: None, ..state.clone() }).collect();
    let (lost, lost_at_once) = (lost(&all), lost(&served));
    let mut releases = Vec::new();
    for state in all.iter().filter(|state| state.version > 0) {
        let Some(definition) = Definition::find(document, &state.key) else {
            releases.extend(left_force(state, time.unix_ms));
            continue;
        };
        if lost_at_once.contains(&state.key) {
            let why = format!("{to} comes back, and does not have the variant that was served");
            releases.extend(safe_step(&definition, state, ReleaseCause::RolledBack(to), why, time.unix_ms));
        } else if lost.contains(&state.key) {
            let why = format!("{to} comes back, and does not have the variant that waited");
            releases.extend(withdraw(state, why, time.unix_ms));
        } else if !has(before, &state.key) {
            let last = store.releases_of(place.0, place.1, &state.key, 1)?;
            releases.extend(back_in_force(&definition, state, last.first(), to, time.unix_ms));
        }
    }
    Ok(releases)
}

fn has(document: &Value, key: &FlagKey) -> bool {
    document.get("flags").is_some_and(|flags| flags.get(key.as_str()).is_some())
}

/// The flags that are defined otherwise; `None`: there are none.
fn told(before: &Value, after: &Value) -> Option<String> {
    let flags =
        |document: &Value| document.get("flags").and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (flags(before), flags(after));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: Vec<&str> =
        keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).map(String::as_str).collect();
    let named = changed.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    match changed.len() {
        0 => None,
        many if many > MOST_NAMED => Some(format!("{named} and {} more", many - MOST_NAMED)),
        _ => Some(named),
    }
}

#[cfg(test)]
#[path = "succession_tests.rs"]
mod tests;
