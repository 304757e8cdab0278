//! An instance that answers badly where its siblings do not is the instance's fault and not the revision's: it is replaced, and
//! leaves once the others can carry what it carried.

use crate::event::Event;
use crate::model::{BAD_INSTANCE, Instance, Intent, share_of};

use super::converge::Fleet;
use super::groups::{Counts, Role};
use super::plan::Planner;
use super::shape::{Shape, Traffic};

impl Planner<'_> {
    /// Takes in which instance is said to be bad, where it still plays a part.
    pub(super) fn cast_out(&mut self) {
        let Some(judged) = self.input.judged.filter(|judged| judged.code == BAD_INSTANCE) else { return };
        let parts = self.parts(self.rollout.as_ref());
        let named = self.instances.iter_mut().find(|i| Some(&i.id) == judged.instance.as_ref());
        let plays = |i: &&mut Instance| i.is_counted_on() && parts.role(i.revision) != Role::Other;
        let Some(bad) = named.filter(plays) else { return };
        bad.outcast = true;
        let message = format!("{}; another one takes its place", judged.message);
        let event = Event::of(&self.state.key, "instance.bad", Some(bad.revision), message).on(&bad.id);
        self.events.push(event);
    }
}

impl Fleet<'_> {
    /// Those that are replaced leave, but not before the others can do without them.
    pub(super) fn retire_outcasts(&mut self, shape: &Shape) {
        let (parts, counts) = (self.parts, self.parts.count(&self.instances, self.routing));
        for outcast in self.instances.iter_mut().filter(|i| i.outcast && i.is_wanted()) {
            if may_go(parts.role(outcast.revision), shape, &counts) {
                outcast.intent = Intent::Drain { since: None };
            }
        }
    }
}

/// Whether the others that are ready are enough for the requests of an instance in this role.
fn may_go(role: Role, shape: &Shape, counts: &Counts) -> bool {
    let stable_can = counts.stable.ready >= shape.stable;
    let needed = match (role, shape.traffic) {
        (Role::Stable, Traffic::Candidate | Traffic::Nobody) | (Role::Candidate, Traffic::Stable) => 0,
        (Role::Stable | Role::Other, _) => return stable_can,
        // Its share of what stable carries with all it has; another one is on its way.
        (Role::Candidate, Traffic::Split { candidate, .. }) => share_of(candidate, shape.stable).max(1),
        (Role::Candidate, Traffic::Mixed) if shape.ensure_stable && stable_can => 1,
        (Role::Candidate, _) => shape.candidate,
    };
    counts.candidate.ready >= needed
}
