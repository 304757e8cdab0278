//! Connections to endpoints that carry many requests at a time. Few are opened: while one is being opened, the requests
//! that want it wait for it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::Scheme;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tidegate_core::model::Protocol;
use tokio::sync::Notify;

use super::link::Link;
use super::sender::Sender;
use super::{Plains, Upload};
use crate::endpoint::Endpoint;
use crate::local::LocalExecutor;

/// Another connection is opened when the least busy has so many requests under way …
const BUSY: usize = 100;
/// … up to so many connections to an endpoint.
const MOST: usize = 8;
/// How long one is kept that nobody uses.
const UNUSED: Duration = Duration::from_secs(60);
/// What may be under way to us on one stream, and on all of a connection.
const WINDOWS: (u32, u32) = (512 * 1024, 4 * 1024 * 1024);
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
    opening: Option<Rc<Notify>>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Upload>,
    /// One count is this one's own.
    busy: Rc<()>,
    used: Instant,
}

/// What a request finds.
enum Found {
    Place(Sender),
    Wait(Rc<Notify>),
    Open(Rc<Notify>),
}

impl Shared {
    /// A place on a connection, which is opened where none has room.
    pub(super) async fn lease(
        &self,
        plains: &Plains,
        endpoint: &Arc<Endpoint>,
        within: Duration,
    ) -> io::Result<Sender> {
        loop {
            match self.find(endpoint) {
                Found::Place(place) => return Ok(place),
                // Whoever opens it may fail or be gone: then it is the next one's turn.
                Found::Wait(opened) => opened.notified().await,
                Found::Open(opened) => {
                    let _done = Opening { shared: self, uid: endpoint.uid, opened };
                    let sender = open(plains, endpoint, within).await?;
                    return Ok(self.add(endpoint, sender));
                }
            }
        }
    }

    /// Closes what nobody uses any more, and what leads to endpoints that left the table once nobody does.
    pub(super) fn sweep(&self) {
        self.by_endpoint.borrow_mut().retain(|_, joint| {
            let gone = joint.endpoint.is_gone();
            joint.open.retain(|connection| {
                let unused = Rc::strong_count(&connection.busy) == 1;
                !connection.sender.is_closed() && !(unused && (gone || connection.used.elapsed() >= UNUSED))
            });
            !joint.open.is_empty() || joint.opening.is_some()
        });
    }

    /// Closes what nobody uses now.
    pub(super) fn clear(&self) {
        for joint in self.by_endpoint.borrow_mut().values_mut() {
            joint.open.retain(|connection| Rc::strong_count(&connection.busy) > 1);
        }
    }

    fn find(&self, endpoint: &Arc<Endpoint>) -> Found {
        let mut all = self.by_endpoint.borrow_mut();
        let joint = all.entry(endpoint.uid).or_insert_with(|| Joint::new(endpoint.clone()));
        joint.open.retain(|connection| !connection.sender.is_closed());
        let full = joint.open.len() >= MOST;
        let best = joint.open.iter_mut().min_by_key(|connection| Rc::strong_count(&connection.busy));
        match (best, &joint.opening) {
            (Some(best), _) if full || Rc::strong_count(&best.busy) <= BUSY => {
                Found::Place(best.lease(endpoint))
            }
            (Some(best), Some(_)) => Found::Place(best.lease(endpoint)),
            (None, Some(opened)) => Found::Wait(opened.clone()),
            (_, None) => {
                let opened = Rc::new(Notify::new());
                joint.opening = Some(opened.clone());
                Found::Open(opened)
            }
        }
    }

    fn add(&self, endpoint: &Arc<Endpoint>, sender: SendRequest<Upload>) -> Sender {
        let mut all = self.by_endpoint.borrow_mut();
        let joint = all.entry(endpoint.uid).or_insert_with(|| Joint::new(endpoint.clone()));
        let mut connection = Connection { sender, busy: Rc::new(()), used: Instant::now() };
        let lease = connection.lease(endpoint);
        joint.open.push(connection);
        lease
    }
}

impl Joint {
    fn new(endpoint: Arc<Endpoint>) -> Self {
        Joint { endpoint, open: Vec::new(), opening: None }
    }
}

impl Connection {
    fn lease(&mut self, endpoint: &Arc<Endpoint>) -> Sender {
        self.used = Instant::now();
        let scheme = if endpoint.protocol() == Protocol::H2 { Scheme::HTTPS } else { Scheme::HTTP };
        Sender { sender: self.sender.clone(), scheme, _busy: self.busy.clone() }
    }
}

/// Lets those who wait look again, however the opening ends.
struct Opening<'a> {
    shared: &'a Shared,
    uid: u64,
    opened: Rc<Notify>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(joint) = self.shared.by_endpoint.borrow_mut().get_mut(&self.uid) {
            joint.opening = None;
        }
        self.opened.notify_waiters();
    }
}

async fn open(
    plains: &Plains,
    endpoint: &Arc<Endpoint>,
    within: Duration,
) -> io::Result<SendRequest<Upload>> {
    let share = plains.room(within).await?;
    let link = Link::open(endpoint, within).await?;
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
    tokio::task::spawn_local(async move {
        // Its errors reach the requests it carries.
        let _ = connection.await;
        drop(share);
    });
    Ok(sender)
}
