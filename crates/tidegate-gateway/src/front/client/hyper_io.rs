//! A client's connection as hyper sees it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Client;
use crate::front::Stream;

/// The connection's IO, as hyper sees it.
#[derive(Debug)]
pub(in crate::front) struct ClientIo(pub(in crate::front) Arc<Client>);

impl AsyncRead for ClientIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        let (heads, in_head) = (state.screen.heads(), state.screen.in_head());
        let polled = state.poll_read(cx, buf);
        if state.ended.is_some() {
            self.0.left.notify_waiters();
        }
        // Also where what looked like the beginning of a head was an empty line.
        if state.screen.heads() > heads || state.screen.in_head() || in_head {
            self.0.request.notify_one();
        }
        polled
    }
}

impl ClientIo {
    fn poll_out(
        &self,
        cx: &mut Context<'_>,
        go: impl FnOnce(Pin<&mut Stream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        let stream = state.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let polled = go(Pin::new(stream), cx);
        if polled.is_ready() {
            state.on_written();
            return polled;
        }
        state.poll_blocked(cx)
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        match state.stream.as_mut() {
            // TLS has a buffer of its own; a socket has none.
            Some(stream) if stream.is_buffered() => match Pin::new(stream).poll_flush(cx) {
                Poll::Pending => return state.poll_blocked(cx),
                Poll::Ready(flushed) => flushed?,
            },
            Some(_) | None => return Poll::Ready(Ok(())),
        }
        if state.is_blocked() {
            state.on_written();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if state.refusal.is_some() {
            return Poll::Ready(Ok(())); // the refusal is still to be said
        }
        let stream = state.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        ready!(Pin::new(stream).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}
