//! Environments as a whole: what several services of one have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::{Name, Revision, ServiceState};
use tidegate_core::schedule::agreed;
use tidegate_store::StoreError;

use super::{Engine, World};

/// The services of every environment, by app and environment.
pub(super) type Places = BTreeMap<(Name, Name), Vec<ServiceState>>;

impl Engine {
    /// The services of every environment. One that its own stable revision does not have was removed from the manifest, and
    /// has no say in which revision the environment is on.
    pub(super) fn places(&mut self, world: &World<'_>) -> Result<Places, StoreError> {
        let mut places = Places::new();
        for state in world.store.services()? {
            if self.is_there(world, &state)? {
                let place = (state.key.app.clone(), state.key.environment.clone());
                places.entry(place).or_default().push(state);
            }
        }
        Ok(places)
    }

    /// The revision an environment is on as a whole: the stable one of every service it has, with no rollout in progress.
    pub(super) fn settled(
        &mut self,
        world: &World<'_>,
        services: &[ServiceState],
    ) -> Result<Option<Arc<Revision>>, StoreError> {
        let (Some(number), Some(first)) = (agreed(services), services.first()) else { return Ok(None) };
        let revision = self.revisions.get(world.store, &first.key, number)?;
        let serves = |name: &Name| {
            services.iter().any(|state| state.key.service == *name && state.stable == Some(number))
        };
        Ok(revision.filter(|revision| revision.spec.services.keys().all(serves)))
    }

    fn is_there(&mut self, world: &World<'_>, state: &ServiceState) -> Result<bool, StoreError> {
        let (Some(stable), None) = (state.stable, state.rollout) else { return Ok(true) };
        let revision = self.revisions.get(world.store, &state.key, stable)?;
        Ok(revision.is_none_or(|revision| revision.spec.services.contains_key(&state.key.service)))
    }
}
