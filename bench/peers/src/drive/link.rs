//! The bytes of a client's connection, with or without TLS.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{MsgFlags, recv};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::case::HOST;

/// See the module.
#[derive(Debug)]
pub(super) struct Link {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Link {
    pub(super) fn open(
        registry: &Registry,
        to: SocketAddr,
        token: Token,
        tls: Option<&Arc<ClientConfig>>,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let tls = tls.map(begin).transpose()?.map(Box::new);
        Ok(Link { stream, tls })
    }

    /// What became of the connect, once it is ready to be written to.
    pub(super) fn connected(&self) -> io::Result<()> {
        self.stream.take_error()?.map_or(Ok(()), Err)?;
        self.stream.peer_addr().map(drop)
    }

    /// Whether a read of less than there is room for has emptied the connection.
    pub(super) fn is_emptied_by_short_reads(&self) -> bool {
        self.tls.is_none()
    }

    /// Sends what TLS holds back, as far as there is room.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            match tls.write_tls(&mut self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                written => written?,
            };
        }
        Ok(())
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.stream.write(bytes) };
        let taken = tls.writer().write(bytes)?;
        self.flush()?;
        if taken == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    pub(super) fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(tls) = &mut self.tls else { return self.stream.read(into) };
            match tls.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            if tls.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
            self.flush()?;
        }
    }

    /// Takes bytes of a body off the connection; without TLS they are copied nowhere (TCP's meaning of `MSG_TRUNC`).
    pub(super) fn discard(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.tls.is_some() {
            return self.receive(room);
        }
        recv(self.stream.as_raw_fd(), room, MsgFlags::MSG_TRUNC).map_err(io::Error::from)
    }
}

fn begin(config: &Arc<ClientConfig>) -> io::Result<ClientConnection> {
    let name = ServerName::try_from(HOST).map_err(io::Error::other)?;
    ClientConnection::new(config.clone(), name).map_err(io::Error::other)
}
