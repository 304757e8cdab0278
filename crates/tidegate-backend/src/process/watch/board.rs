//! What the watching thread has seen, for the backend to read.

use std::collections::BTreeMap;

use tidegate_core::model::{Health, InstanceId, ProbeAnswer, UnitObservation, UnitState};

use crate::process::place::Place;

/// One unit as last seen.
#[derive(Clone, Debug)]
pub(in crate::process) struct Sight {
    pub(in crate::process) seen: UnitObservation,
    pub(in crate::process) place: Place,
}

/// Every unit, and those removed lately.
#[derive(Debug, Default)]
pub(in crate::process) struct Board {
    units: BTreeMap<InstanceId, Sight>,
    departed: BTreeMap<InstanceId, Sight>,
}

/// How many removed units are remembered for `explain`.
const DEPARTED: usize = 256;

impl Sight {
    /// A unit whose start was asked for.
    pub(in crate::process) fn new(id: InstanceId, generation: u64, place: Place, port: Option<u16>) -> Sight {
        let state = UnitState::Running(Health { ready: false, live: true });
        Sight {
            seen: UnitObservation {
                id,
                generation,
                state,
                pid: None,
                port,
                last_probe: None,
                flooding: false,
            },
            place,
        }
    }

    pub(in crate::process) fn runs(&self) -> bool {
        matches!(self.seen.state, UnitState::Running(_))
    }
}

impl Board {
    pub(in crate::process) fn get(&self, id: &InstanceId) -> Option<&Sight> {
        self.units.get(id)
    }

    /// Also one that was removed lately.
    pub(in crate::process) fn recall(&self, id: &InstanceId) -> Option<&Sight> {
        self.units.get(id).or_else(|| self.departed.get(id))
    }

    pub(in crate::process) fn all(&self) -> impl Iterator<Item = &Sight> {
        self.units.values()
    }

    pub(in crate::process) fn put(&mut self, sight: Sight) {
        self.departed.remove(&sight.seen.id);
        self.units.insert(sight.seen.id.clone(), sight);
    }

    pub(in crate::process) fn remove(&mut self, id: &InstanceId) {
        let Some(sight) = self.units.remove(id) else { return };
        if self.departed.len() >= DEPARTED {
            self.departed.pop_first();
        }
        self.departed.insert(id.clone(), sight);
    }

    /// Changes what is seen of one generation of a unit; true if that made a difference. Another generation, or a unit
    /// that was removed, is not brought back.
    pub(super) fn update(
        &mut self,
        id: &InstanceId,
        generation: u64,
        change: impl FnOnce(&mut UnitObservation),
    ) -> bool {
        let places = [&mut self.units, &mut self.departed];
        for sight in places.into_iter().filter_map(|units| units.get_mut(id)) {
            if sight.seen.generation == generation {
                let before = sight.seen.clone();
                change(&mut sight.seen);
                return differs(&before, &sight.seen);
            }
        }
        false
    }
}

/// A probe that goes on failing in the same way is no news.
fn differs(before: &UnitObservation, after: &UnitObservation) -> bool {
    let good = |seen: &UnitObservation| seen.last_probe.as_ref().map(|probe: &ProbeAnswer| probe.good);
    let facts = |seen: &UnitObservation| (seen.state.clone(), seen.pid, seen.flooding);
    facts(before) != facts(after) || good(before) != good(after)
}
