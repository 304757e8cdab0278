//! A client's connection and the upstream connection that belongs to it, as a ring passes bytes between them.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};

/// See the module.
#[derive(Debug)]
pub(super) struct Pair {
    ends: [TcpStream; 2],
    /// From the end of that number to the other.
    ways: [Way; 2],
    /// Operations that the kernel has not finished.
    pub(super) open: u32,
}

/// What waits on one way. Only one piece is on its way at a time: two could come in each other's place.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// Buffers with how much is in them; the first is on its way.
    pieces: VecDeque<(u16, u32)>,
    ended: bool,
}

impl Pair {
    pub(super) fn new(ends: [TcpStream; 2]) -> Self {
        Pair { ends, ways: Default::default(), open: 0 }
    }

    /// A piece was read at an end; whether it is the only one.
    pub(super) fn read(&mut self, end: usize, piece: (u16, u32)) -> bool {
        self.ways[end].pieces.push_back(piece);
        self.ways[end].pieces.len() == 1
    }

    /// The first piece from an end is out: its buffer, and the piece that follows it.
    pub(super) fn sent(&mut self, end: usize) -> (Option<u16>, Option<(u16, u32)>) {
        let way = &mut self.ways[end];
        let out = way.pieces.pop_front().map(|(id, _)| id);
        (out, way.pieces.front().copied())
    }

    /// Nothing more comes from an end.
    pub(super) fn end(&mut self, end: usize) {
        self.ways[end].ended = true;
    }

    /// Passes the end on, where everything before it went out.
    pub(super) fn pass_end(&self, end: usize) {
        if self.ways[end].ended && self.ways[end].pieces.is_empty() {
            // It may be gone altogether.
            let _ = self.ends[1 - end].shutdown(Shutdown::Write);
        }
    }

    /// Something broke: what is under way comes to its end.
    pub(super) fn cut(&mut self) {
        for (way, stream) in self.ways.iter_mut().zip(&self.ends) {
            way.ended = true;
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.open == 0 && self.ways.iter().all(|way| way.ended && way.pieces.is_empty())
    }

    /// Whether more may come from an end.
    pub(super) fn is_open(&self, end: usize) -> bool {
        !self.ways[end].ended
    }
}
