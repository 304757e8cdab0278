//! What is known of a client's connection, and its way in: what is read passes the screen, and every wait has an end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, ReadBuf};

use super::HALF_CLOSED_WAIT;
use crate::front::screen::{Refusal, Screen, spell};
use crate::front::{Alarm, Stream};
use crate::limits::Limits;

#[derive(Debug)]
pub(super) struct State {
    pub(super) stream: Option<Stream>,
    pub(super) screen: Screen,
    /// The beginning of a head as it was read: the parser gets it when it is whole and was found good, for it has words of its
    /// own for bad ones. With the places that it gets spelled otherwise.
    held: Vec<u8>,
    held_odd: Vec<usize>,
    /// Passed the screen, and goes on as it is spelled here: before anything else.
    spelled: Bytes,
    pub(super) refusal: Option<Refusal>,
    /// The refusal is of a body whose request is under way: it may have been answered already.
    refused_body: bool,
    /// Nothing is to be read any more, not even to finish the answers under way.
    cut: bool,
    /// Whom to wake where reading waits for the answers under way.
    deferred: Option<Waker>,
    /// Since when it sends nothing more, and waits for answers.
    pub(super) ended: Option<Instant>,
    /// When it came, where nothing was answered before.
    came: Option<Instant>,
    pub(super) begun: u64,
    pub(super) over: u64,
    last_read: Instant,
    last_write: Instant,
    /// Since when the client takes nothing of what is written.
    blocked: Option<Instant>,
    read_alarm: Alarm,
    write_alarm: Alarm,
    pub(super) limits: Limits,
    /// For the next piece of a body.
    pub(super) body_wait: Duration,
}

impl State {
    /// `first`: nothing was answered on it yet.
    pub(super) fn new(stream: Option<Stream>, first: bool, limits: Limits) -> Self {
        let now = Instant::now();
        State {
            stream,
            screen: Screen::new(limits.head_bytes, limits.head_fields),
            held: Vec::new(),
            held_odd: Vec::new(),
            spelled: Bytes::new(),
            refusal: None,
            refused_body: false,
            cut: false,
            deferred: None,
            ended: None,
            came: first.then_some(now),
            begun: 0,
            over: 0,
            last_read: now,
            last_write: now,
            blocked: None,
            read_alarm: Alarm::default(),
            write_alarm: Alarm::default(),
            limits,
            body_wait: limits.stall,
        }
    }

    /// Whether a request whose head went by has no whole answer.
    pub(super) fn is_answering(&self) -> bool {
        self.screen.heads() > self.over
    }

    /// Whether the client has not had all of its answers: one that is over may still wait to be written.
    fn owes_answers(&self) -> bool {
        self.is_answering() || self.blocked.is_some()
    }

    /// Whether what is written now is neither behind the answer to the very request it is of, nor in the middle of one.
    pub(super) fn is_between_answers(&self) -> bool {
        let whole = self.begun == self.over && self.blocked.is_none();
        whole && (!self.refused_body || self.is_answering())
    }

    pub(super) fn on_answer_over(&mut self) {
        self.over += 1;
        self.last_read = Instant::now();
        self.wake_reader();
    }

    /// From here on the bytes are not HTTP, and go on as they came.
    pub(super) fn tunnel(&mut self) {
        self.screen.tunnel();
        self.held_odd.clear();
        if !self.held.is_empty() {
            self.spelled = [&self.spelled[..], &std::mem::take(&mut self.held)].concat().into();
        }
    }

    fn defer(&mut self, cx: &Context<'_>) {
        if !self.deferred.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.deferred = Some(cx.waker().clone());
        }
    }

    fn wake_reader(&mut self) {
        if let Some(waker) = self.deferred.take() {
            waker.wake();
        }
    }

    /// Until when the next byte must be here, and what it means if not: a refusal, or nothing but the end. `None`: there is
    /// no hurry before the client has its answers.
    fn read_deadline(&self) -> Option<(Instant, Option<Refusal>)> {
        if self.screen.in_body() {
            return Some((self.last_read + self.body_wait, Some(Refusal::SLOW_BODY)));
        }
        if self.owes_answers() || self.screen.is_tunnel() {
            return None;
        }
        let since = self.last_read.max(self.last_write);
        if self.screen.in_head() {
            return Some((since + self.limits.head, Some(Refusal::SLOW_HEAD)));
        }
        let first = self.came.filter(|_| self.screen.heads() == 0);
        Some((first.map_or(since + self.limits.client_idle, |came| came + self.limits.head), None))
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((deadline, refusal)) = self.read_deadline() else {
            self.defer(cx);
            return Poll::Pending;
        };
        if !self.read_alarm.expired(cx, deadline) {
            return Poll::Pending;
        }
        self.refused_body = self.screen.in_body();
        self.refusal = refusal;
        self.cut = true;
        Poll::Ready(if refusal.is_some() { Err(refused()) } else { Ok(()) })
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
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
        if self.owes_answers() && !self.cut {
            self.defer(cx);
            return Poll::Pending;
        }
        Poll::Ready(Err(refused()))
    }

    /// Whether a client that ends its side now may still be there for something.
    fn may_want_answers(&self) -> bool {
        self.owes_answers() && !self.screen.in_body() && !self.screen.is_tunnel()
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
        if !self.may_want_answers() || self.read_alarm.expired(cx, since + HALF_CLOSED_WAIT) {
            return Poll::Ready(Ok(()));
        }
        self.defer(cx);
        Poll::Pending
    }

    /// The client has taken some of what is written.
    pub(super) fn on_written(&mut self) {
        self.last_write = Instant::now();
        let was_blocked = self.blocked.take().is_some();
        if self.ended.is_some() || (was_blocked && !self.is_answering()) {
            self.wake_reader();
        }
    }

    /// Whether there was something that the client did not take.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// The client takes nothing now: for how long that may be.
    pub(super) fn poll_blocked<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let deadline = *self.blocked.get_or_insert_with(Instant::now) + self.limits.stall;
        let expired = self.write_alarm.expired(cx, deadline);
        if expired { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }

    /// Whether the reader gets any of it.
    fn on_read(&mut self, before: usize, buf: &mut ReadBuf<'_>) -> bool {
        let (in_head, heads) = (self.screen.in_head(), self.screen.heads());
        let result = self.screen.advance(&buf.filled()[before..]);
        // The clock of a head starts with its first byte; every other wait starts anew with each read.
        let same_head = in_head && self.screen.in_head() && self.screen.heads() == heads;
        if !same_head {
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
        let behind_length = behind.len();
        if passed > 0 && (first_behind > 0 || !self.held.is_empty()) {
            let mut spelled = spell(&self.held, &self.held_odd);
            spelled.extend(spell(front, &odd[..first_behind]));
            (self.spelled, self.held) = (spelled.into(), behind.to_vec());
            self.held_odd.clear();
            buf.set_filled(before);
            self.read_spelled(buf);
        } else {
            self.held.extend_from_slice(behind);
            buf.set_filled(before + passed);
        }
        if behind_length > 0 {
            let held_before = self.held.len() - behind_length;
            self.held_odd.extend(odd[first_behind..].iter().map(|at| at - passed + held_before));
        }
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
