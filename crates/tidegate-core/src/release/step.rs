//! The releases that Tidegate makes itself: a guard that goes on or turns a flag off, a flag that goes to its safe variant
//! with a revision that lacks its code, a release that has waited for its code.

use super::Definition;
use crate::model::{FlagState, Guard, Release, ReleaseCause, Serving, Waiting};

/// Who Tidegate calls itself.
const TIDEGATE: &str = "tidegate";

/// A change that Tidegate makes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is served from now on.
    pub after: Serving,
    /// The watch from now on.
    pub guard: Option<Guard>,
    /// What brought it about.
    pub cause: ReleaseCause,
    /// Why, in words.
    pub why: String,
}

/// The state after a change of Tidegate's own, and the record of it.
pub fn step(state: &FlagState, step: Step, now_unix_ms: u64) -> (FlagState, Release) {
    let Step { after, guard, cause, why } = step;
    next(state, after, guard, Told { by: TIDEGATE.to_owned(), why: Some(why), cause }, now_unix_ms)
}

/// A flag whose code is gone serves its safe variant and nothing else, whatever the rules say; where nothing is known to be
/// safe it is not served at all, as by a kill. `None` where that is so already.
pub fn safe_step(
    definition: &Definition,
    state: &FlagState,
    cause: ReleaseCause,
    why: String,
    now_unix_ms: u64,
) -> Option<(FlagState, Release)> {
    let safe = definition.safe().unwrap_or_default().to_owned();
    let served = match &state.serving {
        Serving::Defined => definition.default.as_deref().filter(|_| !definition.ruled),
        Serving::Variant(variant) => Some(variant.as_str()).filter(|_| !definition.ruled),
        Serving::Killed(variant) => Some(variant.as_str()),
        Serving::Share(_) | Serving::Schedule(_) => None,
    };
    if served == Some(safe.as_str()) {
        return None;
    }
    Some(step(state, Step { after: Serving::Killed(safe), guard: None, cause, why }, now_unix_ms))
}

/// What was waited for is done: nothing that serves lacks the code any more. `None` where nothing waits.
pub fn ready(state: &FlagState, now_unix_ms: u64) -> Option<(FlagState, Release)> {
    let Waiting { serving, mut guard, by, why, .. } = state.waiting.clone()?;
    if let Some(guard) = &mut guard {
        guard.since_unix_ms = now_unix_ms;
    }
    Some(next(state, serving, guard, Told { by, why, cause: ReleaseCause::Ready }, now_unix_ms))
}

/// Who says what of a change.
pub(super) struct Told {
    pub(super) by: String,
    pub(super) why: Option<String>,
    pub(super) cause: ReleaseCause,
}

/// The next state and the record of the change. Whatever waited, waits no more.
pub(super) fn next(
    state: &FlagState,
    after: Serving,
    guard: Option<Guard>,
    told: Told,
    now_unix_ms: u64,
) -> (FlagState, Release) {
    let version = state.version + 1;
    let release = Release {
        flag: state.key.clone(),
        version,
        by: told.by,
        why: told.why,
        cause: told.cause,
        before: state.serving.clone(),
        after: after.clone(),
        at_unix_ms: now_unix_ms,
    };
    // Whoever was told by the gateway is told further, whatever is served: else it would be off for them unseen.
    let told = guard.as_ref().or(state.guard.as_ref()).map_or(&state.told, |guard| &guard.user).clone();
    let next = FlagState {
        key: state.key.clone(),
        version,
        serving: after,
        guard,
        told,
        waiting: None,
        archived: false,
        changed_at_unix_ms: now_unix_ms,
        first_seen_unix_ms: state.first_seen_unix_ms,
    };
    (next, release)
}
