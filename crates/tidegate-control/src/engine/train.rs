//! The service reconciler's view of a train: its members as they are stored, and what they mean for one of them.

use tidegate_core::model::{Carriage, Phase, Rollout};
use tidegate_core::rollout::begin;
use tidegate_core::train::{Member, Signal, serves_alone, signal, still_sends};
use tidegate_store::{Reader, StoreError};

use super::{Sight, World};

/// What the others of its train mean for a rollout; `None` where it is in none.
pub(super) fn signal_for(
    world: &World<'_>,
    sight: &Sight,
    rollout: Option<&Rollout>,
) -> Result<Option<Signal>, StoreError> {
    let Some((rollout, carriage)) = rollout.and_then(|it| Some((it, it.train.as_ref()?))) else {
        return Ok(None);
    };
    // What a gateway that does not answer still has in flight is not known.
    let inflight = sight.gateway.alive.then_some(&sight.gateway.inflight);
    let mut members = Vec::with_capacity(carriage.rollouts.len());
    for rollout in members_of(world.store, carriage)? {
        let instances = world.store.instances_of(&rollout.key)?;
        let sends = still_sends(&rollout, &instances, inflight);
        members.push(Member { rollout, sends });
    }
    Ok(Some(signal(&members, rollout.id)))
}

/// The rollouts of a train in its order; one that is forgotten is left out.
pub(crate) fn members_of(store: &Reader, carriage: &Carriage) -> Result<Vec<Rollout>, StoreError> {
    let mut members = Vec::with_capacity(carriage.rollouts.len());
    for id in &carriage.rollouts {
        members.extend(store.rollout(*id)?);
    }
    Ok(members)
}

/// The rollout in progress that a newer one takes the place of. A train that has not come into the bake time as a whole
/// has not come there: none of its candidates counts as the revision that serves.
pub(crate) fn as_a_whole(store: &Reader, active: Rollout) -> Result<Rollout, StoreError> {
    let Some(carriage) = active.train.as_ref().filter(|_| begin::serves_alone(&active)) else {
        return Ok(active);
    };
    let whole = serves_alone(&members_of(store, carriage)?);
    Ok(if whole { active } else { Rollout { phase: Phase::Progressing, ..active } })
}
