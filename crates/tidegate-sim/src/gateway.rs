//! A gateway without sockets: two workers that take a new table at different times, and every request accounted for.
//!
//! What the control plane's end of the connection knows (`seen`, the newest table pushed) is lost in its crash; what the
//! gateway keeps on disk (its last table) survives its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_backend::fake::FakeBackend;
use tidegate_control::seams::RouteSink;
use tidegate_core::model::{ArmRole, GatewayObservation, InstanceId, RevisionNo, RouteTable};
use tidegate_core::time::{Millis, Moment};

use crate::counts::{self, Counts};
use crate::log::Log;
use crate::rng::Rng;

const WORKERS: usize = 2;
/// How often it says how it is, besides after each change.
const REPORT_EVERY: Millis = Millis(500);

/// How slow it is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From a push to a worker's use of it, at most.
    pub swap_ms: u64,
    /// From a report to its arrival, at most.
    pub report_ms: u64,
    /// Reports lost, in percent.
    pub lost: u64,
    /// Reports that arrive twice, in percent.
    pub twice: u64,
}

impl Pace {
    /// A gateway on a quiet machine.
    pub const QUICK: Pace = Pace { swap_ms: 20, report_ms: 5, lost: 0, twice: 0 };
    /// One on a bad day.
    pub const BAD: Pace = Pace { swap_ms: 900, report_ms: 1_500, lost: 20, twice: 20 };
}

/// A request in flight.
#[derive(Clone, Debug)]
struct Flight {
    upstream: String,
    arm: (ArmRole, RevisionNo),
    endpoint: InstanceId,
    generation: u64,
    ends: Moment,
}

/// Where a request goes.
enum Place {
    /// A folder of a build.
    Files,
    /// An instance of an arm, by the table of this epoch.
    Endpoint(InstanceId, (ArmRole, RevisionNo), u64),
}

/// Counts of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Sent by clients.
    pub sent: u64,
    /// Answered.
    pub answered: u64,
    /// Failed for a reason outside: the world took the instance or the gateway, or there was none.
    pub excused: u64,
}

/// A request that was lost without such a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The service.
    pub upstream: String,
    /// What happened.
    pub how: String,
}

/// The gateway.
#[derive(Debug)]
pub struct FakeGateway {
    now: Moment,
    rng: Rng,
    log: Log,
    /// How slow it is.
    pub pace: Pace,
    alive: bool,
    workers: [Arc<RouteTable>; WORKERS],
    disk: Arc<RouteTable>,
    swaps: Vec<(Moment, usize, Arc<RouteTable>)>,
    flights: Vec<Flight>,
    reports: Vec<(Moment, GatewayObservation)>,
    next_report: Moment,
    linked: Option<Arc<RouteTable>>,
    seen: GatewayObservation,
    news: bool,
    requests: Requests,
    lost: Vec<Lost>,
    /// `None`: it does not say what it counts, so that nobody judges by it.
    counts: Option<Counts>,
}

impl FakeGateway {
    /// A gateway with an empty table.
    pub fn new(rng: Rng, log: Log) -> Self {
        FakeGateway {
            now: Moment(0),
            rng,
            log,
            pace: Pace::QUICK,
            alive: true,
            workers: Default::default(),
            disk: Arc::default(),
            swaps: Vec::new(),
            flights: Vec::new(),
            reports: Vec::new(),
            next_report: Moment(0),
            linked: None,
            seen: GatewayObservation { alive: true, ..GatewayObservation::default() },
            news: false,
            requests: Requests::default(),
            lost: Vec::new(),
            counts: None,
        }
    }

    /// It says what it counts from here on: candidates are judged by that.
    pub fn count(&mut self) {
        let rng = self.rng.fork();
        self.counts = Some(Counts::new(rng));
    }

    /// A share of everybody's answers is bad for so long.
    pub fn break_for(&mut self, span: Millis) {
        if let Some(counts) = &mut self.counts {
            counts.break_for(self.now, span);
        }
    }

    /// When something next happens in it.
    pub fn next_change(&self) -> Option<Moment> {
        let swaps = self.swaps.iter().map(|swap| swap.0);
        let reports = self.reports.iter().map(|report| report.0);
        let flights = self.flights.iter().map(|flight| flight.ends);
        let beat = (self.is_busy() || self.tells()).then_some(self.next_report);
        swaps.chain(reports).chain(flights).chain(beat).min()
    }

    /// Moves its time; true where the control plane hears something new.
    pub fn set_now(&mut self, now: Moment, backend: &FakeBackend) -> bool {
        self.now = now;
        self.swap(now);
        self.land(backend);
        if (self.is_busy() || self.tells()) && self.next_report <= now {
            self.report();
        }
        self.deliver();
        std::mem::take(&mut self.news)
    }

    /// It dies: requests in flight are gone with it.
    pub fn die(&mut self) {
        self.alive = false;
        self.swaps.clear();
        self.reports.clear();
        self.requests.excused += self.flights.len() as u64;
        self.flights.clear();
        self.seen.alive = false;
        self.news = true;
        self.log.say(|| "the gateway died".to_owned());
    }

    /// It starts again with the table it had on disk; the control plane's end reconnects.
    pub fn start(&mut self) {
        if self.alive {
            return;
        }
        self.alive = true;
        self.counts.iter_mut().for_each(Counts::begin_anew);
        self.workers = [self.disk.clone(), self.disk.clone()];
        self.log.say(|| format!("the gateway is back with table {}", self.disk.epoch));
        if let Some(table) = self.linked.clone() {
            self.send(&table);
        }
        self.report();
    }

    /// The control plane's end is gone; its next one knows nothing until the first report.
    pub fn control_crashed(&mut self) {
        self.linked = None;
        self.reports.clear();
        self.seen = GatewayObservation::default();
        if self.alive {
            self.report();
        }
    }

    /// Requests so far.
    pub fn requests(&self) -> Requests {
        self.requests
    }

    /// Requests lost since it was last asked.
    pub fn take_lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.lost)
    }

    /// A client sends a request to a service.
    pub fn request(&mut self, upstream: &str, takes: Millis, backend: &FakeBackend) {
        self.requests.sent += 1;
        let worker = self.rng.index(WORKERS);
        let (endpoint, arm, epoch) = match self.place_for(worker, upstream) {
            None => {
                self.requests.excused += 1;
                return;
            }
            // A file is served from the gateway's own disk: nothing can take it away.
            Some(Place::Files) => {
                self.requests.answered += 1;
                return;
            }
            Some(Place::Endpoint(endpoint, arm, epoch)) => (endpoint, arm, epoch),
        };
        let unit = backend.units().get(&endpoint).filter(|unit| unit.answers(self.now));
        if let Some(unit) = unit {
            let generation = unit.spec.generation;
            let ends = self.now + takes;
            self.flights.push(Flight { upstream: upstream.to_owned(), arm, endpoint, generation, ends });
        } else if backend.world_took(&endpoint) {
            self.requests.excused += 1;
        } else {
            let how = format!("sent to {endpoint}, which takes none (worker {worker}, table {epoch})");
            self.lose(upstream, how);
        }
    }

    fn place_for(&mut self, worker: usize, upstream: &str) -> Option<Place> {
        if !self.alive {
            return None;
        }
        let table = self.workers[worker].clone();
        let arms = &table.upstreams.get(upstream)?.arms;
        let mut point = self.rng.within(1, 100) as u32;
        let arm = arms.iter().find(|arm| {
            let here = point <= arm.weight;
            point = point.saturating_sub(arm.weight);
            here
        })?;
        if arm.site.is_some() {
            return Some(Place::Files);
        }
        let id = self.rng.pick(&arm.endpoints).id.clone();
        Some(Place::Endpoint(id, (arm.role, arm.revision), table.epoch))
    }

    fn lose(&mut self, upstream: &str, how: String) {
        self.log.say(|| format!("LOST a request of {upstream}: {how}"));
        self.lost.push(Lost { upstream: upstream.to_owned(), how });
    }

    /// A request is cut where its instance ends before it; otherwise it is answered.
    fn land(&mut self, backend: &FakeBackend) {
        let now = self.now;
        let mut cut = Vec::new();
        let mut idle = false;
        self.flights.retain(|flight| {
            let unit = backend.units().get(&flight.endpoint);
            let unit = unit.filter(|unit| unit.spec.generation == flight.generation);
            if let Some(unit) = unit.filter(|unit| unit.runs(now)) {
                let over = flight.ends <= now;
                if let Some(counts) = self.counts.as_mut().filter(|_| over) {
                    counts.add(&flight.place(), &unit.spec.command, now);
                }
                self.requests.answered += u64::from(over);
                idle |= over;
                return !over;
            }
            if backend.world_took(&flight.endpoint) || unit_restarted(backend, flight) {
                self.requests.excused += 1;
            } else {
                cut.push(flight.clone());
            }
            false
        });
        for flight in cut {
            self.lose(&flight.upstream, format!("in flight on {} when it was ended", flight.endpoint));
        }
        if idle && self.is_busy() {
            self.report();
        }
    }

    fn swap(&mut self, now: Moment) {
        let due: Vec<_> = self.swaps.extract_if(.., |swap| swap.0 <= now).collect();
        for (_, worker, table) in due {
            if table.epoch > self.workers[worker].epoch {
                self.workers[worker] = table;
                self.report();
            }
        }
    }

    fn send(&mut self, table: &Arc<RouteTable>) {
        if table.epoch <= self.disk.epoch && self.workers.iter().all(|w| w.epoch >= table.epoch) {
            return self.report();
        }
        if table.epoch > self.disk.epoch {
            self.disk = table.clone();
        }
        for worker in 0..WORKERS {
            let at = self.now + Millis(self.rng.within(1, self.pace.swap_ms));
            self.swaps.push((at, worker, table.clone()));
        }
    }

    /// It has a report to make by itself.
    fn tells(&self) -> bool {
        self.alive && self.counts.is_some()
    }

    /// Something is on its way that reports must tell of.
    fn is_busy(&self) -> bool {
        let behind = self.linked.as_ref().is_some_and(|table| self.seen.acked < table.epoch);
        self.alive && (behind || !self.seen.alive || self.leaving())
    }

    /// Requests are in flight on an endpoint that is in no table any more.
    fn leaving(&self) -> bool {
        let listed = |id: &InstanceId| self.workers.iter().any(|table| lists(table, id));
        let shown = self.seen.inflight.keys();
        self.flights.iter().map(|flight| &flight.endpoint).chain(shown).any(|id| !listed(id))
    }

    fn report(&mut self) {
        self.next_report = self.now + REPORT_EVERY;
        if !self.alive || self.rng.percent(self.pace.lost) {
            return;
        }
        let mut inflight = BTreeMap::new();
        for flight in &self.flights {
            *inflight.entry(flight.endpoint.clone()).or_insert(0) += 1;
        }
        let acked = self.workers.iter().map(|table| table.epoch).min().unwrap_or(0);
        let counts = self.counts.as_ref().map(Counts::report);
        let counted_at = if counts.is_some() { acked } else { 0 };
        let (alive, seen) = (true, GatewayObservation::default());
        let report = GatewayObservation { alive, acked, inflight, counts, counted_at, ..seen };
        let times = 1 + u64::from(self.rng.percent(self.pace.twice));
        for _ in 0..times {
            let at = self.now + Millis(self.rng.within(1, self.pace.report_ms));
            self.reports.push((at, report.clone()));
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.reports.extract_if(.., |report| report.0 <= now).collect();
        for (_, report) in due {
            if report != self.seen {
                self.seen = report;
                self.news = true;
            }
        }
    }
}

impl Flight {
    fn place(&self) -> counts::Place {
        let ((role, revision), instance) = (self.arm, self.endpoint.clone());
        counts::Place { upstream: self.upstream.clone(), role, revision, instance }
    }
}

fn unit_restarted(backend: &FakeBackend, flight: &Flight) -> bool {
    backend.units().get(&flight.endpoint).is_some_and(|unit| unit.spec.generation > flight.generation)
}

fn lists(table: &RouteTable, id: &InstanceId) -> bool {
    let arms = table.upstreams.values().flat_map(|upstream| &upstream.arms);
    arms.flat_map(|arm| &arm.endpoints).any(|endpoint| endpoint.id == *id)
}

impl RouteSink for FakeGateway {
    fn push(&mut self, table: &RouteTable) {
        let table = Arc::new(table.clone());
        self.linked = Some(table.clone());
        if self.alive {
            self.send(&table);
        }
    }

    fn observe(&mut self) -> GatewayObservation {
        self.seen.clone()
    }
}
