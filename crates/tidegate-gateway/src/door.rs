//! The ways into a worker: one listener for plain connections, one for TLS. What comes in by either is brought to where
//! [`front::serve`] takes it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use ipnet::IpNet;
use rustix::net::{SocketFlags, acceptfrom_with};
use rustls::ProtocolVersion;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::front::{self, Wire, boxed};
use crate::proxy_protocol::{Header, Told, belongs, parse};
use crate::tls::Tls;
use crate::view::{Peer, TlsVersion};
use crate::worker::Worker;

/// Listeners of one worker, before its runtime runs.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) plain: std::net::TcpListener,
    /// With what its handshakes need.
    pub(crate) tls: Option<(std::net::TcpListener, Arc<Tls>)>,
    /// Whose PROXY headers are believed, and required.
    pub(crate) proxies: Arc<[IpNet]>,
}

impl Sockets {
    /// Where clients find TLS.
    pub(crate) fn https_port(&self) -> Option<u16> {
        let (listener, _) = self.tls.as_ref()?;
        Some(listener.local_addr().ok()?.port())
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Doors {
    plain: AsyncFd<TcpListener>,
    tls: Option<(AsyncFd<TcpListener>, Arc<Tls>)>,
    proxies: Arc<[IpNet]>,
}

/// A connection, not known to the event loop yet, and whom it comes from.
type Came = (std::net::TcpStream, SocketAddr);

/// A connection that came in.
#[derive(Debug)]
pub(crate) struct Guest {
    stream: std::net::TcpStream,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    proxied: bool,
}

impl Doors {
    /// Opens them on the runtime this runs in.
    pub(crate) fn open(sockets: Sockets) -> io::Result<Self> {
        let tls = sockets.tls.map(|(listener, tls)| Ok::<_, io::Error>((open(listener)?, tls)));
        let plain = open(sockets.plain)?;
        Ok(Doors { plain, tls: tls.transpose()?, proxies: sockets.proxies })
    }

    /// The next connection by any of them.
    pub(crate) async fn accept(&self) -> io::Result<Guest> {
        let Some((listener, tls)) = &self.tls else {
            return Ok(self.guest(accept(&self.plain).await?, None));
        };
        tokio::select! {
            accepted = accept(&self.plain) => Ok(self.guest(accepted?, None)),
            accepted = accept(listener) => Ok(self.guest(accepted?, Some(tls.clone()))),
        }
    }

    /// Takes the connections that the kernel has accepted for us: closing the listeners would reset them.
    pub(crate) fn shut(mut self) -> Vec<Guest> {
        let tls = self.tls.take();
        let (plain, proxies) = (self.plain, self.proxies);
        let mut guests: Vec<Guest> =
            queued(plain).into_iter().map(|came| Guest::new(came, None, &proxies)).collect();
        if let Some((listener, tls)) = tls {
            let came = queued(listener).into_iter();
            guests.extend(came.map(|came| Guest::new(came, Some(tls.clone()), &proxies)));
        }
        guests
    }

    fn guest(&self, came: Came, tls: Option<Arc<Tls>>) -> Guest {
        Guest::new(came, tls, &self.proxies)
    }
}

fn queued(listener: AsyncFd<TcpListener>) -> Vec<Came> {
    let listener = listener.into_inner();
    std::iter::from_fn(|| take(&listener).ok()).collect()
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe for the sake of types that change their descriptor: a listener does not"
)]
fn open(listener: TcpListener) -> io::Result<AsyncFd<TcpListener>> {
    AsyncFd::with_interest(listener, Interest::READABLE)
}

async fn accept(listener: &AsyncFd<TcpListener>) -> io::Result<Came> {
    listener.async_io(Interest::READABLE, take).await
}

/// A connection that is here already.
fn take(listener: &TcpListener) -> io::Result<Came> {
    let (stream, address) = acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let address = address.and_then(|address| SocketAddr::try_from(address).ok());
    // A client that is gone again may have no address any more.
    Ok((stream.into(), address.ok_or(io::ErrorKind::ConnectionAborted)?))
}

impl Guest {
    fn new((stream, address): Came, tls: Option<Arc<Tls>>, proxies: &[IpNet]) -> Self {
        let from = address.ip().to_canonical();
        let proxied = proxies.iter().any(|net| net.contains(&from));
        Guest { stream, address, tls, proxied }
    }

    /// Serves the connection to its end.
    pub(crate) async fn serve(self, worker: Rc<Worker>) {
        let mut peer = Peer { secure: self.tls.is_some(), ..Peer::plain(self.address) };
        let wire = match self {
            Guest { stream, tls: None, proxied: false, .. } => Some(Wire::Fresh(stream)),
            guest => boxed(|| guest.introduce(&worker, &mut peer)).await,
        };
        if let Some(wire) = wire {
            front::serve(worker, wire, peer).await;
        }
    }

    /// What comes before HTTP; `None`: it did not come.
    async fn introduce(self, worker: &Worker, peer: &mut Peer) -> Option<Wire> {
        let mut stream = TcpStream::from_std(self.stream).ok()?;
        if self.proxied {
            match tokio::time::timeout(worker.limits.handshake, introduced(&mut stream)).await {
                Ok(Ok(told)) => {
                    peer.address = told.source.unwrap_or(peer.address);
                    // Where TLS ends here as well, this side's counts.
                    (peer.secure, peer.tls) = (peer.secure || told.secure, told.tls);
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, proxy = %peer.address, "a proxy's connection is refused");
                    return None;
                }
                Err(_) => {
                    tracing::warn!(proxy = %peer.address, "a proxy sent no PROXY header in time");
                    return None;
                }
            }
        }
        let Some(tls) = self.tls else { return Some(Wire::Plain(stream)) };
        let shaken = tls.accept(stream).await;
        worker.tally.on_handshake(shaken.is_some());
        let stream = shaken?;
        peer.tls = version(&stream);
        Some(Wire::Tls(Box::new(stream)))
    }
}

fn version(stream: &TlsStream<TcpStream>) -> Option<TlsVersion> {
    match stream.get_ref().1.protocol_version()? {
        ProtocolVersion::TLSv1_2 => Some(TlsVersion::V12),
        ProtocolVersion::TLSv1_3 => Some(TlsVersion::V13),
        _ => None,
    }
}

/// Whom the proxy speaks for. Reads not a byte more than its header.
async fn introduced(stream: &mut TcpStream) -> io::Result<Told> {
    let mut header = Vec::with_capacity(128);
    loop {
        let mut seen = [0; 256];
        let ahead = stream.peek(&mut seen).await?;
        if ahead == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let before = header.len();
        header.extend_from_slice(&seen[..ahead]);
        header.truncate(belongs(&header));
        let found = parse(&header).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        stream.read_exact(&mut seen[..header.len() - before]).await?;
        if let Header::Whole(_, told) = found {
            return Ok(told);
        }
    }
}
