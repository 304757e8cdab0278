//! The planner's part in a smoke test: it stands with the candidate ready until it is told how that ended.

use crate::event::Event;
use crate::model::{Cause, Match, Phase, Rollout, Smoke, SmokeEnd};
use crate::time::Millis;

use super::plan::{Planner, Wake};
use super::shape;
use super::stage::Stage;

impl Planner<'_> {
    /// Why the smoke test takes it back.
    pub(super) fn failed_smoke(&self, rollout: &Rollout) -> Option<Cause> {
        let Some(SmokeEnd::Failed(why)) = rollout.smoke.as_ref()?.end.as_ref() else { return None };
        Some(Cause { code: "smoke-failed".to_owned(), message: why.clone(), instance: None })
    }

    /// Whether the rollout stands for its smoke test. Says so once the candidate can be looked at.
    pub(super) fn is_smoked(&mut self, rollout: &mut Rollout) -> bool {
        // Without a stable revision beside it there is nobody to be kept from it.
        if !awaits(rollout) || self.exclusive(rollout) {
            return false;
        }
        let reached = match self.stage(rollout) {
            Some(stage) => self.is_in_force(rollout, &stage),
            // Nothing of the service is to run just now.
            None => shape::complete(&self.goal(rollout)),
        };
        // Whoever tests has a time of their own: waiting for them is not getting nowhere.
        let half = Millis(rollout.effective.strategy.deadline.0 / 2);
        if reached && self.now.since(rollout.progress_at) >= half {
            rollout.progress_at = self.now;
        }
        let Some(smoke) = rollout.smoke.as_mut().filter(|smoke| smoke.ready != reached) else { return true };
        smoke.ready = reached;
        rollout.progress_at = self.now;
        if reached {
            let message = format!(
                "{} of rollout {} is ready for its smoke test, with no user on it",
                rollout.to, rollout.id
            );
            self.events.push(Event::of(&self.state.key, "rollout.smoke", Some(rollout.to), message));
        }
        self.wakes.push(Wake { at: self.now, why: "the smoke test".to_owned() });
        true
    }

    /// Who reaches the candidate meanwhile: whoever knows the secret. `own`: what its steps ask for after it.
    pub(super) fn stage_of_smoke(&self, rollout: &Rollout, own: impl FnOnce() -> Stage) -> Option<Stage> {
        let smoke = rollout.smoke.as_ref().filter(|_| awaits(rollout))?;
        let who = Match::Header { name: Smoke::FIELD.to_owned(), value: Some(smoke.secret.clone()) };
        Some(Stage { scale: own().scale, audience: vec![who], ..Stage::default() })
    }
}

/// Whether the smoke test is still to end.
pub(super) fn awaits(rollout: &Rollout) -> bool {
    let going = matches!(rollout.phase, Phase::Progressing)
        || (rollout.phase == Phase::Paused
            && rollout.resume_to.is_none_or(|phase| phase == Phase::Progressing));
    going && rollout.from.is_some() && rollout.smoke.as_ref().is_some_and(|smoke| smoke.end.is_none())
}
