//! One way of a connection, by splice(2).

use std::io;
use std::os::fd::OwnedFd;

use mio::net::TcpStream;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

use super::pair::State;

const SIZE: usize = 256 * 1024;

/// A pipe and how much is in it.
#[derive(Debug)]
pub(super) struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
    held: usize,
}

impl Pipe {
    pub(super) fn new() -> io::Result<Self> {
        let (out, into) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
        // A smaller one only means more calls; the system may refuse a larger one.
        let _ = fcntl(&into, FcntlArg::F_SETPIPE_SZ(SIZE as i32));
        Ok(Pipe { out, into, held: 0 })
    }

    /// Carries what there is.
    pub(super) fn carry(&mut self, from: &TcpStream, to: &TcpStream) -> io::Result<State> {
        let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
        loop {
            while self.held > 0 {
                match splice(&self.out, None, to, None, self.held, flags) {
                    Ok(length) => self.held -= length,
                    Err(Errno::EAGAIN | Errno::ENOTCONN) => return Ok(State::Full),
                    Err(error) => return Err(error.into()),
                }
            }
            // However little comes: the pipe may have run out of slots before the socket ran out of bytes.
            match splice(from, None, &self.into, None, SIZE, flags) {
                Ok(0) => return Ok(State::Ended),
                Ok(length) => self.held = length,
                Err(Errno::EAGAIN) => return Ok(State::Empty),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
