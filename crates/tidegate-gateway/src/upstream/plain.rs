//! Connections to instances as bytes, for the fast path: opened, kept for the next request, and known to be alive.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tidegate_core::model::Address;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::kept::{EARLY, keep_for};
use crate::endpoint::Endpoint;
use crate::limits::Limits;

/// The connection itself.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection that carries one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) socket: Socket,
    endpoint: Arc<Endpoint>,
    unused_since: Instant,
    expires: Instant,
}

impl Plain {
    /// Opens one.
    pub(crate) async fn connect(endpoint: &Arc<Endpoint>, within: Duration) -> io::Result<Plain> {
        let socket = tokio::time::timeout(within, Socket::connect(&endpoint.address)).await??;
        let now = Instant::now();
        Ok(Plain { socket, endpoint: endpoint.clone(), unused_since: now, expires: now })
    }

    /// Whether the endpoint neither closed it nor said anything unasked, as far as the event loop knows.
    fn seems_alive(&self) -> bool {
        let mut byte = [0];
        let read = match &self.socket {
            Socket::Tcp(stream) => stream.try_read(&mut byte),
            Socket::Unix(stream) => stream.try_read(&mut byte),
        };
        matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// As [`Plain::seems_alive`], asking the socket itself: what the event loop knows may be older.
    fn is_alive(&self) -> bool {
        let peek = |socket: SockRef<'_>| socket.peek(&mut [MaybeUninit::uninit(); 1]);
        let peeked = match &self.socket {
            Socket::Tcp(stream) => peek(SockRef::from(&stream.as_fd())),
            Socket::Unix(stream) => peek(SockRef::from(&stream.as_fd())),
        };
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Socket {
    async fn connect(address: &Address) -> io::Result<Socket> {
        match address {
            Address::Unix(path) => UnixStream::connect(path).await.map(Socket::Unix),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                // A port nobody listens on can be connected to itself when the kernel picks it for the near end as well.
                if stream.local_addr()? == stream.peer_addr()? {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Socket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The connections one worker keeps. Not shared: taking one costs no lock.
#[derive(Debug)]
pub(crate) struct Plains {
    limits: Limits,
    by_endpoint: RefCell<HashMap<u64, Vec<Plain>, foldhash::fast::RandomState>>,
}

impl Plains {
    pub(crate) fn new(limits: Limits) -> Self {
        Plains { limits, by_endpoint: RefCell::default() }
    }

    /// One for the next request, at the time `now`. `repeatable`: the request may be sent again should the connection be
    /// dead all the same; if not, only one that was in use a moment ago will do.
    pub(crate) fn take(&self, endpoint: &Endpoint, repeatable: bool, now: Instant) -> Option<Plain> {
        if !repeatable && !endpoint.manners().trusted() {
            return None;
        }
        let longest = if repeatable { self.limits.upstream_idle } else { self.limits.unsafe_reuse };
        let mut all = self.by_endpoint.borrow_mut();
        let kept = all.get_mut(&endpoint.uid)?;
        while let Some(plain) = kept.pop() {
            if now >= plain.expires {
                continue;
            }
            if now.saturating_duration_since(plain.unused_since) >= longest {
                // The newest is too old for this request: so are the others.
                kept.push(plain);
                return None;
            }
            if plain.seems_alive() && (repeatable || plain.is_alive()) {
                return Some(plain);
            }
            plain.note_close(now);
            // Trust may just have been lost.
            if !repeatable {
                return None;
            }
        }
        None
    }

    /// Puts one back after an answer that was read to its end. `hint`: how long the endpoint said it keeps it.
    pub(crate) fn put(&self, mut plain: Plain, hint: Option<Duration>, now: Instant) {
        let keep = keep_for(self.limits.upstream_idle, hint);
        if plain.endpoint.is_gone() || keep.is_zero() {
            return;
        }
        plain.unused_since = now;
        plain.expires = now + keep;
        plain.endpoint.manners().on_kept();
        let mut all = self.by_endpoint.borrow_mut();
        let kept = all.entry(plain.endpoint.uid).or_default();
        if kept.len() < self.limits.kept {
            kept.push(plain);
        }
    }

    /// Closes what is too old, dead, or of an endpoint that left the table.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.by_endpoint.borrow_mut().retain(|_, kept| {
            kept.retain(|plain| {
                let alive = plain.seems_alive();
                if !alive {
                    plain.note_close(now);
                }
                alive && now < plain.expires && !plain.endpoint.is_gone()
            });
            !kept.is_empty()
        });
    }
}

impl Plain {
    fn note_close(&self, now: Instant) {
        if now.saturating_duration_since(self.unused_since) < EARLY {
            self.endpoint.manners().on_early_close();
        }
    }
}
