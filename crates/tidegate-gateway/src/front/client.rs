//! A client's connection: its bytes pass the screen on their way in, and its waits have an end.

mod hyper_io;
mod state;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use httpdate::HttpDate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use self::state::State;
use super::Stream;
use super::screen::Refusal;
use crate::descriptors::{Descriptors, Share};
use crate::limits::Limits;
use crate::page::MARK;
use crate::view::Peer;

pub(super) use self::hyper_io::ClientIo;

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
        let claimed = stream.is_none().then(AtomicBool::default);
        let (stream, first) = stream.unzip();
        let state = State::new(stream, first.unwrap_or(false), limits);
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
        self.lock().on_answer_over();
    }

    /// The connection is upgraded: its bytes are no requests any more.
    pub(crate) fn tunnel(&self) {
        self.lock().tunnel();
    }

    /// Why it was refused, if it was.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.lock().refusal
    }

    /// Tells a refused client why, unless it has its answer or one is half-way out. Call it when the connection is done with.
    pub(crate) async fn say_refusal(&self) {
        let taken = {
            let mut state = self.lock();
            let clean = state.is_between_answers();
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
