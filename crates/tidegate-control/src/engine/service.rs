//! The service reconciler: observe, plan, remember, act.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::event::Event;
use tidegate_core::model::{
    Deploy, DeployPhase, Evidence, Instance, RevisionNo, Rollout, ServiceSpec, ServiceState,
};
use tidegate_core::rollout::{Gate, Input, Plan, observe, plan};
use tidegate_store::{Counter, Reader, StoreError};

use super::judging::Look;
use super::{Effect, Engine, Outcome, Sight, Time, World, site, train};
use crate::succession::{self, Succession};

/// A service as stored, and what was just seen of it.
struct Kept {
    state: ServiceState,
    rollout: Option<Rollout>,
    instances: Vec<Instance>,
}

impl Engine {
    /// Reconciles every service.
    pub(super) fn services(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut instances = world.store.all_instances()?;
        let mut active: BTreeMap<_, _> =
            world.store.active_rollouts()?.into_iter().map(|r| (r.id, r)).collect();
        self.judgements.retain(|id, _| active.contains_key(id));
        self.checks.retain(|id| active.contains_key(&id));
        let epoch = world.store.routing()?.epoch;
        let mut outcome = Outcome::default();
        for state in world.store.services()? {
            let rollout = state.rollout.and_then(|id| active.remove(&id));
            let instances = instances.remove(&state.key).unwrap_or_default();
            outcome = outcome.and(self.service(world, sight, epoch, Kept { state, rollout, instances })?);
        }
        Ok(outcome)
    }

    fn service(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        epoch: u64,
        kept: Kept,
    ) -> Result<Outcome, StoreError> {
        let mut seen = kept.instances.clone();
        let specs = self.specs(world, &kept)?;
        let seeing = site::seen_with(&sight.seeing, &mut seen, &specs);
        let seen_events = observe(&kept.state.key, &mut seen, &seeing, sight.time.now);
        let gate = gate(world, kept.rollout.as_ref())?;
        let asked = self.ask_checks(world, sight, kept.rollout.as_ref(), &specs, &seen)?;
        let signal = train::signal_for(world, sight, kept.rollout.as_ref())?;
        let look = kept.rollout.as_ref().map(|rollout| self.look(world, sight, &kept.state, rollout));
        let look = look.transpose()?.flatten();
        let judged = look.as_ref().map(Look::judged);
        let mut plan = plan(
            &Input {
                state: &kept.state,
                rollout: kept.rollout.as_ref(),
                instances: &seen,
                specs: &specs,
                seeing: &seeing,
                gate: &gate,
                // What a gateway that does not answer still has in flight is not known: nothing is stopped meanwhile.
                settled: sight.gateway.alive && kept.state.route_epoch <= epoch.min(sight.gateway.acked),
                judged: judged.as_ref().or(self.verdicts.get(&kept.state.key)),
                heard: &asked.answers,
                train: signal.as_ref(),
                inflight: &sight.gateway.inflight,
                next_id: world.store.peek_id(Counter::Instance)?,
            },
            sight.time.now,
        );
        plan.events.splice(0..0, seen_events);
        self.report(&plan);
        let wake = [plan.wake.as_ref().map(|wake| wake.at), asked.wake].into_iter().flatten().min();
        let wake = Outcome { changed: false, wake };
        if unchanged(&kept, &plan) {
            if let Some(look) = look.filter(|look| look.is_new) {
                world.store.transaction(|tx| look.remember(tx))?;
                self.remembered(look);
            }
            return Ok(wake);
        }
        if plan.state.routing != kept.state.routing {
            // The next table there will be is the first with this routing in it.
            plan.state.route_epoch = epoch + 1;
        }
        add_evidence(world, sight, &kept, &mut plan)?;
        self.remember(world, sight, &kept, (&plan, look.as_ref()))?;
        look.into_iter().for_each(|look| self.remembered(look));
        Ok(wake.and(Outcome::changed()))
    }

    fn remember(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        kept: &Kept,
        (plan, look): (&Plan, Option<&Look>),
    ) -> Result<(), StoreError> {
        let effects: Vec<Effect> = plan.actions.iter().cloned().map(Effect::Unit).collect();
        let staying: BTreeSet<_> = plan.instances.iter().map(|instance| &instance.id).collect();
        let succession = way_back(world.store, kept, plan, sight.time)?;
        self.decide(world, sight.time, &plan.events, &effects, |tx| {
            succession.iter().try_for_each(|succession| succession.write(tx, sight.time))?;
            tx.put_service(&plan.state)?;
            if let Some(rollout) = &plan.rollout {
                tx.put_rollout(rollout)?;
            }
            look.map_or(Ok(()), |look| look.remember(tx))?;
            plan.instances.iter().try_for_each(|instance| tx.put_instance(&plan.state.key, instance))?;
            let gone = kept.instances.iter().filter(|instance| !staying.contains(&instance.id));
            gone.map(|instance| &instance.id).try_for_each(|id| tx.remove_instance(id))?;
            tx.use_ids_below(Counter::Instance, plan.next_id)
        })
    }

    /// The service as each revision in play has it.
    fn specs(
        &mut self,
        world: &World<'_>,
        kept: &Kept,
    ) -> Result<BTreeMap<RevisionNo, ServiceSpec>, StoreError> {
        let rollout = kept.rollout.as_ref().map(|rollout| rollout.to);
        let numbers: BTreeSet<RevisionNo> =
            kept.instances.iter().map(|i| i.revision).chain(kept.state.stable).chain(rollout).collect();
        let mut specs = BTreeMap::new();
        for number in numbers {
            let revision = self.revisions.get(world.store, &kept.state.key, number)?;
            if let Some(spec) = revision.as_ref().and_then(|r| r.spec.services.get(&kept.state.key.service)) {
                specs.insert(number, spec.clone());
            }
        }
        Ok(specs)
    }

    fn report(&self, plan: &Plan) {
        if let Ok(mut reports) = self.reports.lock() {
            reports.insert(plan.state.key.clone(), plan.report.clone());
        }
    }
}

fn unchanged(kept: &Kept, plan: &Plan) -> bool {
    plan.state == kept.state
        && plan.rollout == kept.rollout
        && plan.instances == kept.instances
        && plan.actions.is_empty()
        && plan.events.is_empty()
}

/// What flags are defined as from then on, where a rollout begins to be taken back: the revision it was to goes, and its
/// definitions with it.
fn way_back(store: &Reader, kept: &Kept, plan: &Plan, time: Time) -> Result<Option<Succession>, StoreError> {
    let leaves = |rollout: &Option<Rollout>| {
        rollout.as_ref().is_some_and(|rollout| succession::is_left(rollout.phase))
    };
    if leaves(&kept.rollout) || !leaves(&plan.rollout) {
        return Ok(None);
    }
    let key = &plan.state.key;
    let place = (&key.app, &key.environment);
    let goals = succession::goals(store, place, &BTreeMap::from([(key.clone(), plan.state.stable)]))?;
    succession::follow(store, place, &goals, Vec::new(), time).map(Some)
}

/// The migration belongs to the deploy: its rollouts wait for it together.
fn gate(world: &World<'_>, rollout: Option<&Rollout>) -> Result<Gate, StoreError> {
    let Some(deploy) = rollout.and_then(|rollout| rollout.deploy) else { return Ok(Gate::Open) };
    Ok(world.store.deploy(deploy)?.map_or(Gate::Open, |deploy| gate_of(&deploy)))
}

fn gate_of(deploy: &Deploy) -> Gate {
    match (&deploy.phase, &deploy.error) {
        (DeployPhase::Building | DeployPhase::Migrating, _) => Gate::Waiting,
        (DeployPhase::Rolling | DeployPhase::Failed, Some(error)) => Gate::Failed(error.clone()),
        (DeployPhase::Rolling | DeployPhase::Failed, None) => Gate::Open,
    }
}

/// A rollout that has just been given a cause gets the evidence too, before its instances are removed.
fn add_evidence(
    world: &mut World<'_>,
    sight: &Sight,
    kept: &Kept,
    plan: &mut Plan,
) -> Result<(), StoreError> {
    let Some(rollout) = plan.rollout.as_mut() else { return Ok(()) };
    if rollout.phase.is_final() {
        rollout.ended_at_unix_ms.get_or_insert(sight.time.unix_ms);
    }
    let had = kept.rollout.as_ref().is_some_and(|rollout| rollout.cause.is_some());
    let Some(cause) = rollout.cause.as_mut().filter(|_| !had) else { return Ok(()) };
    if cause.instance.is_none() && cause.code == "migration-failed" {
        let deploy = rollout.deploy.map(|id| world.store.deploy(id)).transpose()?.flatten();
        cause.instance = deploy.and_then(|deploy| deploy.migration);
    }
    let Some(id) = cause.instance.clone() else { return Ok(()) };
    let mut evidence = world.backend.evidence(&id);
    evidence.instance = Some(id.clone());
    if let Some(instance) = kept.instances.iter().find(|instance| instance.id == id) {
        evidence.exit = evidence.exit.or_else(|| instance.last_exit.clone());
        evidence.last_probe = evidence.last_probe.or_else(|| instance.last_probe.clone());
        evidence.port = evidence.port.or(instance.port);
    }
    if let Some(remark) = wrong_port(&evidence) {
        let message = format!("{}; {remark}", cause.message);
        retell(&mut plan.events, &cause.message, &message);
        cause.message = message;
    }
    rollout.evidence = Some(evidence);
    Ok(())
}

/// The commonest reason for never being ready, said outright.
fn wrong_port(evidence: &Evidence) -> Option<String> {
    let port = evidence.port?;
    let listening = evidence.listening.as_ref().filter(|_| evidence.exit.is_none())?;
    if listening.contains(&port) {
        return None;
    }
    if listening.is_empty() {
        return Some(format!("nothing listens on $PORT ({port})"));
    }
    let others: Vec<String> = listening.iter().map(u16::to_string).collect();
    Some(format!("it listens on {}, not on $PORT ({port})", others.join(", ")))
}

/// The events of the same pass quote the cause; they say the fuller one.
fn retell(events: &mut [Event], before: &str, after: &str) {
    for event in events {
        event.message = event.message.replace(before, after);
    }
}
