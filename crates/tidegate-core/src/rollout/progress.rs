//! The planner's way through the steps of a strategy.

use crate::event::Event;
use crate::model::{Held, Instance, Leg, Phase, Position, Rollout, Routing, ServiceSpec, Step};
use crate::scale;
use crate::time::{Millis, Moment};

use super::plan::{Planner, Wake};
use super::shape;
use super::stage::{Share, Stage};
use super::steps::{self, Next};

impl Planner<'_> {
    /// The stage a rollout is at; `None` where its steps mean nothing, or it has none.
    pub(super) fn stage(&self, rollout: &Rollout) -> Option<Stage> {
        let strategy = &rollout.effective.strategy;
        let (stable, candidate) = (self.desired(self.state.stable), self.desired(Some(rollout.to)));
        let going = matches!(
            (rollout.phase, rollout.resume_to),
            (Phase::Progressing, _) | (Phase::Paused, None | Some(Phase::Progressing))
        );
        let beside = going && stable > 0 && candidate > 0 && !self.exclusive(rollout);
        let own = || Stage::at(strategy, rollout.position.step);
        if let Some(smoked) = self.stage_of_smoke(rollout, own) {
            return beside.then_some(smoked);
        }
        if rollout.train.is_some() && self.input.train.is_some() {
            return beside.then(|| self.stage_in_train(rollout, own()));
        }
        (beside && !strategy.steps.is_empty()).then(own)
    }

    /// The stage's numbers.
    pub(super) fn share_of(&self, rollout: &Rollout, stage: &Stage) -> Share {
        let share = Share::of(stage, self.desired(Some(rollout.to)), self.input.specs.get(&rollout.to));
        // At least what it needs for the requests it has, where its number follows its load.
        let own = scale::own_need(&self.state, rollout.to);
        let candidates = if share.percent > 0 { share.candidates.max(own) } else { share.candidates };
        Share { candidates, ..share }
    }

    /// Goes on by the steps, and to all the traffic after them.
    pub(super) fn walk(&mut self, rollout: &mut Rollout) {
        if self.is_smoked(rollout) || self.stands(rollout) {
            return;
        }
        self.keep_waiting(rollout);
        let stage = self.stage(rollout).filter(|stage| !stage.full);
        let step = current(rollout).cloned();
        let (Some(stage), Some(step)) = (stage, step) else {
            let goal = self.goal(rollout);
            match shape::complete(&goal) {
                // There is no traffic to watch it with.
                true if goal.proves_only && self.signal(rollout).is_none() => self.succeed(rollout),
                true if self.is_held(rollout) => {}
                true if self.signal(rollout).is_some() => self.reach(rollout, Leg::Arrived),
                true => rollout.phase = Phase::Promoting,
                false => {}
            }
            return;
        };
        match rollout.position.since {
            None if self.is_in_force(rollout, &stage) => self.come_into_force(rollout, &step),
            None => {}
            Some(_) if !self.lasts(rollout, &stage) => {
                rollout.position.since = None;
                rollout.progress_at = self.now;
            }
            Some(since) => self.go_on(rollout, &stage, &step, since),
        }
    }

    /// A pause that has its time is over by itself.
    pub(super) fn end_pause(&mut self, rollout: &mut Rollout) {
        let Position { since, held: Some(Held::Pause), .. } = rollout.position else { return };
        let (Some(Step::Pause { hold: Some(hold) }), Some(since)) = (current(rollout), since) else { return };
        let over = since + *hold;
        if self.now < over {
            self.wakes.push(Wake { at: over, why: "the pause is over".to_owned() });
            return;
        }
        if self.is_held(rollout) {
            return;
        }
        self.leave_step(rollout);
        rollout.resume_to = None;
        rollout.phase = Phase::Progressing;
    }

    /// The next step.
    pub(super) fn leave_step(&mut self, rollout: &mut Rollout) {
        rollout.position = Position { step: rollout.position.step + 1, since: None, held: None };
        rollout.progress_at = self.now;
        self.wakes.push(Wake { at: self.now, why: "the next step".to_owned() });
    }

    /// The routing with what the steps ask for besides shares.
    pub(super) fn with_stage(&self, mut routing: Routing) -> Routing {
        let stage = self.rollout.as_ref().and_then(|rollout| self.stage(rollout));
        if let Some(stage) = stage {
            stage.write(&mut routing);
        }
        routing
    }

    fn come_into_force(&mut self, rollout: &mut Rollout, step: &Step) {
        rollout.position.since = Some(self.now);
        rollout.progress_at = self.now;
        self.wakes.push(Wake { at: self.now, why: "the step is in force".to_owned() });
        let (number, all) = (rollout.position.step + 1, rollout.effective.strategy.steps.len());
        let message = format!("step {number} of {all} of rollout {} is in force: {step}", rollout.id);
        self.tell("rollout.step", rollout, message);
    }

    fn go_on(&mut self, rollout: &mut Rollout, stage: &Stage, step: &Step, since: Moment) {
        let strategy = &rollout.effective.strategy;
        let said = self.said(rollout);
        match steps::decide_next(step, since, strategy, said.as_ref(), self.now) {
            Next::Stay(at) => self.wakes.push(Wake { at, why: "the step is over".to_owned() }),
            // The gateway has to be heard of first: nothing is given more on the strength of what was. Checks as well.
            Next::On(_) if !self.is_in_force(rollout, stage) || self.is_held(rollout) => {}
            Next::On(told) => {
                if let Some(told) = told {
                    let message = format!("`{step}` of rollout {} is over: {told}", rollout.id);
                    self.tell("rollout.decided", rollout, message);
                }
                self.leave_step(rollout);
            }
            Next::Hold(held) => {
                rollout.position.held = Some(held);
                rollout.resume_to = Some(Phase::Progressing);
                rollout.phase = Phase::Paused;
            }
            Next::Back(cause) => self.take_back(rollout, cause),
        }
    }

    /// Whether all there is to wait for is a check's answer.
    pub(super) fn awaits_answer(&self, rollout: &Rollout) -> bool {
        let candidate = self.counts(Some(rollout)).candidate;
        candidate.ready > 0 && candidate.ready >= candidate.wanted && self.is_held(rollout)
    }

    /// Waiting for an answer is not getting nowhere: the time for that begins once there is one.
    fn keep_waiting(&self, rollout: &mut Rollout) {
        let half = Millis(rollout.effective.strategy.deadline.0 / 2);
        let waits = rollout.position.since.is_none() && self.awaits_answer(rollout);
        if waits && self.now.since(rollout.progress_at) >= half {
            rollout.progress_at = self.now;
        }
    }

    /// Whether the gateway is known to do what the stage asks for, with all the instances it needs.
    pub(super) fn is_in_force(&self, rollout: &Rollout, stage: &Stage) -> bool {
        let share = self.share_of(rollout, stage);
        let routed = share.takes_requests && (share.percent > 0 || share.aside);
        let serves = |i: &&Instance| {
            i.revision == rollout.to && i.is_ready() && (!routed || self.state.routing.contains(&i.id))
        };
        let serving = self.instances.iter().filter(serves).count() as u32;
        let known = !share.takes_requests || (self.input.settled && self.is_routed(rollout, stage));
        serving >= share.candidates && known
    }

    /// Whether a stage that was in force still is. A gateway that is not heard of for a while changes nothing about that.
    fn lasts(&self, rollout: &Rollout, stage: &Stage) -> bool {
        let ready = self.counts(Some(rollout)).candidate.ready;
        let takes_requests = self.share_of(rollout, stage).takes_requests;
        ready > 0 && (!takes_requests || self.is_routed(rollout, stage))
    }

    fn is_routed(&self, rollout: &Rollout, stage: &Stage) -> bool {
        stage.is_in(&self.state.routing, self.counts(Some(rollout)).stable.ready == 0)
    }

    /// Whether the two revisions cannot run side by side.
    pub(super) fn exclusive(&self, rollout: &Rollout) -> bool {
        let fixed = |revision| self.input.specs.get(&revision).is_some_and(ServiceSpec::exclusive);
        fixed(rollout.to) || self.state.stable.is_some_and(fixed)
    }

    fn tell(&mut self, kind: &str, rollout: &Rollout, message: String) {
        self.events.push(Event::of(&self.state.key, kind, Some(rollout.to), message));
    }
}

/// The step a rollout is at.
pub fn current(rollout: &Rollout) -> Option<&Step> {
    rollout.effective.strategy.steps.get(rollout.position.step as usize)
}
