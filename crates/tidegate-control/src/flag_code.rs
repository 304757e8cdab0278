//! Which of the revisions that serve an environment mention which flags. Read only; asked by releases and by answers.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{BuildFlags, FlagKey, Name, RevisionNo};
use tidegate_core::release::{Definition, Situation};
use tidegate_store::{Reader, StoreError};

/// What the code of each serving revision mentions; `None` where nobody has looked.
#[derive(Debug)]
pub(crate) struct FlagCode(BTreeMap<RevisionNo, Option<BuildFlags>>);

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

    /// Every flag that is mentioned.
    pub(crate) fn mentioned(&self) -> BTreeSet<FlagKey> {
        self.0.values().flatten().flat_map(|flags| &flags.keys).cloned().collect()
    }

    /// What an order has to know of it.
    pub(crate) fn situation(&self, definition: &Definition) -> Situation {
        let those = |is: fn(&BuildFlags, &FlagKey) -> bool| {
            let known = self.0.iter().filter_map(|(number, flags)| Some((number, flags.as_ref()?)));
            known.filter(|(_, flags)| is(flags, &definition.key)).map(|(number, _)| *number).collect()
        };
        let lacking = if definition.is_elsewhere() { Vec::new() } else { those(BuildFlags::lacks) };
        let (mentioned, open) = (those(BuildFlags::mentions), those(BuildFlags::leaves_open));
        Situation { lacking, mentioned, open, ..Situation::default() }
    }
}

/// The revisions that take requests, those that are about to, and the stable ones of services without routes.
pub(crate) fn serving(
    store: &Reader,
    app: &Name,
    environment: &Name,
) -> Result<BTreeSet<RevisionNo>, StoreError> {
    let mut serving = BTreeSet::new();
    for state in store.services_of(app, environment)? {
        let active = state.rollout.map(|id| store.rollout(id)).transpose()?.flatten();
        let arms = state.routing.arms.iter().filter(|arm| arm.weight > 0).map(|arm| arm.revision);
        serving.extend(arms.chain(state.stable).chain(active.map(|rollout| rollout.to)));
    }
    Ok(serving)
}
