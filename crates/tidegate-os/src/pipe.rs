//! A pipe in the kernel that bytes pass through from one socket to another without being copied to this process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

/// A pipe and how much is in it. Neither end blocks.
#[derive(Debug)]
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    filled: usize,
}

impl Pipe {
    /// A pipe for `size` bytes; smaller where the machine allows less.
    pub fn new(size: usize) -> io::Result<Pipe> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // Its usual 64 KiB do as well.
        let _ = fcntl(&write, FcntlArg::F_SETPIPE_SZ(i32::try_from(size).unwrap_or(i32::MAX)));
        Ok(Pipe { read, write, filled: 0 })
    }

    /// Bytes in it.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Takes at most `most` bytes from a socket; 0: the other side is done. An empty socket is `WouldBlock`; call it on
    /// an empty pipe only, for a full one is `WouldBlock` too.
    pub fn fill(&mut self, from: impl AsFd, most: usize) -> io::Result<usize> {
        let count = splice(from, None, &self.write, None, most, flags())?;
        self.filled += count;
        Ok(count)
    }

    /// Gives what is in it to a socket. Returns how much went.
    pub fn drain(&mut self, to: impl AsFd) -> io::Result<usize> {
        let count = splice(&self.read, None, to, None, self.filled, flags())?;
        self.filled -= count;
        Ok(count)
    }
}

fn flags() -> SpliceFFlags {
    SpliceFFlags::SPLICE_F_MOVE | SpliceFFlags::SPLICE_F_NONBLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn bytes_go_through_in_order() {
        let (mut source, from) = UnixStream::pair().unwrap();
        let (to, mut sink) = UnixStream::pair().unwrap();
        let mut pipe = Pipe::new(1 << 16).unwrap();
        source.write_all(b"abcdef").unwrap();
        assert_eq!(pipe.fill(&from, 4).unwrap(), 4);
        assert_eq!(pipe.filled(), 4);
        assert_eq!(pipe.drain(&to).unwrap(), 4);
        assert_eq!(pipe.filled(), 0);
        let mut bytes = [0; 4];
        sink.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"abcd");
        assert_eq!(pipe.fill(&from, 100).unwrap(), 2);
        from.set_nonblocking(true).unwrap();
        drop(source);
        pipe.drain(&to).unwrap();
        assert_eq!(pipe.fill(&from, 100).unwrap(), 0);
    }
}
