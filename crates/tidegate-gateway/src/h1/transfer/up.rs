//! The request's way: head and body from the client to the instance.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::AsyncWrite;

use super::{End, Transfer, Up};
use crate::count::Outcome;
use crate::front::Wire;
use crate::front::screen::Refusal;
use crate::h1::splice::{self, Moved, Side};
use crate::upstream::Link;

impl Transfer<'_> {
    pub(super) fn poll_up(&mut self, cx: &mut Context<'_>) -> Option<End> {
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
        if self.on.client.is_fresh() {
            self.on.client.watch().ok()?;
        }
        let (Wire::Plain(from), Link::Tcp(to)) = (&*self.on.client, &*self.on.server) else { return None };
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
}
