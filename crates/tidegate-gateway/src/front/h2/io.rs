//! The bytes of an HTTP/2 connection, metered on their way in.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::meter::{Flood, Meter};
use super::vigil::Vigil;
use crate::front::Stream;

/// See the module.
#[derive(Debug)]
pub(super) struct MeteredIo {
    stream: Stream,
    meter: Meter,
    vigil: Rc<Vigil>,
}

impl MeteredIo {
    pub(super) fn new(stream: Stream, vigil: Rc<Vigil>) -> Self {
        MeteredIo { stream, meter: Meter::new(Instant::now()), vigil }
    }
}

impl AsyncRead for MeteredIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        Poll::Ready(self.meter.on_read(read, Instant::now).map_err(|Flood| {
            tracing::debug!("a client sent nothing but frames that carry nothing, and is cut off");
            io::Error::new(io::ErrorKind::InvalidData, "too many frames that carry nothing")
        }))
    }
}

impl MeteredIo {
    fn on_written(&mut self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(written)) = &polled {
            self.meter.on_sent(*written);
            self.vigil.on_written();
        }
        polled
    }
}

impl AsyncWrite for MeteredIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.on_written(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.on_written(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
