//! What one worker may have under way for copies. Over it copies are dropped, never requests held up. The worker takes, the
//! thread that sends copies gives back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most copies at a time.
const MOST_OPEN: usize = 64;
/// Most bytes of bodies kept for them.
const MOST_HELD: usize = 16 * 1024 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    open: AtomicUsize,
    held: AtomicUsize,
}

impl Budget {
    /// Room for one copy; `None` where there are enough.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Slot> {
        if take(&self.open, 1, MOST_OPEN) {
            return Some(Slot(self.room()));
        }
        None
    }

    /// Room for bytes, none taken yet.
    pub(super) fn room(self: &Arc<Self>) -> Room {
        Room { budget: self.clone(), held: 0 }
    }
}

/// Takes `more` where no more than `most` are then taken. Only its worker takes: nothing can come between.
fn take(taken: &AtomicUsize, more: usize, most: usize) -> bool {
    let fits = taken.load(Ordering::Relaxed) + more <= most;
    if fits {
        taken.fetch_add(more, Ordering::Relaxed);
    }
    fits
}

/// A copy's share of the budget; dropping it gives all of it back.
#[derive(Debug)]
pub(crate) struct Slot(Room);

/// Bytes of the budget; dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Room {
    budget: Arc<Budget>,
    held: usize,
}

impl Slot {
    /// Room for more bytes; `false` where there is none.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        self.0.hold(bytes)
    }

    /// Room beside this one's.
    pub(super) fn room(&self) -> Room {
        self.0.budget.room()
    }
}

impl Room {
    /// Room for more bytes; `false` where there is none. On the worker's thread only.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        let fits = take(&self.budget.held, bytes, MOST_HELD);
        if fits {
            self.held += bytes;
        }
        fits
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.budget.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_copies_than_there_is_room_for() {
        let budget = Arc::new(Budget::default());
        let mut slots: Vec<Slot> = std::iter::from_fn(|| budget.enter()).take(MOST_OPEN + 1).collect();
        assert_eq!(slots.len(), MOST_OPEN);
        slots.pop();
        assert!(budget.enter().is_some());
    }

    #[test]
    fn no_more_bytes_than_there_is_room_for_and_all_are_given_back() {
        let budget = Arc::new(Budget::default());
        let (mut one, mut other) = (budget.enter().unwrap(), budget.enter().unwrap());
        assert!(one.hold(MOST_HELD - 1) && other.hold(1) && !other.hold(1));
        drop(one);
        assert!(other.hold(MOST_HELD - 1));
        drop(other);
        let taken = (budget.open.load(Ordering::Relaxed), budget.held.load(Ordering::Relaxed));
        assert_eq!(taken, (0, 0));
    }
}
