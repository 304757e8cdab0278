//! Flags that go back with the code: a revision that comes back without a released flag's code takes the flag to its safe
//! variant, in the transaction that begins the rollback.
//!
//! An abort needs none of it: a flag is released only while every revision that serves has its code, the stable one among
//! them.

use tidegate_core::model::{FlagState, Release, ReleaseCause, Revision, Serving};
use tidegate_core::release::{Definition, safe_step};
use tidegate_store::{Reader, StoreError};

use crate::defined;
use crate::engine::Time;
use crate::flag_code::FlagCode;

/// What becomes of the flags that serving revisions mention and the one that comes back does not.
pub(crate) fn fall_back(
    store: &Reader,
    to: &Revision,
    time: Time,
) -> Result<Vec<(FlagState, Release)>, StoreError> {
    let (app, environment) = (&to.app, &to.environment);
    let Some(definitions) = store.flag_definitions(app, environment)? else { return Ok(Vec::new()) };
    let here = FlagCode::of(store, app, environment)?.mentioned();
    let there = defined::mentions(store, app, environment, to.number)?.unwrap_or_default();
    let mut fallen = Vec::new();
    for flag in Definition::all(&definitions.document) {
        let loses = here.contains(&flag.key) && there.lacks(&flag.key) && !flag.is_elsewhere();
        let state = store.flag_state(app, environment, &flag.key)?;
        if loses && is_released(&state) {
            let why = format!("{} comes back, and its code does not have the flag", to.number);
            let cause = ReleaseCause::RolledBack(to.number);
            fallen.extend(safe_step(&flag, &state, cause, why, time.unix_ms));
        }
    }
    Ok(fallen)
}

/// Whether somebody turned it on: what was never released, or is off at once, stays as it is.
fn is_released(state: &FlagState) -> bool {
    match state.serving {
        Serving::Variant(_) | Serving::Share(_) | Serving::Schedule(_) => !state.archived,
        Serving::Defined | Serving::Off(_) | Serving::Killed(_) => false,
    }
}
