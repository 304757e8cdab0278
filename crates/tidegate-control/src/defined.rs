//! What Git says of an environment's flags once a deploy is there. Read only; asked by the intake, the plan and the deploy
//! reconciler.

use serde_json::{Value, json};
use tidegate_core::flag::{carried, lost_variants};
use tidegate_core::model::{BuildFlags, BuildId, FlagDefinitions, Name, RevisionNo};
use tidegate_store::{Reader, StoreError};

use crate::flag_code::{FlagCode, serving};

/// The flags that a revision's build mentions; `None` where nobody has looked: the app defined no flags then.
pub(crate) fn mentions(
    store: &Reader,
    app: &Name,
    environment: &Name,
    number: RevisionNo,
) -> Result<Option<BuildFlags>, StoreError> {
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
    let mentioned = FlagCode::of(store, app, environment)?.mentioned();
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

/// The builds of serving revisions in whose source nobody has looked for flags: the app defined none then, so that they mention
/// none of those that come now.
pub(crate) fn unread(store: &Reader, app: &Name, environment: &Name) -> Result<Vec<BuildId>, StoreError> {
    let mut unread = Vec::new();
    for number in serving(store, app, environment)? {
        let Some(revision) = store.revision(app, environment, number)? else { continue };
        let build = revision.spec.build;
        if store.build_flags(&build)?.is_none() && store.build(&build)?.is_some() {
            unread.push(build);
        }
    }
    Ok(unread)
}
