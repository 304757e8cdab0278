//! Buffers that the kernel picks from as it reads, and that come back once they went out on the other side.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

/// The group that reads name.
pub(super) const GROUP: u16 = 0;
/// How many there are. They go round and round: a few stay in the cache of the processor.
const COUNT: u16 = 128;
/// Bytes of each: a request or an answer of the cases with small messages goes into one.
const SIZE: usize = 16 * 1024;
const PAGE: usize = 4096;

/// See the module. Never freed: the kernel may write to it for as long as the ring is there, and the process is the ring.
pub(super) struct Buffers {
    entries: &'static mut [BufRingEntry],
    tail: &'static AtomicU16,
    bytes: *mut u8,
    next: u16,
}

impl Buffers {
    /// Makes them known to the kernel.
    pub(super) fn register(submitter: &Submitter<'_>) -> io::Result<Self> {
        let ring = zeroed(size_of::<BufRingEntry>() * usize::from(COUNT)).cast::<BufRingEntry>();
        let bytes = zeroed(SIZE * usize::from(COUNT));
        // SAFETY: the ring is aligned to a page, has this many entries, and is never freed.
        unsafe { submitter.register_buf_ring_with_flags(ring as u64, COUNT, GROUP, 0)? };
        // SAFETY: all zeroes is an entry; nobody else has a reference to them, and the kernel only reads entries before the
        // tail. The tail lies in a part of the first entry that no setter of entries touches, and is aligned for 16 bits.
        let (entries, tail) = unsafe {
            let tail = AtomicU16::from_ptr(BufRingEntry::tail(ring).cast_mut());
            (std::slice::from_raw_parts_mut(ring, usize::from(COUNT)), tail)
        };
        let mut buffers = Buffers { entries, tail, bytes, next: 0 };
        (0..COUNT).for_each(|id| buffers.give(id));
        buffers.publish();
        Ok(buffers)
    }

    /// Where a buffer is.
    pub(super) fn at(&self, id: u16) -> *const u8 {
        self.bytes.wrapping_add(SIZE * usize::from(id))
    }

    /// Gives one back; the kernel knows of it with [`Buffers::publish`].
    pub(super) fn give(&mut self, id: u16) {
        let (at, entries) = (self.at(id) as u64, usize::from(COUNT));
        let entry = &mut self.entries[usize::from(self.next) % entries];
        entry.set_addr(at);
        entry.set_len(SIZE as u32);
        entry.set_bid(id);
        self.next = self.next.wrapping_add(1);
    }

    /// Tells the kernel of all that were given back.
    pub(super) fn publish(&self) {
        self.tail.store(self.next, Ordering::Release);
    }
}

fn zeroed(size: usize) -> *mut u8 {
    let Ok(layout) = Layout::from_size_align(size, PAGE) else { unreachable!("sizes are constants") };
    // SAFETY: the size is not zero.
    let bytes = unsafe { alloc_zeroed(layout) };
    if bytes.is_null() { handle_alloc_error(layout) } else { bytes }
}
