//! An answer's body on its way from an endpoint. Holds the request's ticket and connection until the last byte is read.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::{Kept, Lease};
use crate::count::Outcome;
use crate::front::Alarm;
use crate::ticket::Ticket;

/// Why an answer broke off half-way. The client sees its connection close.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlowError {
    /// The endpoint's connection broke.
    #[error("the app's connection broke in the middle of an answer")]
    Reset,
    /// The endpoint said nothing for too long.
    #[error("the app stopped in the middle of an answer")]
    Stalled,
    /// It is larger than its route allows.
    #[error("the answer is larger than is allowed")]
    TooLarge,
}

/// What the request holds until its answer is complete.
#[derive(Debug)]
struct Hold {
    ticket: Ticket,
    lease: Lease,
    kept: Rc<Kept>,
    /// How it ends if all goes well.
    outcome: Outcome,
    hint: Option<Duration>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Flow {
    body: Incoming,
    hold: Option<Hold>,
    stall: Duration,
    last: Instant,
    alarm: Alarm,
}

impl Flow {
    /// Relays `body`. `hint` is how long the endpoint said it keeps the connection.
    pub(crate) fn new(
        body: Incoming,
        (ticket, lease, kept): (Ticket, Lease, Rc<Kept>),
        outcome: Outcome,
        hint: Option<Duration>,
        stall: Duration,
    ) -> Self {
        let hold = Some(Hold { ticket, lease, kept, outcome, hint });
        let mut flow = Flow { body, hold, stall, last: Instant::now(), alarm: Alarm::default() };
        flow.finish_if_over();
        flow
    }

    pub(crate) fn is_over(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.last = Instant::now();
                self.finish_if_over();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => self.fail(Outcome::Reset, FlowError::Reset),
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending => self.poll_stall(cx),
        }
    }

    /// The gateway takes no more of it: the app's fault.
    pub(crate) fn on_refused(&mut self) {
        if let Some(hold) = self.hold.take() {
            hold.ticket.end(Outcome::ServerError);
        }
    }

    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        if self.alarm.expired(cx, self.last + self.stall) {
            return self.fail(Outcome::Timeout, FlowError::Stalled);
        }
        Poll::Pending
    }

    fn finish_if_over(&mut self) {
        if self.body.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(hold) = self.hold.take() {
            hold.kept.put(hold.lease, hold.hint);
            hold.ticket.end(hold.outcome);
        }
    }

    fn fail(&mut self, outcome: Outcome, error: FlowError) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        if let Some(hold) = self.hold.take() {
            hold.ticket.end(outcome);
        }
        Poll::Ready(Some(Err(error)))
    }
}
