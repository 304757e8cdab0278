//! What goes on in the arms of the table in use.

use std::collections::HashSet;

use tidegate_core::model::{self, ArmLevels, InstanceLevel};

use super::Registry;
use crate::route::Arm;

impl Registry {
    /// Arms that have a circuit, or an instance that is busy or left out. Made each second: nothing is put together for
    /// the others.
    pub(crate) fn levels(&self) -> Vec<ArmLevels> {
        let Some((model, made)) = &self.before else { return Vec::new() };
        let out = self.out();
        let upstreams = model.upstreams.iter().zip(made.upstreams());
        let arms = upstreams.flat_map(|((name, model), made)| {
            model.arms.iter().zip(&made.arms).map(move |(model, made)| (name, model, made))
        });
        arms.filter_map(|(name, model, made)| levels_of(name, model, made, &out)).collect()
    }
}

/// `out`: endpoints that are left out.
fn levels_of(upstream: &str, model: &model::Arm, made: &Arm, out: &HashSet<u64>) -> Option<ArmLevels> {
    let circuit_open = made.badge.guard.as_ref().and_then(|guard| guard.circuit_open());
    let levels = made.places.iter().filter_map(|place| {
        let (inflight, ejected) = (place.endpoint.inflight(), out.contains(&place.endpoint.uid));
        let instance = || place.endpoint.id.clone();
        (inflight > 0 || ejected).then(|| InstanceLevel { instance: instance(), inflight, ejected })
    });
    let instances: Vec<InstanceLevel> = levels.collect();
    let (role, revision) = (model.role, model.revision);
    let told = circuit_open.is_some() || !instances.is_empty();
    told.then(|| ArmLevels { upstream: upstream.to_owned(), role, revision, circuit_open, instances })
}
