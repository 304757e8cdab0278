//! What the planner tells users of a rollout's way: events, in words.

use crate::event::Event;
use crate::model::{Phase, Rollout};

use super::plan::Planner;
use super::{progress, steps};

impl Planner<'_> {
    /// The phase it has come to.
    pub(super) fn tell_phase(&mut self, rollout: &Rollout) {
        let why = rollout.cause.as_ref().map(|cause| format!(": {}", cause.message)).unwrap_or_default();
        let to = rollout.to;
        let message = match rollout.phase {
            Phase::Pending => format!("rollout {} to {to} waits", rollout.id),
            Phase::Progressing => {
                format!("rollout {} to {to} goes on by {}", rollout.id, rollout.effective.strategy.kind)
            }
            Phase::Paused => format!("rollout {} to {to} is paused{}", rollout.id, self.why_paused(rollout)),
            Phase::Promoting => format!("{to} gets all the traffic of rollout {} and is watched", rollout.id),
            Phase::Succeeded => format!("rollout {} succeeded: {to} is stable", rollout.id),
            Phase::Aborting => format!("rollout {} to {to} is taken back{why}", rollout.id),
            Phase::Aborted => format!("rollout {} to {to} was taken back{why}", rollout.id),
            Phase::Failed => format!(
                "rollout {} to {to} failed, there is no stable revision to go back to{why}",
                rollout.id
            ),
            Phase::Superseded => format!("rollout {} to {to} is superseded", rollout.id),
        };
        let kind = format!("rollout.{}", rollout.phase);
        self.events.push(Event::of(&self.state.key, &kind, Some(to), message));
    }

    fn why_paused(&self, rollout: &Rollout) -> String {
        let said = self.said(rollout);
        let why = |held| steps::why_held(held, progress::current(rollout), said.as_ref());
        rollout.position.held.map(why).map(|why| format!(": {why}")).unwrap_or_default()
    }
}
