//! A request's body on its way to an endpoint. It tells when it last moved, and whose fault it was if it broke.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::observe::Trail;

/// What the exchange watches of an upload.
#[derive(Debug)]
pub(crate) struct Progress {
    moved: Cell<Instant>,
    client_failed: Cell<bool>,
}

impl Progress {
    /// When the last piece went by; at first, when the upload was made.
    pub(crate) fn moved(&self) -> Instant {
        self.moved.get()
    }

    /// Whether the client broke it off.
    pub(crate) fn client_failed(&self) -> bool {
        self.client_failed.get()
    }
}

/// A body, or none.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Option<Incoming>,
    progress: Rc<Progress>,
    trail: Option<Rc<Trail>>,
}

impl Upload {
    /// The body of a client's request. One without bytes is the same as none.
    pub(crate) fn new(body: Incoming, trail: &Rc<Trail>) -> Self {
        let body = (!body.is_end_stream()).then_some(body);
        let trail = body.as_ref().map(|_| trail.clone());
        Upload { body, progress: Rc::new(Progress::new()), trail }
    }

    /// No body.
    pub(crate) fn empty() -> Self {
        Upload { body: None, progress: Rc::new(Progress::new()), trail: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_none()
    }

    pub(crate) fn progress(&self) -> Rc<Progress> {
        self.progress.clone()
    }
}

impl Progress {
    fn new() -> Self {
        Progress { moved: Cell::new(Instant::now()), client_failed: Cell::new(false) }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(trail)) = (&polled, &self.trail) {
            trail.on_received(frame.data_ref().map_or(0, Bytes::len));
        }
        match &polled {
            Poll::Ready(Some(Err(_))) => self.progress.client_failed.set(true),
            Poll::Ready(_) => self.progress.moved.set(Instant::now()),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
