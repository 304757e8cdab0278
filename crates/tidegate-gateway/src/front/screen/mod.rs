//! Our own policy on what a client may send, kept byte by byte in front of the parser: messages that two readers could
//! take for two different things never reach it. Pure; called with every piece that was read.

mod chunk;
mod head;

pub(crate) use chunk::{Chunks, Step};
use head::{Framing, Head};
pub(crate) use head::{is_expectation, parse_length, spell};

/// Why a message is refused and what the client is told. The connection is closed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) why: &'static str,
}

impl Refusal {
    /// A head that is not whole in time.
    pub(crate) const SLOW_HEAD: Refusal = Refusal { status: 408, why: "the request head took too long" };
    /// A body that stops on its way.
    pub(crate) const SLOW_BODY: Refusal = Refusal { status: 408, why: "the request body took too long" };

    /// The client waits for something that will not come.
    pub(crate) const EXPECTATION: Refusal =
        Refusal { status: 417, why: "the only expectation met is `100-continue`" };

    const fn bad(why: &'static str) -> Self {
        Refusal { status: 400, why }
    }
}

/// A refused piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// How many of its bytes belong to messages before the refused one.
    pub(crate) keep: usize,
    /// Whether the head of the refused message went through with an earlier piece: its request may be under way.
    pub(crate) in_body: bool,
    pub(crate) refusal: Refusal,
}

/// What is expected next.
#[derive(Debug)]
enum State {
    Head,
    Fixed(u64),
    Chunked(Chunks),
    Tunnel,
}

/// Reads along.
#[derive(Debug)]
pub(crate) struct Screen {
    state: State,
    head: Head,
    heads: u64,
    /// Of the last piece: what is not the beginning of a head, and places that go on spelled otherwise.
    passed: usize,
    odd: Vec<usize>,
}

impl Screen {
    pub(crate) fn new(head_bytes: usize, head_fields: usize) -> Self {
        let head = Head::new(head_bytes, head_fields);
        Screen { state: State::Head, head, heads: 0, passed: 0, odd: Vec::new() }
    }

    /// How many whole heads went by.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether a head has begun and not ended.
    pub(crate) fn in_head(&self) -> bool {
        matches!(self.state, State::Head) && self.head.begun()
    }

    /// Whether a body has not ended.
    pub(crate) fn in_body(&self) -> bool {
        matches!(self.state, State::Fixed(_) | State::Chunked(_))
    }

    /// Whether [`Screen::tunnel`] was called.
    pub(crate) fn is_tunnel(&self) -> bool {
        matches!(self.state, State::Tunnel)
    }

    /// From here on the bytes are not HTTP.
    pub(crate) fn tunnel(&mut self) {
        self.state = State::Tunnel;
    }

    /// How many bytes of the last piece are not of a head that goes on behind it.
    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    /// Places of the last piece that the parser gets spelled otherwise, in their order: see [`spell`].
    pub(crate) fn take_odd(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.odd)
    }

    /// Takes the next piece. After a breach nothing more may come.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        let mut at = 0;
        let mut keep = 0;
        let mut in_body = self.in_body();
        while at < bytes.len() && !matches!(self.state, State::Tunnel) {
            let used = self.step(&bytes[at..]);
            self.odd.extend(self.head.odd().map(|odd| at + odd));
            at += used.map_err(|refusal| self.breach(keep, in_body, refusal))?;
            if matches!(self.state, State::Head) && !self.head.begun() {
                keep = at;
                in_body = false;
            }
        }
        self.passed = if self.in_head() { keep } else { bytes.len() };
        Ok(())
    }

    fn breach(&mut self, keep: usize, began_earlier: bool, refusal: Refusal) -> Breach {
        let in_body = self.in_body();
        if in_body && !began_earlier {
            // Its head is held back with the rest: nobody will answer it.
            self.heads -= 1;
        }
        Breach { keep, in_body: in_body && began_earlier, refusal }
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match &mut self.state {
            State::Tunnel => Ok(bytes.len()),
            State::Fixed(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= used as u64;
                if *left == 0 {
                    self.state = State::Head;
                }
                Ok(used)
            }
            State::Chunked(chunks) => {
                let (used, ended) = chunks.advance(bytes)?;
                if ended {
                    self.state = State::Head;
                }
                Ok(used)
            }
            State::Head => {
                let (used, framing) = self.head.advance(bytes)?;
                if let Some(framing) = framing {
                    self.heads += 1;
                    self.state = match framing {
                        Framing::None => State::Head,
                        Framing::Fixed(length) => State::Fixed(length),
                        Framing::Chunked => State::Chunked(Chunks::default()),
                    };
                }
                Ok(used)
            }
        }
    }
}

#[cfg(test)]
mod tests;
