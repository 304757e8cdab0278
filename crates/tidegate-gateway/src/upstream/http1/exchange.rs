//! The exchange itself: both ways at once, with one connection.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Response, request};
use hyper::body::{Frame, SizeHint};

use super::dock::Dock;
use super::down::Down;
use super::up::Up;
use crate::descriptors::Share;
use crate::upstream::upload::Progress;
use crate::upstream::{Kept, Link, Plain, Upload};

/// Why there is no answer, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) enum Fault {
    /// The instance saw nothing of the request.
    Unsent,
    /// The connection broke.
    Broken,
    /// What came is no answer.
    Garbled,
    /// Nothing came in time.
    Timeout,
    /// The client sent no more of its body in time.
    ClientSlow,
    /// The client broke off its own body, or sent what is none.
    ClientFailed,
    /// The client sent more than its route takes.
    TooLarge,
}

/// One exchange. Dropped before it was kept, it closes its connection.
#[derive(Debug)]
pub(in crate::upstream) struct Exchange {
    kept: Rc<Kept>,
    /// Both there until the exchange is over.
    plain: Option<Plain>,
    dock: Option<Box<Dock>>,
    up: Up,
    down: Down,
    /// Of the request's body, where there is one.
    progress: Option<Rc<Progress>>,
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(in crate::upstream) struct Patience {
    /// For the answer, once the request is sent.
    pub(in crate::upstream) first_byte: Duration,
    /// For more of the request's body, and for the instance to take it.
    pub(in crate::upstream) idle: Duration,
    /// When all of it must be over.
    pub(in crate::upstream) until: Option<Instant>,
}

impl Patience {
    /// The end of a wait since `moved`.
    pub(in crate::upstream) fn end(&self, sent: bool, moved: Instant) -> Instant {
        let end = moved + if sent { self.first_byte } else { self.idle };
        self.until.map_or(end, |until| until.min(end))
    }
}

impl Exchange {
    /// Nothing of it is sent before it is polled.
    pub(in crate::upstream) fn begin(
        kept: &Rc<Kept>,
        plain: Plain,
        parts: &request::Parts,
        upload: Upload,
    ) -> Box<Self> {
        let mut dock = kept.docks.take();
        let up = Up::begin(parts, upload, &mut dock.out);
        let down = Down::begin(parts.method == Method::HEAD);
        let (plain, dock, progress) = (Some(plain), Some(dock), up.progress());
        Box::new(Exchange { kept: kept.clone(), plain, dock, up, down, progress })
    }

    /// The head of the answer.
    pub(in crate::upstream) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        patience: &Patience,
    ) -> Poll<Result<Response<()>, Fault>> {
        let (Some(plain), Some(dock)) = (&mut self.plain, &mut self.dock) else {
            return Poll::Ready(Err(Fault::Broken));
        };
        if let Poll::Ready(fault) = self.up.poll(cx, &mut plain.link, dock) {
            return Poll::Ready(Err(fault));
        }
        if let Poll::Ready(answered) = self.down.poll_head(cx, &mut plain.link, &mut dock.input) {
            return Poll::Ready(answered);
        }
        let progress = self.progress.as_deref();
        if !dock.alarm.expired(cx, patience.end(self.up.is_done(), self.up.moved(progress))) {
            return Poll::Pending;
        }
        let client_is_slow = !self.up.is_done() && progress.is_some_and(Progress::is_awaited);
        Poll::Ready(Err(if client_is_slow { Fault::ClientSlow } else { Fault::Timeout }))
    }

    /// The next piece of the answer's body.
    pub(in crate::upstream) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let (Some(plain), Some(dock)) = (&mut self.plain, &mut self.dock) else { return Poll::Ready(None) };
        if let Poll::Ready(fault) = self.up.poll(cx, &mut plain.link, dock) {
            return Poll::Ready(Some(Err(fault)));
        }
        self.down.poll_frame(cx, &mut plain.link, &mut dock.input)
    }

    /// Sends on what the client sends, while nobody takes the answer. What goes wrong is seen with its next piece.
    pub(super) fn send_on(&mut self, cx: &mut Context<'_>) {
        if let (Some(plain), Some(dock)) = (&mut self.plain, &mut self.dock) {
            let _ = self.up.poll(cx, &mut plain.link, dock);
        }
    }

    /// Tells of the request's body, where there is one.
    pub(in crate::upstream) fn progress(&self) -> Option<Rc<Progress>> {
        self.progress.clone()
    }

    /// Whether the instance has all of the request that it takes.
    pub(in crate::upstream) fn is_sent(&self) -> bool {
        self.up.is_done()
    }

    /// Whether the whole answer was taken.
    pub(in crate::upstream) fn is_over(&self) -> bool {
        self.down.is_over()
    }

    pub(in crate::upstream) fn size_hint(&self) -> SizeHint {
        self.down.size_hint()
    }

    /// Keeps the connection for the next request, where it can have one. `hint`: how long the instance said it keeps it.
    pub(in crate::upstream) fn keep(&mut self, hint: Option<Duration>) {
        let clean = self.dock.as_ref().is_some_and(|dock| dock.input.is_empty());
        if let Some(plain) = self.plain.take()
            && clean
            && self.up.is_over()
            && self.down.keeps_connection()
        {
            self.kept.plains.put(plain, hint, Instant::now());
        }
        self.free_dock();
    }

    /// The request's body as it was, where nothing was sent.
    pub(in crate::upstream) fn take_upload(&mut self) -> Upload {
        self.up.take_upload()
    }

    /// The connection, and what was read of it behind the answer's head.
    pub(in crate::upstream) fn into_connection(mut self: Box<Self>) -> Option<(Link, Share, Bytes)> {
        let read = self.dock.as_mut()?.input.split().freeze();
        let (link, share) = self.plain.take()?.into_link();
        Some((link, share, read))
    }

    fn free_dock(&mut self) {
        if let Some(dock) = self.dock.take() {
            self.kept.docks.put(dock);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.free_dock();
    }
}
