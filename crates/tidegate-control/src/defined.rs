//! What Git says of an environment's flags once a deploy is there. Read only; asked by the intake, the plan and the deploy
//! reconciler.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_core::flag::{carried, lost_variants};
use tidegate_core::model::{FlagDefinitions, FlagKey, Name, RevisionNo};
use tidegate_store::{Reader, StoreError};

/// The flags that the code of an environment mentions now: of each service's stable revision and of its candidate.
fn mentioned(store: &Reader, app: &Name, environment: &Name) -> Result<BTreeSet<FlagKey>, StoreError> {
    let mut mentioned = BTreeSet::new();
    for state in store.services_of(app, environment)? {
        let active = state.rollout.map(|id| store.rollout(id)).transpose()?.flatten();
        for number in state.stable.into_iter().chain(active.map(|rollout| rollout.to)) {
            mentioned.extend(mentions(store, app, environment, number)?.unwrap_or_default());
        }
    }
    Ok(mentioned)
}

/// The flags that a revision's build mentions; `None` where nobody has looked: the app defined no flags then.
pub(crate) fn mentions(
    store: &Reader,
    app: &Name,
    environment: &Name,
    number: RevisionNo,
) -> Result<Option<BTreeSet<FlagKey>>, StoreError> {
    let revision = store.revision(app, environment, number)?;
    Ok(revision.map(|revision| store.build_flags(&revision.spec.build)).transpose()?.flatten())
}

/// What a deploy brings into force; `None`: nothing was ever defined. `flags`: what its manifest defines.
pub(crate) fn in_force(
    store: &Reader,
    (app, environment): (&Name, &Name),
    deploy: Option<u64>,
    flags: Option<&Value>,
) -> Result<Option<FlagDefinitions>, StoreError> {
    let before = store.flag_definitions(app, environment)?;
    let nothing = json!({"flags": {}});
    let new = match (flags, &before) {
        (None, None) => return Ok(None),
        (None, Some(_)) => &nothing,
        (Some(flags), _) => flags,
    };
    let mentioned = mentioned(store, app, environment)?;
    let document = carried(new, before.as_ref().map_or(&nothing, |before| &before.document), &mentioned);
    Ok(Some(FlagDefinitions { app: app.clone(), environment: environment.clone(), deploy, document }))
}

/// Why definitions cannot come into force: one sentence, or `None`.
pub(crate) fn in_the_way(
    store: &Reader,
    definitions: &FlagDefinitions,
) -> Result<Option<String>, StoreError> {
    let states = store.flag_states_of(&definitions.app, &definitions.environment)?;
    let lost = lost_variants(&definitions.document, &states);
    let told: Vec<String> = lost.iter().map(ToString::to_string).collect();
    Ok((!told.is_empty()).then(|| told.join("; ")))
}
