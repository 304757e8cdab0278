//! A world of one service for the planner's tests: behaviour by revision, virtual time, everything checked at each step.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::model::*;
use crate::rollout::begin::{NewRollout, stable_after};
use crate::rollout::stage::Stage;
use crate::rollout::{Action, Answers, Gate, Input, begin, effective, observe, plan};
use crate::time::{Millis, Moment};
use crate::train::Signal;

/// How instances of a revision behave.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// From start to ready; `None`: never.
    pub ready_after: Option<u64>,
    /// From start to an exit by itself.
    pub exits_after: Option<u64>,
    /// From start to hanging: not ready, not live.
    pub hangs_after: Option<u64>,
    /// From a stop to the end.
    pub stops_after: u64,
    /// Whether it writes without end.
    pub floods: bool,
}

pub const GOOD: Behaviour = Behaviour {
    ready_after: Some(400),
    exits_after: None,
    hangs_after: None,
    stops_after: 50,
    floods: false,
};

#[derive(Clone, Debug)]
struct Process {
    generation: u64,
    started: Moment,
    stopping: Option<Moment>,
    behaviour: Behaviour,
    port: u16,
}

pub struct World {
    pub now: Moment,
    pub state: ServiceState,
    pub rollouts: Vec<Rollout>,
    pub instances: Vec<Instance>,
    pub specs: BTreeMap<RevisionNo, ServiceSpec>,
    pub behaviours: BTreeMap<RevisionNo, Behaviour>,
    pub gate: Gate,
    /// What is said of the candidate.
    pub judged: Option<Judged>,
    /// What was heard of its checks.
    pub heard: Answers,
    /// What the others of its train say.
    pub train: Option<Signal>,
    /// Requests in flight.
    pub inflight: BTreeMap<InstanceId, u32>,
    /// Its rollouts are numbered from here.
    pub ids_from: u64,
    /// Whether the gateway acknowledges.
    pub settled: bool,
    /// So many stops get lost.
    pub lost_stops: u32,
    pub events: Vec<Event>,
    /// Why nothing more happened in the last pass.
    pub reports: Vec<String>,
    processes: BTreeMap<InstanceId, Process>,
    next_id: u64,
    next_port: u16,
    /// The smallest number of ready instances in rotation since the last reset.
    pub least_in_rotation: usize,
    /// The largest number of processes since the last reset.
    pub most_processes: usize,
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn spec(kind: StrategyKind, instances: u32) -> ServiceSpec {
    ServiceSpec {
        run: "serve".into(),
        port: PortSpec::Auto,
        probes: Probes {
            startup: None,
            start_within: Millis::seconds(20),
            ready: Some(Probe::new(Check::Tcp)),
            live: None,
        },
        scale: Scale { min: instances, max: instances },
        strategy: Strategy { bake: Millis::seconds(10), steps: quick_steps(kind), ..Strategy::new(kind) },
        drain: Millis::seconds(5),
        stop: StopSpec::default(),
        limits: Limits::default(),
        env: BTreeMap::new(),
        traffic: TrafficPolicy::default(),
        site: None,
        autoscale: None,
    }
}

/// Steps that are over by themselves.
fn quick_steps(kind: StrategyKind) -> Vec<Step> {
    let weight = |percent| Step::Weight { percent, hold: Millis::seconds(2) };
    if kind.has_steps() { vec![weight(10), weight(50)] } else { Vec::new() }
}

impl World {
    /// A service whose first revision serves.
    pub fn serving(kind: StrategyKind, instances: u32) -> Self {
        Self::serving_as("web", kind, instances)
    }

    /// The same by another name.
    pub fn serving_as(service: &str, kind: StrategyKind, instances: u32) -> Self {
        let mut world = Self::nothing(service);
        world.deploy(1, spec(kind, instances), GOOD);
        world.run_until(60_000, |w| w.state.stable == Some(RevisionNo(1)) && w.state.rollout.is_none());
        world.reset_extremes();
        world
    }

    /// A service nothing was deployed to.
    pub fn nothing(service: &str) -> Self {
        let key = ServiceKey { app: name("shop"), environment: name("production"), service: name(service) };
        World {
            now: Moment(1_000),
            state: ServiceState::new(key),
            rollouts: Vec::new(),
            instances: Vec::new(),
            specs: BTreeMap::new(),
            behaviours: BTreeMap::new(),
            gate: Gate::Open,
            judged: None,
            heard: Answers::new(),
            train: None,
            inflight: BTreeMap::new(),
            ids_from: 1,
            settled: true,
            lost_stops: 0,
            events: Vec::new(),
            reports: Vec::new(),
            processes: BTreeMap::new(),
            next_id: 1,
            next_port: 20_000,
            least_in_rotation: usize::MAX,
            most_processes: 0,
        }
    }

    pub fn reset_extremes(&mut self) {
        self.least_in_rotation = usize::MAX;
        self.most_processes = 0;
    }

    pub fn deploy(&mut self, revision: u32, spec: ServiceSpec, behaviour: Behaviour) {
        self.specs.insert(RevisionNo(revision), spec);
        self.behaviours.insert(RevisionNo(revision), behaviour);
        self.roll_out(revision, RolloutKind::Deploy);
    }

    pub fn roll_out(&mut self, revision: u32, kind: RolloutKind) {
        let to = RevisionNo(revision);
        let spec = &self.specs[&to];
        let id = RolloutId(self.rollouts.len() as u64 + self.ids_from);
        let effective =
            effective(spec, spec.scale.min, kind, stable_after(&self.state, self.active()).is_some());
        let new = NewRollout { id, kind, deploy: None, to, effective, unix_ms: 0 };
        let active = self.active().cloned();
        let begun = begin(&self.state, active.as_ref(), new, self.now);
        if let Some(ended) = begun.superseded {
            self.put(ended);
        }
        self.state = begun.state;
        self.rollouts.push(begun.rollout);
    }

    pub fn active(&self) -> Option<&Rollout> {
        let id = self.state.rollout?;
        self.rollouts.iter().find(|r| r.id == id)
    }

    pub fn last(&self) -> &Rollout {
        self.rollouts.last().unwrap()
    }

    pub fn ask(&mut self, request: Request) {
        let id = self.state.rollout.unwrap();
        self.rollouts.iter_mut().find(|r| r.id == id).unwrap().request = Some(request);
    }

    /// From now on no instance of a revision gets ready; those there are end.
    pub fn never_ready(&mut self, revision: u32) {
        self.behaves(revision, Behaviour { ready_after: None, ..GOOD });
    }

    /// From now on its instances are good; those there are end.
    pub fn ready_again(&mut self, revision: u32) {
        self.behaves(revision, GOOD);
    }

    fn behaves(&mut self, revision: u32, behaviour: Behaviour) {
        let revision = RevisionNo(revision);
        self.behaviours.insert(revision, behaviour);
        let all: Vec<_> =
            self.instances.iter().filter(|i| i.revision == revision).map(|i| i.id.clone()).collect();
        all.iter().for_each(|id| self.kill(id));
    }

    /// Kills the process of an instance from outside.
    pub fn kill(&mut self, id: &InstanceId) {
        let now = self.now;
        let process = self.processes.get_mut(id).unwrap();
        process.behaviour.exits_after = Some(now.since(process.started).0);
    }

    pub fn process_count(&self) -> usize {
        self.processes.len()
    }

    pub fn in_rotation(&self) -> Vec<InstanceId> {
        self.state.routing.arms.iter().flat_map(|arm| arm.instances.clone()).collect()
    }

    /// Runs in steps of 50 ms until `done`; panics after `most` milliseconds.
    pub fn run_until(&mut self, most: u64, done: impl Fn(&World) -> bool) {
        let start = self.now;
        while !done(self) {
            assert!(self.now.since(start).0 < most, "not done after {most} ms: {:#?}", self.story());
            self.step();
        }
    }

    pub fn run_for(&mut self, span: u64) {
        let start = self.now;
        while self.now.since(start).0 < span {
            self.step();
        }
    }

    pub fn settle(&mut self) {
        self.run_until(120_000, |w| {
            w.state.rollout.is_none() && w.instances.iter().all(|i| i.is_ready()) && !w.instances.is_empty()
        });
    }

    pub fn story(&self) -> Vec<String> {
        self.events.iter().map(|event| format!("{} {}", event.kind, event.message)).collect()
    }

    pub fn step(&mut self) {
        self.now = self.now + Millis(50);
        for _ in 0..10 {
            if !self.pass() {
                break;
            }
        }
        self.check();
    }

    /// One pass; true if it changed anything.
    fn pass(&mut self) -> bool {
        let seeing = self.seeing();
        let before = (self.state.clone(), self.active().cloned(), self.instances.clone());
        let seen_events = observe(&self.state.key, &mut self.instances, &seeing, self.now);
        let rollout = self.active().cloned();
        let plan = plan(
            &Input {
                state: &self.state,
                rollout: rollout.as_ref(),
                instances: &self.instances,
                specs: &self.specs,
                seeing: &seeing,
                gate: &self.gate,
                settled: self.settled,
                judged: self.judged.as_ref(),
                heard: &self.heard,
                train: self.train.as_ref(),
                inflight: &self.inflight,
                next_id: self.next_id,
            },
            self.now,
        );
        self.state = plan.state;
        if let Some(rollout) = plan.rollout {
            self.put(rollout);
        }
        self.instances = plan.instances;
        self.next_id = plan.next_id;
        self.reports = plan.report;
        self.events.extend(seen_events);
        self.events.extend(plan.events);
        plan.actions.iter().for_each(|action| self.act(action));
        before != (self.state.clone(), self.active().cloned(), self.instances.clone())
    }

    fn put(&mut self, rollout: Rollout) {
        let place = self.rollouts.iter_mut().find(|r| r.id == rollout.id).unwrap();
        *place = rollout;
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Start { id, generation } => {
                let revision = self.instances.iter().find(|i| i.id == *id).unwrap().revision;
                self.next_port += 1;
                let process = Process {
                    generation: *generation,
                    started: self.now,
                    stopping: None,
                    behaviour: self.behaviours[&revision],
                    port: self.next_port,
                };
                self.processes.insert(id.clone(), process);
            }
            Action::Stop { .. } if self.lost_stops > 0 => self.lost_stops -= 1,
            Action::Stop { id, .. } => {
                if let Some(process) = self.processes.get_mut(id) {
                    process.stopping.get_or_insert(self.now);
                }
            }
            Action::Remove { id } => {
                self.processes.remove(id);
            }
        }
    }

    fn seeing(&self) -> BTreeMap<InstanceId, UnitObservation> {
        self.processes.iter().map(|(id, process)| (id.clone(), self.sight(id, process))).collect()
    }

    fn sight(&self, id: &InstanceId, process: &Process) -> UnitObservation {
        let age = self.now.since(process.started).0;
        let stopped =
            process.stopping.is_some_and(|at| self.now.since(at).0 >= process.behaviour.stops_after);
        let fell = process.behaviour.exits_after.is_some_and(|after| age >= after);
        let state = if stopped || fell {
            UnitState::Exited(Exit { code: Some(i32::from(fell)), ran_ms: age, ..Exit::default() })
        } else {
            let ready = process.behaviour.ready_after.is_some_and(|after| age >= after);
            let live = process.behaviour.hangs_after.is_none_or(|after| age < after);
            UnitState::Running(Health { ready: ready && live, live })
        };
        UnitObservation {
            id: id.clone(),
            generation: process.generation,
            state,
            pid: Some(u32::from(process.port)),
            port: Some(process.port),
            last_probe: None,
            flooding: process.behaviour.floods,
        }
    }

    /// The candidate never has more than its step's share while a stable instance can serve.
    fn check_share(&self) {
        let Some(rollout) = self.active().filter(|r| matches!(r.phase, Phase::Progressing | Phase::Paused))
        else {
            return;
        };
        let steps = &rollout.effective.strategy.steps;
        let serves = self.state.routing.arms.iter().any(|arm| arm.role == ArmRole::Stable);
        if steps.is_empty() || !serves || rollout.resume_to == Some(Phase::Promoting) {
            return;
        }
        let stage = Stage::at(&rollout.effective.strategy, rollout.position.step);
        let weight = self.state.routing.candidate_weight();
        assert!(weight <= stage.percent, "{weight} % at {:?}", rollout.position);
    }

    fn check(&mut self) {
        let routing = &self.state.routing;
        let sum: u32 = routing.arms.iter().map(|arm| arm.weight).sum();
        assert!(routing.arms.is_empty() || sum == 100, "{routing:?}");
        for id in self.in_rotation() {
            let instance =
                self.instances.iter().find(|i| i.id == id).expect("an instance in rotation exists");
            assert!(instance.is_ready(), "{id} is in rotation and not ready");
        }
        for id in routing.spare.iter().flat_map(|arm| &arm.instances) {
            assert!(
                self.instances.iter().any(|i| i.id == *id && i.is_ready()),
                "{id} is spare and not ready"
            );
            assert!(!routing.serves(id), "{id} serves and is spare");
        }
        let active = self.rollouts.iter().filter(|r| !r.phase.is_final()).count();
        assert!(active <= 1, "two rollouts at once");
        assert_eq!(active == 1, self.state.rollout.is_some());
        self.check_share();
        self.least_in_rotation = self.least_in_rotation.min(self.in_rotation().len());
        self.most_processes = self.most_processes.max(self.processes.len());
    }
}
