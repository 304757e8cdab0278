//! One connection to an endpoint.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use tidegate_core::model::Protocol;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Kept;
use super::link::Link;
use super::sender::Sender;
use crate::endpoint::Endpoint;

/// A connection, or a place on one that carries many requests. Dropping it closes the connection or gives up the place.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) sender: Sender,
    pub(crate) endpoint: Arc<Endpoint>,
    /// Of a connection that is this lease's alone.
    socket: Option<Socket>,
    /// Until when it may be kept, and since when it is unused: set when it is put back.
    pub(super) expires: Instant,
    pub(super) unused_since: Instant,
}

impl Lease {
    pub(super) fn shared(sender: Sender, endpoint: Arc<Endpoint>, now: Instant) -> Self {
        Lease { sender, endpoint, socket: None, expires: now, unused_since: now }
    }

    /// Whether the endpoint has neither closed it nor said anything unasked.
    pub(super) fn is_alive(&self) -> bool {
        !self.sender.is_closed() && self.socket.as_ref().is_none_or(|socket| socket.lock().is_quiet())
    }
}

/// A connection to the endpoint: an own one, driven in a task of its own, or a place on one that others use as well.
pub(crate) async fn connect(kept: &Kept, endpoint: &Arc<Endpoint>, within: Duration) -> io::Result<Lease> {
    if matches!(endpoint.protocol(), Protocol::H2c | Protocol::H2) {
        return kept.shared.lease(endpoint, within).await;
    }
    let link = Link::open(endpoint, within).await?;
    let socket = Socket(Arc::new(Mutex::new(link)));
    let shaken = Builder::new().handshake(TokioIo::new(socket.clone())).await;
    let (sender, connection) = shaken.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        // Its errors reach the request it carries.
        let _ = connection.with_upgrades().await;
    });
    let (now, sender) = (Instant::now(), Sender::Http1(sender));
    Ok(Lease { sender, endpoint: endpoint.clone(), socket: Some(socket), expires: now, unused_since: now })
}

/// The socket, shared between hyper and [`Lease::is_alive`] within one thread; the lock is never waited for.
#[derive(Clone, Debug)]
struct Socket(Arc<Mutex<Link>>);

impl Socket {
    fn lock(&self) -> MutexGuard<'_, Link> {
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
