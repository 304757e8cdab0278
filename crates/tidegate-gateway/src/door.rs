//! The ways into a worker: one listener for plain connections, one for TLS. What comes in by either is brought to where
//! [`front::serve`](crate::front::serve) takes it.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};

use crate::front::{self, Wire};
use crate::tls::Tls;
use crate::view::Peer;
use crate::worker::Worker;

/// Listeners of one worker, before its runtime runs.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) plain: std::net::TcpListener,
    /// With what its handshakes need.
    pub(crate) tls: Option<(std::net::TcpListener, Arc<Tls>)>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Doors {
    plain: TcpListener,
    tls: Option<(TcpListener, Arc<Tls>)>,
}

/// A connection that came in.
#[derive(Debug)]
pub(crate) struct Guest {
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

impl Doors {
    /// Opens them on the runtime this runs in.
    pub(crate) fn open(sockets: Sockets) -> io::Result<Self> {
        let tls =
            sockets.tls.map(|(listener, tls)| Ok::<_, io::Error>((TcpListener::from_std(listener)?, tls)));
        Ok(Doors { plain: TcpListener::from_std(sockets.plain)?, tls: tls.transpose()? })
    }

    /// The next connection by any of them.
    pub(crate) async fn accept(&self) -> io::Result<Guest> {
        let Some((listener, tls)) = &self.tls else {
            return Ok(Guest::new(self.plain.accept().await?, None));
        };
        tokio::select! {
            accepted = self.plain.accept() => Ok(Guest::new(accepted?, None)),
            accepted = listener.accept() => Ok(Guest::new(accepted?, Some(tls.clone()))),
        }
    }

    /// Takes the connections that the kernel has accepted for us: closing the listeners would reset them.
    pub(crate) fn shut(self) -> Vec<Guest> {
        let mut guests = queued(self.plain, None);
        if let Some((listener, tls)) = self.tls {
            guests.extend(queued(listener, Some(&tls)));
        }
        guests
    }
}

fn queued(listener: TcpListener, tls: Option<&Arc<Tls>>) -> Vec<Guest> {
    let mut guests = Vec::new();
    let listener = match listener.into_std() {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "the accept queue is lost");
            return guests;
        }
    };
    while let Ok((stream, address)) = listener.accept() {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        guests.extend(stream.map(|stream| Guest::new((stream, address), tls.cloned())));
    }
    guests
}

impl Guest {
    fn new((stream, address): (TcpStream, SocketAddr), tls: Option<Arc<Tls>>) -> Self {
        Guest { stream, address, tls }
    }

    /// Serves the connection to its end.
    pub(crate) async fn serve(self, worker: Rc<Worker>) {
        let Guest { stream, address, tls } = self;
        if let Err(error) = stream.set_nodelay(true) {
            return tracing::debug!(%error, "the client is gone already");
        }
        let peer = Peer { address, secure: tls.is_some() };
        let wire = match tls {
            None => Wire::Plain(stream),
            Some(tls) => {
                let shaken = tls.accept(stream).await;
                worker.tally.on_handshake(shaken.is_some());
                let Some(stream) = shaken else { return };
                Wire::Tls(Box::new(stream))
            }
        };
        front::serve(worker, wire, peer).await;
    }
}
