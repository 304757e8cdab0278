//! The planner's part in a train: it stands until the others let it go on, and leaves in their order.

use crate::event::Event;
use crate::model::{Cause, Lane, Leg, Phase, Rollout, Routing};
use crate::time::Millis;
use crate::train::Signal;

use super::plan::{Planner, Wake};
use super::stage::Stage;
use super::{shape, steps};

/// A request that began before the lane was in force is on no side: so long nothing moves once it is, and such requests end
/// where they began.
const SETTLES: Millis = Millis::seconds(1);

impl Planner<'_> {
    /// What the others of its train say; `None` where it is in none.
    pub(super) fn signal(&self, rollout: &Rollout) -> Option<&Signal> {
        self.input.train.filter(|_| rollout.train.is_some())
    }

    /// Another one of its train is promoted: it has to follow.
    pub(super) fn is_committed(&self, rollout: &Rollout) -> bool {
        self.signal(rollout).is_some_and(|signal| signal.committed)
    }

    /// Why it is taken back; nothing does that once another one of its train is promoted.
    pub(super) fn condemned(&mut self, rollout: &Rollout) -> Option<Cause> {
        if self.is_committed(rollout) {
            return None;
        }
        let said = steps::condemned(self.input.judged).or_else(|| self.failed_check(rollout));
        let smoked = self.failed_smoke(rollout);
        self.guard(rollout).or(smoked).or(said).or_else(|| self.signal(rollout)?.lost.clone())
    }

    /// Whether the rollout stands still until its train lets it go on; moves it on by one leg where it does.
    pub(super) fn stands(&mut self, rollout: &mut Rollout) -> bool {
        let Some((turn, arrived)) = self.signal(rollout).map(|signal| (signal.turn, signal.arrived)) else {
            return false;
        };
        match rollout.train.as_ref().map(|carriage| carriage.leg) {
            Some(Leg::Assembling) if self.is_assembled(rollout) => self.reach(rollout, Leg::Waiting),
            Some(Leg::Waiting) if turn && self.is_settled(rollout) => self.reach(rollout, Leg::Going),
            Some(Leg::Arrived | Leg::Passed) if arrived => rollout.phase = Phase::Promoting,
            Some(Leg::Going) | None => return false,
            Some(Leg::Assembling | Leg::Waiting | Leg::Arrived | Leg::Passed) => {}
        }
        true
    }

    /// Whether the lane has been in force for long enough; wakes when it will have been.
    fn is_settled(&mut self, rollout: &Rollout) -> bool {
        let until = rollout.progress_at + SETTLES;
        let settled = rollout.from.is_none() || self.now >= until;
        if !settled {
            self.wakes.push(Wake { at: until, why: "requests that are on no lane to end".to_owned() });
        }
        settled
    }

    /// The next leg. What it waits for from now on is something else: its clock begins anew.
    pub(super) fn reach(&mut self, rollout: &mut Rollout, leg: Leg) {
        let Some(carriage) = rollout.train.as_mut() else { return };
        carriage.leg = leg;
        rollout.progress_at = self.now;
        let train = carriage.train.clone();
        self.wakes.push(Wake { at: self.now, why: format!("the next leg of train {train}") });
        let (service, to) = (&self.input.state.key.service, rollout.to);
        let what = match leg {
            Leg::Assembling => "starts",
            Leg::Waiting => "is ready and waits for its turn",
            Leg::Going => "goes by its own strategy from now on",
            Leg::Arrived => "is ready for all the traffic",
            Leg::Passed => "has passed",
        };
        let message = format!("{to} of {service} in train {train} {what}");
        self.events.push(Event::of(&self.input.state.key, "rollout.train", Some(to), message));
    }

    /// A pause in the bake time begins that anew.
    pub(super) fn fall_back(rollout: &mut Rollout) {
        if let Some(carriage) = rollout.train.as_mut().filter(|carriage| carriage.leg == Leg::Passed) {
            carriage.leg = Leg::Arrived;
        }
    }

    /// What the gateway must do for a rollout of a train: whatever its own steps ask for, its candidate is reached by the lane.
    pub(super) fn stage_in_train(&self, rollout: &Rollout, own: Stage) -> Stage {
        let Some(carriage) = &rollout.train else { return own };
        let called = carriage.is_called(rollout.id);
        match carriage.leg {
            // So long nobody has users.
            Leg::Assembling => own.standing(called),
            Leg::Waiting => Stage { called, ..own.standing(called) },
            Leg::Going | Leg::Arrived | Leg::Passed => Stage { lane: true, whole: called, called, ..own },
        }
    }

    /// Its bake time is over: promoted with the others, or not at all.
    pub(super) fn pass(&mut self, rollout: &mut Rollout) {
        let Some(promote) = self.signal(rollout).map(|signal| signal.promote) else {
            return self.succeed(rollout);
        };
        if rollout.train.as_ref().is_some_and(|carriage| carriage.leg < Leg::Passed) {
            self.reach(rollout, Leg::Passed);
        } else if promote {
            self.succeed(rollout);
        }
    }

    /// Whether its candidate is still to be reached though it is taken back: candidates that call it leave first.
    pub(super) fn is_bound(&self, rollout: &Rollout) -> bool {
        rollout.phase == Phase::Aborting && self.signal(rollout).is_some_and(|signal| !signal.released)
    }

    /// The routing with the lane, as long as both sides are in it.
    pub(super) fn with_lane(&self, routing: Routing) -> Routing {
        let riding = self.rollout.as_ref().filter(|rollout| !rollout.phase.is_final());
        let carriage = riding.filter(|_| routing.has_candidate()).and_then(|rollout| rollout.train.as_ref());
        let key = &self.input.state.key;
        let lane = carriage.map(|carriage| Lane {
            train: format!("{}/{}/{}", key.app, key.environment, carriage.train),
            run: carriage.run().0,
        });
        Routing { lane, ..routing }
    }

    /// Whether its candidate is as ready as it has to be before its turn, and can be reached by the lane.
    fn is_assembled(&self, rollout: &Rollout) -> bool {
        match self.stage(rollout) {
            Some(stage) => self.is_in_force(rollout, &stage),
            // There is nothing to go beside.
            None => shape::complete(&self.goal(rollout)),
        }
    }
}
