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

/// A bound listener.
#[derive(Debug)]
pub struct Listener(Bound);

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// A listener that waits on the runtime.
pub(crate) enum AsyncListener {
    Tcp(tokio::net::TcpListener, Arc<Hosts>),
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
        Ok(Listener(Bound::Tcp(listener)))
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

    /// Where it listens: `http://127.0.0.1:7070` or `unix:/path`.
    pub fn address(&self) -> String {
        match &self.0 {
            Bound::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("http://{address}"),
                Err(error) => format!("http://? ({error})"),
            },
            Bound::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    pub(crate) fn into_async(self) -> io::Result<AsyncListener> {
        Ok(match self.0 {
            Bound::Tcp(listener) => {
                let hosts = Arc::new(Hosts::of(listener.local_addr()?));
                AsyncListener::Tcp(tokio::net::TcpListener::from_std(listener)?, hosts)
            }
            Bound::Unix(listener, _) => AsyncListener::Unix(tokio::net::UnixListener::from_std(listener)?),
        })
    }
}

/// Something that can be read and written.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

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
                Ok((stream, peer)) => {
                    // Closed at once: who waits would hold a seat.
                    let guest = peer.address().map(|from| crowd.enter(from));
                    if matches!(guest, Some(None)) {
                        continue;
                    }
                    let served = connection::serve(stream, peer, router.clone(), ending.clone());
                    connections.spawn(async move {
                        served.await;
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

    async fn next(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            AsyncListener::Tcp(listener, hosts) => {
                let (stream, from) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Peer::Tcp(Arc::clone(hosts), from.ip())))
            }
            AsyncListener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok((Box::new(stream), Peer::Unix { uid }))
            }
        }
    }
}
