//! What the workers share of an upstream: its requests, counted for the budget of repeats, and its queue's length.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tidegate_core::balance::Budget;

/// A count on cache lines of its own: counting never waits for another core.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane(AtomicU64);

/// See the module. The registry keeps it through every table that has the upstream.
#[derive(Debug)]
pub(crate) struct Shared {
    requests: Box<[Lane]>,
    budget: Mutex<Budget>,
    waiting: AtomicU32,
}

impl Shared {
    pub(crate) fn new(workers: usize) -> Self {
        let requests = (0..workers).map(|_| Lane::default()).collect();
        Shared { requests, budget: Mutex::default(), waiting: AtomicU32::new(0) }
    }

    /// A request came, whatever becomes of it.
    pub(crate) fn on_request(&self, worker: usize) {
        self.requests[worker].0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether one more repeat is within so many percent. If so it is spent.
    pub(super) fn spend(&self, percent: u32, now: u64) -> bool {
        let requests = self.requests.iter().map(|lane| lane.0.load(Ordering::Relaxed)).sum();
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.spend(percent, requests, now)
    }

    /// Takes one of `most` places in the queue.
    pub(super) fn join(&self, most: u32) -> bool {
        let join = |waiting| (waiting < most).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, join).is_ok()
    }

    pub(super) fn quit(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
