//! The ways into a worker: one listener for plain connections, one for TLS. What comes in by either is brought to where
//! [`front::serve`] takes it.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use ipnet::IpNet;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::front::{self, Wire, boxed};
use crate::proxy_protocol::{Header, belongs, parse};
use crate::tls::Tls;
use crate::view::Peer;
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
    plain: TcpListener,
    tls: Option<(TcpListener, Arc<Tls>)>,
    proxies: Arc<[IpNet]>,
}

/// A connection that came in.
#[derive(Debug)]
pub(crate) struct Guest {
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    proxied: bool,
}

impl Doors {
    /// Opens them on the runtime this runs in.
    pub(crate) fn open(sockets: Sockets) -> io::Result<Self> {
        let tls =
            sockets.tls.map(|(listener, tls)| Ok::<_, io::Error>((TcpListener::from_std(listener)?, tls)));
        let plain = TcpListener::from_std(sockets.plain)?;
        Ok(Doors { plain, tls: tls.transpose()?, proxies: sockets.proxies })
    }

    /// The next connection by any of them.
    pub(crate) async fn accept(&self) -> io::Result<Guest> {
        let Some((listener, tls)) = &self.tls else {
            return Ok(self.guest(self.plain.accept().await?, None));
        };
        tokio::select! {
            accepted = self.plain.accept() => Ok(self.guest(accepted?, None)),
            accepted = listener.accept() => Ok(self.guest(accepted?, Some(tls.clone()))),
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

    fn guest(&self, came: (TcpStream, SocketAddr), tls: Option<Arc<Tls>>) -> Guest {
        Guest::new(came, tls, &self.proxies)
    }
}

fn queued(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut came = Vec::new();
    let listener = match listener.into_std() {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "the accept queue is lost");
            return came;
        }
    };
    while let Ok((stream, address)) = listener.accept() {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        came.extend(stream.map(|stream| (stream, address)));
    }
    came
}

impl Guest {
    fn new((stream, address): (TcpStream, SocketAddr), tls: Option<Arc<Tls>>, proxies: &[IpNet]) -> Self {
        let from = address.ip().to_canonical();
        let proxied = proxies.iter().any(|net| net.contains(&from));
        Guest { stream, address, tls, proxied }
    }

    /// Serves the connection to its end.
    pub(crate) async fn serve(self, worker: Rc<Worker>) {
        let Guest { mut stream, mut address, tls, proxied } = self;
        if proxied {
            match boxed(|| tokio::time::timeout(worker.limits.handshake, introduced(&mut stream))).await {
                Ok(Ok(told)) => address = told.unwrap_or(address),
                Ok(Err(error)) => {
                    return tracing::warn!(%error, proxy = %address, "a proxy's connection is refused");
                }
                Err(_) => return tracing::warn!(proxy = %address, "a proxy sent no PROXY header in time"),
            }
        }
        let peer = Peer { address, secure: tls.is_some() };
        let wire = match tls {
            None => Wire::Plain(stream),
            Some(tls) => {
                let shaken = boxed(|| tls.accept(stream)).await;
                worker.tally.on_handshake(shaken.is_some());
                let Some(stream) = shaken else { return };
                Wire::Tls(Box::new(stream))
            }
        };
        front::serve(worker, wire, peer).await;
    }
}

/// Whom the proxy speaks for. Reads not a byte more than its header.
async fn introduced(stream: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
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
