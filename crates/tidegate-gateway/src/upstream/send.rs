//! One request on one connection, up to the head of its answer.

use std::pin::pin;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep_until};

use super::{Lease, Upload};
use crate::ticket::Ticket;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Miss {
    /// Nothing of it was written: it may go elsewhere, whatever it is.
    Unsent(Box<Request<Upload>>),
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
pub(crate) async fn send_copy(lease: &mut Lease, request: Request<Upload>) -> Option<Response<Incoming>> {
    lease.sender.send(request).await.ok()
}

/// Sends the request and waits for the head of the answer, for as long as the ticket says after the last piece of the body.
pub(crate) async fn send(
    lease: &mut Lease,
    request: Request<Upload>,
    ticket: &Ticket,
) -> Result<Response<Incoming>, Miss> {
    let progress = request.body().progress();
    let mut reply = pin!(lease.sender.send(request));
    loop {
        let deadline = ticket.by(progress.moved() + ticket.terms.first_byte);
        tokio::select! {
            biased;
            answered = &mut reply => match answered {
                Ok(response) => return Ok(response),
                Err(_) if progress.too_large() => return Err(Miss::TooLarge),
                Err(_) if progress.client_failed() => return Err(Miss::ClientFailed),
                Err(mut error) => return Err(match error.take_message() {
                    Some(request) => Miss::Unsent(Box::new(request)),
                    None if error.error().is_parse() => Miss::Garbled,
                    None => Miss::Broken,
                }),
            },
            () = sleep_until(Instant::from_std(deadline)) => {
                if ticket.by(progress.moved() + ticket.terms.first_byte) <= deadline {
                    return Err(Miss::Timeout);
                }
            }
        }
    }
}
