//! What a plan says of configuration, parameters and secrets: versions, never a value.

use tidegate_store::Reader;

use super::store_trouble;
use crate::intake::Accepted;
use crate::plane::Refusal;
use crate::setting::pin::pinned;
use crate::setting::serving;

/// Of the settings a deploy would have.
pub(super) struct PlannedSettings {
    /// What differs from what serves.
    pub(super) changes: Vec<String>,
    /// What is referred to and not set.
    pub(super) missing: Option<String>,
}

/// Gives the planned revision its settings; what differs by them.
pub(super) fn planned_settings(store: &Reader, accepted: &mut Accepted) -> Result<PlannedSettings, Refusal> {
    let place = (&accepted.app, &accepted.environment);
    let pinned = pinned(store, place, &accepted.spec).map_err(store_trouble)?;
    let before = serving(store, place).map_err(store_trouble)?.map(|revision| revision.spec.settings);
    let missing =
        pinned.problem_in_words(place).map(|problem| format!("the deploy will be refused: {problem}"));
    let changes = before.unwrap_or_default().changes_to(&pinned.settings);
    accepted.spec.settings = pinned.settings;
    Ok(PlannedSettings { changes, missing })
}
