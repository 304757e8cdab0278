//! A request's wait for its place on an instance, where it has to stand in line.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use super::Connection;
use crate::admission::Entry;
use crate::front::boxed;
use crate::front::screen::Refusal;
use crate::h1::desk::Desk;
use crate::h1::request::{self, Bound};
use crate::page::Page;
use crate::ticket::Ticket;

/// Why a request has no place.
pub(super) enum NoPlace {
    /// The gateway answers it.
    Page(Page),
    /// The client's own body is none.
    Refused(Refusal),
    /// The client is gone.
    Gone,
}

impl Connection<'_> {
    /// Waits for the request's place, where it has to and for as long as its client is there. The request: where it lies,
    /// its head's length, and what is known of it.
    pub(super) async fn seat<'t>(
        &mut self,
        (desk, length, bound): (&mut Desk, usize, &mut Bound),
        entry: &'t mut Option<Entry>,
    ) -> Result<&'t mut Ticket, NoPlace> {
        if let Some(line) = entry.take_if(|entry| matches!(entry, Entry::Line(_))) {
            let (host, path) = request::place(&desk.input.filled()[..length]);
            let worker = self.worker;
            let mut seated = boxed(|| worker.seated(&host, &path, line));
            let waited = poll_fn(|cx| match seated.as_mut().poll(cx) {
                Poll::Ready(seated) => Poll::Ready(seated.map_err(NoPlace::Page)),
                Poll::Pending => self.poll_left(cx, desk, bound).map(Err),
            });
            *entry = Some(Entry::Ticket(waited.await?));
        }
        match entry {
            Some(Entry::Ticket(ticket)) => Ok(ticket),
            Some(Entry::Line(_)) | None => Err(NoPlace::Page(Page::NO_ENDPOINT)),
        }
    }

    /// Ready once the client sends nothing more. Its place is for others then; one that is still there is told.
    fn poll_left(&mut self, cx: &mut Context<'_>, desk: &mut Desk, bound: &mut Bound) -> Poll<NoPlace> {
        while !desk.input.is_full() {
            match ready!(desk.input.poll_read(cx, &mut self.wire)) {
                Ok(count) if count > 0 => {
                    let filled = desk.input.filled();
                    if let Err(refusal) = bound.body.look(&filled[filled.len() - count..]) {
                        return Poll::Ready(NoPlace::Refused(refusal));
                    }
                }
                Ok(_) if bound.body.ended() => return Poll::Ready(NoPlace::Page(Page::OVERLOADED)),
                Ok(_) | Err(_) => return Poll::Ready(NoPlace::Gone),
            }
        }
        Poll::Pending
    }
}
