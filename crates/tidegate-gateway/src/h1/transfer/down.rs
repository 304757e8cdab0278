//! The answer's way: head and body from the instance to the client.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::AsyncWrite;

use super::{COPIED, End, Transfer, Up};
use crate::admission::Entry;
use crate::balance::Failure;
use crate::count::Outcome;
use crate::front::Wire;
use crate::front::screen::Refusal;
use crate::h1::answer::{self, Added, MOST_INTERIM, Said};
use crate::h1::events::EventStream;
use crate::h1::lines::{Found, Lines};
use crate::h1::request;
use crate::h1::splice::{self, Moved, Side};
use crate::upstream::Link;

impl Transfer<'_> {
    pub(super) fn poll_down(&mut self, cx: &mut Context<'_>) -> Option<End> {
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
            Poll::Pending => match self.poll_flush(cx) {
                Poll::Ready(Err(end)) => Poll::Ready(Some(end)),
                Poll::Ready(Ok(())) | Poll::Pending => self.watch_client(cx),
            },
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
                Said::Interim if self.state.interim == MOST_INTERIM => return Some(End::Garbled),
                Said::Interim => {
                    self.state.interim += 1;
                    self.on.desk.answer.consume(length);
                }
                Said::Final(mut answer) => {
                    self.on.ticket.on_status(answer.status);
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
        let tries = self.on.tries.as_deref_mut().filter(|_| self.on.ticket.terms().repeats_status(status))?;
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
                self.poll_flush(cx).map(|flushed| Some(flushed.err().unwrap_or(End::Over)))
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

    /// Under TLS what was written may still be here.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        match &mut self.on.client {
            Wire::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx).map_err(|_| End::Gone),
            Wire::Fresh(_) | Wire::Plain(_) | Wire::Lost => Poll::Ready(Ok(())),
        }
    }

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        ready!(self.state.down_turn.poll(cx));
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
            Poll::Pending => match self.poll_flush(cx) {
                Poll::Ready(Err(end)) => Poll::Ready(Some(end)),
                Poll::Ready(Ok(())) | Poll::Pending => self.watch_client(cx),
            },
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
        if self.on.client.is_fresh() {
            self.on.client.watch().ok()?;
        }
        let (Link::Tcp(from), Wire::Plain(to)) = (&*self.on.server, &*self.on.client) else { return None };
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
    pub(super) fn watch_client(&mut self, cx: &mut Context<'_>) -> Poll<Option<End>> {
        let unwatched = self.on.client.is_fresh();
        let ended = self.state.client_ended.is_some();
        if unwatched || ended || self.state.up != Up::Over || self.on.desk.input.is_full() {
            return Poll::Pending;
        }
        match self.on.desk.input.poll_read(cx, self.on.client) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(count)) if count > 0 => self.watch_client(cx),
            // It may still want the answer.
            Poll::Ready(Ok(_)) => {
                self.state.client_ended = Some(Instant::now());
                Poll::Pending
            }
            Poll::Ready(Err(_)) => Poll::Ready(Some(End::Gone)),
        }
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
