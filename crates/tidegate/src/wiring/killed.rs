//! For tests, and in debug builds alone: the control plane ends as `kill -9` would end it, at a chosen commit.
//!
//! Every decision is a commit, and whatever is done about it lies between two of them. So `TIDEGATE_KILL_AT=N`, where N counts
//! the moments right before and right after each commit of this process, reaches every state a kill can leave behind.

use tidegate_store::Store;

/// Which moment, counted from 1.
const KILL_AT: &str = "TIDEGATE_KILL_AT";

/// Has this process killed at the moment the environment names, if it names one.
pub fn arm(store: &mut Store) {
    let Some(at) = std::env::var(KILL_AT).ok().and_then(|text| text.parse::<u64>().ok()) else { return };
    let mut moment = 0;
    store.set_witness(move || {
        moment += 1;
        if moment == at {
            let _ = tidegate_os::process::kill(std::process::id(), 9);
        }
    });
}
