//! Who else is meant by a person's request: the other members of a train.
//!
//! Called by [`crate::change`] alone. It reads; what is asked is written there.

use std::collections::BTreeMap;

use tidegate_core::model::{Name, Phase, Request, Revision, RevisionNo, Rollout, ServiceKey, ServiceState};

use crate::answer::store_trouble;
use crate::engine::{World, as_a_whole, members_of};
use crate::plane::{Refusal, RefusalKind};

/// Trains by name, each in its order.
pub(crate) type Trains = BTreeMap<Name, Vec<Name>>;

/// A service that is to begin a rollout, and the one whose place that takes.
pub(crate) struct Seat {
    pub(crate) state: ServiceState,
    pub(crate) active: Option<Rollout>,
}

/// A rollout in progress with the others of its train, in its order; those that are over are left out.
pub(crate) fn in_progress(world: &World<'_>, rollout: Rollout) -> Result<Vec<Rollout>, Refusal> {
    let Some(carriage) = &rollout.train else { return Ok(vec![rollout]) };
    let mut all = members_of(world.store, carriage).map_err(store_trouble)?;
    if all.iter().any(|member| member.phase == Phase::Succeeded) {
        let message = format!("train {} is being promoted already: some of it is stable", carriage.train);
        return Err(Refusal::new(RefusalKind::Conflict, "rollout::not-now", message)
            .help("`tidegate rollback` goes back once it is over"));
    }
    all.retain(|member| !member.phase.is_final());
    Ok(all)
}

/// Those that can do what is asked. Refused where one is taken back, or none can.
pub(crate) fn concerned(
    all: Vec<Rollout>,
    request: Request,
    possible: impl Fn(&Rollout, Request) -> Result<(), Refusal>,
) -> Result<Vec<Rollout>, Refusal> {
    let mut concerned = Vec::new();
    let mut refused = None;
    for rollout in all {
        match possible(&rollout, request) {
            Err(refusal) if rollout.phase == Phase::Aborting => return Err(refusal),
            Err(refusal) => refused = refused.or(Some(refusal)),
            Ok(()) => concerned.push(rollout),
        }
    }
    match refused {
        Some(refusal) if concerned.is_empty() => Err(refusal),
        Some(_) | None => Ok(concerned),
    }
}

/// `rollout 7`, or `rollout 7 with all of train checkout`.
pub(crate) fn called(rollout: &Rollout) -> String {
    let train = rollout.train.as_ref().map(|carriage| format!(" with all of train {}", carriage.train));
    format!("rollout {}{}", rollout.id, train.unwrap_or_default())
}

/// Who goes back to a revision together with a service: the others of the train it is in now. Those that are there already,
/// and those it does not have, stay.
pub(crate) fn back(
    world: &World<'_>,
    state: ServiceState,
    active: Option<Rollout>,
    to: RevisionNo,
) -> Result<(Vec<Seat>, Trains), Refusal> {
    let now = active.as_ref().map(|active| active.to).or(state.stable);
    let now = now.map(|now| revision(world, &state.key, now)).transpose()?.flatten();
    let mut trains = now.map(|revision| revision.spec.trains).unwrap_or_default();
    trains.retain(|_, order| order.contains(&state.key.service));
    let target = revision(world, &state.key, to)?;
    let has = |name: &Name| target.as_ref().is_some_and(|target| target.spec.services.contains_key(name));
    let mut seats = Vec::new();
    for name in trains.values().flatten().filter(|name| **name != state.key.service && has(name)) {
        let seat = seat(world, ServiceKey { service: name.clone(), ..state.key.clone() })?;
        let there = |seat: &Seat| seat.state.stable == Some(to) && seat.active.is_none();
        seats.extend(seat.filter(|seat| seat.state.stable.is_some() && !there(seat)));
    }
    seats.insert(0, Seat { active: whole(world, active)?, state });
    Ok((seats, trains))
}

/// Who begins once more together with the last rollout of a service: the others of its train that were taken back with it.
pub(crate) fn again(
    world: &World<'_>,
    state: &ServiceState,
    last: &Rollout,
) -> Result<(Vec<Seat>, Trains), Refusal> {
    let mut seats = vec![Seat { state: state.clone(), active: None }];
    let Some(carriage) = &last.train else { return Ok((seats, Trains::new())) };
    let mut order = Vec::new();
    for member in members_of(world.store, carriage).map_err(store_trouble)? {
        order.push(member.key.service.clone());
        if member.id == last.id {
            continue;
        }
        let Some(seat) = seat(world, member.key.clone())? else { continue };
        if let Some(active) = &seat.active {
            let message =
                format!("rollout {} of the same train is in progress ({})", active.id, active.phase);
            return Err(Refusal::new(RefusalKind::Conflict, "rollout::in-progress", message)
                .help("wait for it: members of a train begin together"));
        }
        seats.extend(Some(seat).filter(|seat| seat.state.stable != Some(last.to)));
    }
    Ok((seats, Trains::from([(carriage.train.clone(), order)])))
}

fn seat(world: &World<'_>, key: ServiceKey) -> Result<Option<Seat>, Refusal> {
    let Some(state) = world.store.service(&key).map_err(store_trouble)? else { return Ok(None) };
    let active = state.rollout.map(|id| world.store.rollout(id)).transpose().map_err(store_trouble)?;
    Ok(Some(Seat { active: whole(world, active.flatten())?, state }))
}

fn whole(world: &World<'_>, active: Option<Rollout>) -> Result<Option<Rollout>, Refusal> {
    active.map(|active| as_a_whole(world.store, active)).transpose().map_err(store_trouble)
}

fn revision(world: &World<'_>, key: &ServiceKey, number: RevisionNo) -> Result<Option<Revision>, Refusal> {
    world.store.revision(&key.app, &key.environment, number).map_err(store_trouble)
}
