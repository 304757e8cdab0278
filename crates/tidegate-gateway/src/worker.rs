//! One worker: a thread with a runtime, listeners, a table and kept connections of its own. Workers share nothing that a
//! request would have to wait for.

mod room;

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::admission::Entry;
use crate::assign::Note;
use crate::count::Tally;
use crate::descriptors::{Descriptors, Wanted};
use crate::door::{Doors, Guest, Sockets};
use crate::drain::Leaving;
use crate::flags::Drawn;
use crate::geo::{Atlas, Geo};
use crate::h1::{Account, Desks, Pipes};
use crate::limits::Limits;
use crate::mirror::{Budget, Permit, Post};
use crate::observe::{Observer, Trail};
use crate::open::Open;
use crate::page::Page;
use crate::policy::{Policy, Visit};
use crate::registry::seed;
use crate::route::{Found, Table};
use crate::tls::Challenges;
use crate::trial::Watch;
use crate::upstream::{Kept, Plains};
use crate::view::RequestView;

/// Between two words on what a drain waits for.
const TELL_EVERY: Duration = Duration::from_secs(30);
const SWEEP_EVERY: Duration = Duration::from_millis(200);
/// How long accepting rests when the process has no descriptor left.
const ACCEPT_REST: Duration = Duration::from_millis(20);

/// The port that `https` stands for.
const HTTPS: u16 = 443;

/// What the control side tells a worker.
#[derive(Debug)]
pub(crate) enum Order {
    /// Use this table from now on, and give the one before back: whoever drops the last of a large one is busy with it.
    Swap(Arc<Table>, oneshot::Sender<Arc<Table>>),
    /// Take no new connection and end when the open ones have. A second one changes the times.
    Drain(Drain),
}

/// How a worker ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    /// At the latest.
    pub(crate) until: Instant,
    /// Until when a quiet connection may still bring a request.
    pub(crate) last_call: Instant,
    /// Within this whoever can be told to go goes, but for those whose instances give them longer.
    pub(crate) usual: Duration,
}

/// Where the fast path sends a request.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// The other path has to say.
    General,
    /// The gateway answers.
    Page(Page),
    /// A place on an endpoint, taken.
    To(Entry, Note),
}

/// What a worker is made of.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) index: usize,
    /// How many workers there are.
    pub(crate) workers: usize,
    pub(crate) sockets: Sockets,
    pub(crate) challenges: Arc<Challenges>,
    pub(crate) table: Arc<Table>,
    pub(crate) limits: Limits,
    pub(crate) descriptors: Arc<Descriptors>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) geo: Arc<Geo>,
    pub(crate) observer: Observer,
    pub(crate) post: Post,
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
}

/// A request that may go on.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) goal: Goal,
    /// What the answer says of the arm.
    pub(crate) note: Note,
    /// Given where the request is to be copied.
    pub(crate) mirror: Option<Permit>,
    /// Given where its answer may count.
    pub(crate) watch: Option<Box<Watch>>,
    /// What it gets of watched flags.
    pub(crate) flags: Option<Box<Drawn>>,
}

/// Who answers it.
#[derive(Debug)]
pub(crate) enum Goal {
    /// An instance: the request's place there, or its place in line.
    Endpoint(Entry),
    /// The files of the arm.
    Files(Visit),
}

/// What the requests of a worker share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) limits: Limits,
    /// Shared by the workers.
    pub(crate) descriptors: Arc<Descriptors>,
    /// What was wanted when it last gave way.
    gave_way: Cell<Wanted>,
    /// What authorities ask of the gateway itself.
    pub(crate) challenges: Arc<Challenges>,
    pub(crate) kept: Rc<Kept>,
    /// What it counts besides instances.
    pub(crate) tally: Arc<Tally>,
    pub(crate) observer: Observer,
    /// Where long-lived connections hear that they are to go.
    pub(crate) leaving: Rc<Leaving>,
    pub(crate) plains: Rc<Plains>,
    pub(crate) desks: Desks,
    pub(crate) pipes: Pipes,
    /// See [`Worker::https_port`].
    https_port: Option<u16>,
    table: RefCell<Arc<Table>>,
    /// Told of every table.
    swapped: Notify,
    rotation: Cell<u64>,
    pub(crate) atlas: Atlas,
    /// What copies of its requests may take.
    pub(crate) copies: Arc<Budget>,
    /// Takes copies of requests.
    pub(crate) post: Post,
    drain: watch::Sender<Option<Drain>>,
    pub(crate) open: Open,
    id_prefix: u64,
    id_next: Cell<u64>,
}

/// Runs a worker on this thread until it is drained.
pub(crate) fn run(setup: Setup) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let Setup {
        index,
        workers,
        sockets,
        challenges,
        table,
        limits,
        descriptors,
        tally,
        observer,
        geo,
        post,
        orders,
    } = setup;
    let plains = Rc::new(Plains::new(limits, descriptors.clone()));
    let worker = Rc::new(Worker {
        index,
        limits,
        descriptors: descriptors.clone(),
        gave_way: Cell::default(),
        challenges,
        kept: Rc::new(Kept::new(plains.clone())),
        tally,
        observer,
        leaving: Rc::new(Leaving::new(workers)),
        plains,
        desks: Desks::default(),
        pipes: Pipes::new(descriptors.clone()),
        https_port: sockets.https_port().filter(|port| *port != HTTPS),
        table: RefCell::new(table),
        swapped: Notify::new(),
        rotation: Cell::new(index as u64),
        atlas: Atlas::new(geo),
        copies: Arc::default(),
        post,
        drain: watch::Sender::new(None),
        open: Open::default(),
        id_prefix: seed(),
        id_next: Cell::new(0),
    });
    runtime.block_on(work(worker, sockets, orders))
}

async fn work(
    worker: Rc<Worker>,
    sockets: Sockets,
    mut orders: mpsc::UnboundedReceiver<Order>,
) -> std::io::Result<()> {
    let doors = Doors::open(sockets)?;
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    let drain = loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Swap(table, done)) => worker.swap(table, done),
                Some(Order::Drain(drain)) => break drain,
                // The control side is gone, and the process with it.
                None => return Ok(()),
            },
            _ = sweep.tick() => worker.on_tick(),
            accepted = doors.accept() => worker.on_accept(accepted).await,
        }
    };
    doors.shut().into_iter().for_each(|guest| worker.begin(guest));
    worker.finish(orders, drain).await;
    Ok(())
}

impl Worker {
    /// Where a request goes, with its place on an endpoint taken or waited for. The trail is told the request's route,
    /// wherever it leads, and its arm.
    pub(crate) fn admit(&self, view: &dyn RequestView, trail: &Trail) -> Result<Admission, Page> {
        let table = self.table.borrow();
        let found = table.find(view.host(), view.path());
        if let Some(route) = found.route() {
            trail.on_route(route);
        }
        match found {
            Found::Upstream(_, upstream) => {
                let (assigned, note) = upstream.assign(view, &self.atlas).ok_or(Page::NO_ENDPOINT)?;
                let arm = &upstream.arms[assigned];
                trail.on_arm(arm);
                if let Some(site) = &arm.site {
                    let goal = Goal::Files(Visit::begin(self.index, arm, site));
                    let watch = upstream.watch(assigned, &note, view);
                    return Ok(Admission { goal, note, mirror: None, watch, flags: None });
                }
                let entry = self.enter(upstream, assigned, view)?;
                let taken = entry.endpoint();
                let goal = Goal::Endpoint(entry);
                let mirror = self.permit(&table, upstream, (assigned, taken), view);
                let watch = upstream.watch(assigned, &note, view);
                Ok(Admission { goal, note, mirror, watch, flags: upstream.draw(view) })
            }
            Found::NoUpstream(_) => Err(Page::NO_ENDPOINT),
            Found::Ambiguous => Err(Page::AMBIGUOUS),
            Found::NoRoute => {
                self.tally.on_unrouted();
                Err(Page::NO_ROUTE)
            }
        }
    }

    /// Whether a request's policy is to be looked for at all.
    pub(crate) fn has_policies(&self) -> bool {
        self.table.borrow().has_policies()
    }

    /// The policy of a request's route.
    pub(crate) fn policy_of(&self, host: &str, path: &str, trail: &Trail) -> Option<Arc<Policy>> {
        let table = self.table.borrow();
        let route = table.find(host, path).route()?;
        trail.on_route(route);
        route.policy.clone()
    }

    /// Where TLS is spoken, if that is not the port that `https` stands for.
    pub(crate) fn https_port(&self) -> Option<u16> {
        self.https_port
    }

    /// The table of now. Not to be held over a wait.
    pub(crate) fn table(&self) -> Ref<'_, Arc<Table>> {
        self.table.borrow()
    }

    /// Ready once a table is in use that was not when this was called.
    pub(crate) fn swapped(&self) -> Notified<'_> {
        self.swapped.notified()
    }

    /// Another number each time, so that equals take turns.
    pub(crate) fn rotate(&self) -> u64 {
        let turn = self.rotation.get();
        self.rotation.set(turn.wrapping_add(1));
        turn
    }

    /// As [`Worker::admit`], for the fast path: where the route or its upstream asks for more than that, nothing is done.
    pub(crate) fn admit_plain(
        self: &Rc<Self>,
        view: &dyn RequestView,
        account: &mut Option<Account>,
    ) -> Admitted {
        if self.challenges.asks(view.path()) {
            return Admitted::General;
        }
        let table = self.table.borrow();
        let found = table.find(view.host(), view.path());
        match found {
            Found::Upstream(route, upstream) if route.policy.is_some() || !upstream.is_plain => {
                Admitted::General
            }
            Found::NoUpstream(route) if route.policy.is_some() => Admitted::General,
            Found::Upstream(route, upstream) => {
                let account = account.insert(Account::open(self));
                account.on_route(route);
                let Some((assigned, note)) = upstream.assign(view, &self.atlas) else {
                    return Admitted::Page(Page::NO_ENDPOINT);
                };
                let entered = self.enter(upstream, assigned, view);
                account.on_arm(&upstream.arms[assigned], matches!(entered, Ok(Entry::Ticket(_))));
                match entered {
                    Ok(entry) => Admitted::To(entry, note),
                    Err(page) => Admitted::Page(page),
                }
            }
            Found::NoUpstream(route) => {
                account.insert(Account::open(self)).on_route(route);
                Admitted::Page(Page::NO_ENDPOINT)
            }
            Found::Ambiguous => {
                *account = Some(Account::open(self));
                Admitted::Page(Page::AMBIGUOUS)
            }
            Found::NoRoute => {
                *account = Some(Account::open(self));
                self.tally.on_unrouted();
                Admitted::Page(Page::NO_ROUTE)
            }
        }
    }

    /// Writes what [`Worker::request_id`] would make.
    pub(crate) fn write_request_id(&self, out: &mut Vec<u8>) {
        const HEX: [u8; 16] = *b"0123456789abcdef";
        let next = self.id_next.get();
        self.id_next.set(next.wrapping_add(1));
        let mut digits = [0; 24];
        let nibbles = u128::from(self.id_prefix) << 32 | u128::from(next & 0xffff_ffff);
        for (at, digit) in digits.iter_mut().enumerate() {
            *digit = HEX[(nibbles >> (92 - 4 * at)) as usize & 15];
        }
        out.extend_from_slice(&digits);
    }

    /// A request id, unique for all practical purposes.
    pub(crate) fn request_id(&self) -> HeaderValue {
        let mut id = Vec::with_capacity(24);
        self.write_request_id(&mut id);
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
    }

    /// Which of the workers it is: the lane it counts on.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain.borrow().is_some()
    }

    /// Waits until the worker is to end.
    pub(crate) async fn draining(&self) {
        // The sender is a field of this very worker: it cannot be gone.
        let _ = self.drain.subscribe().wait_for(Option::is_some).await;
    }

    /// Until when a quiet connection may bring a request, where the worker drains.
    pub(crate) fn last_call(&self) -> Option<Instant> {
        self.drain.borrow().map(|drain| drain.last_call)
    }

    /// Waits until a worker that drains gives quiet connections up.
    pub(crate) async fn last_call_over(&self) {
        let mut drain = self.drain.subscribe();
        loop {
            let told = *drain.borrow_and_update();
            let Some(Drain { last_call, .. }) = told else { return };
            tokio::select! {
                () = tokio::time::sleep_until(last_call.into()) => return,
                _ = drain.changed() => {}
            }
        }
    }

    fn on_tick(&self) {
        self.give_way();
        self.sweep();
        self.observer.flush();
    }

    fn swap(&self, table: Arc<Table>, done: oneshot::Sender<Arc<Table>>) {
        let before = self.table.replace(table);
        // Nobody waits any more: the gateway is ending.
        let _ = done.send(before);
        self.swapped.notify_waiters();
        self.sweep();
        self.leaving.on_swap(Instant::now());
    }

    /// Closes connections that are too old, and gives those in line what came free without anybody's leaving: places of
    /// new endpoints, and of those that are up again.
    fn sweep(&self) {
        self.kept.sweep();
        self.desks.sweep();
        self.table.borrow().guards().for_each(|guard| guard.call());
    }

    async fn on_accept(self: &Rc<Self>, accepted: std::io::Result<Guest>) {
        match accepted {
            Ok(guest) => self.begin(guest),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }

    fn begin(self: &Rc<Self>, guest: Guest) {
        // Closed by being dropped: the newest one gives way, so that those that are served go on.
        let Some(seat) = self.seat() else { return self.tally.on_full() };
        let (worker, open) = (self.clone(), self.open.connection());
        self.tally.on_connection();
        tokio::task::spawn_local(async move {
            guest.serve(worker.clone()).await;
            worker.tally.on_close();
            drop((seat, open));
        });
    }

    async fn finish(&self, mut orders: mpsc::UnboundedReceiver<Order>, mut drain: Drain) {
        self.send_away(drain);
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        // What needs no longer than usual is gone by then: whoever wonders about the rest finds it in the log.
        let mut tell_at = Instant::now() + drain.usual + TELL_EVERY / 10;
        while !self.open.is_empty() && Instant::now() < drain.until {
            if Instant::now() >= tell_at {
                self.open.tell(self.index);
                tell_at += TELL_EVERY;
            }
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Swap(table, done)) => self.swap(table, done),
                    Some(Order::Drain(other)) => {
                        drain = other;
                        self.send_away(drain);
                    }
                    None => return,
                },
                // Those that stay may still need what is kept here.
                _ = sweep.tick() => self.on_tick(),
                _ = look.tick() => self.observer.flush(),
            }
        }
    }

    fn send_away(&self, drain: Drain) {
        self.drain.send_replace(Some(drain));
        self.leaving.on_end(Instant::now(), drain.until, drain.usual);
    }
}

fn is_of_the_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
