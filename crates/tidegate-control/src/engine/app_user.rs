//! Starting a unit as whom its app runs as, which is settled when anything of the app is started for the first time.

use std::io;

use tidegate_backend::{BackendError, UnitSpec};
use tidegate_core::model::{AppUser, Name};
use tidegate_store::StoreError;

use super::World;

/// Starts a unit as its app's own user, where the backend can have each app be somebody.
pub(super) fn start(world: &mut World<'_>, unit: UnitSpec) -> Result<Result<(), BackendError>, StoreError> {
    match user_of(world, &unit.app)? {
        Ok(user) => Ok(world.backend.start(&UnitSpec { user, ..unit })),
        Err(error) => Ok(Err(error)),
    }
}

fn user_of(world: &mut World<'_>, app: &Name) -> Result<Result<Option<AppUser>, BackendError>, StoreError> {
    let Some(range) = world.backend.app_users() else { return Ok(Ok(None)) };
    if let Some(user) = world.store.app_user(app)? {
        return Ok(Ok(Some(user)));
    }
    let Some(user) = range.next(&world.store.app_users()?) else {
        let why = format!("all of {range} are given away: `tidegate up --app-users` takes a wider range");
        return Ok(Err(BackendError::Io { what: "its user".to_owned(), source: io::Error::other(why) }));
    };
    // Written down before anything runs as it: a kill in between gives it to nobody else.
    world.store.transaction(|tx| tx.give_app_user(app, user))?;
    Ok(Ok(Some(user)))
}
