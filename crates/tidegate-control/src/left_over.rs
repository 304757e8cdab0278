//! The debt of an environment's flags: what is known of each, for `tidegate_core::flag::debt` to judge.
//!
//! Asked by the API, and by the deploy reconciler for its warning. Read only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_core::flag::{Debt, DebtKind, Known, debt, served_since};
use tidegate_core::model::{FlagDefinitions, FlagKey, FlagState, Name};
use tidegate_core::release::Definition;
use tidegate_store::{Reader, StoreError};

use crate::answer::rfc3339;
use crate::defined;
use crate::flag_code::FlagCode;

/// How long the same for everybody is long, where nobody says.
pub(crate) const DAYS: u64 = 30;

/// Releases looked through for when what is served was changed: of those that changed nothing there are few in a row.
const LOOKED_BACK: usize = 50;

/// The debt of definitions that are in force, or about to be, by flag; of one flag alone where `only` says it.
pub(crate) fn left_over(
    store: &Reader,
    definitions: &FlagDefinitions,
    only: Option<&FlagKey>,
    (days, now_unix_ms): (u64, u64),
) -> Result<Vec<Debt>, StoreError> {
    let FlagDefinitions { app, environment, document, .. } = definitions;
    let code = FlagCode::of(store, app, environment)?;
    let states = states_of(store, (app, environment), only)?;
    let own = own_keys(store, definitions)?;
    let day = rfc3339(now_unix_ms);
    let today = day.get(..10).unwrap_or(&day);
    let mut debts = Vec::new();
    let one = only.map(|key| Definition::find(document, key).into_iter().collect());
    for definition in one.unwrap_or_else(|| Definition::all(document)) {
        let untouched = FlagState::untouched(definition.key.clone());
        let state = states.get(&definition.key).unwrap_or(&untouched);
        // Most flags were never released.
        let releases = match state.version {
            0 => Vec::new(),
            _ => store.releases_of(app, environment, &definition.key, LOOKED_BACK)?,
        };
        let situation = code.situation(&definition);
        let mentioned = situation.mentioned.into_iter().collect();
        let known = Known {
            definition: own.as_ref().is_none_or(|own| own.contains(&definition.key)).then_some(&definition),
            state,
            served_since_unix_ms: served_since(state, &releases, now_unix_ms),
            since_unix_ms: Some(state.first_seen_unix_ms).filter(|since| *since > 0),
            mentioned: &mentioned,
        };
        // Where nobody has looked everywhere, nobody knows that it is not asked for.
        let is_known = |debt: &Debt| debt.kind != DebtKind::Unreferenced || situation.open.is_empty();
        debts.extend(debt(&known, today, days, now_unix_ms).into_iter().filter(is_known));
    }
    Ok(debts)
}

fn states_of(
    store: &Reader,
    (app, environment): (&Name, &Name),
    only: Option<&FlagKey>,
) -> Result<BTreeMap<FlagKey, FlagState>, StoreError> {
    let states = match only {
        Some(key) => vec![store.flag_state(app, environment, key)?],
        None => store.flag_states_of(app, environment)?,
    };
    Ok(states.into_iter().map(|state| (state.key.clone(), state)).collect())
}

/// The flags that Git itself defines: others are in force only because a serving revision asks for them. `None`: that is
/// forgotten.
fn own_keys(store: &Reader, definitions: &FlagDefinitions) -> Result<Option<BTreeSet<FlagKey>>, StoreError> {
    let own = match own_document(store, definitions)? {
        None => return Ok(None),
        Some(document) => document,
    };
    let flags = own.get("flags").and_then(Value::as_object).into_iter().flatten();
    Ok(Some(flags.filter_map(|(key, _)| key.parse().ok()).collect()))
}

/// What the revision, or the deploy, that brought them defines itself.
fn own_document(store: &Reader, definitions: &FlagDefinitions) -> Result<Option<Value>, StoreError> {
    let FlagDefinitions { app, environment, deploy, revision, .. } = definitions;
    if let Some(deploy) = deploy.map(|id| store.deploy(id)).transpose()?.flatten() {
        return Ok(Some(defined::of_deploy(store, &deploy)?.unwrap_or(Value::Null)));
    }
    let revision = revision.map(|number| store.revision(app, environment, number)).transpose()?.flatten();
    Ok(revision.map(|revision| defined::of_revision(store, &revision)).transpose()?.flatten())
}
