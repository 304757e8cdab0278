//! The debt of an environment's flags: what is known of each, for `tidegate_core::flag::debt` to judge.
//!
//! Asked by the API, and by the deploy reconciler for its warning. Read only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_core::flag::{Debt, DebtKind, Known, debt};
use tidegate_core::model::{FlagDefinitions, FlagKey, FlagState, Name};
use tidegate_core::release::Definition;
use tidegate_store::{Reader, StoreError};

use crate::answer::rfc3339;
use crate::flag_code::FlagCode;

/// How long the same for everybody is long, where nobody says.
pub(crate) const DAYS: u64 = 30;

/// The debt of definitions that are in force, or about to be, by flag.
pub(crate) fn left_over(
    store: &Reader,
    definitions: &FlagDefinitions,
    days: u64,
    now_unix_ms: u64,
) -> Result<Vec<Debt>, StoreError> {
    let FlagDefinitions { app, environment, document, .. } = definitions;
    let code = FlagCode::of(store, app, environment)?;
    let states = states_of(store, app, environment)?;
    let own = own_keys(store, definitions)?;
    let day = rfc3339(now_unix_ms);
    let today = day.get(..10).unwrap_or(&day);
    let mut debts = Vec::new();
    for definition in Definition::all(document) {
        let untouched = FlagState::untouched(definition.key.clone());
        let state = states.get(&definition.key).unwrap_or(&untouched);
        let releases = store.releases_of(app, environment, &definition.key, 1)?;
        let situation = code.situation(&definition);
        let mentioned = situation.mentioned.into_iter().collect();
        let known = Known {
            definition: own.as_ref().is_none_or(|own| own.contains(&definition.key)).then_some(&definition),
            state,
            last: releases.first(),
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
    app: &Name,
    environment: &Name,
) -> Result<BTreeMap<FlagKey, FlagState>, StoreError> {
    let states = store.flag_states_of(app, environment)?;
    Ok(states.into_iter().map(|state| (state.key.clone(), state)).collect())
}

/// The flags that Git itself defines: others are in force only because a serving revision asks for them. `None`: that is
/// forgotten.
fn own_keys(store: &Reader, definitions: &FlagDefinitions) -> Result<Option<BTreeSet<FlagKey>>, StoreError> {
    let deploy = definitions.deploy.map(|id| store.deploy(id)).transpose()?.flatten();
    Ok(deploy.map(|deploy| {
        let flags = deploy.flags.unwrap_or(Value::Null);
        Definition::all(&flags).into_iter().map(|definition| definition.key).collect()
    }))
}
