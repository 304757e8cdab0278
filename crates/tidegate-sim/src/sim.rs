//! The simulated world and its time: one heap of events, and whatever the fakes do by themselves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tidegate_backend::fake::FakeBackend;
use tidegate_control::engine::{Engine, EngineConfig, Time, Verdicts};
use tidegate_core::model::{InstanceId, ServiceKey};
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Store, StoreError};

use crate::crash::Fuse;
use crate::gateway::{FakeGateway, Lost};
use crate::invariants::{Held, Violation};
use crate::log::Log;
use crate::repositories::FakeRepositories;
use crate::rng::Rng;
use crate::story::{Fault, Faults};
use crate::view::{Known, View};
use crate::workshop::FakeWorkshop;
use crate::workspace::FakeWorkspaces;

/// Where the control plane's time line and the wall clock begin.
const BEGIN: Moment = Moment(1_000);
const WALL: u64 = 1_700_000_000_000;
/// The control loop looks this often even if nothing is heard.
pub(crate) const PERIOD: Millis = Millis::seconds(5);

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// A request of routed service number `n`.
    Request(usize),
    /// Fault number `n`.
    Fault(usize),
    /// The gateway is started again.
    GatewayBack,
    /// The gateway is quick again.
    GatewayQuick,
}

/// Numbers of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Moments at which something happened.
    pub steps: u64,
    /// Passes of the control loop.
    pub passes: u64,
    /// Crashes injected.
    pub crashes: u64,
    /// Faults of the world.
    pub faults: u64,
}

/// The world, the store and the engine.
pub struct Sim {
    pub(crate) now: Moment,
    pub(crate) wall: i64,
    pub(crate) faults: Faults,
    pub(crate) rng: Rng,
    traffic: Rng,
    /// So many times the requests.
    pub(crate) rush: u64,
    heap: BinaryHeap<Reverse<(Moment, u64, Happening)>>,
    serial: u64,
    pub(crate) store: Store,
    pub(crate) engine: Option<Engine>,
    pub(crate) backend: FakeBackend,
    pub(crate) gateway: FakeGateway,
    pub(crate) workshop: FakeWorkshop,
    pub(crate) workspaces: FakeWorkspaces,
    pub(crate) repositories: Arc<FakeRepositories>,
    pub(crate) fuse: Fuse,
    pub(crate) log: Log,
    pub(crate) next_pass: Moment,
    pub(crate) not_before: Moment,
    pub(crate) known: Known,
    pub(crate) view: View,
    /// What was last said of candidates.
    pub(crate) heard: Verdicts,
    pub(crate) lost: Vec<Lost>,
    pub(crate) tally: Tally,
    pub(crate) told: u64,
    routed: Vec<ServiceKey>,
    troubles: Vec<Fault>,
    pub(crate) quiet: bool,
}

impl Sim {
    /// A world in which nothing was deployed.
    pub fn new(seed: u64, faults: Faults, log: Log) -> Result<Self, StoreError> {
        let mut rng = Rng::new(seed);
        let fuse = Fuse::new(log.clone());
        let mut store = Store::in_memory()?;
        let at_commit = fuse.clone();
        store.set_witness(move || at_commit.point("at a commit"));
        Ok(Sim {
            now: BEGIN,
            wall: 0,
            faults,
            traffic: rng.fork(),
            rush: 1,
            heap: BinaryHeap::new(),
            serial: 0,
            store,
            engine: None,
            backend: FakeBackend::new(),
            gateway: FakeGateway::new(rng.fork(), log.clone()),
            workshop: FakeWorkshop::default(),
            workspaces: FakeWorkspaces::default(),
            repositories: Arc::default(),
            fuse,
            log,
            next_pass: BEGIN,
            not_before: BEGIN,
            known: Known::default(),
            view: View::default(),
            heard: Verdicts::new(),
            lost: Vec::new(),
            tally: Tally::default(),
            told: 0,
            routed: Vec::new(),
            troubles: Vec::new(),
            quiet: false,
            rng,
        })
    }

    /// The engine, a new one after a crash.
    pub(crate) fn take_engine(&mut self) -> Engine {
        let config = EngineConfig { keep_revisions: 3, keep_build_bytes: 4_000, ..EngineConfig::default() };
        self.engine.take().unwrap_or_else(|| Engine::new(config, Default::default()))
    }

    /// The time a pass gets.
    pub(crate) fn time(&self) -> Time {
        Time { now: self.now, unix_ms: WALL.saturating_add(self.now.0).saturating_add_signed(self.wall) }
    }

    /// Clients begin to send requests to these services.
    pub fn send_requests_to(&mut self, keys: &[ServiceKey]) {
        for key in keys {
            if !self.routed.contains(key) {
                self.routed.push(key.clone());
                let at = self.now + Millis(self.traffic.within(0, 300));
                self.at(at, Happening::Request(self.routed.len() - 1));
            }
        }
    }

    /// These faults happen, each at its time from now.
    pub fn expect_trouble(&mut self, faults: &[(Millis, Fault)]) {
        for (after, fault) in faults {
            self.troubles.push(*fault);
            self.at(self.now + *after, Happening::Fault(self.troubles.len() - 1));
        }
    }

    /// Has the control loop look within `span`.
    pub(crate) fn nudge(&mut self, span: Millis) {
        self.next_pass = self.next_pass.min(self.now + span);
    }

    fn at(&mut self, at: Moment, what: Happening) {
        self.serial += 1;
        self.heap.push(Reverse((at, self.serial, what)));
    }

    /// Goes on to the next moment at which anything happens, `until` at the latest.
    pub fn step(&mut self, until: Moment) -> Held {
        let pass = self.next_pass.max(self.not_before);
        let own = [
            self.backend.next_change(),
            self.workshop.next_change(),
            self.workspaces.next_change(),
            self.gateway.next_change(),
        ];
        let heap = self.heap.peek().map(|Reverse((at, ..))| *at);
        let next = own.into_iter().flatten().chain(heap).chain([pass, until]).min().unwrap_or(until);
        self.go_to(next.max(self.now));
        while let Some(Reverse((at, _, what))) = self.heap.peek().copied().filter(|e| e.0.0 <= self.now) {
            let _ = at;
            self.heap.pop();
            self.happen(what);
        }
        self.lost.extend(self.gateway.take_lost());
        crate::invariants::requests::invariant_no_request_is_lost(&self.lost, &self.view)?;
        self.lost.clear();
        if self.next_pass.max(self.not_before) <= self.now { self.pass() } else { Ok(()) }
    }

    fn go_to(&mut self, now: Moment) {
        self.tally.steps += 1;
        let changed =
            [self.backend.next_change(), self.workshop.next_change(), self.workspaces.next_change()];
        let heard = changed.into_iter().flatten().any(|at| at <= now);
        self.now = now;
        self.log.set_now(now);
        self.backend.set_now(now);
        self.workshop.set_now(now);
        self.workspaces.set_now(now);
        let news = self.gateway.set_now(now, &self.backend);
        if heard || news {
            let late = if self.faults.is_all() { self.rng.within(0, 30) } else { 0 };
            self.nudge(Millis(late));
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Request(n) => {
                let takes = Millis(self.traffic.within(5, 1_500));
                let key = self.routed[n].to_string();
                self.gateway.request(&key, takes, &self.backend);
                if !self.quiet {
                    let at = self.now + Millis(self.traffic.within(50, 500) / self.rush);
                    self.at(at, what);
                }
            }
            Happening::Fault(n) => self.suffer(self.troubles[n]),
            Happening::GatewayBack => self.gateway.start(),
            Happening::GatewayQuick => self.gateway.pace = crate::gateway::Pace::QUICK,
        }
    }

    /// A fault happens.
    pub fn suffer(&mut self, fault: Fault) {
        self.tally.faults += 1;
        self.log.say(|| format!("FAULT {fault:?}"));
        match fault {
            Fault::FreezeView(span) => self.backend.freeze_view(self.now + span),
            Fault::HideUnit(which) => self.backend.hide_one(which),
            Fault::RefuseCall(done) => self.backend.refuse_next(match done {
                true => tidegate_backend::fake::Refusal::Done,
                false => tidegate_backend::fake::Refusal::Undone,
            }),
            Fault::KillInstance(which) => self.kill_number(which),
            Fault::KillGateway(span) => {
                self.gateway.die();
                self.at(self.now + span, Happening::GatewayBack);
            }
            Fault::SlowGateway(span) => {
                self.gateway.pace = crate::gateway::Pace::BAD;
                self.at(self.now + span, Happening::GatewayQuick);
            }
            Fault::Stall(span) => self.not_before = self.now + span,
            Fault::JumpClock(by) => self.wall += by,
        }
    }

    fn kill_number(&mut self, which: usize) {
        let running: Vec<InstanceId> = (self.backend.units().values())
            .filter(|unit| unit.spec.probes.is_some() && unit.runs(self.now))
            .map(|unit| unit.spec.id.clone())
            .collect();
        if let Some(id) = running.get(which % running.len().max(1)) {
            self.kill(id);
        }
    }

    /// An instance is ended from outside.
    pub fn kill(&mut self, id: &InstanceId) {
        self.log.say(|| format!("{id} is ended from outside"));
        self.backend.kill(id);
        self.gateway.set_now(self.now, &self.backend);
        self.nudge(Millis(5));
    }

    /// Runs until `done` says so; false where `span` passed before.
    pub fn run_until(
        &mut self,
        span: Millis,
        mut done: impl FnMut(&mut Sim) -> bool,
    ) -> Result<bool, Violation> {
        let until = self.now + span;
        while !done(self) {
            if self.now >= until {
                return Ok(false);
            }
            self.step(until)?;
        }
        Ok(true)
    }

    /// All faults are over, clients stop.
    pub fn calm_down(&mut self) {
        self.quiet = true;
        self.faults = Faults::None;
        self.not_before = self.now;
        self.backend.heal();
        self.gateway.pace = crate::gateway::Pace::QUICK;
        self.gateway.start();
        self.heap.retain(|Reverse((_, _, what))| !matches!(what, Happening::Fault(_)));
        self.nudge(Millis(0));
    }
}
