//! A lane per worker, made when the worker first needs it: a thousand instances that one of many workers serves cost
//! that worker's lanes only.

use std::sync::{Arc, OnceLock};

/// See the module.
#[derive(Debug)]
pub(super) struct Lanes<T>(Box<[OnceLock<Arc<T>>]>);

impl<T: Default> Lanes<T> {
    pub(super) fn new(workers: usize) -> Self {
        Lanes((0..workers).map(|_| OnceLock::new()).collect())
    }

    /// The worker's own.
    pub(super) fn of(&self, worker: usize) -> &Arc<T> {
        self.0[worker].get_or_init(Arc::default)
    }

    /// Those there are.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(OnceLock::get).map(Arc::as_ref)
    }

    /// A figure of all of them.
    pub(super) fn sum(&self, figure: impl Fn(&T) -> u64) -> u64 {
        self.iter().map(figure).sum()
    }
}
