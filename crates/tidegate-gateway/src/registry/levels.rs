//! What goes on in the arms of the table in use.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use tidegate_core::model::{self, ArmLevels, InstanceId, InstanceLevel};

use super::Registry;
use crate::balance::micros;
use crate::route::Arm;

impl Registry {
    /// Arms that have a circuit, or an instance that is busy or left out. Made each second: nothing is put together for
    /// the others.
    /// Before them: what is left out.
    pub(crate) fn levels(&self) -> (Vec<InstanceId>, Vec<ArmLevels>) {
        let out = self.out();
        let mut levels = self.levels_of_table(&out);
        levels.extend(self.levels_of_leaving());
        (self.ejected(&out), levels)
    }

    fn levels_of_table(&self, out: &HashSet<u64>) -> Vec<ArmLevels> {
        let Some((model, made)) = &self.before else { return Vec::new() };
        let upstreams = model.upstreams.iter().zip(made.upstreams());
        let arms = upstreams.flat_map(|((name, model), made)| {
            model.arms.iter().zip(&made.arms).map(move |(model, made)| (name, model, made))
        });
        arms.filter_map(|(name, model, made)| levels_of(name, model, made, out)).collect()
    }

    /// Of instances that left the table and have requests still, each in the arm that it left last.
    fn levels_of_leaving(&self) -> Vec<ArmLevels> {
        let leaving = self.leaving.iter().filter(|endpoint| endpoint.is_gone());
        let busy =
            leaving.map(|endpoint| (&endpoint.id, endpoint.inflight())).filter(|(_, count)| *count > 0);
        let busy: BTreeMap<&InstanceId, u32> = busy.collect();
        let mut last: BTreeMap<&InstanceId, ArmLevels> = BTreeMap::new();
        for (upstream, role, revision, instance) in self.departed.values() {
            let Some((instance, inflight)) = instance.as_ref().and_then(|id| busy.get_key_value(id)) else {
                continue;
            };
            let level = InstanceLevel { instance: (*instance).clone(), inflight: *inflight, ejected: false };
            let (upstream, role, revision) = (upstream.clone(), *role, *revision);
            let levels = ArmLevels { upstream, role, revision, circuit_open: None, instances: vec![level] };
            last.insert(*instance, levels);
        }
        last.into_values().collect()
    }

    /// Instances that are left out because they fail.
    fn ejected(&self, out: &HashSet<u64>) -> Vec<InstanceId> {
        let ejected = self.endpoints.values().filter(|endpoint| out.contains(&endpoint.uid));
        let mut ids: Vec<InstanceId> = ejected.map(|endpoint| endpoint.id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// Endpoints that are left out.
    fn out(&self) -> HashSet<u64> {
        let now = micros(Instant::now());
        self.arms.values().flat_map(|arm| arm.ejected(now)).collect()
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
