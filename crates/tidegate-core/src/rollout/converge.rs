//! Creates and retires instances towards a shape.

use std::collections::BTreeMap;

use crate::model::{
    Instance, InstanceId, Intent, RevisionNo, Routing, Seen, ServiceKey, ServiceSpec, StopSpec,
};
use crate::time::Moment;

use super::groups::{Parts, Role};
use super::plan::Action;
use super::shape::{Shape, Traffic};
use super::supervise::{STOP_MARGIN, start_of};

/// What converging works on.
#[derive(Debug)]
pub struct Fleet<'a> {
    /// The service.
    pub key: &'a ServiceKey,
    /// Its instances.
    pub instances: Vec<Instance>,
    /// The part each revision plays.
    pub parts: Parts,
    /// The routing the gateway was last given.
    pub routing: &'a Routing,
    /// The number the next new instance gets.
    pub next_id: u64,
    /// What to do to the world.
    pub actions: Vec<Action>,
}

impl Fleet<'_> {
    /// Creates what is missing and marks what is too much for leaving.
    pub fn converge(&mut self, shape: &Shape, now: Moment) {
        self.retire_others(shape);
        self.retire_outcasts(shape);
        self.retire_surplus(Role::Candidate, shape.candidate);
        self.retire_surplus(Role::Stable, shape.stable);
        if shape.ensure_stable {
            self.fill(Role::Stable, shape.stable, shape, now);
        }
        self.fill(Role::Candidate, shape.candidate, shape, now);
    }

    /// Moves leaving instances on: out of rotation, then no request in flight (or the drain time is over), then stopped, then
    /// forgotten. Returns when something is due without being heard of.
    pub fn retire(
        &mut self,
        specs: &BTreeMap<RevisionNo, ServiceSpec>,
        settled: bool,
        inflight: &BTreeMap<InstanceId, u32>,
        now: Moment,
    ) -> Option<Moment> {
        let mut due = Vec::new();
        let mut stay = Vec::with_capacity(self.instances.len());
        for mut instance in std::mem::take(&mut self.instances) {
            let spec = specs.get(&instance.revision);
            let stop = spec.map_or_else(StopSpec::default, |spec| spec.stop);
            if let Intent::Drain { since } = instance.intent {
                let drain = spec.map_or(ServiceSpec::DRAIN, |spec| spec.drain);
                let out = settled && !self.routing.contains(&instance.id);
                // What it was sent until then has the whole drain time.
                let since = since.or(out.then_some(now));
                instance.intent = Intent::Drain { since };
                let over = since.is_some_and(|since| now.since(since) >= drain);
                let idle = inflight.get(&instance.id).is_none_or(|n| *n == 0);
                let ended = instance.seen == Seen::Ended;
                let kept = instance.keep_until.filter(|until| now < *until);
                due.extend(kept);
                if ended || (out && (idle || over) && kept.is_none()) {
                    instance.intent = Intent::Stop { since: now };
                    if !ended {
                        let (id, generation) = (instance.id.clone(), instance.generation);
                        self.actions.push(Action::Stop { id, generation, stop });
                    }
                } else {
                    due.extend(since.map(|since| since + drain));
                }
            }
            if let Intent::Stop { since } = instance.intent {
                // Then it is removed by force.
                let last = since + stop.grace + STOP_MARGIN;
                if instance.seen == Seen::Ended || now >= last {
                    self.actions.push(Action::Remove { id: instance.id.clone() });
                    continue;
                }
                due.push(last);
            }
            stay.push(instance);
        }
        self.instances = stay;
        due.into_iter().filter(|at| *at > now).min()
    }

    /// Instances of revisions that play no part leave, but not before stable can do without those in rotation.
    fn retire_others(&mut self, shape: &Shape) {
        let counts = self.parts.count(&self.instances, self.routing);
        // Where nothing runs side by side, stable cannot come before the others have left.
        let covered = match shape.traffic {
            _ if shape.exclusive => u32::MAX,
            Traffic::Candidate | Traffic::Nobody => u32::MAX,
            Traffic::Mixed if shape.ensure_stable => counts.stable.ready + counts.candidate.ready,
            // Where stable shrinks as the candidate grows, the shape has counted the candidate's already.
            Traffic::Mixed | Traffic::Stable | Traffic::Split { .. } => counts.stable.ready,
        };
        let keep = shape.stable.saturating_sub(covered).min(counts.others.in_rotation);
        self.retire_surplus(Role::Other, keep);
    }

    fn retire_surplus(&mut self, role: Role, keep: u32) {
        let mut of_role: Vec<usize> = (0..self.instances.len())
            .filter(|&n| {
                self.instances[n].is_counted_on() && self.parts.role(self.instances[n].revision) == role
            })
            .collect();
        // Those that serve stay longest; among equals the oldest stay.
        of_role.sort_by_key(|&n| {
            let instance = &self.instances[n];
            let serves = instance.is_ready() && self.routing.serves(&instance.id);
            (!serves, !instance.is_ready(), instance.created_at, number_of(&instance.id))
        });
        for &n in of_role.iter().skip(keep as usize) {
            self.instances[n].intent = Intent::Drain { since: None };
        }
    }

    fn fill(&mut self, role: Role, want: u32, shape: &Shape, now: Moment) {
        let revision = match role {
            Role::Stable => self.parts.stable,
            Role::Candidate => self.parts.candidate,
            Role::Other => None,
        };
        let Some(revision) = revision else { return };
        let mut have =
            self.instances.iter().filter(|i| i.is_counted_on() && i.revision == revision).count() as u32;
        // A healthy one that is only on its way out can stay instead of being replaced.
        for instance in self.instances.iter_mut().filter(|i| i.revision == revision && !i.outcast) {
            if have < want && matches!(instance.intent, Intent::Drain { .. }) && instance.seen == Seen::Ready
            {
                instance.intent = Intent::Run;
                instance.keep_until = None;
                have += 1;
            }
        }
        // Those that are kept at work until others can do without them are not in the way.
        let kept = |i: &&Instance| {
            let other = self.parts.role(i.revision) == Role::Other;
            !shape.exclusive
                && ((other && (i.keep_until.is_some() || i.is_ready())) || (i.outcast && i.is_wanted()))
        };
        let kept = self.instances.iter().filter(kept).count();
        while have < want && shape.most.is_none_or(|most| ((self.instances.len() - kept) as u32) < most) {
            self.create(revision, now);
            have += 1;
        }
    }

    fn create(&mut self, revision: RevisionNo, now: Moment) {
        let id = InstanceId(format!("{}-{}", self.key.service, self.next_id));
        self.next_id += 1;
        let instance = Instance::new(id, revision, now);
        self.actions.push(start_of(&instance));
        self.instances.push(instance);
    }
}

/// The number in an instance's name: `web-9` is older than `web-10`.
fn number_of(id: &InstanceId) -> u64 {
    id.0.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
