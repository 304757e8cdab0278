//! One attempt of one exchange, once there is a connection to the instance: the request goes one way and the answer the
//! other, both at once, until both are through or something breaks.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tidegate_os::pipe::Pipe;
use tokio::io::AsyncWrite;

use super::account::Account;
use super::answer::{self, Added, Answer, Said};
use super::body::Body;
use super::desk::Desk;
use super::events::EventStream;
use super::lines::{Found, Lines};
use super::request;
use super::splice::{self, Moved, Pipes, Side};
use crate::admission::Entry;
use crate::assign::Note;
use crate::balance::{Failure, Tries};
use crate::count::Outcome;
use crate::front::screen::Refusal;
use crate::front::{Alarm, Wire};
use crate::ticket::Ticket;
use crate::upstream::Socket;
use crate::worker::Worker;

/// Bodies up to this size are copied behind their head, for one write.
const COPIED: usize = 4096;
/// A client that ends its side so soon after its request may still want the answer …
const HALF_CLOSE: Duration = Duration::from_millis(100);
/// … and is believed for so long: one that is gone looks the same.
const HALF_CLOSED_WAIT: Duration = Duration::from_secs(5);
const SLOW_BODY: Refusal = Refusal { status: 408, why: "the request body took too long" };

/// How an attempt ends.
#[derive(Debug)]
pub(super) enum End {
    /// The answer is with the client. What is to be known of it is in [`Transfer::answer`].
    Over,
    /// The instance saw nothing of the request.
    Unsent,
    /// It may have, and broke off before any answer.
    Broken,
    /// What it said is no answer.
    Garbled,
    /// It said nothing in time.
    Timeout,
    /// It answered with a failure that is repeated elsewhere: there.
    Unwanted(Box<Entry>),
    /// The client's body is none; it has had no answer.
    Refused(Refusal),
    /// It broke in the middle of an answer: nothing but the end of the connection can tell the client.
    Cut(Outcome),
    /// The client is gone.
    Gone,
}

/// Where the request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Up {
    Head,
    Body,
    Over,
    /// The instance takes no more of it; it may answer all the same.
    Refused,
}

/// What an attempt works on.
pub(super) struct Parts<'a> {
    pub(super) worker: &'a Worker,
    pub(super) client: &'a mut Wire,
    pub(super) server: &'a mut Socket,
    pub(super) desk: &'a mut Desk,
    pub(super) alarm: &'a mut Alarm,
    pub(super) ticket: &'a mut Ticket,
    pub(super) note: &'a Note,
    pub(super) account: &'a mut Account,
    /// Where the request may be sent again.
    pub(super) tries: Option<&'a mut Tries>,
    /// The request's body.
    pub(super) upload: &'a mut Body,
    /// Bytes at the front of the input that are the request's head.
    pub(super) head_len: &'a mut usize,
    pub(super) is_head: bool,
    /// Whether the connection to the client ends after the answer.
    pub(super) close: &'a mut bool,
}

/// An attempt.
pub(super) struct Transfer<'a> {
    on: Parts<'a>,
    state: State,
}

struct State {
    up: Up,
    head_at: usize,
    reply_at: usize,
    lines: Lines,
    answer: Option<Answer>,
    /// The last chunk of a body that is framed anew was written.
    last_chunk: bool,
    events: Option<Box<EventStream>>,
    client_ended: bool,
    up_pipe: Channel,
    down_pipe: Channel,
    began: Instant,
    moved: Instant,
}

impl<'a> Transfer<'a> {
    /// `now` is about the present.
    pub(super) fn new(on: Parts<'a>, now: Instant) -> Self {
        let state = State {
            up: Up::Head,
            head_at: 0,
            reply_at: 0,
            lines: Lines::default(),
            answer: None,
            last_chunk: false,
            events: None,
            client_ended: false,
            up_pipe: Channel::Unused,
            down_pipe: Channel::Unused,
            began: now,
            moved: now,
        };
        Transfer { on, state }
    }

    /// The answer's head, once it is here.
    pub(super) fn answer(&self) -> Option<&Answer> {
        self.state.answer.as_ref()
    }

    /// Whether the connection to the instance can take another request: after [`End::Over`].
    pub(super) fn reusable(&self) -> bool {
        let clean = |answer: &Answer| !answer.close && !answer.body.is_until_close();
        self.state.events.is_none()
            && self.state.up == Up::Over
            && self.on.desk.answer.is_empty()
            && self.answer().is_some_and(clean)
    }

    /// Whether all of the request was read from the client.
    pub(super) fn request_read(&self) -> bool {
        self.on.upload.over()
    }

    /// Whether the client said that it sends nothing more.
    pub(super) fn client_ended(&self) -> bool {
        self.state.client_ended
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let ended = self.poll_up(cx).or_else(|| self.poll_down(cx)).or_else(|| self.poll_time(cx));
        match ended {
            Some(end) => {
                self.state.up_pipe.release(&self.on.worker.pipes);
                self.state.down_pipe.release(&self.on.worker.pipes);
                Poll::Ready(end)
            }
            None => Poll::Pending,
        }
    }

    fn moved(&mut self) {
        self.state.moved = Instant::now();
    }

    // The request's way.

    fn poll_up(&mut self, cx: &mut Context<'_>) -> Option<End> {
        loop {
            let polled = match self.state.up {
                Up::Head => self.poll_up_head(cx),
                Up::Body if self.on.upload.over() && self.state.up_pipe.filled() == 0 => {
                    self.state.up = Up::Over;
                    self.moved();
                    return None;
                }
                Up::Body if self.on.upload.ready() > 0 => self.poll_up_write(cx),
                Up::Body => self.poll_up_read(cx),
                Up::Over | Up::Refused => return None,
            };
            match polled {
                Poll::Pending => return None,
                Poll::Ready(Some(end)) => return Some(end),
                Poll::Ready(None) => {}
            }
        }
    }

    fn poll_up_head(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        let head = &self.on.desk.head[self.state.head_at..];
        let body = &self.on.desk.input.filled()[*self.on.head_len..][..self.on.upload.ready()];
        let server = Pin::new(&mut *self.on.server);
        let polled = if body.is_empty() {
            server.poll_write(cx, head)
        } else {
            server.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(body)])
        };
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(count)) if count > 0 => {
                let of_head = count.min(head.len());
                self.state.head_at += of_head;
                if self.state.head_at == self.on.desk.head.len() {
                    self.on_head_sent(count - of_head);
                }
                Poll::Ready(None)
            }
            Poll::Ready(_) if self.state.head_at == 0 => Poll::Ready(Some(End::Unsent)),
            Poll::Ready(_) => {
                self.state.up = Up::Refused;
                Poll::Ready(None)
            }
        }
    }

    /// A request without a body keeps its head in the input, to be sent again where that is allowed.
    fn on_head_sent(&mut self, of_body: usize) {
        if self.on.upload.over() {
            self.state.up = Up::Over;
            return;
        }
        self.state.up = Up::Body;
        self.on.desk.input.consume(*self.on.head_len + of_body);
        *self.on.head_len = 0;
        self.on.upload.went(of_body);
    }

    fn poll_up_write(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        let bytes = &self.on.desk.input.filled()[..self.on.upload.ready()];
        match Pin::new(&mut *self.on.server).poll_write(cx, bytes) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(count)) if count > 0 => {
                self.on.desk.input.consume(count);
                self.on.upload.went(count);
                self.moved();
                Poll::Ready(None)
            }
            Poll::Ready(_) => {
                self.state.up = Up::Refused;
                Poll::Ready(None)
            }
        }
    }

    fn poll_up_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        if let Some(polled) = self.poll_up_splice(cx) {
            return polled;
        }
        match self.on.desk.input.poll_read(cx, self.on.client) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(count)) if count > 0 => {
                let filled = self.on.desk.input.filled();
                let fresh = &filled[filled.len() - count..];
                if let Err(refusal) = self.on.upload.look(fresh) {
                    return Poll::Ready(Some(self.refused(refusal)));
                }
                self.moved();
                Poll::Ready(None)
            }
            Poll::Ready(_) => Poll::Ready(Some(End::Gone)),
        }
    }

    fn refused(&self, refusal: Refusal) -> End {
        match self.answer() {
            None => End::Refused(refusal),
            Some(_) => End::Cut(Outcome::Cancelled),
        }
    }

    /// `None`: not a body for a pipe.
    fn poll_up_splice(&mut self, cx: &mut Context<'_>) -> Option<Poll<Option<End>>> {
        let left = self.on.upload.left().filter(|left| self.state.up_pipe.wants(*left))?;
        let (Wire::Plain(from), Socket::Tcp(to)) = (&*self.on.client, &*self.on.server) else { return None };
        let pipe = self.state.up_pipe.open(&self.on.worker.pipes)?;
        let mut moved = Moved { read: 0, any: false };
        let polled = splice::poll_move(cx, from, pipe, to, left, &mut moved);
        self.on.upload.skip(moved.read);
        if moved.any {
            self.state.moved = Instant::now();
        }
        Some(match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(None),
            Poll::Ready(Err(Side::From)) => Poll::Ready(Some(End::Gone)),
            Poll::Ready(Err(Side::To)) => {
                self.state.up = Up::Refused;
                Poll::Ready(None)
            }
        })
    }

    // The answer's way.

    fn poll_down(&mut self, cx: &mut Context<'_>) -> Option<End> {
        loop {
            let polled =
                if self.state.answer.is_none() { self.poll_down_head(cx) } else { self.poll_down_body(cx) };
            match polled {
                Poll::Pending => return None,
                Poll::Ready(Some(end)) => return Some(end),
                Poll::Ready(None) => {}
            }
        }
    }

    fn poll_down_head(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        if self.state.reply_at < self.on.desk.reply.len() {
            return self.poll_reply(cx); // an interim answer
        }
        match self.on.desk.answer.poll_read(cx, self.on.server) {
            Poll::Pending => self.watch_client(cx),
            Poll::Ready(Ok(count)) if count > 0 => Poll::Ready(self.read_head()),
            Poll::Ready(_) if self.on.desk.answer.is_empty() => Poll::Ready(Some(End::Broken)),
            Poll::Ready(_) => Poll::Ready(Some(End::Garbled)),
        }
    }

    fn read_head(&mut self) -> Option<End> {
        loop {
            let filled = self.on.desk.answer.filled();
            let length = match self.state.lines.find(filled) {
                Found::More if self.on.desk.answer.is_full() => return Some(End::Garbled),
                Found::More => return None,
                Found::Odd => return Some(End::Garbled),
                Found::Head(length) => length,
            };
            self.state.lines = Lines::default();
            // A request that is not through is not read to its end either.
            let close = *self.on.close || !self.on.upload.over() || self.on.worker.is_draining();
            let added = Added { close, note: self.on.note, ticket: self.on.ticket };
            let said = answer::read(&filled[..length], self.on.is_head, &added, &mut self.on.desk.reply);
            match said {
                Said::Garbled => return Some(End::Garbled),
                Said::Interim => self.on.desk.answer.consume(length),
                Said::Final(mut answer) => {
                    if let Some(entry) = self.elsewhere(answer.status) {
                        return Some(End::Unwanted(entry));
                    }
                    *self.on.close = close;
                    self.on.ticket.on_answer();
                    self.on.account.on_answer(answer.status, self.on.ticket);
                    self.on.desk.answer.consume(length);
                    let begun = answer.body.look(self.on.desk.answer.filled());
                    if answer.is_events {
                        let stay = self.on.worker.leaving.stay(&self.on.ticket.endpoint);
                        self.state.events = Some(Box::new(EventStream::new(stay, answer.body.is_chunked())));
                    }
                    self.state.answer = Some(answer);
                    return begun.is_err().then_some(End::Garbled);
                }
            }
        }
    }

    /// Another place for the request, where this status is repeated.
    fn elsewhere(&mut self, status: u16) -> Option<Box<Entry>> {
        let tries = self.on.tries.as_deref_mut().filter(|_| self.on.ticket.terms.repeats_status(status))?;
        self.on.ticket.on_answer();
        let head = &self.on.desk.input.filled()[..*self.on.head_len];
        request::readmit(self.on.worker, head, self.on.ticket, (tries, Failure::Status)).map(Box::new)
    }

    fn poll_down_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        if self.frame(cx).is_err() {
            return Poll::Ready(Some(End::Cut(Outcome::Reset)));
        }
        let Some(answer) = &mut self.state.answer else { return Poll::Ready(None) };
        let ready = answer.body.ready();
        let unsaid = self.on.desk.reply.len() - self.state.reply_at;
        if unsaid > 0 && (1..=COPIED).contains(&ready) {
            self.on.desk.reply.extend_from_slice(&self.on.desk.answer.filled()[..ready]);
            self.on.desk.answer.consume(ready);
            answer.body.went(ready);
            return self.poll_reply(cx);
        }
        match (unsaid, ready) {
            (0, 0) if answer.body.over() && self.state.down_pipe.filled() == 0 => {
                Poll::Ready(Some(End::Over))
            }
            (0, 0) => self.poll_down_read(cx),
            (_, 0) => self.poll_reply(cx),
            _ => self.poll_down_write(cx),
        }
    }

    /// A body that ends with the connection, or may end early, is framed anew: the client's connection goes on.
    fn frame(&mut self, cx: &mut Context<'_>) -> Result<(), Refusal> {
        let Some(answer) = &mut self.state.answer else { return Ok(()) };
        if self.state.events.is_none() && !answer.body.is_until_close() {
            return Ok(());
        }
        let ready = answer.body.ready();
        if ready > 0 {
            let bytes = &self.on.desk.answer.filled()[..ready];
            let last = match &mut self.state.events {
                None => {
                    write_chunk(&mut self.on.desk.reply, bytes);
                    false
                }
                Some(events) => {
                    let piece = events.take(cx, bytes)?;
                    write_chunk(&mut self.on.desk.reply, &piece.data);
                    piece.last
                }
            };
            self.on.desk.answer.consume(ready);
            answer.body.went(ready);
            if last {
                answer.body.end();
            }
        } else if self.state.events.as_mut().is_some_and(|events| events.poll_leaves(cx)) {
            answer.body.end();
        }
        if answer.body.ended() && !self.state.last_chunk {
            self.on.desk.reply.extend_from_slice(b"0\r\n\r\n");
            self.state.last_chunk = true;
        }
        Ok(())
    }

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        let polled =
            Pin::new(&mut *self.on.client).poll_write(cx, &self.on.desk.reply[self.state.reply_at..]);
        self.on_reply(polled).map(|count| count.err())
    }

    fn poll_down_write(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        let Some(answer) = &self.state.answer else { return Poll::Ready(None) };
        let reply = &self.on.desk.reply[self.state.reply_at..];
        let body = &self.on.desk.answer.filled()[..answer.body.ready()];
        let client = Pin::new(&mut *self.on.client);
        let polled = if reply.is_empty() {
            client.poll_write(cx, body)
        } else {
            client.poll_write_vectored(cx, &[IoSlice::new(reply), IoSlice::new(body)])
        };
        self.on_reply(polled).map(|count| match count {
            Err(end) => Some(end),
            Ok(of_body) => {
                self.on.desk.answer.consume(of_body);
                if let Some(answer) = &mut self.state.answer {
                    answer.body.went(of_body);
                }
                None
            }
        })
    }

    /// Takes what was written off the reply; returns how much of it was body.
    fn on_reply(&mut self, polled: Poll<std::io::Result<usize>>) -> Poll<Result<usize, End>> {
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(count)) if count > 0 => {
                let of_reply = count.min(self.on.desk.reply.len() - self.state.reply_at);
                self.state.reply_at += of_reply;
                if self.state.reply_at == self.on.desk.reply.len() {
                    self.on.desk.reply.clear();
                    self.state.reply_at = 0;
                }
                Poll::Ready(Ok(count - of_reply))
            }
            Poll::Ready(_) => Poll::Ready(Err(End::Gone)),
        }
    }

    fn poll_down_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        if let Some(polled) = self.poll_down_splice(cx) {
            return polled;
        }
        let polled = self.on.desk.answer.poll_read(cx, self.on.server);
        let Some(answer) = &mut self.state.answer else { return Poll::Ready(None) };
        match polled {
            Poll::Pending => self.watch_client(cx),
            Poll::Ready(Ok(count)) if count > 0 => {
                let filled = self.on.desk.answer.filled();
                let looked = answer.body.look(&filled[filled.len() - count..]);
                self.moved();
                Poll::Ready(looked.is_err().then_some(End::Cut(Outcome::Reset)))
            }
            Poll::Ready(Ok(_)) if answer.body.close() => Poll::Ready(None),
            Poll::Ready(_) => Poll::Ready(Some(End::Cut(Outcome::Reset))),
        }
    }

    /// `None`: not a body for a pipe.
    fn poll_down_splice(&mut self, cx: &mut Context<'_>) -> Option<Poll<Option<End>>> {
        let left = self.answer()?.body.left().filter(|left| self.state.down_pipe.wants(*left))?;
        let (Socket::Tcp(from), Wire::Plain(to)) = (&*self.on.server, &*self.on.client) else { return None };
        let pipe = self.state.down_pipe.open(&self.on.worker.pipes)?;
        let mut moved = Moved { read: 0, any: false };
        let polled = splice::poll_move(cx, from, pipe, to, left, &mut moved);
        if let Some(answer) = &mut self.state.answer {
            answer.body.skip(moved.read);
        }
        if moved.any {
            self.state.moved = Instant::now();
        }
        Some(match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(None),
            Poll::Ready(Err(Side::From)) => Poll::Ready(Some(End::Cut(Outcome::Reset))),
            Poll::Ready(Err(Side::To)) => Poll::Ready(Some(End::Gone)),
        })
    }

    /// Nothing comes from the instance: is the client still there? What it sends now is its next request.
    fn watch_client(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        if self.state.client_ended || self.state.up != Up::Over || self.on.desk.input.is_full() {
            return Poll::Pending;
        }
        match self.on.desk.input.poll_read(cx, self.on.client) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(count)) if count > 0 => self.watch_client(cx),
            Poll::Ready(Ok(_)) if self.state.began.elapsed() < HALF_CLOSE => {
                self.state.client_ended = true;
                Poll::Pending
            }
            Poll::Ready(_) => Poll::Ready(Some(End::Gone)),
        }
    }

    // Time.

    fn poll_time(&mut self, cx: &mut Context<'_>) -> Option<End> {
        let terms = &self.on.ticket.terms;
        let waits_for_answer = self.state.up == Up::Over && self.state.answer.is_none();
        let wait = if waits_for_answer { terms.first_byte } else { terms.idle };
        let half = self.state.client_ended;
        let wait = if half { wait.min(HALF_CLOSED_WAIT) } else { wait };
        let end = self.on.ticket.by(self.state.moved + wait);
        if !self.on.alarm.expired(cx, end) {
            return None;
        }
        let client_is_slow = self.state.up == Up::Body && self.on.upload.ready() == 0;
        let unsaid = self.on.desk.reply.len() > self.state.reply_at;
        Some(match &self.state.answer {
            _ if half => End::Gone,
            None if client_is_slow => End::Refused(SLOW_BODY),
            None => End::Timeout,
            Some(answer) if unsaid || answer.body.ready() > 0 || self.state.down_pipe.filled() > 0 => {
                End::Gone
            }
            Some(_) => End::Cut(Outcome::Timeout),
        })
    }
}

fn write_chunk(out: &mut Vec<u8>, data: &[u8]) {
    // An empty chunk would be the last.
    if !data.is_empty() {
        out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

/// One direction's pipe.
enum Channel {
    Unused,
    Open(Pipe),
    /// The machine gave none: the body is copied.
    Refused,
}

impl Channel {
    /// Whether a body with so many bytes left is worth a pipe, or is in one already.
    fn wants(&self, left: u64) -> bool {
        match self {
            Channel::Unused => left >= splice::WORTH,
            Channel::Open(_) => true,
            Channel::Refused => false,
        }
    }

    fn open(&mut self, pipes: &Pipes) -> Option<&mut Pipe> {
        if matches!(self, Channel::Unused) {
            *self = pipes.take().map_or(Channel::Refused, Channel::Open);
        }
        match self {
            Channel::Open(pipe) => Some(pipe),
            Channel::Unused | Channel::Refused => None,
        }
    }

    /// Bytes that wait in it for the side they go to.
    fn filled(&self) -> usize {
        match self {
            Channel::Open(pipe) => pipe.filled(),
            Channel::Unused | Channel::Refused => 0,
        }
    }

    fn release(&mut self, pipes: &Pipes) {
        if let Channel::Open(pipe) = std::mem::replace(self, Channel::Unused) {
            pipes.put(pipe);
        }
    }
}
