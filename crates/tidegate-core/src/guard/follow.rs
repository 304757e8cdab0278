//! From what follows to a release: the state after it, and the record of it.

use super::Next;
use crate::model::{FlagState, Guard, Release, ReleaseCause, Serving, Share};
use crate::release::{self, Step};

/// The whole of a share.
const ALL: u32 = 1_000_000;

/// The release that follows for a flag whose guard is at work; `None` where nothing changes, or there is no guarded share.
pub fn follow(state: &FlagState, next: &Next, now_unix_ms: u64) -> Option<(FlagState, Release)> {
    let (Serving::Share(share), Some(guard)) = (&state.serving, &state.guard) else { return None };
    let (serving, guard, why) = match next {
        Next::Stay(_) | Next::Hold(_) => return None,
        Next::TurnOff(charge) => {
            let mut why = charge.why(&share.variant, &share.otherwise);
            if state.waiting.is_some() {
                why.push_str("; the release that waited for its code waits no more");
            }
            (release::turned_off(&share.otherwise), None, why)
        }
        Next::Grow => grown(share, guard, now_unix_ms)?,
        Next::Arrive => arrived(share, guard),
    };
    let made = Step { after: serving, guard, cause: ReleaseCause::Guard, why };
    let (mut after, release) = release::step(state, made, now_unix_ms);
    // Somebody asked for it, and it stands. After what was found it must not turn the flag on again.
    if !matches!(next, Next::TurnOff(_)) {
        after.waiting.clone_from(&state.waiting);
    }
    Some((after, release))
}

fn grown(share: &Share, guard: &Guard, now_unix_ms: u64) -> Option<(Serving, Option<Guard>, String)> {
    let step = guard.step + 1;
    let of = guard.steps.get(step)?.of;
    let guard = Guard { step, since_unix_ms: now_unix_ms, ..guard.clone() };
    Some((Serving::Share(Share { of, ..share.clone() }), Some(guard), not_worse(share)))
}

/// Everybody gets it where that was the last share, else whoever has it keeps it, and nobody watches any more.
fn arrived(share: &Share, guard: &Guard) -> (Serving, Option<Guard>, String) {
    let of = guard.steps.last().map_or(share.of, |last| last.of);
    let serving = if of.0 >= ALL {
        Serving::Variant(share.variant.clone())
    } else {
        Serving::Share(Share { of, ..share.clone() })
    };
    (serving, None, not_worse(share))
}

fn not_worse(share: &Share) -> String {
    format!("`{}` is not worse than `{}`", share.variant, share.otherwise)
}
