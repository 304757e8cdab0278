//! What goes on in the arms of the table in use.

use std::time::Instant;

use tidegate_core::model::{self, ArmLevels, InstanceLevel};

use super::Registry;
use crate::balance::micros;
use crate::route::Arm;

impl Registry {
    /// Arms that have a circuit, or an instance that is busy or left out.
    pub(crate) fn levels(&self) -> Vec<ArmLevels> {
        let Some((model, made)) = &self.before else { return Vec::new() };
        let upstreams = model.upstreams.iter().zip(made.upstreams());
        let arms = upstreams.flat_map(|((name, model), made)| {
            model.arms.iter().zip(&made.arms).map(move |(model, made)| self.levels_of(name, model, made))
        });
        arms.filter(|arm| arm.circuit_open.is_some() || !arm.instances.is_empty()).collect()
    }

    fn levels_of(&self, upstream: &str, model: &model::Arm, made: &Arm) -> ArmLevels {
        let (role, revision) = (model.role, model.revision);
        let state = self.arms.get(&(upstream.to_owned(), role, revision));
        let out = state.map_or(Vec::new(), |state| state.ejected(micros(Instant::now())));
        let level = |endpoint: &crate::endpoint::Endpoint| InstanceLevel {
            instance: endpoint.id.clone(),
            inflight: endpoint.inflight(),
            ejected: out.contains(&endpoint.uid),
        };
        let levels = made.places.iter().map(|place| level(&place.endpoint));
        ArmLevels {
            upstream: upstream.to_owned(),
            role,
            revision,
            circuit_open: made.badge.guard.as_ref().and_then(|guard| guard.circuit_open()),
            instances: levels.filter(|level| level.inflight > 0 || level.ejected).collect(),
        }
    }
}
