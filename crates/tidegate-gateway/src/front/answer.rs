//! The body of an answer on its way to the client.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::{Claim, Client};
use crate::descriptors::Share;
use crate::observe::Trail;
use crate::policy::{Capped, Compressed, FileBody};
use crate::upstream::{Flow, FlowError};

/// Where the bytes come from.
#[derive(Debug)]
pub(crate) enum Part {
    Empty,
    Page(Option<Bytes>),
    /// In a box: it is handed on many times on its way out.
    Flow(Box<Flow>),
    /// Of a route that says how large answers may be.
    Capped(Box<Capped>),
    /// Of a route that compresses answers.
    Compressed(Box<Compressed>),
    /// Of a static site.
    File(Box<FileBody>),
    /// One with what it holds of the process's descriptors.
    #[expect(dead_code, reason = "held for what it stands for")]
    Held(Box<Part>, Option<Claim>, Share),
}

impl Part {
    /// Whether it is read from an open file.
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self, Part::File(file) if file.is_on_disk())
    }

    /// The same, with the descriptor that it needs until it is over.
    pub(crate) fn holding(self, claim: Option<Claim>, descriptor: Share) -> Self {
        Part::Held(Box::new(self), claim, descriptor)
    }

    /// What is left of it is not wanted, through no fault of the client's.
    pub(crate) fn on_refused(&mut self) {
        if let Part::Flow(flow) = self {
            flow.on_refused();
        }
    }

    /// Whether the gateway says it, not the app, whatever is done to it on its way.
    pub(crate) fn is_ours(&self) -> bool {
        match self {
            Part::Empty | Part::Page(_) | Part::File(_) => true,
            Part::Flow(_) => false,
            Part::Capped(capped) => capped.is_ours(),
            Part::Compressed(body) => body.is_ours(),
            Part::Held(part, ..) => part.is_ours(),
        }
    }
}

/// A body that tells its client when it is over.
#[derive(Debug)]
pub(crate) struct Answer {
    part: Part,
    client: Arc<Client>,
    trail: Rc<Trail>,
}

impl Answer {
    /// The head of an answer is about to be written.
    pub(crate) fn new(part: Part, client: Arc<Client>, trail: Rc<Trail>) -> Self {
        client.on_answer_begun();
        Answer { part, client, trail }
    }
}

impl Answer {
    /// Whether the gateway says it, not the app.
    pub(super) fn is_ours(&self) -> bool {
        self.part.is_ours()
    }

    /// Says nothing more than its head.
    pub(super) fn emptied(mut self) -> Self {
        self.part = Part::Empty;
        self
    }

    fn note(&self, polled: &Poll<Option<Result<Frame<Bytes>, FlowError>>>) {
        match polled {
            Poll::Ready(Some(Ok(frame))) => self.trail.on_sent(frame.data_ref().map_or(0, Bytes::len)),
            Poll::Ready(Some(Err(FlowError::Reset))) => self.trail.on_broken("reset"),
            Poll::Ready(Some(Err(FlowError::Leaving))) => self.trail.on_broken("leaving"),
            Poll::Ready(Some(Err(FlowError::Stalled))) => self.trail.on_broken("timeout"),
            Poll::Ready(Some(Err(FlowError::TooLarge))) => self.trail.on_broken("too-large"),
            Poll::Ready(Some(Err(FlowError::Encoder))) => self.trail.on_broken("encoder"),
            Poll::Ready(Some(Err(FlowError::File))) => self.trail.on_broken("file"),
            Poll::Ready(None) => self.trail.on_complete(),
            Poll::Pending => {}
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.is_end_stream() {
            self.trail.on_complete();
        }
        self.client.on_answer_over();
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = FlowError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        let polled = Pin::new(&mut self.part).poll_frame(cx);
        self.note(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.part.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.part.size_hint()
    }
}

impl Body for Part {
    type Data = Bytes;
    type Error = FlowError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        match self.get_mut() {
            Part::Empty => Poll::Ready(None),
            Part::Page(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Part::Flow(flow) => flow.poll_frame(cx),
            Part::Capped(capped) => Pin::new(&mut **capped).poll_frame(cx),
            Part::Compressed(body) => Pin::new(&mut **body).poll_frame(cx),
            Part::File(file) => Pin::new(&mut **file).poll_frame(cx),
            Part::Held(part, ..) => Pin::new(&mut **part).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Part::Empty => true,
            Part::Page(text) => text.is_none(),
            Part::Flow(flow) => flow.is_over(),
            Part::Capped(capped) => capped.is_end_stream(),
            Part::Compressed(body) => body.is_end_stream(),
            Part::File(file) => file.is_end_stream(),
            Part::Held(part, ..) => part.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Part::Empty => SizeHint::with_exact(0),
            Part::Page(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Part::Flow(flow) => flow.size_hint(),
            Part::Capped(capped) => capped.size_hint(),
            Part::Compressed(body) => body.size_hint(),
            Part::File(file) => file.size_hint(),
            Part::Held(part, ..) => part.size_hint(),
        }
    }
}
