//! What a request of the fast path leaves behind: its counts, and its line in the access log where that is wanted. Dropping
//! it closes the account, so nothing that goes wrong can leave a request out.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_core::model::ArmRole;

use super::request::Head;
use crate::badge::Badge;
use crate::count::{Over, Protocol, RouteLane, RouteRow, Row};
use crate::endpoint::Endpoint;
use crate::observe::{Record, Served, Timing, Wish};
use crate::page::Page;
use crate::route::{Arm, Route};
use crate::ticket::Ticket;
use crate::view::{Peer, TlsVersion};
use crate::worker::Worker;

/// See the module.
#[derive(Debug)]
pub(crate) struct Account {
    worker: Rc<Worker>,
    route: Option<Arc<RouteLane>>,
    row: Option<Arc<Row>>,
    /// The one it was assigned to.
    arm: Option<ArmRole>,
    status: u16,
    ended: &'static str,
    pub(super) received: u64,
    pub(super) sent: u64,
    attempts: u32,
    story: Option<Box<Story>>,
}

/// What only the log needs.
#[derive(Debug)]
struct Story {
    wish: Wish,
    began: Instant,
    peer: Peer,
    head: Vec<u8>,
    route: Option<Arc<RouteRow>>,
    served: Option<(Arc<Badge>, Option<Arc<Endpoint>>)>,
    wait: Option<Duration>,
    first_byte: Option<Duration>,
}

impl Account {
    pub(crate) fn open(worker: &Rc<Worker>) -> Self {
        Account {
            worker: worker.clone(),
            route: None,
            row: None,
            arm: None,
            status: 0,
            ended: "cancelled",
            received: 0,
            sent: 0,
            attempts: 0,
            story: None,
        }
    }

    /// The table has a route for it.
    pub(crate) fn on_route(&mut self, route: &Route) {
        self.route = Some(route.row.lane(self.worker.index()).clone());
        if self.worker.observer.is_on() {
            self.story.get_or_insert_default().route = Some(route.row.clone());
        }
    }

    /// The head for the instance is written, but for its end. Here it is decided whether the log wants the request.
    pub(super) fn on_head(&mut self, head: &[u8], peer: Peer) {
        if !self.worker.observer.is_on() {
            return;
        }
        let whole = [head, b"\r\n"].concat();
        let wish = Head::parse(&whole, peer, |view| {
            self.worker.observer.wish(view.field("x-request-id").unwrap_or_default())
        });
        match wish {
            None | Some(Wish::Never) => self.story = None,
            Some(wish) => {
                let story = self.story.get_or_insert_default();
                (story.wish, story.peer) = (wish, peer);
                story.head = whole;
            }
        }
    }

    /// It is assigned to this arm. `seated`: which has a place for it at once.
    pub(crate) fn on_arm(&mut self, arm: &Arm, seated: bool) {
        self.arm = Some(arm.role);
        if let Some(story) = self.story.as_mut().filter(|_| !seated) {
            story.served = Some((arm.badge.clone(), None));
        }
    }

    /// An endpoint is tried.
    pub(super) fn on_attempt(&mut self, ticket: &Ticket) {
        self.attempts += 1;
        if let Some(story) = &mut self.story {
            story.wait = Some(story.began.elapsed());
            story.served = Some((ticket.badge.clone(), Some(ticket.endpoint.clone())));
        }
    }

    /// The head of an instance's answer is here.
    pub(super) fn on_answer(&mut self, status: u16, ticket: &Ticket) {
        self.status = status;
        self.row = Some(ticket.row().clone());
        if let Some(story) = &mut self.story {
            story.first_byte = Some(story.began.elapsed());
        }
    }

    /// The gateway answers.
    pub(super) fn on_page(&mut self, page: &Page) {
        (self.status, self.ended) = (page.status(), page.mark());
        self.worker.tally.on_page(page.mark());
    }

    /// All of the answer was written.
    pub(super) fn on_complete(&mut self) {
        self.ended = "complete";
    }

    /// The answer broke off, or there is none.
    pub(super) fn on_broken(&mut self, how: &'static str) {
        self.ended = how;
    }

    fn tell(&self, story: &Story) {
        Head::parse(&story.head, story.peer, |view| {
            self.worker.observer.observe(&Record {
                id: view.field("x-request-id").unwrap_or_default(),
                traceparent: view.field("traceparent"),
                client: story.peer.address,
                protocol: Protocol::Http1,
                tls: story.peer.tls.map(TlsVersion::as_str),
                method: view.method(),
                host: view.field("host").and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default(),
                path: view.path(),
                query: view.query(),
                agent: view.field("user-agent"),
                status: self.status,
                ended: self.ended,
                received: self.received,
                sent: self.sent,
                route: story.route.as_ref().map(|route| &*route.path),
                upstream: story.route.as_ref().map(|route| &*route.upstream),
                served: story.served.as_ref().map(|(badge, endpoint)| Served::by(badge, endpoint.as_deref())),
                attempts: self.attempts,
                timing: Timing {
                    wait: story.wait,
                    first_byte: story.first_byte,
                    total: story.began.elapsed(),
                },
            });
        });
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let Account { status, received, sent, .. } = *self;
        self.worker.tally.on_over(&Over {
            protocol: Protocol::Http1,
            route: self.route.as_deref(),
            arm: self.arm,
            status,
            received,
            sent,
        });
        if let Some(row) = &self.row {
            row.add_bytes(self.worker.index(), received, sent);
        }
        if let Some(story) = self.story.as_ref().filter(|story| story.wish.holds(status)) {
            self.tell(story);
        }
    }
}

impl Default for Story {
    fn default() -> Self {
        Story {
            wish: Wish::Never,
            began: Instant::now(),
            peer: Peer::plain(([0, 0, 0, 0], 0).into()),
            head: Vec::new(),
            route: None,
            served: None,
            wait: None,
            first_byte: None,
        }
    }
}
