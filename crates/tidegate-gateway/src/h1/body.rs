//! How much of what was read belongs to a body. The bytes themselves stay where they are, framing and all.

use crate::front::screen::{Chunks, Refusal};

/// Where a body ends.
#[derive(Debug, Default)]
pub(crate) enum Framing {
    /// After so many bytes.
    Fixed(u64),
    /// After its last chunk.
    Chunked(Chunks),
    /// With the connection.
    #[default]
    UntilClose,
}

/// A body on its way: `ready` bytes at the front of its buffer are known to be part of it.
#[derive(Debug, Default)]
pub(super) struct Body {
    framing: Framing,
    ready: usize,
    ended: bool,
    seen: u64,
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        let ended = matches!(framing, Framing::Fixed(0));
        Body { framing, ready: 0, ended, seen: 0 }
    }

    /// Looks at bytes that were not looked at before. Those after the body's end are not taken in.
    pub(super) fn look(&mut self, fresh: &[u8]) -> Result<(), Refusal> {
        if self.ended {
            return Ok(());
        }
        let used = match &mut self.framing {
            Framing::Fixed(left) => {
                let used = fresh.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= used as u64;
                self.ended = *left == 0;
                used
            }
            Framing::Chunked(chunks) => {
                let (used, ended) = chunks.advance(fresh)?;
                self.ended = ended;
                used
            }
            Framing::UntilClose => fresh.len(),
        };
        self.ready += used;
        self.seen += used as u64;
        Ok(())
    }

    /// Bytes at the front of the buffer that may go on.
    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    /// So many of them went on.
    pub(super) fn went(&mut self, count: usize) {
        self.ready -= count;
    }

    /// Whether nothing more is to be read of it.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether all of it went on.
    pub(super) fn over(&self) -> bool {
        self.ended && self.ready == 0
    }

    /// Bytes still to be read, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        match self.framing {
            Framing::Fixed(left) => Some(left),
            Framing::Chunked(_) | Framing::UntilClose => None,
        }
    }

    /// So many bytes went by without being looked at. Only where [`Body::left`] knows how many there are.
    pub(super) fn skip(&mut self, count: u64) {
        if let Framing::Fixed(left) = &mut self.framing {
            *left = left.saturating_sub(count);
            self.seen += count;
            self.ended = *left == 0;
        }
    }

    /// How many bytes of it went by, without their framing.
    pub(super) fn seen(&self) -> u64 {
        match &self.framing {
            Framing::Chunked(chunks) => chunks.data(),
            Framing::Fixed(_) | Framing::UntilClose => self.seen,
        }
    }

    /// Whether it comes in chunks.
    pub(super) fn is_chunked(&self) -> bool {
        matches!(self.framing, Framing::Chunked(_))
    }

    /// It ends here, whatever was to come.
    pub(super) fn end(&mut self) {
        (self.ready, self.ended) = (0, true);
    }

    /// Whether it ends with the connection.
    pub(super) fn is_until_close(&self) -> bool {
        matches!(self.framing, Framing::UntilClose)
    }

    /// The connection ended; whether that was the body's end.
    pub(super) fn close(&mut self) -> bool {
        self.ended |= self.is_until_close();
        self.ended
    }
}
