//! The request's way: its head, and its body as it comes from the client.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, Bytes};
use http::{HeaderMap, header, request};
use hyper::body::{Body, Frame};
use tokio::io::AsyncWrite;

use super::dock::Dock;
use super::exchange::Fault;
use super::head;
use crate::upstream::upload::Progress;
use crate::upstream::{Link, Upload};

/// Pieces of a body up to this size are copied behind what goes before them, for one write.
const COPIED: usize = 4096;

/// How a request's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// There is none.
    None,
    /// So many bytes are still to come.
    Sized(u64),
    Chunked,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// More of the body is to come.
    Body,
    /// The last of it is being written.
    Last,
    Over,
    /// The instance takes no more of it; it may answer all the same.
    Refused,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Up {
    upload: Upload,
    coding: Coding,
    stage: Stage,
    /// A piece of the body that is written from where it lies.
    piece: Bytes,
    /// The piece was a chunk, and is to be ended.
    in_chunk: bool,
    /// What was taken of the body while nothing was written yet.
    first: Bytes,
    written: bool,
    /// When the instance last took something, or had taken all of it.
    moved: Instant,
}

impl Up {
    /// Writes the head into `out`.
    pub(super) fn begin(parts: &request::Parts, upload: Upload, out: &mut Vec<u8>) -> Self {
        let coding = coding(parts, &upload);
        head::write(parts, coding, out);
        let stage = if matches!(coding, Coding::None | Coding::Sized(0)) { Stage::Last } else { Stage::Body };
        Up {
            upload,
            coding,
            stage,
            piece: Bytes::new(),
            in_chunk: false,
            first: Bytes::new(),
            written: false,
            moved: Instant::now(),
        }
    }

    /// The body as it was, where nothing was written.
    pub(super) fn take_upload(&mut self) -> Upload {
        let mut upload = std::mem::replace(&mut self.upload, Upload::empty());
        upload.unread(std::mem::take(&mut self.first));
        upload
    }

    /// When anything last came from the client or went to the instance.
    pub(super) fn moved(&self, progress: Option<&Progress>) -> Instant {
        progress.map_or(self.moved, |progress| progress.moved().max(self.moved))
    }

    /// Tells of the body, where there is one.
    pub(super) fn progress(&self) -> Option<Rc<Progress>> {
        self.upload.progress()
    }

    /// Whether the instance has all of the request.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Whether it has all that it takes.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Over | Stage::Refused)
    }

    /// Takes and writes for as long as both go on. Ready: with what went wrong.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, link: &mut Link, dock: &mut Dock) -> Poll<Fault> {
        while !self.is_done() {
            let mut waits = false;
            if self.may_take(dock) {
                match self.poll_take(cx, dock) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(fault)) => return Poll::Ready(fault),
                    Poll::Pending => waits = true,
                }
            }
            let nothing_left = dock.sent == dock.out.len() && self.piece.is_empty();
            let polled = if nothing_left { Poll::Ready(Ok(0)) } else { self.poll_write(cx, link, dock) };
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(_)) if nothing_left => {
                    if !self.poll_flush(cx, link) || waits {
                        return Poll::Pending;
                    }
                }
                Poll::Ready(Ok(count)) if count > 0 => {
                    (self.written, self.first) = (true, Bytes::new());
                    self.moved = Instant::now();
                }
                Poll::Ready(_) if !self.written => return Poll::Ready(Fault::Unsent),
                Poll::Ready(_) => (self.stage, self.moved) = (Stage::Refused, Instant::now()),
            }
        }
        Poll::Pending
    }

    /// A first piece of the body goes with the head.
    fn may_take(&self, dock: &Dock) -> bool {
        let before = !self.written && self.first.is_empty();
        self.stage == Stage::Body && self.piece.is_empty() && (before || dock.sent == dock.out.len())
    }

    fn poll_take(&mut self, cx: &mut Context<'_>, dock: &mut Dock) -> Poll<Result<(), Fault>> {
        let taken = ready!(Pin::new(&mut self.upload).poll_frame(cx));
        Poll::Ready(match taken.map(|taken| taken.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => self.on_data(data, dock),
            Some(Ok(Err(frame))) => self.end(frame.into_trailers().ok().as_ref(), dock),
            None => self.end(None, dock),
            Some(Err(_)) if self.upload.too_large() => Err(Fault::TooLarge),
            Some(Err(_)) => Err(Fault::ClientFailed),
        })
    }

    fn on_data(&mut self, data: Bytes, dock: &mut Dock) -> Result<(), Fault> {
        if !self.written {
            self.first = data.clone();
        }
        match &mut self.coding {
            Coding::Sized(left) => *left = left.checked_sub(data.len() as u64).ok_or(Fault::ClientFailed)?,
            Coding::Chunked if !data.is_empty() => self.begin_chunk(data.len(), dock),
            Coding::Chunked | Coding::None => {}
        }
        if data.len() <= COPIED {
            dock.out.extend_from_slice(&data);
        } else {
            self.piece = data;
        }
        // Only what ends here for certain: trailers may follow a chunk.
        if self.coding == Coding::Sized(0) || (self.piece.is_empty() && self.upload.is_end_stream()) {
            return self.end(None, dock);
        }
        Ok(())
    }

    fn begin_chunk(&mut self, length: usize, dock: &mut Dock) {
        self.end_chunk(dock);
        dock.out.extend_from_slice(format!("{length:x}\r\n").as_bytes());
        self.in_chunk = true;
    }

    fn end_chunk(&mut self, dock: &mut Dock) {
        if std::mem::take(&mut self.in_chunk) {
            dock.out.extend_from_slice(b"\r\n");
        }
    }

    fn end(&mut self, trailers: Option<&HeaderMap>, dock: &mut Dock) -> Result<(), Fault> {
        match self.coding {
            Coding::Sized(1..) => return Err(Fault::ClientFailed),
            Coding::Sized(0) | Coding::None => {}
            Coding::Chunked => {
                self.end_chunk(dock);
                dock.out.extend_from_slice(b"0\r\n");
                for (name, value) in trailers.into_iter().flatten() {
                    head::write_field(&mut dock.out, name.as_str(), value.as_bytes());
                }
                dock.out.extend_from_slice(b"\r\n");
            }
        }
        self.stage = Stage::Last;
        Ok(())
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        dock: &mut Dock,
    ) -> Poll<io::Result<usize>> {
        let out = &dock.out[dock.sent..];
        let polled = if self.piece.is_empty() {
            Pin::new(link).poll_write(cx, out)
        } else {
            Pin::new(link).poll_write_vectored(cx, &[IoSlice::new(out), IoSlice::new(&self.piece)])
        };
        let count = ready!(polled)?;
        let of_out = count.min(out.len());
        dock.sent += of_out;
        self.piece.advance(count - of_out);
        if dock.sent == dock.out.len() {
            dock.out.clear();
            dock.sent = 0;
        }
        Poll::Ready(Ok(count))
    }

    /// Whether all that was written is on its way. Under TLS some of it may still be here.
    fn poll_flush(&mut self, cx: &mut Context<'_>, link: &mut Link) -> bool {
        if matches!(link, Link::Tls(_)) && Pin::new(link).poll_flush(cx).is_pending() {
            return false;
        }
        if self.stage == Stage::Last {
            self.stage = Stage::Over;
        }
        true
    }
}

fn coding(parts: &request::Parts, upload: &Upload) -> Coding {
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    match length.or_else(|| upload.size_hint().exact()) {
        Some(0) if length.is_none() => Coding::None,
        Some(length) => Coding::Sized(length),
        None => Coding::Chunked,
    }
}
