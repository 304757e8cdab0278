//! What a request of the general path leaves behind on its way. Whoever still works for it holds it; when the last lets go
//! the request is over, is counted, and logged if the log wants it. So nothing that goes wrong can leave one out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use tidegate_core::model::ArmRole;

use super::{Record, Served, Timing, Wish, participate};
use crate::badge::Badge;
use crate::count::{Over, Protocol, RouteLane, RouteRow, Row};
use crate::endpoint::Endpoint;
use crate::head::{REQUEST_ID, keep_or_make_id};
use crate::page::Mark;
use crate::route::{Arm, Route};
use crate::ticket::Ticket;
use crate::view::{Peer, TlsVersion};
use crate::worker::Worker;

/// See the module.
#[derive(Debug)]
pub(crate) struct Trail {
    worker: Rc<Worker>,
    began: Instant,
    protocol: Cell<Protocol>,
    status: Cell<u16>,
    ended: Cell<&'static str>,
    received: Cell<u64>,
    sent: Cell<u64>,
    attempts: Cell<u32>,
    route: RefCell<Option<Arc<RouteLane>>>,
    /// The one it was assigned to.
    arm: Cell<Option<ArmRole>>,
    /// Of the instance that answered.
    row: RefCell<Option<Arc<Row>>>,
    story: Option<Box<Story>>,
}

/// What only the log needs.
#[derive(Debug)]
struct Story {
    wish: Wish,
    id: HeaderValue,
    traceparent: Option<HeaderValue>,
    peer: Peer,
    method: Method,
    uri: Uri,
    host: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    progress: RefCell<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    route: Option<Arc<RouteRow>>,
    served: Option<(Arc<Badge>, Option<Arc<Endpoint>>)>,
    wait: Option<Duration>,
    first_byte: Option<Duration>,
}

impl Trail {
    /// A request's head is here.
    pub(crate) fn begin<B>(worker: &Rc<Worker>, peer: Peer, request: &mut Request<B>) -> Rc<Self> {
        if worker.observer.traces() {
            participate(request.headers_mut(), || worker.observer.random());
        }
        let story = worker.observer.is_on().then(|| Story::begin(worker, peer, request)).flatten();
        Rc::new(Trail {
            worker: worker.clone(),
            began: Instant::now(),
            protocol: Cell::new(protocol(request)),
            status: Cell::new(0),
            ended: Cell::new("cancelled"),
            received: Cell::new(0),
            sent: Cell::new(0),
            attempts: Cell::new(0),
            route: RefCell::new(None),
            arm: Cell::new(None),
            row: RefCell::new(None),
            story: story.map(Box::new),
        })
    }

    /// The table has a route for it.
    pub(crate) fn on_route(&self, route: &Route) {
        self.route.replace(Some(route.row.lane(self.worker.index()).clone()));
        if let Some(story) = &self.story {
            story.progress.borrow_mut().route = Some(route.row.clone());
        }
    }

    /// It is assigned to this arm.
    pub(crate) fn on_arm(&self, arm: &Arm) {
        self.arm.set(Some(arm.role));
        if let Some(story) = &self.story {
            story.progress.borrow_mut().served = Some((arm.badge.clone(), None));
        }
    }

    /// An endpoint is tried.
    pub(crate) fn on_attempt(&self, ticket: &Ticket) {
        self.attempts.set(self.attempts.get() + 1);
        if let Some(story) = &self.story {
            let mut progress = story.progress.borrow_mut();
            progress.wait = Some(self.began.elapsed());
            progress.served = Some((ticket.badge.clone(), Some(ticket.endpoint.clone())));
        }
    }

    /// The head of an instance's answer is here.
    pub(crate) fn on_answer(&self, ticket: &Ticket) {
        self.row.replace(Some(ticket.row().clone()));
        if let Some(story) = &self.story {
            story.progress.borrow_mut().first_byte = Some(self.began.elapsed());
        }
    }

    /// It is answered with a file of an arm; `row` is the arm's.
    pub(crate) fn on_files(&self, row: &Arc<Row>) {
        self.row.replace(Some(row.clone()));
    }

    /// The client is told this. A change of protocol ends well however it ends.
    pub(crate) fn on_response<B>(&self, response: &Response<B>) {
        self.status.set(response.status().as_u16());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.protocol.set(Protocol::WebSocket);
            self.ended.set("complete");
        }
        if let Some(Mark(mark)) = response.extensions().get() {
            self.ended.set(mark);
            self.worker.tally.on_page(mark);
        }
    }

    /// The last byte of the answer was taken. A page keeps its mark.
    pub(crate) fn on_complete(&self) {
        if self.ended.get() == "cancelled" {
            self.ended.set("complete");
        }
    }

    /// The answer broke off.
    pub(crate) fn on_broken(&self, how: &'static str) {
        self.ended.set(how);
    }

    /// Bytes came from the client.
    pub(crate) fn on_received(&self, bytes: usize) {
        self.received.set(self.received.get() + bytes as u64);
    }

    /// Bytes go to the client.
    pub(crate) fn on_sent(&self, bytes: usize) {
        self.sent.set(self.sent.get() + bytes as u64);
    }

    fn tell(&self, story: &Story) {
        let progress = story.progress.borrow();
        let Progress { route, served, wait, first_byte } = &*progress;
        let timing = Timing { wait: *wait, first_byte: *first_byte, total: self.began.elapsed() };
        let host = story.host.as_ref().and_then(|host| host.to_str().ok());
        self.worker.observer.observe(&Record {
            id: story.id.as_bytes(),
            traceparent: story.traceparent.as_ref().map(HeaderValue::as_bytes),
            client: story.peer.address,
            protocol: self.protocol.get(),
            tls: story.peer.tls.map(TlsVersion::as_str),
            method: story.method.as_str(),
            host: story.uri.authority().map(|name| name.as_str()).or(host).unwrap_or_default(),
            path: story.uri.path(),
            query: story.uri.query(),
            agent: story.agent.as_ref().map(HeaderValue::as_bytes),
            status: self.status.get(),
            ended: self.ended.get(),
            received: self.received.get(),
            sent: self.sent.get(),
            route: route.as_ref().map(|route| &*route.path),
            upstream: route.as_ref().map(|route| &*route.upstream),
            served: served.as_ref().map(|(badge, endpoint)| Served::by(badge, endpoint.as_deref())),
            attempts: self.attempts.get(),
            timing,
        });
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let (status, received, sent) = (self.status.get(), self.received.get(), self.sent.get());
        let route = self.route.take();
        let protocol = self.protocol.get();
        let arm = self.arm.get();
        self.worker.tally.on_over(&Over { protocol, route: route.as_deref(), arm, status, received, sent });
        if let Some(row) = self.row.take() {
            row.add_bytes(self.worker.index(), received, sent);
        }
        if let Some(story) = self.story.as_ref().filter(|story| story.wish.holds(status)) {
            self.tell(story);
        }
    }
}

impl Story {
    /// Gives the request its id already now: the log goes by it. `None`: the log does not want it.
    fn begin<B>(worker: &Worker, peer: Peer, request: &mut Request<B>) -> Option<Story> {
        keep_or_make_id(request.headers_mut(), || worker.request_id());
        let field = |name: header::HeaderName| request.headers().get(name).cloned();
        let id = field(REQUEST_ID)?;
        let wish = worker.observer.wish(id.as_bytes());
        (wish != Wish::Never).then(|| Story {
            wish,
            id,
            traceparent: field(header::HeaderName::from_static("traceparent")),
            peer,
            method: request.method().clone(),
            uri: request.uri().clone(),
            host: field(header::HOST),
            agent: field(header::USER_AGENT),
            progress: RefCell::default(),
        })
    }
}

fn protocol<B>(request: &Request<B>) -> Protocol {
    if request.version() != Version::HTTP_2 {
        return Protocol::Http1;
    }
    let kind = request.headers().get(header::CONTENT_TYPE);
    let grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if grpc { Protocol::Grpc } else { Protocol::Http2 }
}
