//! Where the server listens: a TCP address or a unix socket. Bound before serving, so that `up` can say what went wrong.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::connection;
use super::crowd::Crowd;
use super::guard::{Hosts, Peer};
use super::tls::Tls;

/// A bound listener.
#[derive(Debug)]
pub struct Listener(Bound);

#[derive(Debug)]
enum Bound {
    Tcp { listener: TcpListener, names: Vec<String>, tls: Option<Tls> },
    Unix(UnixListener, PathBuf),
}

/// A listener that waits on the runtime.
pub(crate) enum AsyncListener {
    Tcp(tokio::net::TcpListener, Arc<Hosts>, Option<Tls>),
    Unix(tokio::net::UnixListener),
}

/// After a failed accept (no descriptors left, say), before the next one.
const PAUSE: Duration = Duration::from_millis(50);
/// How long requests in progress may take once the server is to end.
const FAREWELL: Duration = Duration::from_secs(2);

impl Listener {
    /// Listens on a TCP address. Port 0: a free one.
    ///
    /// # Errors
    /// As the machine says: in use, not permitted.
    pub fn tcp(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Listener(Bound::Tcp { listener, names: Vec::new(), tls: None }))
    }

    /// The same, going by these host names besides. Of a unix socket that says nothing.
    pub fn named(mut self, further: Vec<String>) -> Self {
        match &mut self.0 {
            Bound::Tcp { names, .. } => *names = further,
            Bound::Unix(..) => {}
        }
        self
    }

    /// The same, speaking TLS with the certificate chain and the key of these PEM files, which are read again where they change. Of a
    /// unix socket that says nothing.
    ///
    /// # Errors
    /// A file cannot be read, or the two are no pair.
    pub fn with_tls(mut self, cert: &Path, key: &Path) -> io::Result<Self> {
        match &mut self.0 {
            Bound::Tcp { tls, .. } => *tls = Some(Tls::of(cert, key)?),
            Bound::Unix(..) => {}
        }
        Ok(self)
    }

    /// Listens on a unix socket with mode 0600. A socket file that is there is taken for a left-over: only who holds the
    /// data directory's lock may call this.
    ///
    /// # Errors
    /// As the machine says.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let listener = tidegate_os::socket::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Listener(Bound::Unix(listener, path.to_owned())))
    }

    /// Where it listens: `http://127.0.0.1:7070`, `https://NAME:7071` or `unix:/path`.
    pub fn address(&self) -> String {
        match &self.0 {
            Bound::Tcp { listener, names, tls } => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                match (listener.local_addr(), names.first()) {
                    (Ok(address), Some(name)) => format!("{scheme}://{name}:{}", address.port()),
                    (Ok(address), None) => format!("{scheme}://{address}"),
                    (Err(error), _) => format!("{scheme}://? ({error})"),
                }
            }
            Bound::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    pub(crate) fn into_async(self) -> io::Result<AsyncListener> {
        Ok(match self.0 {
            Bound::Tcp { listener, names, tls } => {
                let hosts = Hosts::of(listener.local_addr()?).with(names, tls.is_some());
                AsyncListener::Tcp(tokio::net::TcpListener::from_std(listener)?, Arc::new(hosts), tls)
            }
            Bound::Unix(listener, _) => AsyncListener::Unix(tokio::net::UnixListener::from_std(listener)?),
        })
    }
}

/// Something that can be read and written.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection before its first byte.
enum Arrived {
    Tcp(tokio::net::TcpStream, Option<Tls>),
    Unix(tokio::net::UnixStream),
}

impl Arrived {
    /// Ready for requests; `None`: it is over. Here and not where it is accepted: a peer may take its time.
    async fn open(self) -> Option<Box<dyn Stream>> {
        Some(match self {
            Arrived::Tcp(stream, None) => Box::new(stream),
            Arrived::Tcp(stream, Some(tls)) => Box::new(tls.accept(stream).await?),
            Arrived::Unix(stream) => Box::new(stream),
        })
    }
}

impl AsyncListener {
    /// Accepts until the server is to end. A connection without a free seat waits in the kernel's queue.
    pub(crate) async fn accept(
        self,
        router: Router,
        seats: Arc<Semaphore>,
        mut ending: watch::Receiver<bool>,
    ) {
        let (mut connections, crowd) = (JoinSet::new(), Crowd::default());
        loop {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = self.next() => accepted,
                _ = ending.wait_for(|ending| *ending) => break,
            };
            match accepted {
                Ok((arrived, peer)) => {
                    // Closed at once: who waits would hold a seat.
                    let guest = peer.address().map(|from| crowd.enter(from));
                    if matches!(guest, Some(None)) {
                        continue;
                    }
                    let (router, ending) = (router.clone(), ending.clone());
                    connections.spawn(async move {
                        if let Some(stream) = arrived.open().await {
                            connection::serve(stream, peer, router, ending).await;
                        }
                        drop((seat, guest));
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
        let _ =
            tokio::time::timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
    }

    async fn next(&self) -> io::Result<(Arrived, Peer)> {
        match self {
            AsyncListener::Tcp(listener, hosts, tls) => {
                let (stream, from) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let peer = Peer::Tcp(Arc::clone(hosts), from.ip().to_canonical());
                Ok((Arrived::Tcp(stream, tls.clone()), peer))
            }
            AsyncListener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok((Arrived::Unix(stream), Peer::Unix { uid }))
            }
        }
    }
}
