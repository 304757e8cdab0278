//! A stream of server-sent events on its way to a client. It is framed anew as chunks, so that it can end between two
//! events when it is told to leave, and the client's connection stays good.

use std::task::{Context, Poll};

use crate::drain::{Events, Stay};
use crate::front::screen::{Chunks, Refusal};

/// See the module.
#[derive(Debug)]
pub(super) struct EventStream {
    events: Events,
    stay: Stay,
    /// How the instance frames it; `None`: it does not.
    chunks: Option<Chunks>,
}

/// A piece of a stream.
#[derive(Debug)]
pub(super) struct Piece {
    /// Bytes of events.
    pub(super) data: Vec<u8>,
    /// Whether the stream ends with it.
    pub(super) last: bool,
}

impl EventStream {
    pub(super) fn new(stay: Stay, is_chunked: bool) -> Self {
        EventStream { events: Events::new(), stay, chunks: is_chunked.then(Chunks::of_answer) }
    }

    /// Whether it may end now, and is to.
    pub(super) fn poll_leaves(&mut self, cx: &mut Context<'_>) -> bool {
        self.events.is_between() && self.stay.poll_told(cx).is_ready()
    }

    /// Takes bytes as the instance sent them, which were found good before.
    pub(super) fn take(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<Piece, Refusal> {
        let mut data = Vec::with_capacity(bytes.len());
        match &mut self.chunks {
            Some(chunks) => drop(chunks.advance_with(bytes, |piece| data.extend_from_slice(piece))?),
            None => data.extend_from_slice(bytes),
        }
        let mut last = false;
        match self.stay.poll_told(cx) {
            Poll::Pending => self.events.advance(&data),
            Poll::Ready(()) => {
                if let Some(end) = self.events.advance_to_boundary(&data) {
                    data.truncate(end);
                    last = true;
                }
            }
        }
        Ok(Piece { data, last })
    }
}
