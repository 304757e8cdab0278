//! What the steps so far ask for together: the candidate's share, its instances, and who reaches it besides.
//!
//! A plain function of the steps and of how many are over, so that it is the same after a restart.

use crate::model::{
    ArmRole, ArmRule, Candidates, Copies, Match, Mirror, MirrorTo, OutcomeRule, Routing, ServiceSpec, Step,
    Sticky, Strategy, share_of,
};

/// What a step and those before it ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// The candidate's share of the requests.
    pub percent: u32,
    /// Its share in the step before.
    pub before: u32,
    /// Candidate instances, at least.
    pub scale: Option<Candidates>,
    /// Requests that reach the candidate whatever its share is: any of these.
    pub audience: Vec<Match>,
    /// The share of requests the candidate gets copies of.
    pub mirror: Option<u32>,
    /// What those copies are like.
    pub copies: Copies,
    /// Whether stable is asked a second time for each: what differs by itself is no fault of the candidate's.
    pub noise: bool,
    /// Keeps clients on their arm.
    pub sticky: Option<Sticky>,
    /// What is counted of the clients of both sides.
    pub outcomes: Vec<OutcomeRule>,
    /// Whether all steps are over: the candidate is made ready for everything.
    pub full: bool,
    /// Whether requests that are on a train's lane reach the candidate.
    pub lane: bool,
    /// Whether all its instances are needed from the beginning: how many come by the lane is decided by others.
    pub whole: bool,
    /// Whether candidates that may have users call it.
    pub called: bool,
}

impl Stage {
    /// The stage while so many steps are over.
    pub fn at(strategy: &Strategy, over: u32) -> Stage {
        let over = over as usize;
        let full = over >= strategy.steps.len();
        let mut stage = Stage {
            full,
            sticky: strategy.sticky.clone(),
            copies: strategy.copies.clone(),
            outcomes: strategy.outcomes.clone(),
            noise: strategy.judge.max_differing.is_some(),
            ..Stage::default()
        };
        for step in strategy.steps.iter().take(over.saturating_add(1)) {
            stage.before = stage.percent;
            stage.take(step);
        }
        stage
    }

    /// The stage of a member of a train before its turn: reached by the lane alone. `called`: others of the train call it.
    pub fn standing(self, called: bool) -> Stage {
        let whole = called || self.full;
        Stage { scale: self.scale, full: self.full, lane: true, whole, ..Stage::default() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Weight { percent, .. } => (self.percent, self.mirror) = (*percent, None),
            Step::Audience { who, .. } => {
                self.audience.extend(who.any.iter().cloned());
                self.mirror = None;
            }
            Step::Mirror { percent, .. } => self.mirror = Some(*percent),
            Step::Scale(candidates) => self.scale = Some(*candidates),
            Step::Pause { .. } | Step::Approve | Step::Analyse { .. } | Step::Check { .. } => {}
        }
    }

    /// How many candidate instances that needs of a service with `desired`. Two at least where the service has more than one,
    /// so that a bad instance can be told from a bad revision; one where instances share out their work by themselves.
    pub fn candidates(&self, desired: u32, takes_requests: bool) -> u32 {
        if self.full || self.whole {
            return desired;
        }
        let usual = if takes_requests { desired.clamp(1, 2) } else { 1 };
        let floor = self.scale.map_or(usual, |scale| scale.of(desired));
        floor.max(share_of(self.percent.max(self.mirror.unwrap_or(0)), desired))
    }

    /// Whether requests reach the candidate by more than its share.
    pub fn is_aside(&self) -> bool {
        !self.audience.is_empty() || self.mirror.is_some() || self.lane
    }

    /// Writes what the gateway must do besides shares. Without a candidate in the table there is nothing to do it with.
    pub fn write(&self, routing: &mut Routing) {
        if !routing.has_candidate() {
            return;
        }
        routing.rules = self.rules();
        routing.mirror = self.mirror();
        routing.sticky.clone_from(&self.sticky);
        routing.outcomes.clone_from(&self.outcomes);
    }

    /// Whether a routing does all of it. `spared`: no stable instance can serve, so the candidate has everything.
    pub fn is_in(&self, routing: &Routing, spared: bool) -> bool {
        let weight = routing.candidate_weight();
        let shares = weight == self.percent || (spared && weight == 100);
        let besides = routing.rules == self.rules() && routing.mirror == self.mirror();
        let clients = routing.sticky == self.sticky && routing.outcomes == self.outcomes;
        shares && besides && (!routing.has_candidate() || clients)
    }

    fn rules(&self) -> Vec<ArmRule> {
        let rule = |wanted: &Match| ArmRule { arm: ArmRole::Candidate, when: vec![wanted.clone()] };
        self.audience.iter().map(rule).collect()
    }

    fn mirror(&self) -> Option<Mirror> {
        let Copies { unsafe_methods, compare } = self.copies.clone();
        let to = MirrorTo::Candidate;
        self.mirror.map(|percent| Mirror { to, percent, unsafe_methods, noise: self.noise, compare })
    }
}

/// The stage as numbers, for [`super::shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The candidate's share of the requests.
    pub percent: u32,
    /// Its share in the step before.
    pub before: u32,
    /// Candidate instances.
    pub candidates: u32,
    /// Whether requests reach the candidate by more than its share.
    pub aside: bool,
    /// Whether candidates that may have users call it.
    pub called: bool,
    /// Whether the service takes requests; otherwise its instances share its work out by themselves.
    pub takes_requests: bool,
}

impl Share {
    /// The numbers of a stage for the candidate's service.
    pub fn of(stage: &Stage, desired: u32, spec: Option<&ServiceSpec>) -> Share {
        let takes_requests = spec.is_none_or(ServiceSpec::has_port);
        Share {
            percent: stage.percent,
            before: stage.before,
            candidates: stage.candidates(desired, takes_requests),
            aside: stage.is_aside(),
            called: stage.called,
            takes_requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Audience, StrategyKind};
    use crate::time::Millis;

    fn weight(percent: u32) -> Step {
        Step::Weight { percent, hold: Millis::ZERO }
    }

    fn audience(name: &str) -> Step {
        let any = vec![Match::Header { name: name.to_owned(), value: None }];
        Step::Audience { who: Audience { label: format!("header {name}"), any }, hold: Millis::ZERO }
    }

    fn strategy(steps: Vec<Step>) -> Strategy {
        Strategy { steps, ..Strategy::new(StrategyKind::Canary) }
    }

    #[test]
    fn what_was_given_stays_until_a_step_says_otherwise() {
        let mirror = Step::Mirror { percent: 10, hold: Millis::ZERO };
        let steps = vec![mirror, audience("a"), weight(5), audience("b"), Step::Approve];
        let strategy = strategy(steps);
        let at = |over| Stage::at(&strategy, over);
        assert_eq!((at(0).mirror, at(0).percent), (Some(10), 0));
        assert_eq!((at(1).mirror, at(1).audience.len()), (None, 1));
        assert_eq!((at(2).percent, at(2).audience.len()), (5, 1));
        assert_eq!((at(4).percent, at(4).audience.len(), at(4).full), (5, 2, false));
        assert!(at(5).full && at(9).full);
    }

    #[test]
    fn the_candidate_has_the_instances_its_share_needs() {
        let strategy = strategy(vec![weight(5), Step::Scale(Candidates::Percent(50)), weight(75)]);
        let count = |over, desired| Stage::at(&strategy, over).candidates(desired, true);
        assert_eq!((count(0, 1), count(0, 2), count(0, 40), count(0, 41)), (1, 2, 2, 3));
        assert_eq!((count(1, 1), count(1, 5)), (1, 3));
        assert_eq!((count(2, 5), count(3, 5)), (4, 5));
        assert_eq!(Stage::at(&strategy, 0).candidates(4, false), 1, "a worker's share is its instances");
    }
}
