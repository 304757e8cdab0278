//! An answer's body on its way from an endpoint. Holds the request's ticket and connection until the last byte is read.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::Reply;
use crate::count::Outcome;
use crate::drain::{Events, Stay};
use crate::front::Alarm;
use crate::mirror::Witness;
use crate::ticket::Ticket;

/// Why an answer broke off half-way. The client sees its connection close.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlowError {
    /// The endpoint's connection broke.
    #[error("the app's connection broke in the middle of an answer")]
    Reset,
    /// The endpoint said nothing for too long.
    #[error("the app stopped in the middle of an answer, or took too long over it")]
    Stalled,
    /// It is larger than its route allows.
    #[error("the answer is larger than is allowed")]
    TooLarge,
    /// It could not be compressed.
    #[error("the answer could not be compressed")]
    Encoder,
    /// The gateway ends, and the call has had its time.
    #[error("the gateway is replaced")]
    Leaving,
    /// A file changed or could not be read while it was sent.
    #[error("a file could not be read to its end")]
    File,
}

/// What the request holds until its answer is complete.
#[derive(Debug)]
struct Hold {
    ticket: Ticket,
    /// How it ends if all goes well.
    outcome: Outcome,
    hint: Option<Duration>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Flow {
    body: Reply,
    hold: Option<Hold>,
    /// Looks on for a copy.
    witness: Option<Box<Witness>>,
    stall: Duration,
    /// When it must be over.
    until: Option<Instant>,
    last: Instant,
    alarm: Alarm,
    /// The endpoint is waited for since `last`: the client has all that came, as far as it takes it.
    waits: bool,
    /// Where it is a stream of events: it ends between two of them when it is told to.
    events: Option<Box<EventStream>>,
    /// Where it is a call that may go on for ever: it is broken off when it is told to.
    call: Option<Box<Stay>>,
}

#[derive(Debug)]
struct EventStream {
    events: Events,
    stay: Stay,
}

impl Flow {
    /// Relays `body`. `hint` is how long the endpoint said it keeps the connection.
    pub(crate) fn new(body: Reply, ticket: Ticket, outcome: Outcome, hint: Option<Duration>) -> Self {
        let (stall, until) = (ticket.terms().idle, ticket.until);
        let hold = Some(Hold { ticket, outcome, hint });
        let (last, alarm) = (Instant::now(), Alarm::default());
        let mut flow = Flow {
            body,
            hold,
            witness: None,
            stall,
            until,
            last,
            alarm,
            waits: false,
            events: None,
            call: None,
        };
        flow.finish_if_over();
        flow
    }

    /// `stay`: of a stream of events, which leaves when it is told to.
    pub(crate) fn leaving_with(mut self, stay: Option<Stay>) -> Self {
        self.events = stay.map(|stay| Box::new(EventStream { events: Events::new(), stay }));
        self
    }

    /// `stay`: of a call, which has so long.
    pub(crate) fn called(mut self, stay: Option<Stay>) -> Self {
        self.call = stay.map(Box::new);
        self
    }

    /// Has the body looked at as it goes by. Call it before the first piece is read.
    pub(crate) fn witnessed(mut self, witness: Option<Box<Witness>>) -> Self {
        self.witness = witness;
        if self.hold.is_none() {
            self.tell_end();
        }
        self
    }

    fn tell_end(&mut self) {
        if let Some(witness) = self.witness.take() {
            witness.on_end();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.hold.is_none() || self.body.is_over()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        if self.poll_leaves(cx) {
            return Poll::Ready(None);
        }
        let polled = self.body.poll_frame(cx);
        let waited = std::mem::replace(&mut self.waits, polled.is_pending());
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.last = Instant::now();
                if self.until.is_some_and(|until| until <= self.last) && !self.body.is_over() {
                    return self.fail_late(waited);
                }
                let frame = self.up_to_the_end(frame, cx);
                if let (Some(witness), Some(data)) = (&mut self.witness, frame.data_ref()) {
                    witness.on_data(data);
                }
                self.finish_if_over();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) if self.body.client_failed() => {
                self.fail(Outcome::Cancelled, FlowError::Reset)
            }
            Poll::Ready(Some(Err(_))) => self.fail(Outcome::Reset, FlowError::Reset),
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending if self.call.as_mut().is_some_and(|stay| stay.poll_told(cx).is_ready()) => {
                let outcome = self.hold.as_ref().map_or(Outcome::Good, |hold| hold.outcome);
                self.fail(outcome, FlowError::Leaving)
            }
            Poll::Pending => self.poll_stall(cx, waited),
        }
    }

    /// The gateway takes no more of it: the app's fault.
    pub(crate) fn on_refused(&mut self) {
        if let Some(hold) = self.hold.take() {
            hold.ticket.end(Outcome::ServerError);
        }
    }

    /// Ends a stream of events that was told to leave, where it is between two. The endpoint's connection is not kept: it
    /// goes on talking.
    fn poll_leaves(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(stream) = &mut self.events else { return false };
        if stream.events.is_between() && stream.stay.poll_told(cx).is_ready() {
            self.leave();
        }
        self.hold.is_none()
    }

    /// What of a frame comes before the place where a stream that was told to leave ends.
    fn up_to_the_end(&mut self, frame: Frame<Bytes>, cx: &mut Context<'_>) -> Frame<Bytes> {
        let Some(stream) = &mut self.events else { return frame };
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => return trailers,
        };
        if stream.stay.poll_told(cx).is_pending() {
            stream.events.advance(&data);
            return Frame::data(data);
        }
        match stream.events.advance_to_boundary(&data) {
            Some(last) => {
                self.leave();
                Frame::data(data.slice(..last))
            }
            None => Frame::data(data),
        }
    }

    fn leave(&mut self) {
        if let Some(hold) = self.hold.take() {
            hold.ticket.end(hold.outcome);
        }
    }

    fn poll_stall(
        &mut self,
        cx: &mut Context<'_>,
        waited: bool,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        if !waited {
            // Until now it may have been the client that took its time.
            self.last = Instant::now();
        }
        let stalled = self.last + self.stall;
        if self.alarm.expired(cx, self.until.map_or(stalled, |until| until.min(stalled))) {
            return self.fail_late(waited);
        }
        Poll::Pending
    }

    /// Its time is over. Whose fault that is goes by whom it waited for last.
    fn fail_late(&mut self, waited: bool) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        let on_endpoint = waited && !self.body.awaits_client();
        self.fail(if on_endpoint { Outcome::Timeout } else { Outcome::Cancelled }, FlowError::Stalled)
    }

    fn finish_if_over(&mut self) {
        if self.body.is_over() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(hold) = self.hold.take() {
            self.body.keep(hold.hint);
            hold.ticket.end(hold.outcome);
            self.tell_end();
        }
    }

    fn fail(&mut self, outcome: Outcome, error: FlowError) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        if let Some(hold) = self.hold.take() {
            hold.ticket.end(outcome);
        }
        self.witness = None;
        Poll::Ready(Some(Err(error)))
    }
}
