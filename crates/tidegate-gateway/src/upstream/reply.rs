//! The body of an instance's answer, whichever way it comes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::Link;
use super::http1::{Exchange, Pumped};
use super::sender::Sender;
use crate::trailer;

/// The answer broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// See the module. Dropping it gives up what was to come.
#[derive(Debug)]
pub(crate) struct Reply(Source);

#[derive(Debug)]
enum Source {
    Own(Box<Exchange>),
    Pumped(Pumped),
    /// Of HTTP/2, with its place on the connection.
    Shared(Incoming, #[expect(dead_code, reason = "held for its place")] Sender),
}

impl Reply {
    /// Its head was read.
    pub(super) fn own(exchange: Box<Exchange>) -> Self {
        let apart = !exchange.is_sent() && !exchange.is_over();
        Reply(if apart { Source::Pumped(super::http1::pump(exchange)) } else { Source::Own(exchange) })
    }

    /// The same of an answer that is none any more.
    pub(super) fn upgraded(exchange: Box<Exchange>) -> Self {
        Reply(Source::Own(exchange))
    }

    pub(super) fn shared(body: Incoming, place: Sender) -> Self {
        Reply(Source::Shared(body, place))
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.0 {
            Source::Own(exchange) => exchange.poll_frame(cx).map_err(|_| Broken),
            Source::Pumped(pumped) => pumped.poll_frame(cx).map_err(|_| Broken),
            Source::Shared(body, _) => {
                Pin::new(body).poll_frame(cx).map_ok(without_heads).map_err(|_| Broken)
            }
        }
    }

    /// Whether nothing more comes of it.
    pub(crate) fn is_over(&self) -> bool {
        match &self.0 {
            Source::Own(exchange) => exchange.is_over(),
            Source::Pumped(pumped) => pumped.is_over(),
            Source::Shared(body, _) => body.is_end_stream(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Own(exchange) => exchange.size_hint(),
            Source::Pumped(_) => SizeHint::default(),
            Source::Shared(body, _) => body.size_hint(),
        }
    }

    /// It was read to its end: keeps its connection for the next request. `hint`: how long the instance said it keeps it.
    pub(crate) fn keep(&mut self, hint: Option<Duration>) {
        if let Source::Own(exchange) = &mut self.0 {
            exchange.keep(hint);
        }
    }

    /// After 101: the connection, and what was read of it already.
    pub(crate) fn into_connection(self) -> Option<(Link, Bytes)> {
        match self.0 {
            Source::Own(exchange) => exchange.into_connection(),
            Source::Pumped(_) | Source::Shared(..) => None,
        }
    }
}

/// Trailers of an instance without what only a head may say. In chunks they come without it.
fn without_heads(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        trailer::strip(trailers);
    }
    frame
}
