//! A number that one thread raises and others read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Only its owner may raise it: two at once would lose counts (never more than that).
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// For its owner.
    pub(crate) fn add(&self, more: u64) {
        // Not `fetch_add`: with one writer nothing can come between, and the bus is not locked.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// For anybody.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
