//! What of a service's mirror goes on through every table: its turns, and what came of the copies.

use super::Ledger;
use crate::route::Turn;

/// See the module.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Which requests are copied.
    pub(super) copied: Turn,
    /// Which arm of another upstream a copy is for; that upstream's own requests keep their turns.
    pub(super) spread: Turn,
    pub(crate) ledger: Ledger,
}

impl Standing {
    pub(crate) fn new(seed: u64) -> Self {
        Standing { copied: Turn::new(seed), spread: Turn::new(!seed), ledger: Ledger::default() }
    }
}
