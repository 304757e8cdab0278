//! One pass of the real engine over the fake world, crashes included, and the checks after it.

use std::sync::Arc;

use tidegate_control::engine::World;
use tidegate_control::seams::Repositories;
use tidegate_core::time::Millis;
use tidegate_store::{EventFilter, StoreError};

use crate::crash::{Mortal, survive};
use crate::invariants::{self as check, Held, Violation};
use crate::jury;
use crate::sim::{PERIOD, Sim};
use crate::story::Faults;
use crate::view::View;

/// Of 100 passes this many are to crash.
const CRASHES: u64 = 12;
/// A verdict is heard within this time.
const JUDGED_WITHIN: Millis = Millis(200);
/// Of 100 passes this many are made twice.
const TWICE: u64 = 10;

impl Sim {
    /// A pass; where it crashes, another one by a new engine follows.
    pub(crate) fn pass(&mut self) -> Held {
        // A second look hears nothing new.
        self.heard = jury::verdicts(&self.view);
        let crash = self.faults != Faults::None && self.rng.percent(CRASHES);
        if crash {
            let most = if self.rng.percent(50) { 12 } else { 60 };
            self.fuse.light(self.rng.within(0, most));
        }
        let outcome = self.engine_pass();
        self.fuse.put_out();
        match outcome? {
            None => self.crashed(),
            Some(()) => self.after_pass(),
        }
    }

    /// The control plane crashes in the middle of its next passes, so many times.
    pub fn crash_now(&mut self, times: u32) -> Held {
        for n in 0..times {
            self.fuse.light(u64::from(n % 7));
            let outcome = self.engine_pass();
            self.fuse.put_out();
            if outcome?.is_none() {
                self.crashed()?;
            }
        }
        Ok(())
    }

    /// A pass without a check: for measuring.
    pub(crate) fn bare_pass(&mut self) {
        self.engine_pass().expect("a pass at rest breaks nothing");
    }

    /// `None` where it crashed.
    fn engine_pass(&mut self) -> Result<Option<()>, Violation> {
        self.tally.passes += 1;
        let time = self.time();
        let mut engine = self.take_engine();
        engine.hear(self.heard.clone());
        let fuse = self.fuse.clone();
        let store = &mut self.store;
        let (backend, gateway, workshop) = (&mut self.backend, &mut self.gateway, &mut self.workshop);
        let workspaces = &mut self.workspaces;
        let repositories: Arc<dyn Repositories> = self.repositories.clone();
        let result = survive(move || {
            let mut backend = Mortal { part: backend, fuse: &fuse };
            let mut routes = Mortal { part: gateway, fuse: &fuse };
            let mut workshop = Mortal { part: workshop, fuse: &fuse };
            let mut workspaces = Mortal { part: workspaces, fuse: &fuse };
            let mut world = World {
                store,
                backend: &mut backend,
                routes: &mut routes,
                workshop: &mut workshop,
                workspaces: &mut workspaces,
                repositories: Some(repositories),
                vault: None,
            };
            let result = engine.pass(&mut world, time);
            (engine, result)
        });
        let Some((engine, result)) = result else { return Ok(None) };
        self.engine = Some(engine);
        let wake = result.map_err(|error| broken("invariant_the_store_takes_it", &error))?;
        check::fixpoint::invariant_a_pass_comes_to_rest(wake.is_none_or(|at| at > self.now))?;
        self.next_pass = (self.now + PERIOD).min(wake.unwrap_or(self.now + PERIOD));
        Ok(Some(()))
    }

    /// What the control plane had in memory is gone; a new one begins at once, or after a while.
    fn crashed(&mut self) -> Held {
        self.tally.crashes += 1;
        self.gateway.control_crashed();
        self.workshop.crash();
        self.workspaces.crash();
        let pause = if self.faults.is_all() { self.rng.within(0, 3_000) } else { 0 };
        let pause = if pause < 1_500 { 0 } else { pause };
        self.not_before = self.not_before.max(self.now + Millis(pause));
        self.next_pass = self.now;
        self.look()
    }

    fn after_pass(&mut self) -> Held {
        self.look()?;
        check::routing::invariant_rotation_is_ready(&self.view)?;
        if self.rng.percent(TWICE) { self.look_again() } else { Ok(()) }
    }

    /// Reads the store and checks what must hold after every step.
    fn look(&mut self) -> Held {
        self.tell_events()?;
        let view =
            View::of(&self.store, &mut self.known).map_err(|e| broken("invariant_the_store_is_whole", &e))?;
        let table = self.store.routing().map_err(|e| broken("invariant_the_store_is_whole", &e))?;
        let before = std::mem::replace(&mut self.view, view);
        let view = &self.view;
        check::backend::invariant_generations_are_fenced(&self.backend)?;
        check::routing::invariant_weights_sum_to_100(view, &table)?;
        check::rollout::invariant_one_rollout_a_service(view)?;
        check::steps::invariant_a_candidate_has_no_more_than_its_step(view)?;
        check::steps::invariant_steps_only_go_on(&before, view)?;
        check::steps::invariant_an_abort_does_not_overload_stable(&before, view)?;
        check::rotation::invariant_rotation_keeps_its_floor(&before, view, &self.backend)?;
        let trains = check::train::trains(&self.store, view).map_err(|e| check::train::unread(&e))?;
        check::train::invariant_a_train_has_one_verdict(&trains)?;
        check::train::invariant_a_train_is_assembled_before_it_goes(&trains, view)?;
        check::train::invariant_candidates_can_call_candidates(&trains, view)?;
        for was in &before.active {
            let over = !view.active.iter().any(|rollout| rollout.id == was.id);
            if let Some(ended) = over.then(|| self.store.rollout(was.id).ok().flatten()).flatten() {
                check::rollout::invariant_abort_ends_with_stable(&ended, view)?;
            }
        }
        if jury::verdicts(&self.view) != self.heard {
            self.nudge(JUDGED_WITHIN);
        }
        Ok(())
    }

    /// The same engine looks again at once.
    fn look_again(&mut self) -> Held {
        let first = self.content().map_err(|e| broken("invariant_the_store_is_whole", &e))?;
        self.engine_pass()?;
        let second = self.content().map_err(|e| broken("invariant_the_store_is_whole", &e))?;
        check::fixpoint::invariant_second_pass_changes_nothing(&first, &second)
    }

    /// The timeline goes into the log.
    fn tell_events(&mut self) -> Held {
        let events = self.store.events(self.told, &EventFilter::default(), 1_000);
        for stored in events.map_err(|e| broken("invariant_the_store_is_whole", &e))? {
            self.told = stored.seq;
            self.log.say(|| format!("  {}: {}", stored.event.kind, stored.event.message));
        }
        Ok(())
    }

    /// Every row that a decision may change, a line each.
    pub(crate) fn content(&self) -> Result<String, StoreError> {
        let store = &self.store;
        let mut lines = vec![format!("{:?}", store.routing()?), format!("events {}", store.latest_seq()?)];
        lines.extend(store.services()?.iter().map(|row| format!("{row:?}")));
        lines.extend(store.all_instances()?.values().flatten().map(|row| format!("{row:?}")));
        lines.extend(store.active_rollouts()?.iter().map(|row| format!("{row:?}")));
        lines.extend(store.open_deploys()?.iter().map(|row| format!("{row:?}")));
        lines.extend(store.builds()?.iter().map(|row| format!("{row:?}")));
        lines.extend(store.jobs()?.iter().map(|row| format!("{row:?}")));
        for (app, environment) in store.apps()? {
            lines.push(format!("{:?}", store.migration_state(&app, &environment)?));
        }
        lines.extend(store.job_states()?.iter().map(|row| format!("{row:?}")));
        lines.extend(store.open_job_runs()?.iter().map(|row| format!("{row:?}")));
        lines.extend(store.outbox::<serde_json::Value>()?.iter().map(|row| format!("{row:?}")));
        Ok(lines.join("\n"))
    }
}

fn broken(invariant: &'static str, error: &StoreError) -> Violation {
    Violation { invariant, what: error.to_string() }
}
