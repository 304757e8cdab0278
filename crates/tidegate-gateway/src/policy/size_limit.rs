//! How large bodies may be. A request that says it is larger never reaches the app; one that says nothing is cut where it
//! becomes so, in [`crate::upstream`]. An answer is refused before its head is out, or broken off.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use hyper::body::{Body, Frame, SizeHint};
use tidegate_core::model::SizeLimits;

use crate::front::Part;
use crate::page::Page;
use crate::upstream::FlowError;
use crate::view::RequestView;

/// The answer to a request that says it is too large.
pub(super) fn refuse(limits: SizeLimits, view: &dyn RequestView) -> Option<Response<Part>> {
    let most = limits.request?.0;
    let length = std::str::from_utf8(view.field("content-length")?).ok()?.parse::<u64>().ok()?;
    (length > most).then(|| Page::TOO_LARGE.response())
}

/// The answer as it may go out.
pub(super) fn hold(limits: SizeLimits, is_head: bool, response: Response<Part>) -> Response<Part> {
    let Some(most) = limits.response.filter(|_| !is_head) else { return response };
    let (parts, mut body) = response.into_parts();
    if length(&parts.headers).is_some_and(|length| length > most.0) {
        body.on_refused();
        return Page::ANSWER_TOO_LARGE.response();
    }
    Response::from_parts(parts, Part::Capped(Box::new(Capped { body, left: most.0 })))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body that breaks off when it becomes too large.
#[derive(Debug)]
pub(crate) struct Capped {
    body: Part,
    left: u64,
}

impl Capped {
    /// Whether the gateway says it, not the app.
    pub(crate) fn is_ours(&self) -> bool {
        self.body.is_ours()
    }
}

impl Body for Capped {
    type Data = Bytes;
    type Error = FlowError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let Poll::Ready(Some(Ok(frame))) = &polled else { return polled };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => self.left = left,
            None => {
                self.body.on_refused();
                return Poll::Ready(Some(Err(FlowError::TooLarge)));
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
