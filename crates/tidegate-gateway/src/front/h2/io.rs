//! The bytes of an HTTP/2 connection: metered on their way in, and gathered on their way out. The frames of many answers
//! go out as one write, and under TLS as one record.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::meter::{Flood, Meter};
use super::vigil::Vigil;
use crate::front::Stream;

/// What is gathered at most: the content of a TLS record.
const GATHERED: usize = 16 * 1024;
/// Slices of one write besides what was gathered.
const SLICES: usize = 8;

/// The end that hyper holds. What it writes stays here until there is much of it, or until [`Wire::poll_send`].
#[derive(Debug)]
pub(super) struct MeteredIo(Rc<Wire>);

/// The connection itself.
#[derive(Debug)]
pub(super) struct Wire(RefCell<State>);

#[derive(Debug)]
struct State {
    stream: Stream,
    meter: Meter,
    vigil: Rc<Vigil>,
    out: Vec<u8>,
    /// How much of `out` is written.
    sent: usize,
    /// Bytes were written that may lie in a buffer of the stream's.
    unflushed: bool,
}

impl Wire {
    /// The connection, and the end for hyper.
    pub(super) fn new(stream: Stream, vigil: Rc<Vigil>) -> (Rc<Wire>, MeteredIo) {
        let meter = Meter::new(Instant::now());
        let (out, sent, unflushed) = (Vec::new(), 0, false);
        let wire = Rc::new(Wire(RefCell::new(State { stream, meter, vigil, out, sent, unflushed })));
        (wire.clone(), MeteredIo(wire))
    }

    /// Sends what was gathered. To be called whenever hyper had its turn.
    pub(super) fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_send(cx)
    }
}

impl State {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            ready!(self.poll_out(cx, &[]))?;
        }
        if self.unflushed && self.stream.is_buffered() {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        }
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Gathers, or sends where there is much; how many bytes of `slices` it took.
    fn poll_take(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if self.out.len() - self.sent + length <= GATHERED {
            slices.iter().for_each(|slice| self.out.extend_from_slice(slice));
            return Poll::Ready(Ok(length));
        }
        loop {
            let taken = ready!(self.poll_out(cx, slices))?;
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    /// One write of what was gathered and these slices behind it; how many bytes of the slices it took.
    fn poll_out(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let gathered = &self.out[self.sent..];
        let mut all = [IoSlice::new(&[]); SLICES + 1];
        all[0] = IoSlice::new(gathered);
        let used = slices.len().min(SLICES);
        all[1..=used].copy_from_slice(&slices[..used]);
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &all[..=used]))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let of_gathered = written.min(gathered.len());
        self.sent += of_gathered;
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
        } else if self.sent >= GATHERED {
            // A slow client may never let it become empty.
            self.out.drain(..std::mem::take(&mut self.sent));
        }
        self.unflushed = true;
        self.meter.on_sent(written);
        self.vigil.on_written();
        Poll::Ready(Ok(written - of_gathered))
    }
}

impl AsyncRead for MeteredIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.0.borrow_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut state.stream).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        state.vigil.on_read(read.len());
        Poll::Ready(state.meter.on_read(read, Instant::now).map_err(|Flood| {
            tracing::debug!("a client sent nothing but frames that carry nothing, and is cut off");
            io::Error::new(io::ErrorKind::InvalidData, "too many frames that carry nothing")
        }))
    }
}

impl AsyncWrite for MeteredIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.0.borrow_mut().poll_take(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.0.borrow_mut().poll_take(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper asks for it after each frame; it is done once, behind all of them.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.0.borrow_mut();
        ready!(state.poll_send(cx))?;
        Pin::new(&mut state.stream).poll_shutdown(cx)
    }
}
