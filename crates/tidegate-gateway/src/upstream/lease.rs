//! One connection to an endpoint.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Upload;
use crate::endpoint::Endpoint;
use tidegate_core::model::Address;

/// A connection that carries one request at a time. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) sender: SendRequest<Upload>,
    pub(crate) endpoint: Arc<Endpoint>,
    socket: Socket,
    /// Until when it may be kept, and since when it is unused: set when it is put back.
    pub(super) expires: Instant,
    pub(super) unused_since: Instant,
}

impl Lease {
    /// Whether the endpoint has neither closed it nor said anything unasked. Looks at the socket itself: what the event
    /// loop knows may be older.
    pub(super) fn is_alive(&self) -> bool {
        if self.sender.is_closed() {
            return false;
        }
        let stream = self.socket.lock();
        let peeked = SockRef::from(&*stream).peek(&mut [MaybeUninit::uninit(); 1]);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Opens a connection to the endpoint and drives it in a task of its own.
pub(crate) async fn connect(endpoint: &Arc<Endpoint>, within: Duration) -> io::Result<Lease> {
    let Address::Tcp(address) = endpoint.address else { return Err(io::ErrorKind::Unsupported.into()) };
    let stream = tokio::time::timeout(within, TcpStream::connect(address)).await??;
    // A port nobody listens on can be connected to itself when the kernel picks it for the near end as well.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    let socket = Socket(Arc::new(Mutex::new(stream)));
    let shaken = Builder::new().handshake(TokioIo::new(socket.clone())).await;
    let (sender, connection) = shaken.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        // Its errors reach the request it carries.
        let _ = connection.with_upgrades().await;
    });
    let now = Instant::now();
    Ok(Lease { sender, endpoint: endpoint.clone(), socket, expires: now, unused_since: now })
}

/// The socket, shared between hyper and [`Lease::is_alive`] within one thread; the lock is never waited for.
#[derive(Clone, Debug)]
struct Socket(Arc<Mutex<TcpStream>>);

impl Socket {
    fn lock(&self) -> MutexGuard<'_, TcpStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_shutdown(cx)
    }
}
