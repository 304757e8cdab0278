//! What an exchange works with. A connection takes a desk for as long as it is busy: a quiet one costs no buffer.

use std::cell::RefCell;

use super::buffer::Buffer;

/// Room for a request's head (and what came with it), and as much for an answer's.
const SIZE: usize = 16 * 1024;
/// Desks kept for the next busy connections of a worker: a new one costs calls of the system.
const KEPT: usize = 512;
/// So few are kept for ever.
const FEW: usize = 16;
/// A head longer than this is not kept room for.
const LARGE_HEAD: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Desk {
    /// What the client sent.
    pub(super) input: Buffer,
    /// What the instance sent.
    pub(super) answer: Buffer,
    /// The head for the instance.
    pub(super) head: Vec<u8>,
    /// The head for the client, and bodies that are framed anew.
    pub(super) reply: Vec<u8>,
}

impl Desk {
    fn new() -> Self {
        Desk {
            input: Buffer::new(SIZE),
            answer: Buffer::new(SIZE),
            head: Vec::with_capacity(1024),
            reply: Vec::with_capacity(1024 + 2048),
        }
    }
}

/// The desks of one worker that nobody uses now.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "what goes to a connection and back is a pointer")]
pub(crate) struct Desks(RefCell<Vec<Box<Desk>>>);

impl Desks {
    pub(super) fn take(&self) -> Box<Desk> {
        self.0.borrow_mut().pop().unwrap_or_else(|| Box::new(Desk::new()))
    }

    /// Gives back half of what is more than a few: called now and then, it leaves what is in use and little besides.
    pub(crate) fn sweep(&self) {
        let mut free = self.0.borrow_mut();
        let keep = FEW.max(free.len() / 2);
        free.truncate(keep);
    }

    /// Nothing on it is anybody's any more.
    pub(super) fn put(&self, mut desk: Box<Desk>) {
        desk.input.clear();
        desk.answer.clear();
        let mut free = self.0.borrow_mut();
        if free.len() < KEPT && desk.head.capacity() + desk.reply.capacity() <= LARGE_HEAD {
            free.push(desk);
        }
    }
}
