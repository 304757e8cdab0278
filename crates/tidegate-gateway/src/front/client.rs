//! A client's connection: its bytes pass the screen on their way in, and its waits have an end.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf, Bytes};
use httpdate::HttpDate;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;

use super::screen::{Refusal, Screen, spell};
use super::{Alarm, Stream};
use crate::descriptors::{Descriptors, Share};
use crate::limits::Limits;
use crate::page::MARK;
use crate::view::Peer;

/// How long a refused client may go on sending before the connection is cut under it.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
/// A client that ends its side may still want its answers, and is believed for so long without a byte of them: one that is
/// gone looks the same.
pub(crate) const HALF_CLOSED_WAIT: Duration = Duration::from_secs(5);

/// What the service and the connection's IO share. One task uses both, so the lock is never waited for; hyper asks that
/// the IO can move between threads.
#[derive(Debug)]
pub(crate) struct Client {
    /// Who it is.
    pub(crate) peer: Peer,
    state: Mutex<State>,
    request: Notify,
    /// Of a client that may have many requests at a time: whether one of them has the connection's claim.
    claimed: Option<AtomicBool>,
    /// Told when the client sends nothing more.
    left: Notify,
}

/// See [`Client::claim`]. Given back when it is dropped.
#[derive(Debug)]
pub(crate) enum Claim {
    /// That of the connection.
    Own(Arc<Client>),
    /// One more.
    Extra(#[expect(dead_code, reason = "held for what it stands for")] Share),
}

/// There is nothing left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exhausted;

impl Drop for Claim {
    fn drop(&mut self) {
        if let Claim::Own(client) = self
            && let Some(claimed) = &client.claimed
        {
            claimed.store(false, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
struct State {
    stream: Option<Stream>,
    screen: Screen,
    /// The beginning of a head: the parser gets it when it is whole and was found good, for it has words of its own for bad ones.
    held: Vec<u8>,
    /// Passed the screen, and goes on as it is spelled here: before anything else.
    spelled: Bytes,
    refusal: Option<Refusal>,
    /// The refusal is of a body whose request is under way: it may have been answered already.
    refused_body: bool,
    /// Nothing is to be read any more, not even to finish the answers under way.
    cut: bool,
    /// Whom to wake for the refusal when they are out.
    deferred: Option<Waker>,
    /// Since when it sends nothing more, and waits for answers.
    ended: Option<Instant>,
    /// When it came, where nothing was answered before.
    came: Option<Instant>,
    begun: u64,
    over: u64,
    last_read: Instant,
    last_write: Instant,
    /// Since when the client takes nothing of what is written.
    blocked: Option<Instant>,
    read_alarm: Alarm,
    write_alarm: Alarm,
    limits: Limits,
    /// For the next piece of a body.
    body_wait: Duration,
}

impl Client {
    /// With its connection; `first`: nothing was answered on that yet.
    pub(crate) fn new((stream, first): (Stream, bool), peer: Peer, limits: Limits) -> Arc<Self> {
        Client::made(Some((stream, first)), peer, limits)
    }

    /// A client whose bytes go elsewhere: HTTP/2 has rules of its own for them.
    pub(crate) fn without_stream(peer: Peer, limits: Limits) -> Arc<Self> {
        Client::made(None, peer, limits)
    }

    fn made(stream: Option<(Stream, bool)>, peer: Peer, limits: Limits) -> Arc<Self> {
        let now = Instant::now();
        let claimed = stream.is_none().then(AtomicBool::default);
        let (stream, first) = stream.unzip();
        let state = State {
            stream,
            screen: Screen::new(limits.head_bytes, limits.head_fields),
            held: Vec::new(),
            spelled: Bytes::new(),
            refusal: None,
            refused_body: false,
            cut: false,
            deferred: None,
            ended: None,
            came: first.unwrap_or(false).then_some(now),
            begun: 0,
            over: 0,
            last_read: now,
            last_write: now,
            blocked: None,
            read_alarm: Alarm::default(),
            write_alarm: Alarm::default(),
            limits,
            body_wait: limits.stall,
        };
        let (state, request, left) = (Mutex::new(state), Notify::new(), Notify::new());
        Arc::new(Client { peer, state, request, claimed, left })
    }

    /// What a request needs besides its client's seat before it gets a connection to an instance: the connection's own claim,
    /// or a share of what is left; `Err`: nothing is. A client that has one request at a time always has its claim.
    pub(crate) fn claim(self: &Arc<Self>, from: &Arc<Descriptors>) -> Result<Option<Claim>, Exhausted> {
        let Some(claimed) = &self.claimed else { return Ok(None) };
        if !claimed.swap(true, Ordering::Relaxed) {
            return Ok(Some(Claim::Own(self.clone())));
        }
        from.extra().map(|share| Some(Claim::Extra(share))).ok_or(Exhausted)
    }

    /// Whoever gets the request under way waits so long for the next piece of its body.
    pub(crate) fn on_idle(&self, idle: Duration) {
        let mut state = self.lock();
        state.body_wait = idle.max(state.limits.stall);
    }

    /// Whether a request of it is being read or answered.
    pub(crate) fn is_busy(&self) -> bool {
        let state = self.lock();
        state.is_answering() || state.screen.in_head()
    }

    /// Whether the head of a request is being read: the parser knows nothing of it.
    pub(crate) fn is_in_head(&self) -> bool {
        self.lock().screen.in_head()
    }

    /// Whether more is to come of the body of the request that is answered now.
    pub(crate) fn owes_body(&self) -> bool {
        let state = self.lock();
        state.screen.in_body() && state.screen.heads() == state.over + 1
    }

    /// Waits for the next request to begin.
    pub(crate) async fn requested(&self) {
        self.request.notified().await;
    }

    /// Waits until the client sends nothing more: what it may still want are answers.
    pub(crate) async fn ended(&self) {
        let left = self.left.notified();
        if self.lock().ended.is_none() {
            left.await;
        }
    }

    pub(crate) fn on_answer_begun(&self) {
        self.lock().begun += 1;
    }

    pub(crate) fn on_answer_over(&self) {
        let mut state = self.lock();
        state.over += 1;
        state.last_read = Instant::now();
        if let Some(waker) = state.deferred.take() {
            waker.wake();
        }
    }

    /// The connection is upgraded: its bytes are no requests any more.
    pub(crate) fn tunnel(&self) {
        let mut state = self.lock();
        state.screen.tunnel();
        state.spelled = std::mem::take(&mut state.held).into();
    }

    /// Why it was refused, if it was.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.lock().refusal
    }

    /// Tells a refused client why, unless it has its answer or one is half-way out. Call it when the connection is done with.
    pub(crate) async fn say_refusal(&self) {
        let taken = {
            let mut state = self.lock();
            let clean = state.begun == state.over && (!state.refused_body || state.is_answering());
            state.refusal.and_then(|refusal| Some((Some(refusal).filter(|_| clean), state.stream.take()?)))
        };
        if let Some((refusal, stream)) = taken {
            // Nothing to be done about a client that does not listen.
            let _ = tokio::time::timeout(LINGER, refuse(stream, refusal)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the refusal where it is still to be said, then reads on for a while: closing with unread bytes would take the answer
/// away again.
async fn refuse(mut stream: Stream, refusal: Option<Refusal>) -> io::Result<()> {
    if let Some(refusal) = refusal {
        stream.write_all(refusal_text(refusal).as_bytes()).await?;
    }
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// The whole answer that tells a client why it is refused.
pub(crate) fn refusal_text(refusal: Refusal) -> String {
    let status = http::StatusCode::from_u16(refusal.status).unwrap_or(http::StatusCode::BAD_REQUEST);
    let body = format!("{} {}.\n", refusal.status, refusal.why);
    let mark = if refusal.status == 408 { "timeout" } else { "bad-request" };
    let head = format!(
        "HTTP/1.1 {status}\r\n{MARK}: {mark}\r\ncontent-type: text/plain; charset=utf-8\r\n\
         date: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        HttpDate::from(SystemTime::now()),
        body.len()
    );
    head + &body
}

impl State {
    fn is_answering(&self) -> bool {
        self.screen.heads() > self.over
    }

    /// Until when the next byte must be here, and what it means if not: a refusal, or nothing but the end.
    fn read_deadline(&self) -> Option<(Instant, Option<Refusal>)> {
        if self.screen.in_head() {
            Some((self.last_read + self.limits.head, Some(Refusal::SLOW_HEAD)))
        } else if self.screen.in_body() {
            Some((self.last_read + self.body_wait, Some(Refusal::SLOW_BODY)))
        } else if self.is_answering() || self.screen.is_tunnel() {
            None
        } else {
            let end = self.last_read.max(self.last_write) + self.limits.client_idle;
            let first = self.came.filter(|_| self.screen.heads() == 0);
            Some((first.map_or(end, |came| came + self.limits.head), None))
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((deadline, refusal)) = self.read_deadline() else { return Poll::Pending };
        if !self.read_alarm.expired(cx, deadline) {
            return Poll::Pending;
        }
        self.refused_body = self.screen.in_body();
        self.refusal = refusal;
        self.cut = true;
        Poll::Ready(if refusal.is_some() { Err(refused()) } else { Ok(()) })
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.spelled.is_empty() {
            self.read_spelled(buf);
            return Poll::Ready(Ok(()));
        }
        if self.refusal.is_some() {
            return self.poll_refused(cx);
        }
        if self.ended.is_some() {
            return self.poll_ended(cx);
        }
        let before = buf.filled().len();
        loop {
            let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            match Pin::new(stream).poll_read(cx, buf) {
                Poll::Pending => return self.poll_deadline(cx),
                Poll::Ready(Ok(())) if buf.filled().len() == before => return self.on_end(cx),
                Poll::Ready(Ok(())) if self.on_read(before, buf) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) if self.refusal.is_some() => return self.poll_refused(cx),
                Poll::Ready(Ok(())) => {} // the beginning of a head
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// The requests before the refused one get their answers first.
    fn poll_refused(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_answering() && !self.cut {
            self.deferred = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Err(refused()))
    }

    /// Whether a client that ends its side now may still be there for something.
    fn may_want_answers(&self) -> bool {
        self.is_answering() && !self.screen.in_body() && !self.screen.is_tunnel()
    }

    fn on_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.may_want_answers() {
            return Poll::Ready(Ok(()));
        }
        self.ended = Some(Instant::now());
        self.poll_ended(cx)
    }

    /// The client sends nothing more. Its end is passed on once it has what it asked for.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let since = self.ended.unwrap_or(self.last_read).max(self.last_write);
        let waits = self.may_want_answers() || self.blocked.is_some();
        if !waits || self.read_alarm.expired(cx, since + HALF_CLOSED_WAIT) {
            return Poll::Ready(Ok(()));
        }
        self.deferred = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The client takes nothing now: for how long that may be.
    fn poll_blocked<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let deadline = *self.blocked.get_or_insert_with(Instant::now) + self.limits.stall;
        let expired = self.write_alarm.expired(cx, deadline);
        if expired { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }

    /// Whether the reader gets any of it.
    fn on_read(&mut self, before: usize, buf: &mut ReadBuf<'_>) -> bool {
        let whole_head_before = self.screen.in_head();
        let result = self.screen.advance(&buf.filled()[before..]);
        // The clock of a head starts with its first byte; every other wait starts anew with each read.
        if !(whole_head_before && self.screen.in_head()) {
            self.last_read = Instant::now();
        }
        let passed = match result {
            Ok(()) => self.screen.passed(),
            Err(breach) => {
                self.refusal = Some(breach.refusal);
                (self.cut, self.refused_body) = (breach.in_body, breach.in_body);
                buf.set_filled(before + breach.keep);
                breach.keep
            }
        };
        self.pass(before, passed, buf);
        passed > 0
    }

    /// Leaves the reader so much of what was read, behind what was held of it, and holds the rest.
    fn pass(&mut self, before: usize, passed: usize, buf: &mut ReadBuf<'_>) {
        let odd = self.screen.take_odd();
        let first_behind = odd.partition_point(|at| *at < passed);
        let (front, behind) = buf.filled()[before..].split_at(passed);
        let behind_odd: Vec<usize> = odd[first_behind..].iter().map(|at| at - passed).collect();
        let behind = if behind.is_empty() { Vec::new() } else { spell(behind, &behind_odd) };
        if passed > 0 && (first_behind > 0 || !self.held.is_empty()) {
            let mut spelled = std::mem::take(&mut self.held);
            spelled.extend(spell(front, &odd[..first_behind]));
            self.spelled = spelled.into();
            buf.set_filled(before);
            self.read_spelled(buf);
        } else {
            buf.set_filled(before + passed);
        }
        self.held.extend(behind);
    }

    fn read_spelled(&mut self, buf: &mut ReadBuf<'_>) {
        let length = self.spelled.len().min(buf.remaining());
        buf.put_slice(&self.spelled[..length]);
        self.spelled.advance(length);
    }
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "refused by the gateway's policy")
}

/// The connection's IO, as hyper sees it.
#[derive(Debug)]
pub(super) struct ClientIo(pub(super) Arc<Client>);

impl AsyncRead for ClientIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        let heads = state.screen.heads();
        let polled = state.poll_read(cx, buf);
        if state.ended.is_some() {
            self.0.left.notify_waiters();
        }
        if state.screen.heads() > heads || state.screen.in_head() {
            self.0.request.notify_one();
        }
        polled
    }
}

impl ClientIo {
    fn poll_out(
        &self,
        cx: &mut Context<'_>,
        go: impl FnOnce(Pin<&mut Stream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        let stream = state.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let polled = go(Pin::new(stream), cx);
        if polled.is_ready() {
            state.last_write = Instant::now();
            state.blocked = None;
            if state.ended.is_some() {
                state.deferred.take().inspect(Waker::wake_by_ref);
            }
            return polled;
        }
        state.poll_blocked(cx)
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        match state.stream.as_mut() {
            // TLS has a buffer of its own; a socket has none.
            Some(stream) if stream.is_buffered() => match Pin::new(stream).poll_flush(cx) {
                Poll::Pending => return state.poll_blocked(cx),
                Poll::Ready(flushed) => flushed?,
            },
            Some(_) | None => return Poll::Ready(Ok(())),
        }
        state.blocked = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if state.refusal.is_some() {
            return Poll::Ready(Ok(())); // the refusal is still to be said
        }
        let stream = state.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        ready!(Pin::new(stream).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}
