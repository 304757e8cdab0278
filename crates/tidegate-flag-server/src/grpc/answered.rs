//! The body of an answer, in pieces: what a client does not read stays here, is counted, and is over when its connection is.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tonic::{Status, body::Body};

use crate::places::Place;
use crate::visit::Call;

/// Of each answer no more than this is with the connection, where nobody counts it.
const PIECE: usize = 16 << 10;

/// A part of what may be held, on its way from a service to the body.
#[derive(Clone, Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "it is held")] Arc<Place>);

impl Held {
    pub(super) fn new(place: Place) -> Self {
        Held(Arc::new(place))
    }
}

/// See the module.
pub(super) struct Answered {
    body: Body,
    rest: Bytes,
    _held: Option<Held>,
    _call: Call,
}

impl Answered {
    pub(super) fn new(body: Body, held: Option<Held>, call: Call) -> Self {
        Answered { body, rest: Bytes::new(), _held: held, _call: call }
    }
}

impl hyper::body::Body for Answered {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
