//! Large bodies from socket to socket inside the kernel.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tidegate_os::pipe::Pipe;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::descriptors::{Descriptors, Share};

/// Below this a body is copied: the pipe would cost more.
pub(super) const WORTH: u64 = 32 * 1024;
const SIZE: usize = 256 * 1024;
/// Pipes a worker keeps for its next large bodies.
const KEPT: usize = 16;

/// A pipe, with its share of the process's descriptors.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) pipe: Pipe,
    _share: Share,
}

/// The pipes of one worker that nobody uses now; all empty.
#[derive(Debug)]
pub(crate) struct Pipes {
    descriptors: Arc<Descriptors>,
    free: RefCell<Vec<Held>>,
}

impl Pipes {
    pub(crate) fn new(descriptors: Arc<Descriptors>) -> Self {
        Pipes { descriptors, free: RefCell::default() }
    }

    /// `None`: there is no room for one, or the machine gives none, and the body is copied.
    pub(super) fn take(&self) -> Option<Held> {
        let kept = self.free.borrow_mut().pop();
        kept.or_else(|| {
            let share = self.descriptors.pipe()?;
            let pipe = Pipe::new(SIZE).inspect_err(|error| tracing::debug!(%error, "no pipe")).ok()?;
            Some(Held { pipe, _share: share })
        })
    }

    pub(super) fn put(&self, held: Held) {
        let mut free = self.free.borrow_mut();
        if held.pipe.filled() == 0 && free.len() < KEPT {
            free.push(held);
        }
    }

    /// Closes those that nobody uses.
    pub(crate) fn clear(&self) {
        self.free.borrow_mut().clear();
    }
}

/// Which side a move failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It ended, or broke.
    From,
    /// It takes no more.
    To,
}

/// How much of a body went through.
#[derive(Debug)]
pub(super) struct Moved {
    /// Bytes read from the one side.
    pub(super) read: u64,
    /// Whether anything went anywhere.
    pub(super) any: bool,
}

/// Moves until `left` bytes were read and written (`Ready(Ok)`), or a side failed. `moved` says how far it came, also when
/// it returns `Pending`.
pub(super) fn poll_move(
    cx: &mut Context<'_>,
    from: &TcpStream,
    pipe: &mut Pipe,
    to: &TcpStream,
    left: u64,
    moved: &mut Moved,
) -> Poll<Result<(), Side>> {
    loop {
        while pipe.filled() > 0 {
            if ready!(to.poll_write_ready(cx)).is_err() {
                return Poll::Ready(Err(Side::To));
            }
            match to.try_io(Interest::WRITABLE, || pipe.drain(to)) {
                Ok(count) if count > 0 => moved.any = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return Poll::Ready(Err(Side::To)),
            }
        }
        let most = left - moved.read;
        if most == 0 {
            return Poll::Ready(Ok(()));
        }
        if ready!(from.poll_read_ready(cx)).is_err() {
            return Poll::Ready(Err(Side::From));
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(SIZE);
        match from.try_io(Interest::READABLE, || pipe.fill(from, most)) {
            Ok(count) if count > 0 => {
                moved.read += count as u64;
                moved.any = true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return Poll::Ready(Err(Side::From)),
        }
    }
}
