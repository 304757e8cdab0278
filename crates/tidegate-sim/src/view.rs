//! What the store says between two passes: what the invariants look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_core::model::{
    Instance, InstanceId, Name, Revision, RevisionNo, Rollout, ServiceKey, ServiceSpec, ServiceState,
};
use tidegate_store::{Reader, StoreError};

/// Every service, and the revisions in play.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Services by key.
    pub services: BTreeMap<ServiceKey, ServiceView>,
    /// Rollouts that are not over, whatever service they are of.
    pub active: Vec<Rollout>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceView {
    /// Its state.
    pub state: ServiceState,
    /// Its rollout in progress.
    pub rollout: Option<Rollout>,
    /// Its instances.
    pub instances: Vec<Instance>,
    /// The service as each revision in play has it.
    pub specs: BTreeMap<RevisionNo, ServiceSpec>,
}

/// Revisions read before; they never change.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<(Name, Name, RevisionNo), Arc<Revision>>);

impl Known {
    fn get(&mut self, store: &Reader, key: &ServiceKey, number: RevisionNo) -> Option<Arc<Revision>> {
        let place = (key.app.clone(), key.environment.clone(), number);
        if let Some(found) = self.0.get(&place) {
            return Some(found.clone());
        }
        let found = Arc::new(store.revision(&key.app, &key.environment, number).ok()??);
        self.0.insert(place, found.clone());
        Some(found)
    }
}

impl View {
    /// The store as it is now.
    pub fn of(store: &Reader, known: &mut Known) -> Result<View, StoreError> {
        let active = store.active_rollouts()?;
        let mut instances = store.all_instances()?;
        let mut services = BTreeMap::new();
        for state in store.services()? {
            let key = state.key.clone();
            let rollout = active.iter().find(|rollout| Some(rollout.id) == state.rollout).cloned();
            let instances = instances.remove(&key).unwrap_or_default();
            let numbers: BTreeSet<RevisionNo> = (instances.iter().map(|instance| instance.revision))
                .chain(state.stable)
                .chain(rollout.as_ref().map(|rollout| rollout.to))
                .collect();
            let spec = |number: RevisionNo, known: &mut Known| {
                let revision = known.get(store, &key, number)?;
                Some((number, revision.spec.services.get(&key.service)?.clone()))
            };
            let specs = numbers.into_iter().filter_map(|number| spec(number, known)).collect();
            services.insert(key.clone(), ServiceView { state, rollout, instances, specs });
        }
        Ok(View { services, active })
    }
}

impl ServiceView {
    /// How many instances a revision should have.
    pub fn desired(&self, revision: Option<RevisionNo>) -> u32 {
        let Some(spec) = revision.and_then(|revision| self.specs.get(&revision)) else { return 0 };
        let wanted = self.state.scale.unwrap_or(spec.scale.min);
        if spec.exclusive() { wanted.min(1) } else { wanted }
    }

    /// Whether instances of either revision in play cannot run side by side.
    pub fn exclusive(&self) -> bool {
        self.specs.values().any(ServiceSpec::exclusive)
    }

    /// Whether the service takes requests, as any revision in play has it.
    pub fn has_port(&self) -> bool {
        self.specs.values().any(ServiceSpec::has_port)
    }

    /// The instances that do the service's work: those in rotation, or, where it takes no requests, those that are ready.
    pub fn at_work(&self) -> BTreeSet<&InstanceId> {
        if self.has_port() {
            return self.state.routing.arms.iter().flat_map(|arm| &arm.instances).collect();
        }
        self.instances.iter().filter(|instance| instance.is_ready()).map(|instance| &instance.id).collect()
    }

    /// Instances of stable that are ready.
    fn stable_ready(&self) -> usize {
        let stable = |i: &&Instance| Some(i.revision) == self.state.stable && i.is_ready();
        self.instances.iter().filter(stable).count()
    }

    /// Whether there are as many instances as are wanted, and besides them at most those left over from a revision that was taken
    /// back that do the work stable is not fit for.
    pub fn is_as_wanted(&self) -> bool {
        let wanted = self.desired(self.state.stable) as usize;
        let (mine, others): (Vec<&Instance>, Vec<&Instance>) =
            self.instances.iter().partition(|i| Some(i.revision) == self.state.stable);
        let missing = wanted.saturating_sub(self.stable_ready());
        mine.len() == wanted
            && mine.iter().all(|i| i.is_wanted())
            && others.len() <= missing
            && others.iter().all(|i| i.is_ready())
    }

    /// An instance.
    pub fn instance(&self, id: &InstanceId) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.id == *id)
    }
}
