//! The body of an instance's answer, whichever way it comes.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::Link;
use super::http1::{Exchange, Pumped};
use super::sender::Sender;
use super::upload::Progress;
use crate::descriptors::Share;
use crate::trailer;

/// The answer broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// See the module. Dropping it gives up what was to come.
#[derive(Debug)]
pub(crate) struct Reply {
    source: Source,
    /// Of the request's body, which may still be on its way.
    upload: Option<Rc<Progress>>,
}

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
        let upload = exchange.progress().filter(|_| apart);
        let source = if apart { Source::Pumped(super::http1::pump(exchange)) } else { Source::Own(exchange) };
        Reply { source, upload }
    }

    /// The same of an answer that is none any more.
    pub(super) fn upgraded(exchange: Box<Exchange>) -> Self {
        Reply { source: Source::Own(exchange), upload: None }
    }

    /// `upload`: of the request's body.
    pub(super) fn shared(body: Incoming, place: Sender, upload: Option<Rc<Progress>>) -> Self {
        Reply { source: Source::Shared(body, place), upload }
    }

    /// Whether the rest of the request is waited for, so that the instance may have nothing to say yet.
    pub(super) fn awaits_client(&self) -> bool {
        self.upload.as_deref().is_some_and(Progress::is_awaited)
    }

    /// Whether it broke off because the client broke off the rest of the request.
    pub(super) fn client_failed(&self) -> bool {
        self.upload.as_deref().is_some_and(Progress::client_failed)
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.source {
            Source::Own(exchange) => exchange.poll_frame(cx).map_err(|_| Broken),
            Source::Pumped(pumped) => pumped.poll_frame(cx).map_err(|_| Broken),
            Source::Shared(body, _) => {
                Pin::new(body).poll_frame(cx).map_ok(without_heads).map_err(|_| Broken)
            }
        }
    }

    /// Whether nothing more comes of it.
    pub(crate) fn is_over(&self) -> bool {
        match &self.source {
            Source::Own(exchange) => exchange.is_over(),
            Source::Pumped(pumped) => pumped.is_over(),
            Source::Shared(body, _) => body.is_end_stream(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(exchange) => exchange.size_hint(),
            Source::Pumped(_) => SizeHint::default(),
            Source::Shared(body, _) => body.size_hint(),
        }
    }

    /// It was read to its end: keeps its connection for the next request. `hint`: how long the instance said it keeps it.
    pub(crate) fn keep(&mut self, hint: Option<Duration>) {
        if let Source::Own(exchange) = &mut self.source {
            exchange.keep(hint);
        }
    }

    /// After 101: the connection, and what was read of it already.
    pub(crate) fn into_connection(self) -> Option<(Link, Share, Bytes)> {
        match self.source {
            Source::Own(exchange) => exchange.into_connection(),
            Source::Pumped(_) | Source::Shared(..) => None,
        }
    }
}

/// Trailers of an instance without what only a head may say. An answer in chunks that has any of that breaks off.
fn without_heads(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        trailer::strip(trailers);
    }
    frame
}
