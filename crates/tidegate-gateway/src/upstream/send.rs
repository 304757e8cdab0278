//! One request on one connection, up to the head of its answer.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response, StatusCode, request};
use tokio::time::{Instant, sleep_until};

use super::http1::{Exchange, Fault};
use super::sender::Sender;
use super::{Kept, Lease, Reply, Upload};
use crate::front::boxed;
use crate::ticket::Ticket;

/// For those who wait with a deadline of their own.
const NEVER: Duration = Duration::from_secs(3_600);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Miss {
    /// Nothing of it was written: it may go elsewhere, whatever it is. Its body, as it was.
    Unsent(Upload),
    /// The connection broke after some of it was written.
    Broken,
    /// What came back is not HTTP.
    Garbled,
    /// Nothing came back in time.
    Timeout,
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
            let response = poll_fn(|cx| exchange.poll_answer(cx, |began| began + NEVER)).await.ok()?;
            Some(response.map(|()| Reply::own(exchange)))
        }
        Lease::Shared(mut place) => {
            let response = place.send(Request::from_parts(parts.clone(), upload)).await.ok()?;
            Some(response.map(|body| Reply::shared(body, place)))
        }
    }
}

/// Sends the request and waits for the head of the answer, for as long as the ticket says after the last piece of the body.
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

async fn send_own(mut exchange: Box<Exchange>, ticket: &Ticket) -> Result<Response<Reply>, Miss> {
    let until = |moved| ticket.by(moved + ticket.terms().first_byte);
    let answered = poll_fn(|cx| exchange.poll_answer(cx, until)).await;
    match answered {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            Ok(response.map(|()| Reply::upgraded(exchange)))
        }
        Ok(response) => Ok(response.map(|()| Reply::own(exchange))),
        Err(Fault::Unsent) => Err(Miss::Unsent(exchange.take_upload())),
        Err(Fault::Broken) => Err(Miss::Broken),
        Err(Fault::Garbled) => Err(Miss::Garbled),
        Err(Fault::Timeout) => Err(Miss::Timeout),
        Err(Fault::ClientFailed) => Err(Miss::ClientFailed),
        Err(Fault::TooLarge) => Err(Miss::TooLarge),
    }
}

async fn send_shared(
    mut place: Sender,
    request: Request<Upload>,
    ticket: &Ticket,
) -> Result<Response<Reply>, Miss> {
    let progress = request.body().progress();
    let answered = {
        let mut reply = pin!(place.send(request));
        loop {
            let deadline = ticket.by(progress.moved() + ticket.terms().first_byte);
            tokio::select! {
                biased;
                answered = &mut reply => break answered,
                () = sleep_until(Instant::from_std(deadline)) => {
                    if ticket.by(progress.moved() + ticket.terms().first_byte) <= deadline {
                        return Err(Miss::Timeout);
                    }
                }
            }
        }
    };
    match answered {
        Ok(response) => Ok(response.map(|body| Reply::shared(body, place))),
        Err(_) if progress.too_large() => Err(Miss::TooLarge),
        Err(_) if progress.client_failed() => Err(Miss::ClientFailed),
        Err(mut error) => Err(match error.take_message() {
            Some(request) => Miss::Unsent(request.into_body()),
            None if error.error().is_parse() => Miss::Garbled,
            None => Miss::Broken,
        }),
    }
}
