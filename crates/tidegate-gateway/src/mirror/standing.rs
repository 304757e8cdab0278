//! What of a service's mirror goes on through every table: its turns, and what came of the copies.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Ledger;
use crate::route::Turn;

/// See the module.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Which requests are copied.
    pub(super) copied: Turn,
    /// Which arm of another upstream a copy is for; that upstream's own requests keep their turns.
    pub(super) spread: Turn,
    /// Who of two that are asked is asked first, the next time.
    flip: AtomicBool,
    pub(crate) ledger: Ledger,
}

impl Standing {
    pub(crate) fn new(seed: u64) -> Self {
        let (copied, spread) = (Turn::new(seed), Turn::new(!seed));
        Standing { copied, spread, flip: AtomicBool::new(false), ledger: Ledger::default() }
    }

    /// Every other time.
    pub(super) fn flips(&self) -> bool {
        self.flip.fetch_not(Ordering::Relaxed)
    }
}
