//! The guard reconciler: what the gateway counted by variant, and what follows for each release that is guarded.
//!
//! What is made of the counts is written down with what follows of it, in one transaction: a control plane that is killed goes on where
//! it was. The counts only grow, so nothing that was counted meanwhile is lost or seen twice.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::event::Event;
use tidegate_core::guard::{Beside, Held, Next, Sighting, Watching, decide, follow};
use tidegate_core::model::{
    CountsReport, FlagKey, FlagState, FlagWatch, Guard, Name, Release, RouteTable, ServiceState, Serving,
    Share,
};
use tidegate_core::release::Definition;
use tidegate_store::{Reader, StoreError, Tx};

use super::{Engine, Outcome, Sight, World};
use crate::experiment;
use crate::flag_code::FlagCode;

/// What is kept between passes; all of it can be lost.
#[derive(Debug, Default)]
pub(super) struct Guards {
    /// Of what of the flags the list is.
    epoch: Option<u64>,
    guarded: Vec<Guarded>,
    /// Flags whose guard has ended, by how their upstreams begin: they are told further.
    told: Vec<(String, FlagWatch)>,
    watchings: BTreeMap<Place, Watching>,
    /// Upstreams that a route leads to.
    routed: BTreeSet<String>,
    /// The second that was looked at last.
    second: u64,
}

type Place = (Name, Name, FlagKey);

/// A guarded release.
#[derive(Clone, Debug)]
struct Guarded {
    app: Name,
    environment: Name,
    state: FlagState,
    share: Share,
    guard: Guard,
}

impl Engine {
    /// Looks at every guarded release, once a second.
    pub(super) fn guards(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let epoch = world.store.flags_epoch()?;
        if self.guards.epoch != Some(epoch) {
            (self.guards.guarded, self.guards.told) = all_guarded(world.store)?;
            self.guards.epoch = Some(epoch);
            let places: Vec<Place> = self.guards.guarded.iter().map(Guarded::place).collect();
            self.guards.watchings.retain(|place, _| places.contains(place));
        }
        let second = sight.time.now.0 / 1_000;
        if self.guards.guarded.is_empty() || self.guards.second == second {
            return Ok(Outcome::default());
        }
        self.guards.second = second;
        let rollouts = rollouts(world.store)?;
        let mut outcome = Outcome::default();
        for guarded in self.guards.guarded.clone() {
            outcome = outcome.and(self.guard(world, sight, &guarded, &rollouts)?);
        }
        Ok(outcome)
    }

    fn guard(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        guarded: &Guarded,
        rollouts: &[Beside],
    ) -> Result<Outcome, StoreError> {
        let (before, is_new) = self.watching(world.store, guarded)?;
        let mut watching = before.clone();
        let beside = Around { within: guarded.within(), services: self.guards.services(guarded), rollouts };
        watching.take(&guarded.sighting(sight, &reports(sight), &beside));
        let mut next = decide(&guarded.guard, &watching, sight.time.now);
        if matches!(next, Next::Grow | Next::Arrive) {
            let held = guarded.held_besides(world.store, before.told)?;
            next = next.unless(|| held);
        }
        let followed = guarded.follow(&next, sight);
        let event = match &followed {
            Some((_, release)) => Some(guarded.released(&next, release)),
            None => guarded.held(&next, &mut watching),
        };
        if is_new || watching != before || followed.is_some() {
            let kept = after(&watching, followed.as_ref(), sight);
            let events: Vec<Event> = event.into_iter().collect();
            let written =
                self.decide(world, sight.time, &events, &[], |tx| guarded.keep(tx, &kept, followed.as_ref()));
            if let Err(StoreError::TooLarge { .. }) = written {
                watching.told = before.told;
                return self.go_on_unkept(world, sight, guarded, (watching, next));
            }
            written?;
            self.guards.watchings.insert(guarded.place(), kept);
        }
        Ok(if followed.is_some() { Outcome::changed() } else { Outcome::default() })
    }

    /// More would have to be kept of it than the store takes. It is still known here, and read again from what was kept last after a
    /// restart, so nothing is lost or counted twice: a variant that is worse is turned off, and no share grows.
    fn go_on_unkept(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        guarded: &Guarded,
        (mut watching, next): (Watching, Next),
    ) -> Result<Outcome, StoreError> {
        let off = Some(&next).filter(|next| matches!(next, Next::TurnOff(_)));
        let off = off.and_then(|next| guarded.follow(next, sight));
        let event = match &off {
            Some((_, release)) => Some(guarded.released(&next, release)),
            None => guarded.held(&Next::Hold(Held::TooMuch), &mut watching),
        };
        let events: Vec<Event> = event.into_iter().collect();
        self.decide(world, sight.time, &events, &[], |tx| guarded.put(tx, off.as_ref()))?;
        self.guards.watchings.insert(guarded.place(), watching);
        Ok(if off.is_some() { Outcome::changed() } else { Outcome::default() })
    }

    /// What is known of a release, and whether it has only begun.
    fn watching(&self, store: &Reader, guarded: &Guarded) -> Result<(Watching, bool), StoreError> {
        let known = match self.guards.watchings.get(&guarded.place()) {
            Some(known) => Some(known.clone()),
            None => store.flag_guard(&guarded.app, &guarded.environment, &guarded.state.key)?,
        };
        let version = guarded.state.version;
        let known = known.filter(|known| known.is_of(version));
        Ok(known.map_or_else(|| (Watching::begin(version), true), |known| (known, false)))
    }
}

impl Guards {
    /// The services of a release's environment that take requests.
    fn services(&self, guarded: &Guarded) -> Vec<String> {
        let within = guarded.within();
        self.routed.iter().filter(|name| name.starts_with(&within)).cloned().collect()
    }

    /// Has the gateway evaluate the flags of guarded releases, and those it told once, for every service of their environment.
    pub(super) fn watch(&mut self, table: &mut RouteTable) {
        self.routed.clear();
        if !self.guarded.is_empty() {
            let routed = table.routes.iter().map(|route| &route.to).filter(|to| !to.is_empty());
            self.routed.extend(routed.cloned());
        }
        let guarded = self.guarded.iter().map(|guarded| (guarded.within(), guarded.watch()));
        for (within, watch) in guarded.chain(self.told.iter().cloned()) {
            let upstreams = table.upstreams.iter_mut().filter(|(name, _)| name.starts_with(&within));
            upstreams.for_each(|(_, upstream)| upstream.flags.push(watch.clone()));
        }
    }
}

impl Guarded {
    fn of(app: &Name, environment: &Name, state: FlagState) -> Option<Self> {
        let (Serving::Share(share), Some(guard)) = (&state.serving, &state.guard) else { return None };
        let (share, guard) = (share.clone(), guard.clone());
        let (app, environment) = (app.clone(), environment.clone());
        (!state.archived).then_some(Guarded { app, environment, state, share, guard })
    }

    fn place(&self) -> Place {
        (self.app.clone(), self.environment.clone(), self.state.key.clone())
    }

    /// How its upstreams begin.
    fn within(&self) -> String {
        format!("{}/{}/", self.app, self.environment)
    }

    fn watch(&self) -> FlagWatch {
        FlagWatch {
            flag: self.state.key.clone(),
            version: self.state.version,
            user: self.guard.user.clone(),
            by: self.share.by.clone(),
            told: false,
            experiment: false,
        }
    }

    fn sighting<'a>(
        &'a self,
        sight: &Sight,
        reports: &'a [&'a CountsReport],
        around: &'a Around<'_>,
    ) -> Sighting<'a> {
        Sighting {
            reports,
            within: &around.within,
            flag: &self.state.key,
            version: self.state.version,
            on: &self.share.variant,
            off: &self.share.otherwise,
            share: self.share.of,
            services: &around.services,
            rollouts: around.rollouts,
            now: sight.time.now,
        }
    }

    /// What keeps the share as it is though nothing speaks against the variant. `told`: what held it when it was last looked at.
    fn held_besides(&self, store: &Reader, told: Option<Held>) -> Result<Option<Held>, StoreError> {
        let (app, environment, key) = (&self.app, &self.environment, &self.state.key);
        if told == Some(Held::TooMuch) {
            return Ok(told);
        }
        if experiment::holds_split(store, app, environment, key)? {
            return Ok(Some(Held::Experiment));
        }
        let definitions = store.flag_definitions(app, environment)?;
        let Some(definition) = definitions.and_then(|found| Definition::find(&found.document, key)) else {
            return Ok(None);
        };
        let code = FlagCode::of(store, app, environment)?;
        Ok((!code.situation(&definition).lacking.is_empty()).then_some(Held::Code))
    }

    /// The state and the record that follow.
    fn follow(&self, next: &Next, sight: &Sight) -> Option<(FlagState, Release)> {
        let (after, release) = follow(&self.state, next, sight.time.unix_ms)?;
        Some((after.changed_at(sight.time.now), release))
    }

    fn released(&self, next: &Next, release: &Release) -> Event {
        let (kind, what) = match next {
            Next::TurnOff(_) => ("flag.guard.off", "is turned off"),
            Next::Arrive => ("flag.guard.done", "is where its release was to end"),
            Next::Grow | Next::Stay(_) | Next::Hold(_) => ("flag.guard.grown", "goes to more users"),
        };
        let (key, after, why) = (&self.state.key, &release.after, release.why.as_deref().unwrap_or_default());
        self.event(kind, format!("flag {key} {what}: {after}; {why}"))
    }

    /// Told once, and again after it went on.
    fn held(&self, next: &Next, watching: &mut Watching) -> Option<Event> {
        let held: Option<Held> = if let Next::Hold(held) = next { Some(*held) } else { None };
        if watching.told == held {
            return None;
        }
        watching.told = held;
        let (key, share) = (&self.state.key, &self.state.serving);
        held.map(|held| {
            let why = held.of(watching.unproven());
            self.event("flag.guard.held", format!("flag {key} stays at {share}: {why}"))
        })
    }

    fn event(&self, kind: &str, message: String) -> Event {
        Event::about(self.app.as_str(), self.environment.as_str(), kind, message)
    }

    fn keep(
        &self,
        tx: &Tx<'_>,
        watching: &Watching,
        followed: Option<&(FlagState, Release)>,
    ) -> Result<(), StoreError> {
        tx.put_flag_guard(&self.app, &self.environment, &self.state.key, watching)?;
        self.put(tx, followed)
    }

    fn put(&self, tx: &Tx<'_>, followed: Option<&(FlagState, Release)>) -> Result<(), StoreError> {
        let Some((after, release)) = followed else { return Ok(()) };
        tx.put_flag_state(&self.app, &self.environment, after)?;
        tx.add_release(&self.app, &self.environment, release)
    }
}

/// A flag whose guard has ended: an app without a client of its own knows of it only what the gateway tells. `None` where there
/// was no guard, or there is one.
fn told(app: &Name, environment: &Name, state: &FlagState) -> Option<(String, FlagWatch)> {
    let ended = state.guard.is_none() && !state.told.is_empty() && !state.archived;
    let by = if let Serving::Share(share) = &state.serving { share.by.clone() } else { None };
    // Nothing is counted, so a new version need not be a new table.
    let watch = || FlagWatch {
        flag: state.key.clone(),
        version: 0,
        user: state.told.clone(),
        by,
        told: true,
        experiment: false,
    };
    ended.then(|| (format!("{app}/{environment}/"), watch()))
}

type AllGuarded = (Vec<Guarded>, Vec<(String, FlagWatch)>);

fn all_guarded(store: &Reader) -> Result<AllGuarded, StoreError> {
    let (mut all, mut further) = (Vec::new(), Vec::new());
    for definitions in store.all_flag_definitions()? {
        let (app, environment) = (&definitions.app, &definitions.environment);
        let states = store.flag_states_of(app, environment)?;
        further.extend(states.iter().filter_map(|state| told(app, environment, state)));
        all.extend(states.into_iter().filter_map(|state| Guarded::of(app, environment, state)));
    }
    Ok((all, further))
}

/// Services that go from one revision to another.
fn rollouts(store: &Reader) -> Result<Vec<Beside>, StoreError> {
    let active = store.active_rollouts()?;
    let services = store.services()?;
    let of = |state: &ServiceState| {
        let rollout = active.iter().find(|rollout| Some(rollout.id) == state.rollout)?;
        let stable = state.stable.filter(|stable| *stable != rollout.to)?;
        Some(Beside { upstream: state.key.to_string(), stable, candidate: rollout.to })
    };
    Ok(services.iter().filter_map(of).collect())
}

/// The watch after what follows.
fn after(watching: &Watching, followed: Option<&(FlagState, Release)>, sight: &Sight) -> Watching {
    let mut kept = watching.clone();
    match followed {
        Some((state, _)) if state.guard.is_some() => kept.on_step(state.version, sight.time.now),
        Some(_) => kept.close(),
        None => {}
    }
    kept
}

/// What is around a release.
struct Around<'a> {
    /// How its upstreams begin.
    within: String,
    /// Those that take requests.
    services: Vec<String>,
    /// Those that are rolled out, of all environments.
    rollouts: &'a [Beside],
}

fn reports(sight: &Sight) -> Vec<&CountsReport> {
    sight.gateway.counts.iter().chain(&sight.gateway.earlier_counts).collect()
}
