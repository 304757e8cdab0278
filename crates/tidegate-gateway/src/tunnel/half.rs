//! One direction of a tunnel.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::drain::Frames;

/// What one read takes at most.
const SCRATCH: usize = 32 * 1024;

thread_local! {
    /// Bytes between a read and the write that follows it at once: one place for all tunnels of a worker.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// See the module.
#[derive(Debug)]
pub(super) struct Half {
    frames: Frames,
    /// What was read and not yet written: nothing unless the receiver is slow.
    held: Vec<u8>,
    end: End,
    farewell: Farewell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Flowing,
    /// Everything was read.
    Read,
    /// And written, and the receiver was told.
    Told,
}

/// The last frame we put in, after which nothing more is passed on.
#[derive(Debug)]
enum Farewell {
    None,
    /// To be said between two messages.
    Due(Vec<u8>),
    /// Said; what still comes is read and dropped.
    Said,
}

impl Half {
    pub(super) fn new(frames: Frames) -> Self {
        Half { frames, held: Vec::new(), end: End::Flowing, farewell: Farewell::None }
    }

    pub(super) fn frames(&self) -> &Frames {
        &self.frames
    }

    /// Moves what can be moved. Ready once everything was.
    pub(super) fn poll_move<F, T>(
        &mut self,
        from: &mut F,
        to: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        F: AsyncRead + Unpin,
        T: AsyncWrite + Unpin,
    {
        loop {
            ready!(self.poll_write_held(to, cx))?;
            match self.end {
                End::Flowing => ready!(self.poll_pass(from, to, cx))?,
                End::Read => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    self.end = End::Told;
                }
                End::Told => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Puts `farewell` in between two messages, at once where this is such a place. Where the sender said its own Close
    /// already, or what goes by is no WebSocket, there is no such place.
    pub(super) fn part_between_messages(&mut self, farewell: &[u8]) {
        self.farewell = Farewell::Due(farewell.to_vec());
        if self.frames.is_between_messages() {
            self.part_now();
        }
    }

    /// Puts the farewell in between two frames if this is such a place, and passes nothing on from here in any case.
    pub(super) fn part_now(&mut self) {
        let farewell = std::mem::replace(&mut self.farewell, Farewell::Said);
        if let Farewell::Due(frame) = farewell
            && self.frames.is_between_frames()
        {
            self.held.extend(frame);
        }
    }

    /// Reads nothing more; the receiver is told once it has what was read.
    pub(super) fn stop(&mut self) {
        if self.end == End::Flowing {
            self.end = End::Read;
        }
    }

    /// Whether nothing more is passed on, and a Close went by.
    pub(super) fn has_parted(&self) -> bool {
        matches!(self.farewell, Farewell::Said) || self.has_said_close()
    }

    /// Whether the sender's own Close was passed on.
    pub(super) fn has_said_close(&self) -> bool {
        self.frames.is_closed() && self.held.is_empty()
    }

    fn poll_write_held<T: AsyncWrite + Unpin>(
        &mut self,
        to: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.held))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.held.drain(..written);
            if self.held.is_empty() {
                // Room is given back: most connections say little.
                self.held = Vec::new();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// One read, and the write of as much as the receiver takes.
    fn poll_pass<F, T>(&mut self, from: &mut F, to: &mut T, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        F: AsyncRead + Unpin,
        T: AsyncWrite + Unpin,
    {
        READ.with_borrow_mut(|scratch| {
            let mut buf = ReadBuf::new(scratch);
            if Pin::new(from).poll_read(cx, &mut buf)?.is_pending() {
                // Nothing follows for now: what the receiver's side holds back must go out.
                let _ = Pin::new(to).poll_flush(cx)?;
                return Poll::Pending;
            }
            let read = buf.filled();
            if read.is_empty() {
                self.end = End::Read;
                return Poll::Ready(Ok(()));
            }
            let pass = self.take_note(read);
            let written = match Pin::new(to).poll_write(cx, pass) {
                _ if pass.is_empty() => 0,
                Poll::Ready(written) => written?,
                Poll::Pending => 0,
            };
            // Before the farewell that the note may have put in.
            self.held.splice(..0, pass[written..].iter().copied());
            Poll::Ready(Ok(()))
        })
    }

    /// What of it is to be passed on.
    fn take_note<'a>(&mut self, read: &'a [u8]) -> &'a [u8] {
        match self.farewell {
            Farewell::None => {
                self.frames.advance(read);
                read
            }
            Farewell::Due(_) => match self.frames.advance_to_boundary(read) {
                Some(last) => {
                    self.part_now();
                    &read[..last]
                }
                None => read,
            },
            Farewell::Said => &[],
        }
    }
}
