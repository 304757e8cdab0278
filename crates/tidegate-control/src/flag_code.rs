//! Which of the revisions that serve an environment mention which flags. Read only; asked by releases and by answers.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{FlagKey, Name, RevisionNo};
use tidegate_core::release::{Definition, Situation};
use tidegate_store::{Reader, StoreError};

/// What the code of each serving revision mentions; `None` where nobody has looked.
#[derive(Debug)]
pub(crate) struct FlagCode(BTreeMap<RevisionNo, Option<BTreeSet<FlagKey>>>);

impl FlagCode {
    /// Of an environment, now.
    pub(crate) fn of(store: &Reader, app: &Name, environment: &Name) -> Result<Self, StoreError> {
        let mut code = BTreeMap::new();
        for number in serving(store, app, environment)? {
            let Some(revision) = store.revision(app, environment, number)? else { continue };
            code.insert(number, store.build_flags(&revision.spec.build)?);
        }
        Ok(FlagCode(code))
    }

    /// What an order has to know of it.
    pub(crate) fn situation(&self, definition: &Definition) -> Situation {
        let those = |mentions: bool| {
            let known = self.0.iter().filter_map(|(number, keys)| Some((number, keys.as_ref()?)));
            let those = known.filter(|(_, keys)| keys.contains(&definition.key) == mentions);
            those.map(|(number, _)| *number).collect()
        };
        let lacking = if definition.is_elsewhere() { Vec::new() } else { those(false) };
        Situation { lacking, mentioned: those(true), experiment: false }
    }
}

/// The revisions that take requests, and the stable ones of services without routes.
fn serving(store: &Reader, app: &Name, environment: &Name) -> Result<BTreeSet<RevisionNo>, StoreError> {
    let services = store.services_of(app, environment)?;
    let of_service = services.iter().flat_map(|state| {
        let arms = state.routing.arms.iter().filter(|arm| arm.weight > 0).map(|arm| arm.revision);
        arms.chain(state.stable)
    });
    Ok(of_service.collect())
}
