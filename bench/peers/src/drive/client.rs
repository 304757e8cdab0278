//! One client connection and the request on it.

use std::io;
use std::time::Instant;

use mio::event::Event;

use super::answer::{Answer, Step};
use super::link::Link;

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// No connection.
    Refused,
    /// Another status, another length, or not HTTP.
    Wrong,
    /// Closed or reset before the end of the answer.
    Broken,
    /// Closed or reset between two requests.
    Dropped,
    /// No answer at the end of the run.
    Unanswered,
}

impl Trouble {
    /// Words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Trouble::Refused => "refused",
            Trouble::Wrong => "wrong answer",
            Trouble::Broken => "broken off",
            Trouble::Dropped => "dropped while idle",
            Trouble::Unanswered => "unanswered",
        }
    }
}

/// What an event led to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Nothing yet.
    Wait,
    /// The request that began then is answered.
    Answered(Instant),
    /// The proxy has closed the connection after its answer, as it was asked to; answered in this very event if it says when
    /// the request began.
    Closed(Option<Instant>),
    /// The connection is of no use any more.
    Failed(Trouble),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Idle,
    Busy,
    /// Answered; the proxy is to close.
    Closing,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Client {
    link: Link,
    phase: Phase,
    began: Instant,
    sent: usize,
    answer: Answer,
}

/// What every client of a load does.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) request: &'a [u8],
    pub(super) answer_length: usize,
    pub(super) fresh: bool,
}

impl Client {
    /// A connection that is being opened for a request that begins then.
    pub(super) fn new(link: Link, began: Instant) -> Self {
        Client { link, phase: Phase::Connecting, began, sent: 0, answer: Answer::default() }
    }

    /// Begins a request on an idle connection; its time counts from `began`.
    pub(super) fn begin(&mut self, errand: &Errand<'_>, began: Instant) -> Next {
        self.phase = Phase::Busy;
        self.began = began;
        self.sent = 0;
        self.answer.reset();
        self.send(errand)
    }

    pub(super) fn on_event(&mut self, event: &Event, errand: &Errand<'_>, room: &mut [u8]) -> Next {
        if self.phase == Phase::Connecting {
            if !event.is_writable() {
                return Next::Wait;
            }
            match self.link.connected() {
                Ok(()) => self.phase = Phase::Busy,
                Err(error) if is_not_yet(&error) => return Next::Wait,
                Err(_) => return Next::Failed(Trouble::Refused),
            }
        }
        if event.is_writable()
            && let failed @ Next::Failed(_) = self.send(errand)
        {
            return failed;
        }
        if event.is_readable() || event.is_read_closed() {
            return self.receive(event.is_read_closed(), errand, room);
        }
        Next::Wait
    }

    fn send(&mut self, errand: &Errand<'_>) -> Next {
        if self.link.flush().is_err() {
            return Next::Failed(Trouble::Broken);
        }
        while self.phase == Phase::Busy && self.sent < errand.request.len() {
            match self.link.send(&errand.request[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Next::Failed(Trouble::Broken),
            }
        }
        Next::Wait
    }

    fn receive(&mut self, closing: bool, errand: &Errand<'_>, room: &mut [u8]) -> Next {
        let mut answered = None;
        loop {
            let length = match self.receive_once(room) {
                Ok(0) => return self.on_end(answered),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return self.on_end(answered),
            };
            let step = match self.answer.body_left() {
                Some(_) => self.answer.skip(length),
                None => self.answer.take(&room[..length], errand.answer_length),
            };
            match step {
                _ if self.phase != Phase::Busy => return Next::Failed(Trouble::Wrong),
                Step::Wrong => return Next::Failed(Trouble::Wrong),
                Step::More => {}
                Step::Done => {
                    self.phase = if errand.fresh { Phase::Closing } else { Phase::Idle };
                    answered = Some(self.began);
                }
            }
            // A short read has emptied the socket: another one would only say so.
            if length < room.len() && !closing && self.link.is_emptied_by_short_reads() {
                break;
            }
        }
        answered.map_or(Next::Wait, Next::Answered)
    }

    fn receive_once(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.answer.body_left().is_some_and(|left| left > 0) {
            self.link.discard(room)
        } else {
            self.link.receive(room)
        }
    }

    fn on_end(&self, answered: Option<Instant>) -> Next {
        match self.phase {
            Phase::Closing => Next::Closed(answered),
            Phase::Idle => Next::Failed(Trouble::Dropped),
            Phase::Connecting => Next::Failed(Trouble::Refused),
            Phase::Busy => Next::Failed(Trouble::Broken),
        }
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotConnected | io::ErrorKind::WouldBlock)
}
