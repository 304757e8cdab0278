//! What an exchange with an instance works with. Taken for as long as it lasts, so that a connection that is kept costs no
//! buffer and a request allocates none.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::BytesMut;

use crate::front::Alarm;

/// Room for an answer's head and the beginning of its body.
const SIZE: usize = 16 * 1024;
/// Docks kept for the next exchanges of a worker, and how many of them for ever.
const KEPT: usize = 64;
const FEW: usize = 16;
/// More than this is not kept room for.
const LARGE: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Dock {
    /// What goes to the instance, from `sent` on.
    pub(super) out: Vec<u8>,
    pub(super) sent: usize,
    /// What came from it.
    pub(super) input: BytesMut,
    pub(super) alarm: Alarm,
}

/// Those that nobody uses now. The one that has lain longest goes first: by then nobody holds the pieces of bodies that lie
/// in its buffer.
#[derive(Debug, Default)]
pub(in crate::upstream) struct Docks(RefCell<VecDeque<Box<Dock>>>);

impl Docks {
    pub(super) fn take(&self) -> Box<Dock> {
        let free = self.0.borrow_mut().pop_front();
        free.unwrap_or_else(|| {
            Box::new(Dock {
                out: Vec::with_capacity(1024),
                sent: 0,
                input: BytesMut::with_capacity(SIZE),
                alarm: Alarm::default(),
            })
        })
    }

    pub(super) fn put(&self, mut dock: Box<Dock>) {
        dock.out.clear();
        dock.input.clear();
        dock.sent = 0;
        let mut free = self.0.borrow_mut();
        if free.len() < KEPT && dock.out.capacity() + dock.input.capacity() <= LARGE {
            free.push_back(dock);
        }
    }

    /// Gives back half of what is more than a few.
    pub(in crate::upstream) fn sweep(&self) {
        let mut free = self.0.borrow_mut();
        let keep = FEW.max(free.len() / 2);
        free.truncate(keep);
    }
}
