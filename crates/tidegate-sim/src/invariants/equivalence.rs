//! A kill at any point leads where no kill would have led.

use super::{Held, ensure};

/// The same story with and without kills ends the same, names of instances apart.
pub fn invariant_a_kill_changes_nothing(without: &str, with: &str) -> Held {
    ensure("invariant_a_kill_changes_nothing", without == with, || {
        format!("without a kill:\n{without}\nwith kills:\n{with}")
    })
}
