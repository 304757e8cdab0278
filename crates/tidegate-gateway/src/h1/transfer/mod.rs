//! One attempt of one exchange, once there is a connection to the instance: the request goes one way and the answer the
//! other, both at once, until both are through or something breaks.

mod down;
mod up;

use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tidegate_os::pipe::Pipe;

use super::account::Account;
use super::answer::Answer;
use super::body::Body;
use super::desk::Desk;
use super::events::EventStream;
use super::lines::Lines;
use super::splice::{self, Held, Pipes};
use crate::admission::Entry;
use crate::assign::Note;
use crate::balance::Tries;
use crate::count::Outcome;
use crate::front::screen::Refusal;
use crate::front::{Alarm, HALF_CLOSED_WAIT, Wire};
use crate::ticket::Ticket;
use crate::upstream::Link;
use crate::worker::Worker;

/// Bodies up to this size are copied behind their head, for one write.
const COPIED: usize = 4096;

/// How long an answer may take before the event loop is asked to watch a [fresh](Wire::Fresh) client: that costs two
/// calls of the system, and most answers are quicker.
const UNWATCHED: Duration = Duration::from_millis(50);

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
    pub(super) server: &'a mut Link,
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
    /// Heads that came before the answer's.
    interim: u8,
    answer: Option<Answer>,
    /// The last chunk of a body that is framed anew was written.
    last_chunk: bool,
    events: Option<Box<EventStream>>,
    /// Since when the client sends nothing more.
    client_ended: Option<Instant>,
    /// Before the head of the request is sent, and before that of the answer.
    up_turn: Turn,
    down_turn: Turn,
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
            interim: 0,
            answer: None,
            last_chunk: false,
            events: None,
            client_ended: None,
            up_turn: Turn::default(),
            down_turn: Turn::default(),
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

    /// Whether nothing was written of what the client is to be told before the answer.
    pub(super) fn is_unsaid(&self) -> bool {
        self.state.answer.is_none() && self.state.reply_at == 0 && !self.on.desk.reply.is_empty()
    }

    /// Whether all of the request was read from the client.
    pub(super) fn request_read(&self) -> bool {
        self.on.upload.over()
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        ready!(self.state.up_turn.poll(cx));
        self.state.down_turn.come();
        let ended = self.poll_up(cx).or_else(|| self.poll_down(cx));
        if ended.is_none() && self.state.down_turn == Turn::Waits {
            return Poll::Pending; // and polled again at once
        }
        match ended.or_else(|| self.poll_time(cx)) {
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

    fn poll_time(&mut self, cx: &mut Context<'_>) -> Option<End> {
        if self.on.client.is_fresh() && self.on.alarm.expired(cx, self.state.began + UNWATCHED) {
            if self.on.client.watch().is_err() {
                return Some(End::Gone);
            }
            if let Poll::Ready(Some(end)) = self.watch_client(cx) {
                return Some(end);
            }
        }
        let terms = self.on.ticket.terms();
        let waits_for_answer = self.state.up == Up::Over && self.state.answer.is_none();
        let wait = if waits_for_answer { terms.first_byte } else { terms.idle };
        let end = self.on.ticket.by(self.state.moved + wait);
        let gone = self.state.client_ended.map(|ended| ended.max(self.state.moved) + HALF_CLOSED_WAIT);
        if !self.on.alarm.expired(cx, gone.map_or(end, |gone| gone.min(end))) {
            return None;
        }
        Some(if gone.is_some_and(|gone| gone < end) { End::Gone } else { self.late() })
    }

    /// Its time is over. Whose fault that is goes by whom it waits for.
    fn late(&self) -> End {
        let State { answer, up, up_pipe, down_pipe, reply_at, .. } = &self.state;
        let client_is_slow = *up == Up::Body && self.on.upload.ready() == 0 && up_pipe.filled() == 0;
        let unsaid = self.on.desk.reply.len() > *reply_at;
        match answer {
            None if client_is_slow => End::Refused(Refusal::SLOW_BODY),
            None => End::Timeout,
            Some(answer) if unsaid || answer.body.ready() > 0 || down_pipe.filled() > 0 => End::Gone,
            Some(_) if client_is_slow => End::Cut(Outcome::Cancelled),
            Some(_) => End::Cut(Outcome::Timeout),
        }
    }
}

/// A head that is to be sent lets those tasks go first that are ready by now. What was read at once is sent at once then:
/// an app on this machine that waits is woken once for many requests, not for each, and to wake somebody costs the
/// gateway more time than anything it does with a request itself. Where nothing else is ready this is no wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    /// To come.
    #[default]
    Next,
    /// Others go first.
    Waits,
    /// It was.
    Over,
}

impl Turn {
    /// Pending once.
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        match self {
            Turn::Next => {
                *self = Turn::Waits;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Turn::Waits | Turn::Over => {
                self.come();
                Poll::Ready(())
            }
        }
    }

    /// Whoever waited is asked again: the others have been.
    fn come(&mut self) {
        if *self == Turn::Waits {
            *self = Turn::Over;
        }
    }
}

/// One direction's pipe.
enum Channel {
    Unused,
    Open(Held),
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
            Channel::Open(held) => Some(&mut held.pipe),
            Channel::Unused | Channel::Refused => None,
        }
    }

    /// Bytes that wait in it for the side they go to.
    fn filled(&self) -> usize {
        match self {
            Channel::Open(held) => held.pipe.filled(),
            Channel::Unused | Channel::Refused => 0,
        }
    }

    fn release(&mut self, pipes: &Pipes) {
        if let Channel::Open(held) = std::mem::replace(self, Channel::Unused) {
            pipes.put(held);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn others_go_first_once() {
        let woken = Arc::new(Woken::default());
        let waker = woken.clone().into();
        let cx = Context::from_waker(&waker);
        let mut turn = Turn::default();
        turn.come();
        assert_eq!(turn.poll(&cx), Poll::Pending);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!([turn.poll(&cx), turn.poll(&cx)], [Poll::Ready(()); 2]);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn whoever_is_asked_again_has_waited() {
        let mut turn = Turn::default();
        assert_eq!(turn.poll(&Context::from_waker(std::task::Waker::noop())), Poll::Pending);
        turn.come();
        assert_eq!(turn, Turn::Over);
    }
}
