//! The body of a call, counted: what is held of bodies that are not whole yet has an end, whoever sends them and how many.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tonic::Status;

use crate::keys::Grant;
use crate::places::{Place, Places};

/// See the module.
#[derive(Debug)]
pub(super) struct Asked {
    body: Incoming,
    places: Arc<Places>,
    party: Arc<Grant>,
    held: Option<Place>,
}

impl Asked {
    pub(super) fn new(body: Incoming, places: Arc<Places>, party: Arc<Grant>) -> Self {
        Asked { body, places, party, held: None }
    }

    fn hold(&mut self, bytes: usize) -> bool {
        match &mut self.held {
            Some(place) => place.grow(bytes),
            None => {
                self.held = self.places.take(&self.party, bytes);
                self.held.is_some()
            }
        }
    }
}

impl Body for Asked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let bytes = frame.iter().flatten().filter_map(Frame::data_ref).map(Bytes::len).sum();
        if !self.hold(bytes) {
            let refused = Status::resource_exhausted("too much is being asked: come back later");
            return Poll::Ready(Some(Err(refused)));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| Status::from_error(error.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
