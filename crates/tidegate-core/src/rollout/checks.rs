//! The planner's part of checks: which of them count now, what they say, and what that does to the rollout.

use std::collections::BTreeMap;

use crate::check::{CheckState, Counted, Heard, Standing};
use crate::event::Event;
use crate::model::{Cause, CheckSpec, Judged, Phase, Rollout, ServiceSpec, Step, Verdict};
use crate::time::Moment;

use super::plan::Planner;
use super::progress::current;

/// What was heard of checks, by their names.
pub type Answers = BTreeMap<String, Heard>;

impl Planner<'_> {
    /// Begins what counts from now on, and takes in what was answered. What counts no more stays as it was last.
    pub(super) fn hear_checks(&mut self, rollout: &mut Rollout) {
        if !asks_checks(rollout) {
            return;
        }
        let (met, now) = (self.is_met(rollout), self.now);
        for (name, spec) in rollout.effective.strategy.checks.clone() {
            let step = step_of(rollout, &name);
            let guards = spec.guard && (met || rollout.checks.contains_key(&name));
            if !guards && step.is_none() {
                continue;
            }
            // A step asks anew, whatever was said at one before.
            let kept = rollout.checks.remove(&name).filter(|state| guards || step <= Some(state.since));
            let mut state = kept.unwrap_or_else(|| CheckState::begin(now));
            if let Some(heard) = self.input.heard.get(&name)
                && state.take(&spec, heard)
            {
                self.tell_check(rollout, &name, &spec, &state);
            }
            rollout.checks.insert(name, state);
        }
    }

    /// The check that takes the candidate back.
    pub(super) fn failed_check(&self, rollout: &Rollout) -> Option<Cause> {
        standings(rollout, self.now).find_map(|(_, _, standing)| match standing {
            Standing::Failed(cause) => Some(cause),
            Standing::Good | Standing::Held(_) => None,
        })
    }

    /// Whether a guard keeps the rollout from going on. A person who leaves out the rest goes on without it.
    pub(super) fn is_held(&self, rollout: &Rollout) -> bool {
        let holds = |(_, spec, standing): (&str, &CheckSpec, Standing)| {
            spec.guard && !matches!(standing, Standing::Good)
        };
        !rollout.skip_bake && standings(rollout, self.now).any(holds)
    }

    /// Whether a candidate that has some of the traffic gets no more of it for now: a guard that is about to be asked for the
    /// first time holds as well.
    pub(super) fn is_held_back(&self, rollout: &Rollout) -> bool {
        let checks = &rollout.effective.strategy.checks;
        let unasked = checks.iter().any(|(name, check)| check.guard && !rollout.checks.contains_key(name));
        self.is_held(rollout) || (unasked && asks_checks(rollout) && !rollout.skip_bake)
    }

    /// Why checks keep the rollout from going on, a line each.
    pub(super) fn held_by_checks(&self, rollout: &Rollout) -> Vec<String> {
        let line = |(name, _, standing): (&str, &CheckSpec, Standing)| match standing {
            Standing::Held(why) => Some(format!("the check `{name}` holds the rollout: {why}")),
            Standing::Good | Standing::Failed(_) => None,
        };
        if rollout.skip_bake {
            return Vec::new();
        }
        standings(rollout, self.now).filter_map(line).collect()
    }

    /// What is said of the candidate at its step: by the check it names, else by the judge.
    pub(super) fn said(&self, rollout: &Rollout) -> Option<Judged> {
        self.said_by_check(rollout).or_else(|| self.input.judged.cloned())
    }

    fn said_by_check(&self, rollout: &Rollout) -> Option<Judged> {
        let Some(Step::Check { name, hold, .. }) = current(rollout) else { return None };
        let undecided = |why: String| Some(Judged::undecided(format!("the check `{name}`: {why}")));
        let (Some(spec), Some(state), Some(since)) =
            (rollout.effective.strategy.checks.get(name), rollout.checks.get(name), rollout.position.since)
        else {
            return undecided("it has not answered yet".to_owned());
        };
        let last = state.last.as_ref().map(|last| last.message.clone()).unwrap_or_default();
        match (state.standing(name, spec, self.now), state.passed_for(since)) {
            (Standing::Good, Some(passed)) if passed >= *hold => Some(Judged {
                verdict: Verdict::Promote,
                code: "check-passed".to_owned(),
                message: format!("the check `{name}` passed: {last}"),
                instance: None,
            }),
            (Standing::Good, Some(passed)) => undecided(format!("it passes, for {passed} of {hold}: {last}")),
            (Standing::Good, None) => undecided("it was not asked since the step began".to_owned()),
            (Standing::Held(why), _) => undecided(why),
            (Standing::Failed(cause), _) => undecided(cause.message),
        }
    }

    /// Whether requests can reach the candidate; of a service without requests, whether it works.
    fn is_met(&self, rollout: &Rollout) -> bool {
        let takes_requests = self.input.specs.get(&rollout.to).is_none_or(ServiceSpec::has_port);
        let works = self.instances.iter().any(|i| i.revision == rollout.to && i.is_ready());
        self.input.state.routing.has_candidate()
            || rollout.phase == Phase::Promoting
            || (!takes_requests && works)
    }

    fn tell_check(&mut self, rollout: &Rollout, name: &str, spec: &CheckSpec, state: &CheckState) {
        let Some(last) = &state.last else { return };
        let (kind, what) = match last.counted {
            Counted::Good => ("check.passed", "passes".to_owned()),
            Counted::Bad => {
                ("check.failed", format!("failed, {} of {} in a row", state.failures, spec.failures))
            }
            Counted::Nothing => ("check.held", "has no answer and holds the rollout".to_owned()),
        };
        let message = format!("the check `{name}` of rollout {} {what}: {}", rollout.id, last.message);
        self.events.push(Event::of(&self.state.key, kind, Some(rollout.to), message));
    }
}

/// The checks that count now, and how they stand.
pub fn counting(rollout: &Rollout) -> impl Iterator<Item = (&str, &CheckSpec, &CheckState)> {
    let all = rollout.checks.iter().filter(|_| asks_checks(rollout)).filter_map(|(name, state)| {
        Some((name.as_str(), rollout.effective.strategy.checks.get(name)?, state))
    });
    all.filter(|(name, spec, _)| spec.guard || step_of(rollout, name).is_some())
}

/// Whether checks are asked at all: there is a revision to go back to, and the candidate is on its way.
fn asks_checks(rollout: &Rollout) -> bool {
    let going = matches!(rollout.phase, Phase::Progressing | Phase::Paused | Phase::Promoting);
    going && rollout.from.is_some()
}

/// Since when the rollout is at a step that asks this check.
fn step_of(rollout: &Rollout, check: &str) -> Option<Moment> {
    let here = matches!(current(rollout), Some(Step::Check { name, .. }) if name == check);
    let going = matches!(
        (rollout.phase, rollout.resume_to),
        (Phase::Progressing, _) | (Phase::Paused, Some(Phase::Progressing))
    );
    rollout.position.since.filter(|_| here && going)
}

/// Every check that counts, and what it means.
fn standings(rollout: &Rollout, now: Moment) -> impl Iterator<Item = (&str, &CheckSpec, Standing)> {
    counting(rollout).map(move |(name, spec, state)| (name, spec, state.standing(name, spec, now)))
}
