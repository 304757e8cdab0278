//! The bytes between the gateway and an endpoint: TCP or a unix socket, with or without TLS.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use rustls::pki_types::ServerName;
use socket2::SockRef;
use tidegate_core::model::{Address, Protocol};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::trust;
use crate::endpoint::Endpoint;
use crate::socket::{self, Source};

/// An open connection.
#[derive(Debug)]
pub(crate) enum Link {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Link {
    /// Opens one, with everything that comes before HTTP.
    pub(super) async fn open(endpoint: &Endpoint, until: Instant) -> io::Result<Self> {
        tokio::time::timeout_at(until.into(), connect(&endpoint.address, endpoint.protocol())).await?
    }

    /// The same as [`Link::is_quiet`], as far as the event loop knows: this asks the kernel only where it has something.
    pub(super) fn seems_quiet(&self) -> bool {
        let mut byte = [0];
        let read = match self {
            Link::Tcp(stream) => stream.try_read(&mut byte),
            Link::Unix(stream) => stream.try_read(&mut byte),
            Link::Tls(_) => return self.is_quiet(),
        };
        matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether the endpoint has neither closed it nor said anything unasked. Looks at the socket itself: what the event
    /// loop knows may be older.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [MaybeUninit::uninit(); 1];
        let peeked = match self {
            Link::Tcp(stream) => SockRef::from(stream).peek(&mut byte),
            Link::Unix(stream) => SockRef::from(stream).peek(&mut byte),
            Link::Tls(stream) => SockRef::from(stream.get_ref().0).peek(&mut byte),
        };
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

async fn connect(address: &Address, protocol: Protocol) -> io::Result<Link> {
    let tls = matches!(protocol, Protocol::Https1 | Protocol::H2);
    let address = match address {
        Address::Tcp(address) => *address,
        Address::Unix(path) if !tls => return UnixStream::connect(path).await.map(Link::Unix),
        Address::Unix(_) => return Err(io::Error::other("TLS is not spoken over unix sockets")),
    };
    let stream = TcpStream::connect(address).await.map_err(|error| as_of_the_address(address, error))?;
    // A port nobody listens on can be connected to itself when the kernel picks it for the near end as well.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    if !tls {
        return Ok(Link::Tcp(stream));
    }
    let h2 = protocol == Protocol::H2;
    let config = trust::config(address.ip(), h2)?;
    let stream = TlsConnector::from(config).connect(ServerName::from(address.ip()), stream).await?;
    if h2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(io::Error::other("the app does not speak HTTP/2 under TLS"));
    }
    Ok(Link::Tls(Box::new(stream)))
}

/// The system says the same where all ports of this machine for the address are taken and where this machine has no address
/// to reach it from. The latter is so for datagrams as well, whose ports are others.
fn as_of_the_address(address: SocketAddr, error: io::Error) -> io::Error {
    let reach = || {
        let any: SocketAddr = if address.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        UdpSocket::bind(any)?.connect(address)
    };
    let unclear = |error: &io::Error| error.kind() == io::ErrorKind::AddrNotAvailable;
    if unclear(&error) && reach().is_err_and(|error| unclear(&error)) {
        return io::ErrorKind::NetworkUnreachable.into();
    }
    error
}

impl Source for Link {
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Link::Tcp(stream) = self {
            return socket::poll_recv(cx, stream, room);
        }
        let mut room = ReadBuf::new(room);
        Pin::new(self).poll_read(cx, &mut room).map_ok(|()| room.filled().len())
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Link::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Link::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Link::Tcp(stream) => socket::poll_send(cx, stream, bytes),
            Link::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Link::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Link::Tcp(stream) => socket::poll_send_vectored(cx, stream, slices),
            Link::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Link::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Link::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Link::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Link::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Link::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;

    use super::*;
    use crate::descriptors::is_ours;

    /// Set where the test runs in a network of its own.
    const INSIDE: &str = "TIDEGATE_TEST_EMPTY_NETWORK";

    async fn connected(address: SocketAddr) -> io::Result<Link> {
        connect(&Address::Tcp(address), Protocol::Http1).await
    }

    async fn without_addresses_and_ports() {
        let unreachable = connected("[::1]:9".parse().unwrap()).await.unwrap_err();
        assert!(!is_ours(&unreachable), "{unreachable}");
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(up.unwrap().success());
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "20000 20001").unwrap();
        let listener = TcpListener::bind("127.0.0.1:9999").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = [connected(address).await.unwrap(), connected(address).await.unwrap()];
        let exhausted = connected(address).await.unwrap_err();
        assert!(is_ours(&exhausted), "{exhausted}");
        drop(taken);
    }

    #[test]
    fn an_address_that_cannot_be_reached_from_here_is_no_want_of_ports() {
        if std::env::var_os(INSIDE).is_some() {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            return builder.enable_all().build().unwrap().block_on(without_addresses_and_ports());
        }
        let unshare = |program: &std::path::Path| {
            let mut command = Command::new("unshare");
            command.arg("-rn").arg(program);
            command
        };
        // Not every machine lets one.
        if !unshare("true".as_ref()).status().is_ok_and(|status| status.success()) {
            return;
        }
        let name = "upstream::link::tests::an_address_that_cannot_be_reached_from_here_is_no_want_of_ports";
        let again =
            unshare(&std::env::current_exe().unwrap()).args(["--exact", name]).env(INSIDE, "1").output();
        let again = again.unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
    }
}
