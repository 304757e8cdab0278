//! Connections to endpoints that carry many requests at a time. Few are opened: while one is being opened, the requests
//! that want it wait for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::Scheme;
use hyper::client::conn::http2::{self, Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tidegate_core::model::Protocol;
use tokio::sync::Notify;

use super::link::Link;
use super::plain::Use;
use super::sender::Sender;
use super::{Plains, Upload};
use crate::descriptors::{Share, exhausted, is_ours};
use crate::endpoint::Endpoint;
use crate::local::LocalExecutor;

/// Another connection is opened when the least busy has so many requests under way …
const BUSY: usize = 100;
/// … up to so many connections to an endpoint.
pub(crate) const MOST: usize = 32;
/// Most requests on a connection, however few others there are.
const FULL: usize = 128;
/// How long one is kept that nobody uses.
const UNUSED: Duration = Duration::from_secs(60);
/// What may be under way to us on one stream, and on all of a connection. What one client does not read must not be in the
/// way of the others, and be they all of a connection's but one: that takes [`FULL`] times the first. The second is more,
/// because `h2` ends a connection where what small pieces cost beyond their bytes comes to half of it.
const WINDOWS: (u32, u32) = (128 * 1024, 512 * 1024 * 1024);
const _: () = assert!(WINDOWS.1 as usize >= FULL * WINDOWS.0 as usize);
/// What waits to be written for one stream.
const SEND_BUFFER: usize = 256 * 1024;
/// Of an answer's head.
const HEAD_BYTES: u32 = 64 * 1024;
/// An endpoint that says nothing while requests are under way is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_WITHIN: Duration = Duration::from_secs(10);

/// One worker's, by endpoint.
#[derive(Debug, Default)]
pub(super) struct Shared {
    by_endpoint: RefCell<HashMap<u64, Joint>>,
}

#[derive(Debug)]
struct Joint {
    endpoint: Arc<Endpoint>,
    open: Vec<Connection>,
    /// Somebody opens one; told when it is there or has failed.
    opening: Option<Rc<Attempt>>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Upload>,
    driven: Weak<Driven>,
    /// One count is this one's own.
    share: Rc<Share>,
    used: Instant,
}

/// Somebody's, to open a connection.
#[derive(Debug, Default)]
struct Attempt {
    over: Notify,
    /// Why there is none, where that is so for everybody.
    failed: Cell<Option<io::ErrorKind>>,
    exhausted: Cell<bool>,
}

/// A connection as the task has it that reads and writes.
type Driven = RefCell<http2::Connection<TokioIo<Link>, Upload, LocalExecutor>>;

/// An endpoint takes no more requests now.
#[derive(Debug, thiserror::Error)]
#[error("as many requests are under way as there may be")]
struct Full;

/// Whether a place was not found because there are as many requests as there may be.
pub(crate) fn is_full(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<Full>())
}

/// What a request finds.
enum Found {
    Place(Sender),
    Wait(Rc<Attempt>),
    Open(Rc<Attempt>, Use),
    /// As many connections as there may be, with as many requests as they take.
    Full,
}

impl Shared {
    /// A place on a connection, which is opened where none has room.
    pub(super) async fn lease(
        &self,
        plains: &Plains,
        endpoint: &Arc<Endpoint>,
        within: Duration,
    ) -> io::Result<Sender> {
        let until = Instant::now() + within;
        loop {
            match self.find(endpoint) {
                Found::Place(place) => return Ok(place),
                Found::Full => return Err(io::Error::other(Full)),
                Found::Wait(attempt) => {
                    if let Err(error) = attempt.wait(until).await {
                        return self.least_busy(endpoint).ok_or(error);
                    }
                }
                Found::Open(attempt, to) => {
                    let opening = Opening { shared: self, uid: endpoint.uid, attempt };
                    let within = until.saturating_duration_since(Instant::now());
                    return match open(plains, (endpoint, to), within).await {
                        Ok(connection) => Ok(self.add(endpoint, connection)),
                        Err(error) => {
                            opening.attempt.on_failed(&error);
                            self.least_busy(endpoint).ok_or(error)
                        }
                    };
                }
            }
        }
    }

    /// Closes what nobody uses any more, and what leads to endpoints that left the table once nobody does.
    pub(super) fn sweep(&self) {
        self.by_endpoint.borrow_mut().retain(|_, joint| {
            let gone = joint.endpoint.is_gone();
            joint.open.retain(|connection| {
                let unused = !connection.is_busy();
                !connection.is_ending() && !(unused && (gone || connection.used.elapsed() >= UNUSED))
            });
            !joint.open.is_empty() || joint.opening.is_some()
        });
    }

    /// Closes what nobody uses now.
    pub(super) fn clear(&self) {
        for joint in self.by_endpoint.borrow_mut().values_mut() {
            joint.open.retain(Connection::is_busy);
        }
    }

    /// The same of those that go beyond claims.
    pub(super) fn clear_extras(&self) {
        for joint in self.by_endpoint.borrow_mut().values_mut() {
            joint.open.retain(|connection| connection.is_busy() || !connection.share.is_extra());
        }
    }

    fn find(&self, endpoint: &Arc<Endpoint>) -> Found {
        let mut all = self.by_endpoint.borrow_mut();
        let joint = all.entry(endpoint.uid).or_insert_with(|| Joint::new(endpoint.clone()));
        joint.open.retain(|connection| !connection.is_ending());
        let may_open = joint.open.len() < MOST;
        match (least_busy(&mut joint.open), &joint.opening) {
            (Some(best), _) if best.requests() < BUSY.min(best.most()) => Found::Place(best.lease(endpoint)),
            (_, None) if may_open => {
                let attempt = Rc::new(Attempt::default());
                joint.opening = Some(attempt.clone());
                let to = if joint.open.is_empty() { Use::Shared } else { Use::Further };
                Found::Open(attempt, to)
            }
            (Some(best), _) => Found::Place(best.lease(endpoint)),
            (None, Some(attempt)) => Found::Wait(attempt.clone()),
            (None, None) => Found::Full,
        }
    }

    /// A place where there is no other connection to be had: those that are busy have a little room left.
    fn least_busy(&self, endpoint: &Arc<Endpoint>) -> Option<Sender> {
        let mut all = self.by_endpoint.borrow_mut();
        least_busy(&mut all.get_mut(&endpoint.uid)?.open).map(|best| best.lease(endpoint))
    }

    fn add(&self, endpoint: &Arc<Endpoint>, mut connection: Connection) -> Sender {
        let mut all = self.by_endpoint.borrow_mut();
        let joint = all.entry(endpoint.uid).or_insert_with(|| Joint::new(endpoint.clone()));
        let lease = connection.lease(endpoint);
        joint.open.push(connection);
        lease
    }
}

/// The one with the fewest requests, of those that take another.
fn least_busy(open: &mut [Connection]) -> Option<&mut Connection> {
    let with_room = open.iter_mut().filter(|connection| connection.requests() < connection.most());
    with_room.min_by_key(|connection| connection.requests())
}

impl Joint {
    fn new(endpoint: Arc<Endpoint>) -> Self {
        Joint { endpoint, open: Vec::new(), opening: None }
    }
}

impl Attempt {
    /// Waits until it is over. Whoever makes it may be gone, or have had less time: then it is the next one's turn.
    async fn wait(&self, until: Instant) -> io::Result<()> {
        tokio::time::timeout_at(until.into(), self.over.notified()).await?;
        match self.failed.get() {
            Some(_) if self.exhausted.get() => Err(exhausted()),
            Some(kind) => Err(kind.into()),
            None => Ok(()),
        }
    }

    fn on_failed(&self, error: &io::Error) {
        self.failed.set(Some(error.kind()).filter(|kind| *kind != io::ErrorKind::TimedOut));
        self.exhausted.set(is_ours(error));
    }
}

impl Connection {
    fn requests(&self) -> usize {
        Rc::strong_count(&self.share) - 1
    }

    fn is_busy(&self) -> bool {
        self.requests() > 0
    }

    /// How many requests it takes at a time: what the endpoint says, within what its windows are for.
    fn most(&self) -> usize {
        self.driven.upgrade().map_or(0, |driven| driven.borrow().current_max_send_streams().min(FULL))
    }

    /// Whether it takes no more requests.
    fn is_ending(&self) -> bool {
        self.sender.is_closed()
    }

    fn lease(&mut self, endpoint: &Arc<Endpoint>) -> Sender {
        self.used = Instant::now();
        let scheme = if endpoint.protocol() == Protocol::H2 { Scheme::HTTPS } else { Scheme::HTTP };
        Sender { sender: self.sender.clone(), scheme, _share: self.share.clone() }
    }
}

/// Lets those who wait look again, however the opening ends.
struct Opening<'a> {
    shared: &'a Shared,
    uid: u64,
    attempt: Rc<Attempt>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(joint) = self.shared.by_endpoint.borrow_mut().get_mut(&self.uid) {
            joint.opening = None;
        }
        self.attempt.over.notify_waiters();
    }
}

async fn open(plains: &Plains, (endpoint, to): (&Endpoint, Use), within: Duration) -> io::Result<Connection> {
    let until = Instant::now() + within;
    let share = Rc::new(plains.room(to, within).await?);
    let link = Link::open(endpoint, until).await?;
    let mut builder = Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WITHIN);
    let (sender, connection) = builder.handshake(TokioIo::new(link)).await.map_err(io::Error::other)?;
    let driver: Rc<Driven> = Rc::new(RefCell::new(connection));
    let driven = Rc::downgrade(&driver);
    tokio::task::spawn_local(async move {
        // Its errors reach the requests it carries.
        let _ = poll_fn(|cx| Pin::new(&mut *driver.borrow_mut()).poll(cx)).await;
    });
    Ok(Connection { sender, driven, share, used: Instant::now() })
}

#[cfg(test)]
mod tests {
    use tidegate_core::model::{Address, InstanceId};

    use super::*;
    use crate::descriptors::Descriptors;
    use crate::limits::Limits;

    #[tokio::test]
    async fn those_who_wait_for_a_connection_are_told_with_the_first_that_there_is_no_room() {
        let descriptors = Descriptors::new(8, 0);
        let _all: Vec<Share> = std::iter::from_fn(|| descriptors.spare_link()).collect();
        let (plains, shared) = (Plains::new(Limits::default(), descriptors), Shared::default());
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        let endpoint = Endpoint::new(1, InstanceId("web-1".to_owned()), address, Arc::default());
        let endpoint = Arc::new(endpoint);
        let lease = || shared.lease(&plains, &endpoint, Duration::from_secs(2));
        let began = Instant::now();
        let (a, b, c, d) = tokio::join!(lease(), lease(), lease(), lease());
        assert!([a, b, c, d].into_iter().all(|lease| is_ours(&lease.unwrap_err())));
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
}
