//! Trains: one verdict for all, and whoever is called can be reached on every side that calls.

use std::collections::BTreeMap;

use tidegate_core::model::{Leg, Phase, Rollout, RolloutId};
use tidegate_store::{Reader, StoreError};

use super::{Held, Violation, ensure};
use crate::view::{ServiceView, View};

/// The rollouts of every train that is on its way, in its order, those that are over too.
pub type Trains = BTreeMap<RolloutId, Vec<Rollout>>;

/// The trains on their way.
pub fn trains(store: &Reader, view: &View) -> Result<Trains, StoreError> {
    let mut trains = Trains::new();
    for carriage in view.active.iter().filter_map(|rollout| rollout.train.as_ref()) {
        let mut members = Vec::new();
        for id in &carriage.rollouts {
            members.extend(store.rollout(*id)?);
        }
        trains.insert(carriage.run(), members);
    }
    Ok(trains)
}

/// None is promoted while another one is taken back.
pub fn invariant_a_train_has_one_verdict(trains: &Trains) -> Held {
    for members in trains.values() {
        let is = |phases: &[Phase]| members.iter().any(|member| phases.contains(&member.phase));
        let back = is(&[Phase::Aborting, Phase::Aborted, Phase::Failed]);
        ensure("invariant_a_train_has_one_verdict", !(back && is(&[Phase::Succeeded])), || phases(members))?;
    }
    Ok(())
}

/// Nobody has users before the candidates of all are ready, where there is a stable revision that can have them meanwhile.
pub fn invariant_a_train_is_assembled_before_it_goes(trains: &Trains, view: &View) -> Held {
    for members in trains.values() {
        let leg = |member: &Rollout| member.train.as_ref().map(|carriage| carriage.leg);
        let on_its_way = |member: &&Rollout| member.phase == Phase::Progressing;
        if !members.iter().filter(on_its_way).any(|member| leg(member) == Some(Leg::Assembling)) {
            continue;
        }
        for member in members.iter().filter(on_its_way) {
            let Some(service) = view.services.get(&member.key).filter(|service| stands(service)) else {
                continue;
            };
            let weight = service.state.routing.candidate_weight();
            ensure("invariant_a_train_is_assembled_before_it_goes", weight == 0, || {
                format!("{} has {weight} % while not all are ready: {}", member.key, phases(members))
            })?;
        }
    }
    Ok(())
}

/// Whether stable can have everything.
fn stands(service: &ServiceView) -> bool {
    let ready = service.instances.iter().any(|i| Some(i.revision) == service.state.stable && i.is_ready());
    ready && service.desired(service.state.stable) > 0
}

/// While the candidate of a member has users, the candidates of those it calls can be reached; unless they are dead, or
/// nothing of them is to run.
pub fn invariant_candidates_can_call_candidates(trains: &Trains, view: &View) -> Held {
    for members in trains.values() {
        for (place, caller) in members.iter().enumerate() {
            let users = view.services.get(&caller.key).is_some_and(|service| {
                let routing = &service.state.routing;
                routing.lane.is_some() && routing.candidate_weight() > 0
            });
            let called = members[place + 1..].iter().filter(|_| users);
            for called in called.filter_map(|called| Some((called, view.services.get(&called.key)?))) {
                check_reached(called, members)?;
            }
        }
    }
    Ok(())
}

fn check_reached((called, service): (&Rollout, &ServiceView), members: &[Rollout]) -> Held {
    let alive = service.instances.iter().any(|i| i.revision == called.to && i.is_ready());
    let scaled = service.desired(service.state.stable) > 0 && service.desired(Some(called.to)) > 0;
    let superseded = called.phase == Phase::Superseded;
    let reached = service.state.routing.has_candidate() || service.state.stable == Some(called.to);
    let given_up = called.phase == Phase::Aborted;
    let right = reached || !alive || !scaled || superseded || given_up;
    ensure("invariant_candidates_can_call_candidates", right, || {
        format!("{} is not reached by its candidate callers: {}", called.key, phases(members))
    })
}

fn phases(members: &[Rollout]) -> String {
    let member = |member: &Rollout| {
        let leg = member.train.as_ref().map(|carriage| carriage.leg.as_str()).unwrap_or_default();
        format!("{} {} {leg}", member.key, member.phase)
    };
    members.iter().map(member).collect::<Vec<_>>().join("; ")
}

/// What the store could not say.
pub fn unread(error: &StoreError) -> Violation {
    Violation { invariant: "invariant_the_store_is_whole", what: error.to_string() }
}
