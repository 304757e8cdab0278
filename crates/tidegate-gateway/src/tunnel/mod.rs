//! Two connections joined after 101: bytes pass both ways until both sides ended. A WebSocket that is to leave gets a
//! Close frame (1012, Service Restart) between two messages, and its answer is passed on, so that both ends know.
//!
//! A connection with nothing on its way holds no buffer.

mod half;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::drain::{Frames, Stay, close_to_client, close_to_instance};
use crate::front::Alarm;

use half::Half;

/// How long the message under way may take to end before the Close comes between its fragments.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// How long the client may take to answer the Close.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long the instance may take to end its side after that.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Passes bytes until both sides ended, or until `stay` was told to leave and the good-byes are said. What is not a
/// WebSocket stays to its own end: nobody knows how to end it.
pub(crate) async fn join<C, I>(client: C, instance: I, stay: Stay)
where
    C: AsyncRead + AsyncWrite + Unpin,
    I: AsyncRead + AsyncWrite + Unpin,
{
    let mut tunnel = Tunnel {
        client,
        instance,
        up: Half::new(Frames::of_client()),
        down: Half::new(Frames::of_instance()),
        phase: Phase::Open(stay),
        alarm: Alarm::default(),
    };
    poll_fn(|cx| tunnel.poll(cx)).await;
}

struct Tunnel<C, I> {
    client: C,
    instance: I,
    up: Half,
    down: Half,
    phase: Phase,
    alarm: Alarm,
}

/// How far the good-bye is. The time is when its step is over, come what may.
enum Phase {
    Open(Stay),
    /// The instance's message under way is to end.
    Finishing(Instant),
    /// The client has the Close and is to answer it.
    Answering(Instant),
    /// The instance has it too and is to end.
    Ending(Instant),
}

impl<C, I> Tunnel<C, I>
where
    C: AsyncRead + AsyncWrite + Unpin,
    I: AsyncRead + AsyncWrite + Unpin,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let up = self.up.poll_move(&mut self.client, &mut self.instance, cx);
            let down = self.down.poll_move(&mut self.instance, &mut self.client, cx);
            // However it ends, both sides have had what was sent: nobody can say whose fault an abrupt end is.
            let broken = matches!((&up, &down), (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))));
            let over = down.is_ready() && (up.is_ready() || matches!(self.phase, Phase::Ending(_)));
            if broken || over {
                return Poll::Ready(());
            }
            match self.poll_phase(cx) {
                Poll::Ready(Some(next)) => self.phase = next,
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The next phase, or `None` after the last.
    fn poll_phase(&mut self, cx: &mut Context<'_>) -> Poll<Option<Phase>> {
        let now = Instant::now();
        match &mut self.phase {
            Phase::Open(stay) => {
                let websocket = !self.up.frames().is_lost() && !self.down.frames().is_lost();
                if !websocket || stay.poll_told(cx).is_pending() {
                    return Poll::Pending;
                }
                self.down.part_between_messages(&close_to_client());
                Poll::Ready(Some(Phase::Finishing(now + FINISH_WITHIN)))
            }
            Phase::Finishing(_) if self.down.has_parted() => {
                Poll::Ready(Some(Phase::Answering(now + ANSWER_WITHIN)))
            }
            Phase::Finishing(until) if self.alarm.expired(cx, *until) => {
                self.down.part_now();
                Poll::Ready(Some(Phase::Answering(now + ANSWER_WITHIN)))
            }
            Phase::Answering(_) if self.up.has_said_close() => {
                self.up.stop();
                Poll::Ready(Some(Phase::Ending(now + END_WITHIN)))
            }
            Phase::Answering(until) if self.alarm.expired(cx, *until) => {
                let key = (crate::registry::seed() as u32).to_be_bytes();
                self.up.part_between_messages(&close_to_instance(key));
                self.up.part_now();
                self.up.stop();
                Poll::Ready(Some(Phase::Ending(now + END_WITHIN)))
            }
            Phase::Ending(until) if self.alarm.expired(cx, *until) => Poll::Ready(None),
            Phase::Finishing(_) | Phase::Answering(_) | Phase::Ending(_) => Poll::Pending,
        }
    }
}
