//! An answer that is too long to be left with its connection: it is counted, goes out in pieces, and has to be read in time.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body as _, Frame, SizeHint};

use super::refusal::Refusal;
use super::{Answer, Ofrep};
use crate::hall::Pass;
use crate::places::Place;
use crate::visit::{Call, Visit};

/// Longer ones are long.
const LONG: u64 = 64 << 10;
const PIECE: usize = 16 << 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Long {
    rest: Bytes,
    _held: Place,
    _call: Call,
}

impl Ofrep {
    /// The same answer; as a long one where it is long.
    pub(super) fn as_long(&self, answer: Answer, pass: &Pass, visit: &Arc<Visit>) -> Result<Answer, Refusal> {
        let length = answer.body().size_hint().exact().filter(|length| *length > LONG);
        let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else { return Ok(answer) };
        let held = self.bytes.take(pass.grant(), length).ok_or(Refusal::Full)?;
        let call = visit.call();
        Ok(answer.map(|body| match body {
            Either::Left(whole) => Either::Right(Either::Left(Long::of(whole, held, call))),
            other => other,
        }))
    }
}

impl Long {
    fn of(whole: Full<Bytes>, held: Place, call: Call) -> Self {
        Long { rest: whole.into_inner().unwrap_or_default(), _held: held, _call: call }
    }
}

impl hyper::body::Body for Long {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
