//! The releases that Tidegate makes itself: a guard that goes on or turns a flag off, a flag that goes to its safe variant
//! with a revision that lacks its code, a release that has waited for its code or its moment, a definition that comes or goes.

use super::Definition;
use super::words::Instant;
use crate::model::{FlagState, Guard, Release, ReleaseCause, RevisionNo, Scheduled, Serving, Waiting};

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
        Serving::Off(variant) | Serving::Killed(variant) => Some(variant.as_str()),
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

/// What was waited for can never be served: nothing waits any more. What is served, and the watch over it, stay as they are. `None`
/// where nothing waits.
pub fn withdraw(state: &FlagState, why: String, now_unix_ms: u64) -> Option<(FlagState, Release)> {
    state.waiting.as_ref()?;
    let (after, guard) = (state.serving.clone(), state.guard.clone());
    let made = Step { after, guard, cause: ReleaseCause::Withdrawn, why };
    let (after, release) = step(state, made, now_unix_ms);
    Some((FlagState { archived: state.archived, ..after }, release))
}

/// A moment of a flag's schedule has come: what is served from it on, and the record of it. What went before is gone from the
/// schedule, so that a clock that jumps back takes nothing from anybody. `None` where none has come.
pub fn begun(state: &FlagState, now_unix_ms: u64) -> Option<(FlagState, Release)> {
    let Serving::Schedule(steps) = &state.serving else { return None };
    let place = steps.iter().rposition(|step| step.from_unix_ms <= now_unix_ms)?;
    let Scheduled { from_unix_ms, serving } = steps[place].clone();
    if state.archived || from_unix_ms == 0 {
        return None;
    }
    let rest = &steps[place + 1..];
    let after = if rest.is_empty() {
        serving
    } else {
        let first = Scheduled { from_unix_ms: 0, serving };
        Serving::Schedule([first].into_iter().chain(rest.iter().cloned()).collect())
    };
    let why = format!("its moment {} has come", Instant(from_unix_ms));
    let made = Step { after, guard: None, cause: ReleaseCause::Scheduled, why };
    let (mut next, release) = step(state, made, now_unix_ms);
    next.waiting.clone_from(&state.waiting);
    Some((next, release))
}

/// A flag whose definition is in force no more: what was released of it ends, and a flag of the same key that comes later begins
/// as it is defined. `None` where nothing was released.
pub fn left_force(state: &FlagState, now_unix_ms: u64) -> Option<(FlagState, Release)> {
    let released = state.serving != Serving::Defined || state.guard.is_some() || state.waiting.is_some();
    if state.archived || !released {
        return None;
    }
    let why = "its definition is in force no more".to_owned();
    let made = Step { after: Serving::Defined, guard: None, cause: ReleaseCause::Undefined, why };
    Some(step(state, made, now_unix_ms))
}

/// A flag whose definition is in force again because a revision comes back: what was released of it then comes back as well.
/// `last`: its newest release. `None` where something else ended it, or Git has dropped the variant.
pub fn back_in_force(
    definition: &Definition,
    state: &FlagState,
    last: Option<&Release>,
    to: RevisionNo,
    now_unix_ms: u64,
) -> Option<(FlagState, Release)> {
    let last = last.filter(|last| last.cause == ReleaseCause::Undefined && !state.archived)?;
    super::meaning::still_there(definition, &last.before).ok()?;
    if last.before == state.serving {
        return None;
    }
    let (after, cause) = (last.before.clone(), ReleaseCause::Redefined);
    // Nothing is kept of the watch over a share: whoever relied on it is to hear that there is none.
    let unwatched = match after {
        Serving::Share(_) => "; a guard that it had does not: watch it again with `--guard`",
        Serving::Defined
        | Serving::Variant(_)
        | Serving::Schedule(_)
        | Serving::Off(_)
        | Serving::Killed(_) => "",
    };
    let why = format!("{to} comes back, and its definition with it{unwatched}");
    Some(step(state, Step { after, guard: None, cause, why }, now_unix_ms))
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
        // Whoever keeps it knows.
        changed: None,
        first_seen_unix_ms: state.first_seen_unix_ms,
    };
    (next, release)
}
