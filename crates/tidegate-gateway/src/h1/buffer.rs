//! Bytes between two sockets: filled at the end, taken from the front.

use std::io;
use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll, ready};

use memmap2::MmapMut;

use crate::socket::Source;

/// A buffer of a fixed size, made anew never and moved rarely.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Pages,
    start: usize,
    end: usize,
}

/// Memory that is a mapping of its own: what was never written takes none, and the machine has it back as soon as it is
/// dropped. On the heap it would stay with the process after a crowd, beneath what was allocated later.
#[derive(Debug)]
enum Pages {
    Own(MmapMut),
    /// The machine gives no more mappings.
    Heap(Box<[u8]>),
}

impl Pages {
    fn new(size: usize) -> Self {
        MmapMut::map_anon(size).map_or_else(|_| Pages::Heap(vec![0; size].into_boxed_slice()), Pages::Own)
    }
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Pages::Own(bytes) => bytes,
            Pages::Heap(bytes) => bytes,
        }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Pages::Own(bytes) => bytes,
            Pages::Heap(bytes) => bytes,
        }
    }
}

impl Buffer {
    pub(super) fn new(size: usize) -> Self {
        Buffer { bytes: Pages::new(size), start: 0, end: 0 }
    }

    /// What is in it.
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether there is room for more, when what is in it is moved to the front.
    pub(super) fn is_full(&self) -> bool {
        self.len() == self.bytes.len()
    }

    /// Takes bytes from the front.
    pub(super) fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.len(), "more is taken than there is");
        self.start += count;
        if self.start == self.end {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Reads once. 0: the other side is done, or there is no room.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl Source,
    ) -> Poll<io::Result<usize>> {
        if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = ready!(from.poll_fill(cx, &mut self.bytes[self.end..]))?;
        self.end += count;
        Poll::Ready(Ok(count))
    }
}
