//! A client's connection as bytes, with or without TLS, and with what was read of it before it was known who is to read it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Wire;

/// A connection and what was read of it already.
#[derive(Debug)]
pub(crate) struct Stream<W = Wire> {
    read: Bytes,
    wire: W,
}

impl<W> Stream<W> {
    /// `read` is read again first.
    pub(crate) fn new(wire: W, read: Bytes) -> Self {
        Stream { read, wire }
    }
}

impl Stream {
    /// Whether it goes without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        !matches!(self.wire, Wire::Tls(_))
    }

    /// Whether what was read already begins with this.
    pub(crate) fn begins_with(&self, bytes: &[u8]) -> bool {
        self.read.starts_with(bytes)
    }

    /// Whether what is written may lie in a buffer until it is flushed.
    pub(crate) fn is_buffered(&self) -> bool {
        matches!(self.wire, Wire::Tls(_))
    }
}

impl<W: AsyncRead + Unpin> AsyncRead for Stream<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.wire).poll_read(cx, buf);
        }
        let take = self.read.len().min(buf.remaining());
        buf.put_slice(&self.read[..take]);
        self.read.advance(take);
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Stream<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
