//! The judge's part of a pass: takes in what the gateway counted of a rollout, and keeps what it makes of it.

use std::collections::BTreeMap;

use tidegate_core::judgement::{Judgement, Share, Sighting, Taken};
use tidegate_core::model::{CountsReport, Judged, Rollout, RolloutId, ServiceState};
use tidegate_store::{StoreError, Tx};

use super::{Engine, Sight, World, carried};

/// Windows kept of one rollout: more than two days of them. What comes after is judged, and left out of the proof.
const MOST_WINDOWS: u64 = 200_000;

/// What came of looking at a rollout.
#[derive(Debug)]
pub(super) struct Look {
    rollout: RolloutId,
    judgement: Judgement,
    taken: Option<Taken>,
    /// Whether it is to be remembered.
    pub(super) is_new: bool,
}

/// The judgements of rollouts in progress, as they are in the store.
pub(super) type Judgements = BTreeMap<RolloutId, Judgement>;

impl Engine {
    /// Looks at a rollout in progress. `None` where there is nothing to compare it with.
    pub(super) fn look(
        &mut self,
        world: &World<'_>,
        sight: &Sight,
        state: &ServiceState,
        rollout: &Rollout,
    ) -> Result<Option<Look>, StoreError> {
        let Some(stable) = state.stable.filter(|stable| *stable != rollout.to) else { return Ok(None) };
        let known = match self.judgements.get(&rollout.id) {
            Some(known) => Some(known.clone()),
            None => world.store.judgement(rollout.id)?,
        };
        let gateway = &sight.gateway;
        let reports: Vec<&CountsReport> = gateway.counts.iter().chain(&gateway.earlier_counts).collect();
        let (upstream, share) = (state.key.to_string(), Share::of(&state.routing));
        let seen = Sighting {
            reports: &reports,
            counted_at: gateway.counted_at,
            upstream: &upstream,
            stable,
            candidate: rollout.to,
            mirrors: &gateway.mirrors,
            share: &share,
            copies_only: state.routing.mirror.is_some() && state.routing.candidate_weight() == 0,
            route_epoch: state.route_epoch,
            second: sight.time.now.since(rollout.created_at).0 / 1_000,
        };
        let (judgement, taken, is_new) = match known {
            Some(mut judgement) => {
                let before = judgement.clone();
                let taken = judgement.take(&seen);
                let is_new = judgement != before;
                (judgement, taken, is_new)
            }
            // It begins with the first report: until then nothing is looked up for it.
            None if reports.is_empty() => return Ok(None),
            None => {
                let carried = carried::found(world.store, rollout)?;
                let begun = Judgement::begin(&rollout.effective.strategy, carried, &seen);
                let Some(judgement) = begun else { return Ok(None) };
                (judgement, None, true)
            }
        };
        Ok(Some(Look { rollout: rollout.id, judgement, taken, is_new }))
    }

    /// What was remembered is what the next look begins with. One rollout at a time is looked at by each service.
    pub(super) fn remembered(&mut self, look: Look) {
        self.judgements.insert(look.rollout, look.judgement);
    }
}

impl Look {
    /// What is said of the candidate.
    pub(super) fn judged(&self) -> Judged {
        self.judgement.judged()
    }

    /// Remembers it, with the window it is made of.
    pub(super) fn remember(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        if !self.is_new {
            return Ok(());
        }
        tx.put_judgement(self.rollout, &self.judgement)?;
        match &self.taken {
            Some(taken) if tx.count_windows(self.rollout)? < MOST_WINDOWS => {
                tx.add_window(self.rollout, taken)
            }
            Some(_) | None => Ok(()),
        }
    }
}
