//! One request on one connection, up to the head of its answer.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode, request};

use super::http1::{Exchange, Fault, Patience};
use super::sender::Sender;
use super::upload::Progress;
use super::{Kept, Lease, Reply, Upload};
use crate::front::{Alarm, boxed};
use crate::ticket::Ticket;

/// Of those who wait with a deadline of their own.
const ENDLESS: Patience =
    Patience { first_byte: Duration::from_secs(3_600), idle: Duration::from_secs(3_600), until: None };

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Miss {
    /// Nothing of it was written: it may go elsewhere, whatever it is. Its body, as it was.
    Unsent(Upload),
    /// The endpoint says that it did nothing with it, which had no body.
    Refused,
    /// The connection broke after some of it was written.
    Broken,
    /// What came back is not HTTP.
    Garbled,
    /// Nothing came back in time.
    Timeout,
    /// The client sent no more of its body in time.
    ClientSlow,
    /// The client broke off its own body, or sent what is none.
    ClientFailed,
    /// The client sent more than its route takes.
    TooLarge,
}

/// Sends a request whose caller has a deadline of its own and asks for no reasons.
pub(crate) async fn send_copy(
    kept: &Rc<Kept>,
    lease: Lease,
    (parts, upload): (&request::Parts, Upload),
) -> Option<Response<Reply>> {
    match lease {
        Lease::Own(plain) => {
            let mut exchange = Exchange::begin(kept, plain, parts, upload);
            let response = poll_fn(|cx| exchange.poll_answer(cx, &ENDLESS)).await.ok()?;
            Some(response.map(|()| Reply::own(exchange)))
        }
        Lease::Shared(mut place) => {
            let response = place.send(Request::from_parts(parts.clone(), upload)).await.ok()?;
            Some(response.map(|body| Reply::shared(body, place, None)))
        }
    }
}

/// Sends the request and waits for the head of the answer, for as long as the ticket says.
pub(crate) async fn send(
    kept: &Rc<Kept>,
    lease: Lease,
    (parts, upload): (&request::Parts, Upload),
    ticket: &Ticket,
) -> Result<Response<Reply>, Miss> {
    match lease {
        Lease::Own(plain) => send_own(Exchange::begin(kept, plain, parts, upload), ticket).await,
        Lease::Shared(place) => {
            boxed(|| send_shared(place, Request::from_parts(parts.clone(), upload), ticket)).await
        }
    }
}

fn patience(ticket: &Ticket) -> Patience {
    let terms = ticket.terms();
    Patience { first_byte: terms.first_byte, idle: terms.idle, until: ticket.until }
}

async fn send_own(mut exchange: Box<Exchange>, ticket: &Ticket) -> Result<Response<Reply>, Miss> {
    let patience = patience(ticket);
    let answered = poll_fn(|cx| exchange.poll_answer(cx, &patience)).await;
    match answered {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            Ok(response.map(|()| Reply::upgraded(exchange)))
        }
        Ok(response) => Ok(response.map(|()| Reply::own(exchange))),
        Err(Fault::Unsent) => Err(Miss::Unsent(exchange.take_upload())),
        Err(Fault::Broken) => Err(Miss::Broken),
        Err(Fault::Garbled) => Err(Miss::Garbled),
        Err(Fault::Timeout) => Err(Miss::Timeout),
        Err(Fault::ClientSlow) => Err(Miss::ClientSlow),
        Err(Fault::ClientFailed) => Err(Miss::ClientFailed),
        Err(Fault::TooLarge) => Err(Miss::TooLarge),
    }
}

async fn send_shared(
    mut place: Sender,
    request: Request<Upload>,
    ticket: &Ticket,
) -> Result<Response<Reply>, Miss> {
    let (progress, patience) = (request.body().progress(), patience(ticket));
    let has_body = !request.body().is_empty();
    let (began, mut alarm) = (Instant::now(), Alarm::default());
    let answered = {
        let mut reply = pin!(place.send(request));
        poll_fn(|cx| {
            if let Poll::Ready(answered) = reply.as_mut().poll(cx) {
                return Poll::Ready(Ok(answered));
            }
            let progress = progress.as_deref().inspect(|progress| progress.watch(cx));
            let sent = progress.is_none_or(Progress::is_over);
            let moved = progress.map_or(began, |progress| progress.moved().max(began));
            if !alarm.expired(cx, patience.end(sent, moved)) {
                return Poll::Pending;
            }
            let client_is_slow = progress.is_some_and(Progress::is_awaited);
            Poll::Ready(Err(if client_is_slow { Miss::ClientSlow } else { Miss::Timeout }))
        })
        .await?
    };
    let too_large = progress.as_deref().is_some_and(Progress::too_large);
    let client_failed = progress.as_deref().is_some_and(Progress::client_failed);
    match answered {
        Ok(response) if response.status().as_u16() >= 600 => Err(Miss::Garbled),
        Ok(response) => Ok(response.map(|body| Reply::shared(body, place, progress))),
        Err(_) if too_large => Err(Miss::TooLarge),
        Err(_) if client_failed => Err(Miss::ClientFailed),
        Err(mut error) => Err(match error.take_message() {
            Some(request) => Miss::Unsent(request.into_body()),
            None if !has_body && is_refused(error.error()) => Miss::Refused,
            None if error.error().is_parse() => Miss::Garbled,
            None => Miss::Broken,
        }),
    }
}

/// Whether the endpoint says that it did nothing with the request: it refuses this one, or goes away and this one came after
/// the last that it answers (RFC 9113, 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>());
    let refuses =
        |cause: &h2::Error| cause.is_go_away() || cause.reason() == Some(h2::Reason::REFUSED_STREAM);
    cause.is_some_and(|cause| cause.is_remote() && refuses(cause))
}
