//! The answer's way: its head, then its body in the pieces it comes in.

use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::Response;
use hyper::body::{Frame, SizeHint};
use tokio::io::AsyncReadExt;

use super::exchange::Fault;
use super::head::{self, Said};
use crate::front::screen::Step;
use crate::h1::{Found, Framing, Lines, MOST_INTERIM};
use crate::upstream::Link;

/// Of an answer's head: as many bytes as the fast path takes.
const LONGEST_HEAD: usize = 16 * 1024;
/// Room for the next read of a head or a small body, and of a large one.
const ROOM: usize = 2 * 1024;
const LARGE_ROOM: usize = 32 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Down {
    is_head: bool,
    lines: Lines,
    /// Heads that came before the answer's.
    interim: u8,
    /// Known once the head is read.
    framing: Option<Framing>,
    over: bool,
    /// Bytes behind the last chunk.
    trailers: BytesMut,
    /// The connection ends behind the answer.
    close: bool,
}

impl Down {
    /// `is_head`: the request's method is HEAD.
    pub(super) fn begin(is_head: bool) -> Self {
        let (lines, trailers) = (Lines::default(), BytesMut::new());
        Down { is_head, lines, interim: 0, framing: None, over: false, trailers, close: false }
    }

    /// Whether the whole answer was read and taken.
    pub(super) fn is_over(&self) -> bool {
        self.over && self.trailers.is_empty()
    }

    /// Whether another answer can come on the connection.
    pub(super) fn keeps_connection(&self) -> bool {
        self.is_over() && !self.close
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self.framing {
            Some(Framing::Fixed(left)) => SizeHint::with_exact(left),
            Some(Framing::Chunked(_)) if self.over => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }

    /// The head of the answer, past those that only say that it comes.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        input: &mut BytesMut,
    ) -> Poll<Result<Response<()>, Fault>> {
        loop {
            match self.lines.find(input) {
                Found::Odd => return Poll::Ready(Err(Fault::Garbled)),
                Found::More if input.len() >= LONGEST_HEAD => return Poll::Ready(Err(Fault::Garbled)),
                Found::More => match ready!(poll_read(cx, link, input, ROOM)) {
                    Ok(count) if count > 0 => {}
                    _ if input.is_empty() => return Poll::Ready(Err(Fault::Broken)),
                    _ => return Poll::Ready(Err(Fault::Garbled)),
                },
                Found::Head(length) => {
                    self.lines = Lines::default();
                    let head = input.split_to(length).freeze();
                    if let Some(response) = self.on_head(&head, input)? {
                        return Poll::Ready(Ok(response));
                    }
                }
            }
        }
    }

    fn on_head(&mut self, head: &Bytes, input: &mut BytesMut) -> Result<Option<Response<()>>, Fault> {
        match head::read(head, self.is_head)? {
            Said::Interim if self.interim == MOST_INTERIM => Err(Fault::Garbled),
            Said::Interim => {
                self.interim += 1;
                Ok(None)
            }
            Said::Upgraded(response) => {
                (self.over, self.close) = (true, true);
                Ok(Some(response))
            }
            Said::Final(response, framing, close) => {
                (self.over, self.close) = (matches!(framing, Framing::Fixed(0)), close);
                self.framing = Some(framing);
                self.skip(input)?;
                Ok(Some(response))
            }
        }
    }

    /// The next piece of the body, or its trailers.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        input: &mut BytesMut,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        loop {
            if self.over {
                return Poll::Ready(self.take_trailers());
            }
            if !input.is_empty() {
                match self.take(input) {
                    Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Ok(None) => continue,
                    Err(fault) => return Poll::Ready(Some(Err(fault))),
                }
            }
            match ready!(poll_read(cx, link, input, self.room())) {
                Ok(count) if count > 0 => {}
                Ok(_) if matches!(self.framing, Some(Framing::UntilClose)) => {
                    (self.over, self.close) = (true, true);
                }
                _ => return Poll::Ready(Some(Err(Fault::Broken))),
            }
        }
    }

    fn room(&self) -> usize {
        match self.framing {
            Some(Framing::Fixed(left)) => usize::try_from(left).unwrap_or(usize::MAX).clamp(ROOM, LARGE_ROOM),
            _ => LARGE_ROOM / 2,
        }
    }

    /// What of the body is at hand; `None`: nothing but framing was.
    fn take(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, Fault> {
        self.skip(input)?;
        if self.over || input.is_empty() {
            return Ok(None);
        }
        let length = match &mut self.framing {
            Some(Framing::Fixed(left)) => {
                let length = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= length as u64;
                self.over = *left == 0;
                length
            }
            Some(Framing::Chunked(chunks)) => match chunks.step(input).map_err(|_| Fault::Garbled)? {
                Step::Data(length) => length,
                Step::Framing(_) | Step::Trailers(_) | Step::End(_) => return Err(Fault::Garbled),
            },
            Some(Framing::UntilClose) | None => input.len(),
        };
        let data = input.split_to(length).freeze();
        self.skip(input)?;
        Ok(Some(data))
    }

    /// Goes on to the next byte of the body itself, as far as there is anything: so the end is seen with the last piece.
    fn skip(&mut self, input: &mut BytesMut) -> Result<(), Fault> {
        let Some(Framing::Chunked(chunks)) = &mut self.framing else { return Ok(()) };
        while !self.over && !input.is_empty() && !chunks.in_data() {
            match chunks.step(input).map_err(|_| Fault::Garbled)? {
                Step::Framing(length) => input.advance(length),
                Step::Trailers(length) => self.trailers.extend_from_slice(&input.split_to(length)),
                Step::End(length) => {
                    self.trailers.extend_from_slice(&input.split_to(length));
                    self.over = true;
                    if self.trailers.len() == NO_TRAILERS {
                        self.trailers.clear();
                    }
                }
                Step::Data(_) => break,
            }
        }
        Ok(())
    }

    fn take_trailers(&mut self) -> Option<Result<Frame<Bytes>, Fault>> {
        let trailers = self.trailers.split();
        (!trailers.is_empty()).then(|| head::read_trailers(&trailers).map(Frame::trailers))
    }
}

/// The empty line alone.
const NO_TRAILERS: usize = 2;

fn poll_read(
    cx: &mut Context<'_>,
    link: &mut Link,
    input: &mut BytesMut,
    room: usize,
) -> Poll<std::io::Result<usize>> {
    input.reserve(room);
    pin!(link.read_buf(input)).poll(cx)
}
