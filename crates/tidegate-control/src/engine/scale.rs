//! The scale reconciler: measures, has `tidegate_core::scale` decide, and remembers. What runs it leaves to the service
//! reconciler, which reads what was decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::{
    Instance, InstanceId, Revision, RevisionNo, ServiceKey, ServiceSpec, ServiceState,
};
use tidegate_core::scale::{Bounds, Input, Load, Measured, Part, decide};
use tidegate_store::StoreError;

use super::ask::Place;
use super::meter::{Member, Members};
use super::{Engine, Outcome, Sight, World};

/// Without a limit an instance may use one CPU, as far as targets are concerned.
const ONE_CPU: u32 = 1_000;

/// The revisions of a service that play a part.
struct Parts {
    stable: Option<(RevisionNo, ServiceSpec)>,
    candidate: Option<(RevisionNo, ServiceSpec)>,
}

impl Parts {
    fn asks_for_cpu(&self) -> bool {
        self.each().filter_map(|(_, spec)| spec.autoscale.as_ref()).any(|policy| policy.cpu.is_some())
    }

    fn each(&self) -> impl Iterator<Item = &(RevisionNo, ServiceSpec)> {
        self.stable.iter().chain(&self.candidate)
    }
}

impl Engine {
    /// Decides how many instances the load of each service asks for.
    pub(super) fn scales(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        for state in world.store.services()? {
            match self.parts_of(world, &state)? {
                Some(parts) => outcome = outcome.and(self.scale(world, sight, &state, &parts)?),
                None => self.forget_scale(&state.key),
            }
        }
        Ok(outcome)
    }

    fn scale(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        state: &ServiceState,
        parts: &Parts,
    ) -> Result<Outcome, StoreError> {
        let queue = self.queue(world, sight, state, parts)?;
        let measured = Measured { queue, ..self.measure(world, sight, state, parts)? };
        let input = Input {
            state,
            stable: parts.stable.as_ref().map(|it| part(it, sight.time.unix_ms)),
            candidate: parts.candidate.as_ref().map(|it| part(it, sight.time.unix_ms)),
            measured: &measured,
            now: sight.time.now,
        };
        let decision = decide(&input);
        if let Ok(mut scalings) = self.scalings.lock() {
            scalings.insert(state.key.clone(), decision.report);
        }
        if decision.autoscaled == state.autoscaled && decision.events.is_empty() {
            return Ok(Outcome::default());
        }
        let state = ServiceState { autoscaled: decision.autoscaled, ..state.clone() };
        self.decide(world, sight.time, &decision.events, &[], |tx| tx.put_service(&state))?;
        Ok(Outcome::changed())
    }

    /// The length of the service's queue, by the stable revision or the first candidate.
    fn queue(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        state: &ServiceState,
        parts: &Parts,
    ) -> Result<Option<u64>, StoreError> {
        let part = parts.stable.as_ref().or(parts.candidate.as_ref());
        let target = part.and_then(|(_, spec)| spec.autoscale.as_ref()?.queue.as_ref());
        let (Some((number, spec)), Some(target)) = (part, target) else {
            self.queues.forget(&state.key);
            return Ok(None);
        };
        let Some(revision) = self.revision_of(world, state, Some(*number))? else { return Ok(None) };
        let asker = Place { key: &state.key, revision: &revision, spec };
        Ok(self.queues.length(world, sight, &asker, target))
    }

    fn measure(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        state: &ServiceState,
        parts: &Parts,
    ) -> Result<Measured, StoreError> {
        let (now, upstream) = (sight.time.now, state.key.to_string());
        let waiting = sight.gateway.waiting.get(&upstream).copied().unwrap_or(0);
        let instances = world.store.instances_of(&state.key)?;
        let members = members_of(&instances, parts);
        let meter = self.meters.entry(state.key.clone()).or_default();
        if meter.wants(&sight.gateway, now) {
            let ids: Vec<InstanceId> = members.keys().cloned().collect();
            let cpu_us = if parts.asks_for_cpu() { world.backend.cpu_time(&ids) } else { BTreeMap::new() };
            meter.take(&upstream, &sight.gateway, &instances, cpu_us, now);
        }
        let candidate = parts.candidate.as_ref().map(|(number, _)| *number);
        let is_candidate = |revision: RevisionNo| Some(revision) == candidate;
        Ok(Measured {
            stable: meter.load(&members, |revision| !is_candidate(revision), now),
            candidate: match candidate {
                Some(_) => meter.load(&members, is_candidate, now),
                None => Load::NONE,
            },
            queue: None,
            waiting,
        })
    }

    /// The revisions in play, where one of them follows its load or did.
    fn parts_of(&mut self, world: &World<'_>, state: &ServiceState) -> Result<Option<Parts>, StoreError> {
        let rollout = state.rollout.map(|id| world.store.rollout(id)).transpose()?.flatten();
        let candidate = rollout.map(|rollout| rollout.to).filter(|to| state.stable != Some(*to));
        let stable = self.revision_of(world, state, state.stable)?;
        let candidate = self.revision_of(world, state, candidate)?;
        let spec = |revision: &Arc<Revision>| revision.spec.services.get(&state.key.service).cloned();
        let follows = |revision: &Arc<Revision>| {
            revision.spec.services.get(&state.key.service).is_some_and(|spec| spec.autoscale.is_some())
        };
        if state.autoscaled.is_none() && ![&stable, &candidate].into_iter().flatten().any(follows) {
            return Ok(None);
        }
        let part = |revision: Option<Arc<Revision>>| revision.and_then(|it| Some((it.number, spec(&it)?)));
        Ok(Some(Parts { stable: part(stable), candidate: part(candidate) }))
    }

    fn revision_of(
        &mut self,
        world: &World<'_>,
        state: &ServiceState,
        number: Option<RevisionNo>,
    ) -> Result<Option<Arc<Revision>>, StoreError> {
        let read = number.map(|number| self.revisions.get(world.store, &state.key, number));
        Ok(read.transpose()?.flatten())
    }

    fn forget_scale(&mut self, key: &ServiceKey) {
        self.queues.forget(key);
        if self.meters.remove(key).is_some()
            && let Ok(mut scalings) = self.scalings.lock()
        {
            scalings.remove(key);
        }
    }
}

fn part((revision, spec): &(RevisionNo, ServiceSpec), unix_ms: u64) -> Part<'_> {
    Part { revision: *revision, spec, bounds: Bounds::of(spec, unix_ms) }
}

/// The instances that work.
fn members_of(instances: &[Instance], parts: &Parts) -> Members {
    let cpu_of = |revision: RevisionNo| {
        let limit =
            parts.each().find(|(number, _)| *number == revision).and_then(|(_, spec)| spec.limits.cpu);
        limit.map_or(ONE_CPU, |limit| limit.0)
    };
    let working = instances.iter().filter(|instance| instance.is_wanted() && instance.is_ready());
    let member = |instance: &Instance| Member { revision: instance.revision, cpu: cpu_of(instance.revision) };
    working.map(|instance| (instance.id.clone(), member(instance))).collect()
}
