//! The one function that decides what happens to a service.
//!
//! It looks at what is, not at what happened, so it may be called at any time, any number of times, before or after a kill:
//! the same input gives the same plan, and planning on with nothing new seen comes to rest.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::model::{
    Cause, Instance, InstanceId, Judged, Phase, Position, Request, RevisionNo, Rollout, ServiceSpec,
    ServiceState, StopSpec,
};
use crate::scale;
use crate::time::{Millis, Moment};
use crate::train::Signal;

use super::checks::Answers;
use super::converge::Fleet;
use super::groups::{Counts, Parts, Role};
use super::guard::{self, Watch};
use super::observe::Seeing;
use super::shape::{self, Goal, Shape};
use super::{report, share, supervise};

/// All that is known of a service now.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// What is kept for it.
    pub state: &'a ServiceState,
    /// Its rollout in progress.
    pub rollout: Option<&'a Rollout>,
    /// Its instances, what was seen of them taken in.
    pub instances: &'a [Instance],
    /// The service as each revision in play has it; a revision without the service is missing.
    pub specs: &'a BTreeMap<RevisionNo, ServiceSpec>,
    /// What the backend sees, for liveness.
    pub seeing: &'a Seeing,
    /// Whether the rollout may leave `pending`.
    pub gate: &'a Gate,
    /// Whether every worker of the gateway uses a table at least as new as `state.routing`.
    pub settled: bool,
    /// What is said of the candidate now; `None`: nobody judges.
    pub judged: Option<&'a Judged>,
    /// What was heard of its checks. The same answers may be given again and again.
    pub heard: &'a Answers,
    /// What the others of its train say, where it is in one.
    pub train: Option<&'a Signal>,
    /// Requests in flight per instance, seen since then.
    pub inflight: &'a BTreeMap<InstanceId, u32>,
    /// The number the next new instance gets.
    pub next_id: u64,
}

/// What must be over before a rollout starts: the migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing, or it is done.
    Open,
    /// It runs.
    Waiting,
    /// It failed, with the reason.
    Failed(String),
}

/// Something to do to the world after `next` is remembered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Start this generation of an instance.
    Start {
        /// The instance.
        id: InstanceId,
        /// Which start of it.
        generation: u64,
    },
    /// Stop it.
    Stop {
        /// The instance.
        id: InstanceId,
        /// Which start of it.
        generation: u64,
        /// How.
        stop: StopSpec,
    },
    /// Forget it, killing it if it runs.
    Remove {
        /// The instance.
        id: InstanceId,
    },
}

/// When to look again, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at: Moment,
    /// Why.
    pub why: String,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The service's state from now on.
    pub state: ServiceState,
    /// The rollout from now on (the same one, changed).
    pub rollout: Option<Rollout>,
    /// All instances from now on; one that is missing is forgotten.
    pub instances: Vec<Instance>,
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// When to look again even if nothing is heard.
    pub wake: Option<Wake>,
    /// Why nothing more happens now, in words.
    pub report: Vec<String>,
    /// What users are told happened.
    pub events: Vec<Event>,
    /// The number the next new instance gets.
    pub next_id: u64,
}

/// Decides what happens to a service now.
pub fn plan(input: &Input<'_>, now: Moment) -> Plan {
    let mut planner = Planner::new(input, now);
    planner.supervise();
    planner.cast_out();
    planner.advance();
    let shape = planner.shape();
    planner.converge(&shape);
    planner.finish(&shape)
}

/// A decision in the making; [`super::progress`] is its way through steps.
pub(super) struct Planner<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) now: Moment,
    pub(super) state: ServiceState,
    pub(super) rollout: Option<Rollout>,
    pub(super) instances: Vec<Instance>,
    pub(super) actions: Vec<Action>,
    pub(super) events: Vec<Event>,
    pub(super) wakes: Vec<Wake>,
    pub(super) next_id: u64,
}

impl<'a> Planner<'a> {
    fn new(input: &'a Input<'a>, now: Moment) -> Self {
        Planner {
            input,
            now,
            state: input.state.clone(),
            rollout: input.rollout.cloned(),
            instances: input.instances.to_vec(),
            actions: Vec::new(),
            events: Vec::new(),
            wakes: Vec::new(),
            next_id: input.next_id,
        }
    }

    fn supervise(&mut self) {
        let specs = self.input.specs;
        let stop_of = |instance: &Instance| stop_of(specs, instance);
        let key = &self.input.state.key;
        let seeing = self.input.seeing;
        let failing = supervise::stop_failing(key, &mut self.instances, seeing, stop_of, self.now);
        let restarted = supervise::restart(key, &mut self.instances, self.now);
        for (actions, events) in [failing, restarted] {
            self.actions.extend(actions);
            self.events.extend(events);
        }
    }

    /// Moves the rollout at most one phase on.
    fn advance(&mut self) {
        let Some(mut rollout) = self.rollout.take() else { return };
        let before = rollout.phase;
        self.hear_checks(&mut rollout);
        self.take_request(&mut rollout);
        if rollout.phase == before {
            self.take_step(&mut rollout);
        }
        self.note_progress(&mut rollout);
        if rollout.phase != before {
            if !rollout.phase.is_final() {
                rollout.progress_at = self.now;
            }
            self.wakes.push(Wake { at: self.now, why: format!("the rollout is {} now", rollout.phase) });
            self.tell_phase(&rollout);
        }
        if rollout.phase.is_final() {
            rollout.ended_at = Some(self.now);
            self.state.rollout = None;
        }
        self.rollout = Some(rollout);
    }

    /// A person's request, once it can be done.
    fn take_request(&mut self, rollout: &mut Rollout) {
        let Some(request) = rollout.request.take() else { return };
        let moving = matches!(rollout.phase, Phase::Progressing | Phase::Promoting);
        match request {
            // Another one of its train is promoted: the time to ask is over.
            Request::Pause | Request::Abort if self.is_committed(rollout) => {}
            Request::Pause if moving => {
                Self::fall_back(rollout);
                rollout.resume_to = Some(rollout.phase);
                rollout.phase = Phase::Paused;
            }
            // It cannot be paused before its migration is over; the wish is kept.
            Request::Pause if rollout.phase == Phase::Pending => rollout.request = Some(Request::Pause),
            Request::Resume | Request::Promote => self.resume(rollout, request == Request::Promote),
            Request::Abort if rollout.phase != Phase::Aborting => {
                self.take_back(
                    rollout,
                    Cause { code: "asked".into(), message: "a person asked for it".into(), instance: None },
                );
            }
            Request::Pause | Request::Abort => {}
        }
    }

    /// Goes on: with the next step where this one was waiting for a person, else with this one from its beginning.
    fn resume(&mut self, rollout: &mut Rollout, promote: bool) {
        if rollout.phase == Phase::Paused {
            rollout.phase = rollout.resume_to.take().unwrap_or(Phase::Progressing);
            rollout.baking_since = None;
            rollout.position.since = None;
            if rollout.position.held.is_some() {
                self.leave_step(rollout);
            }
        }
        if promote {
            rollout.skip_bake = true;
            // From here on it has to get somewhere again: the step before may have lasted for hours.
            rollout.progress_at = self.now;
            let all = rollout.effective.strategy.steps.len();
            rollout.position = Position { step: all.try_into().unwrap_or(u32::MAX), ..Position::default() };
        }
    }

    fn take_step(&mut self, rollout: &mut Rollout) {
        match rollout.phase {
            Phase::Pending => self.leave_pending(rollout),
            Phase::Progressing | Phase::Paused | Phase::Promoting => {
                if let Some(cause) = self.condemned(rollout) {
                    self.take_back(rollout, cause);
                } else if rollout.phase == Phase::Progressing {
                    self.walk(rollout);
                } else if rollout.phase == Phase::Paused {
                    self.end_pause(rollout);
                } else {
                    self.bake(rollout);
                }
            }
            Phase::Aborting => self.finish_abort(rollout),
            Phase::Succeeded | Phase::Aborted | Phase::Failed | Phase::Superseded => {}
        }
    }

    fn leave_pending(&mut self, rollout: &mut Rollout) {
        if let Some(cause) = self.signal(rollout).and_then(|signal| signal.lost.clone()) {
            return self.take_back(rollout, cause);
        }
        match self.input.gate {
            Gate::Open => rollout.phase = Phase::Progressing,
            Gate::Waiting => {}
            Gate::Failed(reason) => {
                let message = format!("the migration failed: {reason}");
                self.take_back(rollout, Cause { code: "migration-failed".into(), message, instance: None });
            }
        }
    }

    pub(super) fn take_back(&mut self, rollout: &mut Rollout, cause: Cause) {
        rollout.cause = Some(cause);
        rollout.resume_to = None;
        self.keep_failed(rollout);
        rollout.phase = if self.state.stable.is_some() { Phase::Aborting } else { Phase::Failed };
    }

    /// Instances of a candidate that is taken back stay to be looked at, where the strategy wants that.
    fn keep_failed(&mut self, rollout: &Rollout) {
        let keep = rollout.effective.strategy.keep_failed;
        // On a fixed port stable could not come back while they are there.
        if keep > Millis::ZERO && self.state.stable.is_some() && !self.exclusive(rollout) {
            for failed in self.instances.iter_mut().filter(|i| i.is_wanted() && i.revision == rollout.to) {
                failed.keep_until = Some(self.now + keep);
            }
        }
    }

    pub(super) fn guard(&mut self, rollout: &Rollout) -> Option<Cause> {
        let parts = self.parts(Some(rollout));
        let candidates: Vec<&Instance> = self
            .instances
            .iter()
            .filter(|i| i.is_counted_on() && parts.role(i.revision) == Role::Candidate)
            .collect();
        let stable = || self.instances.iter().filter(|i| parts.role(i.revision) == Role::Stable);
        let watch = Watch {
            rollout,
            candidates: &candidates,
            spec: self.input.specs.get(&rollout.to),
            counts: self.counts(Some(rollout)),
            stable_floods: stable().any(|i| i.flooding),
            stable_flaps: stable().any(|i| i.flaps > 0),
            alone: super::begin::serves_alone(rollout),
            awaits_answer: self.awaits_answer(rollout),
        };
        let verdict = guard::verdict(&watch, self.now);
        if let (None, Some(at)) = (&verdict, guard::next_deadline(&watch)) {
            self.wakes.push(Wake { at, why: "a deadline of the rollout".to_owned() });
        }
        verdict
    }

    /// The candidate has all the traffic; it is stable once the bake time has passed since the gateway knows.
    fn bake(&mut self, rollout: &mut Rollout) {
        let alone = self.state.routing.arms.iter().all(|arm| arm.revision == rollout.to);
        if rollout.baking_since.is_none() && self.input.settled && alone {
            rollout.baking_since = Some(self.now);
        }
        let Some(since) = rollout.baking_since else { return };
        let nothing_to_return_to = rollout.from.is_none();
        let over = since + rollout.effective.strategy.bake;
        let waited = rollout.skip_bake || nothing_to_return_to || self.now >= over;
        let done = waited && shape::complete(&self.goal(rollout)) && !self.is_held(rollout);
        if done || self.is_committed(rollout) {
            self.pass(rollout);
        } else if !waited {
            self.wakes.push(Wake { at: over, why: "the bake time is over".to_owned() });
        }
    }

    pub(super) fn succeed(&mut self, rollout: &mut Rollout) {
        rollout.phase = Phase::Succeeded;
        if self.state.stable != Some(rollout.to) {
            self.state.previous = self.state.stable;
        }
        self.state.stable = Some(rollout.to);
    }

    /// Aborted once stable carries all traffic, or there is no live candidate that could help it meanwhile. Where stable does
    /// not come back within the deadline the rollout is over all the same; the candidate's instances in rotation then stay
    /// until it does, for they are all that serves.
    fn finish_abort(&mut self, rollout: &mut Rollout) {
        let counts = self.counts(Some(rollout));
        let carried = counts.stable.ready >= self.desired(self.state.stable);
        let alone = !self.state.routing.has_candidate();
        let given_up = rollout.progress_at + rollout.effective.strategy.deadline;
        if (self.input.settled && alone && (carried || counts.candidate.ready == 0)) || self.now >= given_up {
            rollout.phase = Phase::Aborted;
        } else {
            self.wakes.push(Wake { at: given_up, why: "stable did not come back in time".to_owned() });
        }
    }

    fn note_progress(&mut self, rollout: &mut Rollout) {
        let ready = self.counts(Some(rollout)).candidate.ready;
        if ready > rollout.progress {
            rollout.progress = ready;
            rollout.progress_at = self.now;
        }
    }

    fn shape(&self) -> Shape {
        let stable = self.desired(self.state.stable);
        let exclusive = |revision: Option<RevisionNo>| {
            revision.and_then(|r| self.input.specs.get(&r)).is_some_and(ServiceSpec::exclusive)
        };
        match self.rollout.as_ref().filter(|rollout| !rollout.phase.is_final()) {
            Some(rollout) => shape::of_phase(&self.goal(rollout), rollout.phase, rollout.resume_to),
            None => shape::idle(stable, exclusive(self.state.stable)),
        }
    }

    pub(super) fn goal<'r>(&self, rollout: &'r Rollout) -> Goal<'r> {
        let exclusive =
            |revision: RevisionNo| self.input.specs.get(&revision).is_some_and(ServiceSpec::exclusive);
        let counts = self.counts(Some(rollout));
        Goal {
            strategy: &rollout.effective.strategy,
            stable: self.desired(self.state.stable),
            // An instance has to have been ready even where none is to run just now.
            candidate: self.desired(Some(rollout.to)).max(u32::from(self.proves(rollout))),
            proves_only: self.proves(rollout) && self.desired(self.state.stable) == 0,
            exclusive: exclusive(rollout.to) || self.state.stable.is_some_and(exclusive),
            takes_requests: self.input.specs.get(&rollout.to).is_none_or(ServiceSpec::has_port),
            has_stable: self.state.stable.is_some(),
            bound: self.is_bound(rollout),
            share: self.stage(rollout).map(|stage| self.share_of(rollout, &stage)),
            candidate_percent: self.state.routing.candidate_weight(),
            counts,
            candidate_has_traffic: self.state.routing.candidate_weight() > 0
                || counts.candidate.in_rotation > 0,
            held: self.is_held_back(rollout),
        }
    }

    pub(super) fn desired(&self, revision: Option<RevisionNo>) -> u32 {
        let spec = |revision| Some((revision, self.input.specs.get(&revision)?));
        let Some((revision, spec)) = revision.and_then(spec) else { return 0 };
        let wanted = scale::wanted(&self.state, spec, revision);
        if spec.exclusive() { wanted.min(1) } else { wanted }
    }

    fn proves(&self, rollout: &Rollout) -> bool {
        let spec = self.input.specs.get(&rollout.to);
        spec.is_some_and(|spec| scale::proves_only(&self.state, spec, rollout.to))
    }

    pub(super) fn parts(&self, rollout: Option<&Rollout>) -> Parts {
        let active = rollout.filter(|rollout| !rollout.phase.is_final());
        Parts { stable: self.state.stable, candidate: active.map(|rollout| rollout.to) }
    }

    pub(super) fn counts(&self, rollout: Option<&Rollout>) -> Counts {
        self.parts(rollout).count(&self.instances, &self.state.routing)
    }

    fn converge(&mut self, shape: &Shape) {
        let mut fleet = Fleet {
            key: &self.input.state.key,
            instances: std::mem::take(&mut self.instances),
            parts: self.parts(self.rollout.as_ref()),
            routing: &self.input.state.routing,
            next_id: self.next_id,
            actions: std::mem::take(&mut self.actions),
        };
        fleet.converge(shape, self.now);
        let due = fleet.retire(self.input.specs, self.input.settled, self.input.inflight, self.now);
        self.next_id = fleet.next_id;
        self.actions = fleet.actions;
        self.instances = fleet.instances;
        self.wakes
            .extend(due.map(|at| Wake { at, why: "an instance that leaves runs out of time".to_owned() }));
    }

    fn finish(mut self, shape: &Shape) -> Plan {
        let parts = self.parts(self.rollout.as_ref());
        let routing = share::share(parts, shape.traffic, &self.instances, &self.input.state.routing);
        self.state.routing = self.with_lane(self.with_stage(routing));
        let starts = self.instances.iter().filter_map(|i| i.next_start.filter(|_| i.is_wanted()));
        self.wakes
            .extend(starts.map(|at| Wake { at, why: "an instance is due to be started again".to_owned() }));
        let specs = self.input.specs;
        let again = |instance: &Instance| supervise::told_again_at(instance, stop_of(specs, instance));
        let again = self.instances.iter().filter_map(again).filter(|at| *at > self.now);
        let why = "an instance that fails its liveness probe may still run";
        self.wakes.extend(again.map(|at| Wake { at, why: why.to_owned() }));
        let report = self.report(shape);
        Plan {
            report,
            wake: self.wakes.into_iter().min_by_key(|wake| wake.at),
            state: self.state,
            rollout: self.rollout,
            instances: self.instances,
            actions: self.actions,
            events: self.events,
            next_id: self.next_id,
        }
    }

    /// Why nothing more happens now.
    fn report(&self, shape: &Shape) -> Vec<String> {
        let mut report = Vec::new();
        let counts = self.counts(self.rollout.as_ref());
        if let Some(rollout) = self.rollout.as_ref().filter(|rollout| !rollout.phase.is_final()) {
            let wanted = self.goal(rollout).candidate;
            let said = self.said(rollout);
            let others = self.signal(rollout).and_then(|signal| signal.waits.clone());
            let own = || report::waiting_for(rollout, &counts, wanted, said.as_ref(), self.input, self.now);
            report.extend(others.or_else(own));
            report.extend(self.held_by_checks(rollout));
        }
        if shape.ensure_stable && counts.stable.ready < shape.stable {
            report.push(format!("{} of {} stable instances are ready", counts.stable.ready, shape.stable));
        }
        report.extend(report::standing_in(&self.instances, self.parts(self.rollout.as_ref())));
        let leaving = self.instances.iter().filter(|i| !i.is_wanted()).count();
        if leaving > 0 {
            report.push(format!("{leaving} instance(s) finish their requests and stop"));
        }
        if !self.input.settled {
            report.push("the gateway has not yet acknowledged the newest routing".to_owned());
        }
        report
    }
}

/// How an instance is stopped.
fn stop_of(specs: &BTreeMap<RevisionNo, ServiceSpec>, instance: &Instance) -> StopSpec {
    specs.get(&instance.revision).map_or_else(StopSpec::default, |spec| spec.stop)
}
