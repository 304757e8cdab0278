//! The flag reconciler: releases that waited for their code or their moment, and the one file by which the gateway gets all flags.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_core::model::{FlagBundle, FlagDefinitions, FlagKey, FlagState, Name};
use tidegate_core::release::{Definition, begun, compose, ready};
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Reader, StoreError};

use super::{Engine, Outcome, Sight, Time, World};
use crate::experiment::{self, Pseudonyms};
use crate::flag_code::FlagCode;
use crate::release::put_release;

/// From one failed attempt to write to the next.
const AGAIN: Millis = Millis::seconds(1);
/// A schedule is looked at this often at least: the clock may have been set.
const LOOK: u64 = 30_000;

/// What is kept between passes; all of it can be lost.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// What the gateway has; `None` where this process has not written it yet.
    given: Option<u64>,
    due: Due,
}

/// What is to be released by itself, as of the epoch the gateway has.
#[derive(Debug, Default)]
struct Due {
    /// Flags with a release that waits for code, by environment.
    waiting: BTreeMap<(Name, Name), Vec<Definition>>,
    /// Flags with a schedule, each with its next moment: milliseconds since the Unix epoch.
    scheduled: Vec<(Name, Name, FlagKey, u64)>,
}

impl Engine {
    /// Gives the gateway what is new of flags, and performs what waited.
    pub(super) fn flags(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let coded = self.releases_that_waited(world, sight)?;
        let timed = self.moments_that_came(world, sight.time)?;
        let outcome = Outcome { changed: coded || timed, wake: self.flags.due.wake(sight.time) };
        let epoch = world.store.flags_epoch()?;
        if self.flags.given == Some(epoch) && world.routes.has_flags() {
            return Ok(outcome);
        }
        if self.flags.given == Some(epoch) {
            tracing::warn!(
                "the gateway's file of flags is gone or is not what was written: it is written again"
            );
        }
        note_first_seen(world, sight.time.unix_ms)?;
        let epoch = world.store.flags_epoch()?;
        let (mut bundle, due) = bundle_of(world.store, epoch, self.config.flags_open.clone())?;
        if let Some(pseudonyms) = &self.config.pseudonyms {
            add_experiments(world.store, pseudonyms, &mut bundle)?;
        }
        self.flags.due = due;
        if let Err(error) = world.routes.put_flags(&bundle) {
            tracing::error!(%error, "the gateway could not be given the flags; it goes on with what it has");
            return Ok(outcome.and(Outcome::wake_at(sight.time.now + AGAIN)));
        }
        self.flags.given = Some(epoch);
        Ok(Outcome { wake: self.flags.due.wake(sight.time), ..outcome })
    }

    fn releases_that_waited(&self, world: &mut World<'_>, sight: &Sight) -> Result<bool, StoreError> {
        let mut done = false;
        for ((app, environment), waiting) in &self.flags.due.waiting {
            let code = FlagCode::of(world.store, app, environment)?;
            for definition in waiting.iter().filter(|flag| code.situation(flag).lacking.is_empty()) {
                if experiment::holds_split(world.store, app, environment, &definition.key)? {
                    continue;
                }
                let state = world.store.flag_state(app, environment, &definition.key)?;
                let Some((state, release)) = ready(&state, sight.time.unix_ms) else { continue };
                world
                    .store
                    .transaction(|tx| put_release(tx, app, environment, (&state, &release), sight.time))?;
                done = true;
            }
        }
        Ok(done)
    }

    /// A moment that has come is recorded, and what is served is another set from then on: whoever follows it hears of it.
    fn moments_that_came(&self, world: &mut World<'_>, time: Time) -> Result<bool, StoreError> {
        let mut done = false;
        for (app, environment, flag, at) in &self.flags.due.scheduled {
            if *at > time.unix_ms {
                continue;
            }
            let state = world.store.flag_state(app, environment, flag)?;
            let Some((state, release)) = begun(&state, time.unix_ms) else { continue };
            world.store.transaction(|tx| {
                put_release(tx, app, environment, (&state, &release), time)?;
                experiment::settle(tx, (app, environment), time).map(drop)
            })?;
            done = true;
        }
        Ok(done)
    }
}

impl Due {
    /// What of an environment is to be released by itself.
    fn add(&mut self, definitions: &FlagDefinitions, states: &[FlagState]) {
        let (app, environment) = (&definitions.app, &definitions.environment);
        let place = || (app.clone(), environment.clone());
        for state in states {
            // The next one to be recorded; one that has come already counts. Nothing of what is archived comes, but what waits.
            if let Some(at) = state.serving.next_moment(0).filter(|_| !state.archived) {
                self.scheduled.push((app.clone(), environment.clone(), state.key.clone(), at));
            }
            let waits =
                state.waiting.as_ref().and_then(|_| Definition::find(&definitions.document, &state.key));
            waits.into_iter().for_each(|flag| self.waiting.entry(place()).or_default().push(flag));
        }
    }

    /// When to look again even if nothing is heard.
    fn wake(&self, time: Time) -> Option<Moment> {
        let next = self.scheduled.iter().map(|(.., at)| *at).min()?;
        Some(time.now + Millis(next.saturating_sub(time.unix_ms).min(LOOK)))
    }
}

/// A flag's age begins when its definition is first in force.
fn note_first_seen(world: &mut World<'_>, now_unix_ms: u64) -> Result<(), StoreError> {
    for definitions in world.store.all_flag_definitions()? {
        let (app, environment) = (&definitions.app, &definitions.environment);
        let known = world.store.flag_states_of(app, environment)?;
        let flags = definitions.document.get("flags").and_then(Value::as_object).into_iter().flatten();
        let keys = flags.filter_map(|(key, _)| key.parse::<FlagKey>().ok());
        let new: Vec<FlagKey> =
            keys.filter(|key| known.binary_search_by(|state| state.key.cmp(key)).is_err()).collect();
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

/// What the data plane needs to know of the experiments among them.
fn add_experiments(
    store: &Reader,
    pseudonyms: &Pseudonyms,
    bundle: &mut FlagBundle,
) -> Result<(), StoreError> {
    for definitions in store.all_flag_definitions()? {
        let (app, environment) = (&definitions.app, &definitions.environment);
        if let Some(experiments) = experiment::in_bundle(store, pseudonyms, (app, environment))? {
            bundle.experiments.insert(FlagBundle::set_name(app, environment), experiments);
        }
    }
    Ok(())
}

/// What the gateway is to serve, and what is to be released by itself.
fn bundle_of(store: &Reader, epoch: u64, open: Option<String>) -> Result<(FlagBundle, Due), StoreError> {
    let mut bundle = FlagBundle { epoch, open, ..FlagBundle::default() };
    let mut due = Due::default();
    for definitions in store.all_flag_definitions()? {
        let (app, environment) = (&definitions.app, &definitions.environment);
        let states = store.flag_states_of(app, environment)?;
        due.add(&definitions, &states);
        let composed = compose(&definitions.document, &states);
        bundle.sets.insert(FlagBundle::set_name(app, environment), composed);
    }
    bundle.keys = store.flag_keys()?.iter().map(|key| key.in_bundle()).collect();
    Ok((bundle, due))
}
