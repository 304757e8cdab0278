//! How many clients' connections the process holds: fewer than it has descriptors, so that a crowd of clients leaves some for
//! connections to instances, the control socket and files. Shared by the workers, which ask once for each connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most descriptors that are left for what is neither a client nor its instance.
const RESERVE: u64 = 256;

/// See the module.
#[derive(Debug)]
pub(crate) struct Seats {
    most: u64,
    taken: AtomicU64,
}

/// A connection's place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Seats>);

impl Seats {
    /// For a process that may have so many files open.
    pub(crate) fn new(files: u64) -> Arc<Self> {
        Arc::new(Seats { most: most(files), taken: AtomicU64::new(0) })
    }

    /// How many there are.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// A place, unless all are taken.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Seat> {
        // Dropped at once where it is one too many: between the two another worker may refuse a connection early, never late.
        let seat = Seat(self.clone());
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.most).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Each client may need a connection to an instance.
fn most(files: u64) -> u64 {
    ((files - RESERVE.min(files / 4)) / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_left_whatever_the_limit() {
        assert_eq!([0, 64, 1_024, 4_096, 1 << 20].map(most), [1, 24, 384, 1_920, 524_160]);
    }

    #[test]
    fn a_seat_is_taken_once_and_free_again() {
        let seats = Seats::new(8);
        let held: Vec<Seat> = (0..seats.most()).filter_map(|_| seats.take()).collect();
        assert_eq!(held.len(), 3);
        assert!(seats.take().is_none() && seats.take().is_none());
        drop(held);
        assert!(seats.take().is_some());
    }
}
