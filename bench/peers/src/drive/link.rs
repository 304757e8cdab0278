//! The bytes of a client's connection.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{MsgFlags, recv};

/// See the module.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
}

impl Link {
    pub(super) fn open(registry: &Registry, to: SocketAddr, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Link { stream })
    }

    /// What became of the connect, once it is ready to be written to.
    pub(super) fn connected(&self) -> io::Result<()> {
        self.stream.take_error()?.map_or(Ok(()), Err)?;
        self.stream.peer_addr().map(drop)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    pub(super) fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }

    /// Takes bytes off the socket without copying them anywhere (TCP's meaning of `MSG_TRUNC`).
    pub(super) fn discard(&mut self, room: &mut [u8]) -> io::Result<usize> {
        recv(self.stream.as_raw_fd(), room, MsgFlags::MSG_TRUNC).map_err(io::Error::from)
    }
}
