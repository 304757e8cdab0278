//! A client's connection on the fast path: one request after another, until it ends or meets one that is not for it.

mod place;
mod say;

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use self::place::NoPlace;
use super::account::Account;
use super::desk::Desk;
use super::lines::{Found, Lines};
use super::request::{self, Added, Asked, Bound, Read};
use super::transfer::{End, Parts, Transfer};
use crate::admission::Entry;
use crate::assign::Note;
use crate::balance::{Failure as Miss, Tries};
use crate::count::Outcome;
use crate::front::screen::Refusal;
use crate::front::{Alarm, LINGER, Stream, Wire, boxed};
use crate::page::Page;
use crate::ticket::Ticket;
use crate::upstream::{Plain, is_ours};
use crate::view::Peer;
use crate::worker::Worker;

/// A connection that was quiet for so long gives up what it would need for a request, where few are in the same state. In a
/// crowd it does so earlier: a crowd that asked once is not to cost as much as one that goes on asking.
const QUIET: Duration = Duration::from_millis(250);
/// So many are few.
const FEW: usize = 64;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What became of a connection.
#[derive(Debug)]
pub(crate) enum Served {
    /// It is over.
    Over,
    /// It has been quiet for a while, and is to be waited for with less at hand: see [`wait`].
    Quiet {
        /// Nothing was read of what comes next.
        wire: Wire,
        /// Whether nothing was answered on it yet.
        first: bool,
    },
    /// The general path goes on with it, from the first byte that was not answered.
    General {
        /// With what was read of it.
        stream: Stream,
        /// Whether nothing was answered on it yet.
        first: bool,
    },
}

/// Serves a connection for as long as its requests are for this path. `first`: nothing was answered on it yet.
pub(crate) async fn serve(worker: Rc<Worker>, wire: Wire, peer: Peer, first: bool) -> Served {
    let _lively = worker.open.lively();
    let mut connection =
        Connection { worker: &worker, wire, added: Added::new(peer), alarm: Alarm::default(), first };
    match connection.run().await {
        Next::General(desk) => {
            let read = Bytes::copy_from_slice(desk.input.filled());
            worker.desks.put(desk);
            Served::General { stream: Stream::new(connection.wire, read), first: connection.first }
        }
        Next::Linger(desk) => {
            worker.desks.put(desk);
            // Nothing to be done about a client that does not listen.
            let _ = boxed(|| tokio::time::timeout(LINGER, connection.linger())).await;
            Served::Over
        }
        Next::Request(desk) | Next::End(desk) => {
            worker.desks.put(desk);
            if matches!(connection.wire, Wire::Tls(_)) {
                // TLS tells an end from a break.
                let _ = tokio::time::timeout(LINGER, connection.wire.shutdown()).await;
            }
            Served::Over
        }
        Next::Quiet => Served::Quiet { wire: connection.wire, first: connection.first },
        Next::Gone => Served::Over,
    }
}

/// Waits for a quiet connection's next bytes: whether there are any before its time is up. `first`: there were none yet.
pub(crate) async fn wait(worker: &Worker, wire: &mut Wire, first: bool) -> bool {
    let Ok(stream) = wire.socket() else { return false };
    let rest = worker.limits.before_request(first).saturating_sub(QUIET);
    tokio::select! {
        biased;
        ready = stream.readable() => ready.is_ok(),
        () = tokio::time::sleep(rest) => false,
        () = worker.draining() => Box::pin(async {
            tokio::select! {
                ready = stream.readable() => ready.is_ok(),
                () = worker.last_call_over() => false,
            }
        })
        .await,
    }
}

/// How long a connection stays at hand where so many are.
fn patience(lively: usize) -> Duration {
    let times = u32::try_from(lively.div_ceil(FEW)).unwrap_or(u32::MAX);
    QUIET / times.max(1)
}

/// What comes next on a connection.
enum Next {
    /// Nothing for a while.
    Quiet,
    /// Its next request.
    Request(Box<Desk>),
    /// The other path.
    General(Box<Desk>),
    /// Its end; what it still sends is read for a while, for closing on it would take the answer away again.
    Linger(Box<Desk>),
    /// Its end.
    End(Box<Desk>),
    /// It is gone.
    Gone,
}

struct Connection<'a> {
    worker: &'a Rc<Worker>,
    wire: Wire,
    added: Added,
    alarm: Alarm,
    /// Whether nothing was answered yet.
    first: bool,
}

impl Connection<'_> {
    async fn run(&mut self) -> Next {
        let worker = self.worker;
        let mut leaving = pin!(worker.draining());
        // Registers this task once: it is woken when the gateway is told to go.
        let _ = poll_fn(|cx| Poll::Ready(leaving.as_mut().poll(cx).is_ready())).await;
        let mut desk = None;
        loop {
            let (busy, length) = match self.next_head(desk.take()).await {
                Ok(head) => head,
                Err(next) => return next,
            };
            match self.exchange(busy, length).await {
                Next::Request(free) => (desk, self.first) = (Some(free), false),
                next => return next,
            }
        }
    }

    /// Waits for a whole head. Holds no buffer while nothing has come.
    async fn next_head(&mut self, desk: Option<Box<Desk>>) -> Result<(Box<Desk>, usize), Next> {
        let mut desk = match desk {
            Some(desk) if !desk.input.is_empty() => desk,
            quiet => self.first_bytes(quiet).await?,
        };
        let mut deadline = None;
        let mut lines = Lines::default();
        loop {
            match lines.find(desk.input.filled()) {
                Found::Head(length) => return Ok((desk, length)),
                Found::Odd => return Err(Next::General(desk)),
                Found::More if desk.input.is_full() => return Err(Next::General(desk)),
                Found::More => {}
            }
            // Nearly every head comes whole: only one that does not is worth a look at the clock.
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.worker.limits.head);
            let read = poll_fn(|cx| match desk.input.poll_read(cx, &mut self.wire) {
                Poll::Pending if self.alarm.expired(cx, deadline) => Poll::Ready(None),
                polled => polled.map(Some),
            });
            match read.await {
                Some(Ok(count)) if count > 0 => {}
                Some(_) => return Err(Next::End(desk)),
                None => {
                    return Err(self.refuse(desk, Refusal::SLOW_HEAD).await);
                }
            }
        }
    }

    /// Waits for the next request's first bytes.
    async fn first_bytes(&mut self, desk: Option<Box<Desk>>) -> Result<Box<Desk>, Next> {
        let mut spare = desk;
        let since = Instant::now();
        poll_fn(|cx| {
            let mut desk = spare.take().unwrap_or_else(|| self.worker.desks.take());
            if let Poll::Ready(read) = desk.input.poll_read(cx, &mut self.wire) {
                return Poll::Ready(read.ok().filter(|count| *count > 0).map(|_| desk).ok_or(Next::Gone));
            }
            self.worker.desks.put(desk);
            self.poll_patience(cx, since).map(Err)
        })
        .await
    }

    /// Ready when a quiet connection has been waited for long enough.
    fn poll_patience(&mut self, cx: &mut Context<'_>, since: Instant) -> Poll<Next> {
        let longest = self.worker.limits.before_request(self.first);
        if let Some(last_call) = self.worker.last_call() {
            let deadline = last_call.min(since + longest);
            return if self.alarm.expired(cx, deadline) { Poll::Ready(Next::Gone) } else { Poll::Pending };
        }
        let patience = patience(self.worker.open.count_lively()).min(longest);
        if self.alarm.expired(cx, since + patience) { Poll::Ready(Next::Quiet) } else { Poll::Pending }
    }

    async fn exchange(&mut self, mut desk: Box<Desk>, length: usize) -> Next {
        let parts = &mut *desk;
        let (mut bound, mut account) = (Bound::default(), None);
        let head = &parts.input.filled()[..length];
        let read = request::read(self.worker, head, &self.added, &mut parts.head, (&mut bound, &mut account));
        let open = || Account::open(self.worker);
        match read {
            Read::General => Next::General(desk),
            Read::Page(page) => self.say(desk, length, page, &bound, account.get_or_insert_with(open)).await,
            Read::Asked(mut asked) => {
                let account = account.get_or_insert_with(open);
                self.forward(desk, length, &mut asked, (&mut bound, account)).await
            }
        }
    }

    /// Attempts until an endpoint answers or may not be asked again.
    async fn forward(
        &mut self,
        mut desk: Box<Desk>,
        mut length: usize,
        asked: &mut Asked,
        (bound, account): (&mut Bound, &mut Account),
    ) -> Next {
        if let Err(refusal) = bound.body.look(&desk.input.filled()[length..]) {
            return self.refuse(desk, refusal).await;
        }
        bound.expects &= !bound.body.ended();
        let mut tries = Tries::default();
        loop {
            let ticket = match self.seat((&mut desk, length, bound), &mut asked.entry).await {
                Ok(ticket) => ticket,
                Err(NoPlace::Page(page)) => return self.say(desk, length, page, bound, account).await,
                Err(NoPlace::Refused(refusal)) => return self.refuse(desk, refusal).await,
                Err(NoPlace::Gone) => return Next::Gone,
            };
            desk.head.truncate(asked.labels);
            request::label(&mut desk.head, ticket);
            account.on_attempt(ticket);
            let work = Work { ticket: &mut *ticket, note: &asked.note, bound, account, tries: &mut tries };
            let failure = match self.attempt(&mut desk, &mut length, work).await {
                Ok(Done { close }) => {
                    request::sample(ticket, ticket.said(), &desk.head);
                    desk.input.consume(length);
                    return match after(desk, bound, close) {
                        // A client that said it closes sends nothing more.
                        Next::End(desk) if !bound.close && self.wire.has_unseen() => Next::Linger(desk),
                        next => next,
                    };
                }
                Err(failure) => failure,
            };
            // Its place is free before another is waited for.
            let page = match failure {
                Failure::Gone => return Next::Gone,
                Failure::Refused(refusal) => return self.refuse(desk, refusal).await,
                Failure::Cut(outcome) => {
                    request::sample(ticket, outcome, &desk.head);
                    account.on_broken(if outcome == Outcome::Timeout { "timeout" } else { "reset" });
                    asked.end(outcome);
                    return Next::Gone;
                }
                Failure::Again(next, outcome) => {
                    request::sample(ticket, outcome, &desk.head);
                    asked.end(outcome);
                    asked.entry = Some(*next);
                    continue;
                }
                Failure::Final(outcome, page) => {
                    request::sample(ticket, outcome, &desk.head);
                    asked.end(outcome);
                    page
                }
            };
            return self.say(desk, length, page, bound, account).await;
        }
    }

    /// One attempt; two where a kept connection turns out to be dead.
    async fn attempt(
        &mut self,
        desk: &mut Desk,
        length: &mut usize,
        mut work: Work<'_>,
    ) -> Result<Done, Failure> {
        let repeatable = work.bound.is_idempotent && work.bound.bodyless;
        let now = work.ticket.started();
        if let Some(kept) = self.worker.plains.take(&work.ticket.endpoint, repeatable, now) {
            match self.transfer(desk, length, &mut work, (kept, now)).await {
                Ok(done) => return Ok(done),
                // The endpoint closed it while the request was on its way.
                Err(End::Unsent) => {}
                Err(End::Broken) if repeatable => {}
                Err(end) => return Err(self.failure(desk, *length, work, end)),
            }
            work.ticket.endpoint.manners().on_early_close();
        }
        let within = work.ticket.within(work.ticket.terms().connect);
        let end = match boxed(|| self.worker.plains.connect(&work.ticket.endpoint, within)).await {
            Ok(fresh) => match self.transfer(desk, length, &mut work, (fresh, Instant::now())).await {
                Ok(done) => return Ok(done),
                Err(end) => end,
            },
            Err(error) if is_ours(&error) => return Err(Failure::Final(Outcome::Cancelled, Page::NO_ROOM)),
            Err(error) => {
                tracing::debug!(instance = %work.ticket.endpoint.id, %error, "no connection");
                End::Unsent
            }
        };
        Err(self.failure(desk, *length, work, end))
    }

    /// What follows an attempt that brought no answer.
    fn failure(&self, desk: &Desk, length: usize, work: Work<'_>, end: End) -> Failure {
        let Work { ticket, bound, tries, .. } = work;
        let repeatable = bound.is_idempotent && bound.bodyless;
        let (miss, page) = match end {
            End::Unsent => (Miss::Unsent, Page::CONNECT_FAILED),
            End::Broken if repeatable => (Miss::Broken, Page::RESET),
            End::Broken | End::Garbled | End::Over => return Failure::Final(Outcome::Reset, Page::RESET),
            End::Timeout => return Failure::Final(Outcome::Timeout, Page::TIMEOUT),
            End::Unwanted(entry) => return Failure::Again(entry, Outcome::ServerError),
            End::Refused(refusal) => return Failure::Refused(refusal),
            End::Cut(outcome) => return Failure::Cut(outcome),
            End::Gone => return Failure::Gone,
        };
        ticket.on_answer();
        let next = request::readmit(self.worker, &desk.input.filled()[..length], ticket, (tries, miss));
        next.map_or(Failure::Final(Outcome::Reset, page), |entry| {
            Failure::Again(Box::new(entry), Outcome::Reset)
        })
    }

    /// Sends the request on this connection and relays the answer.
    async fn transfer(
        &mut self,
        desk: &mut Desk,
        length: &mut usize,
        work: &mut Work<'_>,
        (mut plain, now): (Plain, Instant),
    ) -> Result<Done, End> {
        let Work { ticket, note, bound, account, tries } = work;
        desk.answer.clear();
        desk.reply.clear();
        let expects = std::mem::take(&mut bound.expects);
        if expects {
            desk.reply.extend_from_slice(CONTINUE);
        }
        let mut close = bound.close;
        let parts = Parts {
            worker: self.worker,
            client: &mut self.wire,
            server: &mut plain.link,
            desk,
            alarm: &mut self.alarm,
            ticket,
            note,
            account,
            tries: (bound.is_idempotent && bound.bodyless).then_some(&mut **tries),
            upload: &mut bound.body,
            head_len: length,
            is_head: bound.is_head,
            close: &mut close,
        };
        let mut transfer = Transfer::new(parts, now);
        let end = poll_fn(|cx| transfer.poll(cx)).await;
        let reusable = transfer.reusable();
        let close_after = !transfer.request_read();
        let unsaid = transfer.is_unsaid();
        let said = transfer.answer().map(|answer| (answer.status, answer.hint));
        let sent = transfer.answer().map_or(0, |answer| answer.body.seen());
        (account.sent, account.received) = (sent, bound.body.seen());
        // The next attempt asks the client for its body then.
        bound.expects = expects && unsaid && matches!(end, End::Unsent);
        match (end, said) {
            (End::Over, Some((status, hint))) => {
                ticket.finish(Outcome::of_status(status));
                account.on_complete();
                if reusable {
                    self.worker.plains.put(plain, hint, ticket.answered());
                }
                Ok(Done { close: close || close_after })
            }
            (end, _) => Err(end),
        }
    }
}

/// What follows an answer.
fn after(desk: Box<Desk>, bound: &Bound, close: bool) -> Next {
    match (bound.body.over(), close) {
        (false, _) => Next::Linger(desk),
        (true, false) => Next::Request(desk),
        (true, true) if desk.input.is_empty() => Next::End(desk),
        (true, true) => Next::Linger(desk),
    }
}

/// What an attempt is about.
struct Work<'a> {
    ticket: &'a mut Ticket,
    note: &'a Note,
    bound: &'a mut Bound,
    account: &'a mut Account,
    tries: &'a mut Tries,
}

/// An answer is through.
struct Done {
    close: bool,
}

/// Why an attempt brought no answer.
enum Failure {
    /// There is another place for it, or a place in line.
    Again(Box<Entry>, Outcome),
    /// It must not be sent again.
    Final(Outcome, Page),
    /// The answer broke off in the middle.
    Cut(Outcome),
    /// The client's own body is none.
    Refused(Refusal),
    /// The client is gone.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_crowd_patience_is_short() {
        assert_eq!([0, 1, FEW].map(patience), [QUIET; 3]);
        assert_eq!(patience(4 * FEW), QUIET / 4);
        assert!(patience(1 << 20) < Duration::from_millis(1));
    }
}
