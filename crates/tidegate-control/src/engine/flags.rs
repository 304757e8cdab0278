//! The flag reconciler: releases that waited for their code, and the one file by which the gateway gets all flags.

use tidegate_core::model::{FlagBundle, FlagKey, FlagState, Name};
use tidegate_core::release::{Definition, compose, ready};
use tidegate_core::time::Millis;
use tidegate_store::{Reader, StoreError};

use super::{Engine, Outcome, Sight, World};
use crate::experiment;
use crate::flag_code::FlagCode;
use crate::release::put_release;

/// From one failed attempt to write to the next.
const AGAIN: Millis = Millis::seconds(1);

/// What is kept between passes; all of it can be lost.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// What the gateway has; `None` where this process has not written it yet.
    given: Option<u64>,
    /// Flags with a release that waits, as of that epoch.
    waiting: Vec<(Name, Name, FlagKey)>,
}

impl Engine {
    /// Gives the gateway what is new of flags, and performs what waited for code.
    pub(super) fn flags(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let done = self.releases_that_waited(world, sight)?;
        let epoch = world.store.flags_epoch()?;
        if self.flags.given == Some(epoch) {
            return Ok(Outcome { changed: done, wake: None });
        }
        note_first_seen(world, sight.time.unix_ms)?;
        let epoch = world.store.flags_epoch()?;
        let (bundle, waiting) = bundle_of(world.store, epoch, self.config.flags_open.clone())?;
        self.flags.waiting = waiting;
        if let Err(error) = world.routes.put_flags(&bundle) {
            tracing::error!(%error, "the gateway could not be given the flags; it goes on with what it has");
            return Ok(Outcome { changed: done, wake: Some(sight.time.now + AGAIN) });
        }
        self.flags.given = Some(epoch);
        Ok(Outcome { changed: done, wake: None })
    }

    fn releases_that_waited(&self, world: &mut World<'_>, sight: &Sight) -> Result<bool, StoreError> {
        let mut done = false;
        for (app, environment, flag) in &self.flags.waiting {
            let definitions = world.store.flag_definitions(app, environment)?;
            let found = definitions.and_then(|found| Definition::find(&found.document, flag));
            let Some(definition) = found else { continue };
            let code = FlagCode::of(world.store, app, environment)?;
            let held = experiment::holds_split(world.store, app, environment, flag)?;
            if held || !code.situation(&definition).lacking.is_empty() {
                continue;
            }
            let state = world.store.flag_state(app, environment, flag)?;
            let Some((state, release)) = ready(&state, sight.time.unix_ms) else { continue };
            world.store.transaction(|tx| put_release(tx, app, environment, &state, &release))?;
            done = true;
        }
        Ok(done)
    }
}

/// A flag's age begins when its definition is first in force.
fn note_first_seen(world: &mut World<'_>, now_unix_ms: u64) -> Result<(), StoreError> {
    for definitions in world.store.all_flag_definitions()? {
        let (app, environment) = (&definitions.app, &definitions.environment);
        let known = world.store.flag_states_of(app, environment)?;
        let new: Vec<FlagKey> = Definition::all(&definitions.document)
            .into_iter()
            .map(|flag| flag.key)
            .filter(|key| known.binary_search_by(|state| state.key.cmp(key)).is_err())
            .collect();
        if new.is_empty() {
            continue;
        }
        world.store.transaction(|tx| {
            new.iter().try_for_each(|key| {
                let state =
                    FlagState { first_seen_unix_ms: now_unix_ms, ..FlagState::untouched(key.clone()) };
                tx.put_flag_state(app, environment, &state)
            })
        })?;
    }
    Ok(())
}

type Waiting = Vec<(Name, Name, FlagKey)>;

/// What the gateway is to serve, and what waits.
fn bundle_of(store: &Reader, epoch: u64, open: Option<String>) -> Result<(FlagBundle, Waiting), StoreError> {
    let mut bundle = FlagBundle { epoch, open, ..FlagBundle::default() };
    let mut waiting = Waiting::new();
    for definitions in store.all_flag_definitions()? {
        let (app, environment) = (&definitions.app, &definitions.environment);
        let states = store.flag_states_of(app, environment)?;
        let waits = states.iter().filter(|state| state.waiting.is_some());
        waiting.extend(waits.map(|state| (app.clone(), environment.clone(), state.key.clone())));
        let composed = compose(&definitions.document, &states);
        bundle.sets.insert(FlagBundle::set_name(app, environment), composed);
    }
    bundle.keys = store.flag_keys()?.iter().map(|key| key.in_bundle()).collect();
    Ok((bundle, waiting))
}
