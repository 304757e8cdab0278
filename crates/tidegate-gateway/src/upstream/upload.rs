//! A request's body on its way to an endpoint. It tells when it last moved, and whose fault it was if it broke.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::mirror::Tap;
use crate::observe::Trail;
use crate::trailer;

/// What the exchange watches of an upload.
#[derive(Debug)]
pub(crate) struct Progress {
    moved: Cell<Instant>,
    way: Cell<Way>,
    /// Whom to wake once all of it was taken.
    watcher: RefCell<Option<Waker>>,
    client_failed: Cell<bool>,
    too_large: Cell<bool>,
}

/// Who is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// There is more of the body than the instance has taken.
    Here,
    /// The client: it has sent no more.
    Awaited,
    /// Nobody: all of it was taken.
    Over,
}

/// Why an upload broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// The client's connection broke, or what it sent is no body.
    #[error(transparent)]
    Client(#[from] hyper::Error),
    /// It is larger than its route takes.
    #[error("the body is larger than is taken")]
    TooLarge,
    /// Behind it stands what only a head may say.
    #[error("a trailer says what only a head may say")]
    Trailer,
}

impl Progress {
    /// When the last piece went by; at first, when the upload was made.
    pub(crate) fn moved(&self) -> Instant {
        self.moved.get()
    }

    /// Whether more of it is waited for, and the client has sent none.
    pub(crate) fn is_awaited(&self) -> bool {
        self.way.get() == Way::Awaited
    }

    /// Whether all of it was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.way.get() == Way::Over
    }

    /// Has the task woken once all of it was taken: another may be the one that takes it.
    pub(crate) fn watch(&self, cx: &Context<'_>) {
        let mut watcher = self.watcher.borrow_mut();
        match &mut *watcher {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    fn on_over(&self) {
        if let Some(waker) = self.watcher.take() {
            waker.wake();
        }
    }

    /// Whether the client broke it off.
    pub(crate) fn client_failed(&self) -> bool {
        self.client_failed.get()
    }

    /// Whether that was because it became too large.
    pub(crate) fn too_large(&self) -> bool {
        self.too_large.get()
    }
}

/// A body, or none.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Option<Incoming>,
    /// How many bytes may still come.
    left: u64,
    /// A body of the gateway's own making.
    whole: Option<Bytes>,
    /// Keeps what passes for a copy.
    tap: Option<Tap>,
    /// Taken, and given back.
    again: Bytes,
    /// There is none without a body.
    progress: Option<Rc<Progress>>,
    trail: Option<Rc<Trail>>,
}

impl Upload {
    /// The body of a client's request, of `most` bytes where there is a limit. One without bytes is the same as none.
    pub(crate) fn new(body: Incoming, most: Option<u64>, trail: &Rc<Trail>) -> Self {
        let body = (!body.is_end_stream()).then_some(body);
        let trail = body.as_ref().map(|_| trail.clone());
        let progress = body.as_ref().map(|_| Rc::default());
        Upload { body, left: most.unwrap_or(u64::MAX), progress, trail, ..Upload::empty() }
    }

    /// A body that is here already.
    pub(crate) fn whole(body: Bytes) -> Self {
        Upload { whole: (!body.is_empty()).then_some(body), ..Upload::empty() }
    }

    /// Has the body kept as it passes.
    pub(crate) fn tapped(self, tap: Option<Tap>) -> Self {
        Upload { tap, ..self }
    }

    /// No body.
    pub(crate) fn empty() -> Self {
        Upload {
            body: None,
            left: 0,
            whole: None,
            tap: None,
            again: Bytes::new(),
            progress: None,
            trail: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_none() && self.whole.is_none()
    }

    /// `None`: there is no body.
    pub(super) fn progress(&self) -> Option<Rc<Progress>> {
        self.progress.clone()
    }

    /// Whether it broke off because it became too large.
    pub(super) fn too_large(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.too_large())
    }

    /// Gives back the last piece that was taken: it comes again.
    pub(super) fn unread(&mut self, piece: Bytes) {
        self.again = piece;
    }
}

impl Default for Progress {
    fn default() -> Self {
        let moved = Cell::new(Instant::now());
        let (client_failed, too_large) = (Cell::new(false), Cell::new(false));
        let (way, watcher) = (Cell::new(Way::Here), RefCell::default());
        Progress { moved, way, watcher, client_failed, too_large }
    }
}

impl Upload {
    fn on_frame(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, UploadError> {
        let last = self.body.as_ref().is_none_or(Body::is_end_stream);
        self.on_moved(if last { Way::Over } else { Way::Here });
        let length = frame.data_ref().map_or(0, Bytes::len);
        if let Some(trail) = &self.trail {
            trail.on_received(length);
        }
        match self.left.checked_sub(length as u64) {
            Some(left) => self.left = left,
            None => {
                self.on_failed();
                if let Some(progress) = &self.progress {
                    progress.too_large.set(true);
                }
                return Err(UploadError::TooLarge);
            }
        }
        if !frame.trailers_ref().is_none_or(trailer::are_fine) {
            self.on_failed();
            return Err(UploadError::Trailer);
        }
        self.show(&frame);
        Ok(frame)
    }

    fn on_moved(&self, way: Way) {
        if let Some(progress) = &self.progress {
            progress.moved.set(Instant::now());
            progress.way.set(way);
            if way == Way::Over {
                progress.on_over();
            }
        }
    }

    fn on_awaited(&self) {
        if let Some(progress) = &self.progress {
            progress.way.set(Way::Awaited);
        }
    }

    fn on_failed(&self) {
        if let Some(progress) = &self.progress {
            progress.client_failed.set(true);
        }
    }

    /// Shows the tap what passes. What breaks off, it learns from being dropped.
    fn show(&mut self, frame: &Frame<Bytes>) {
        let Some(tap) = &mut self.tap else { return };
        if let Some(data) = frame.data_ref() {
            tap.on_data(data);
        }
        if self.body.as_ref().is_none_or(Body::is_end_stream) {
            tap.on_end();
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        if !self.again.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.again)))));
        }
        let Some(body) = &mut self.body else {
            return Poll::Ready(self.whole.take().map(|whole| Ok(Frame::data(whole))));
        };
        let Poll::Ready(polled) = Pin::new(body).poll_frame(cx) else {
            self.on_awaited();
            return Poll::Pending;
        };
        match polled {
            Some(Ok(frame)) => Poll::Ready(Some(self.on_frame(frame))),
            Some(Err(error)) => {
                self.on_failed();
                Poll::Ready(Some(Err(error.into())))
            }
            None => {
                self.on_moved(Way::Over);
                if let Some(tap) = &mut self.tap {
                    tap.on_end();
                }
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.again.is_empty() && self.body.as_ref().map_or(self.whole.is_none(), Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let whole = || SizeHint::with_exact(self.whole.as_ref().map_or(0, |whole| whole.len() as u64));
        let hint = self.body.as_ref().map_or_else(whole, Body::size_hint);
        match hint.exact() {
            Some(length) => SizeHint::with_exact(length + self.again.len() as u64),
            None => hint,
        }
    }
}
