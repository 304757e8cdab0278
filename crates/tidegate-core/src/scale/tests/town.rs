//! A service under a load: the planner's world of virtual time, requests that queue where there are too few instances, and
//! the decision once a second.

use crate::model::*;
use crate::rollout::tests::world::{GOOD, World, spec};
use crate::scale::{Autoscaled, Bounds, Input, Load, Measured, Part, decide};
use crate::time::{Millis, Moment};

/// Requests a second one instance can answer.
pub const CAPACITY: f64 = 100.0;
/// A request that has to wait for longer is lost, in seconds.
const PATIENCE: f64 = 30.0;

pub struct Town {
    pub world: World,
    /// Requests a second.
    pub load: f64,
    /// CPU of one request, in percent seconds, by revision.
    pub cost: fn(RevisionNo) -> f64,
    /// Whether anything can be measured.
    pub measured: bool,
    /// Requests held because nothing runs.
    pub waiting: u32,
    /// Requests that wait at instances.
    backlog: f64,
    pub lost: f64,
    /// Every number that was wanted of stable, with its time.
    pub story: Vec<(Moment, u32)>,
    decided_at: Moment,
}

pub fn scaled(kind: StrategyKind, (min, max): (u32, u32), autoscale: Autoscale) -> ServiceSpec {
    ServiceSpec { scale: Scale { min, max }, autoscale: Some(autoscale), ..spec(kind, min) }
}

pub fn by_rate(rps: u32) -> Autoscale {
    Autoscale { rps: Some(rps), ..Autoscale::default() }
}

pub fn by_cpu(percent: u32) -> Autoscale {
    Autoscale { cpu: Some(percent), ..Autoscale::default() }
}

impl Town {
    /// A service of this spec that serves.
    pub fn of(spec: ServiceSpec) -> Self {
        let mut world = World::serving(StrategyKind::BlueGreen, spec.scale.min.max(1));
        world.specs.insert(RevisionNo(1), spec);
        let (load, cost, decided_at) = (0.0, (|_| 1.0) as fn(RevisionNo) -> f64, world.now);
        Town {
            world,
            load,
            cost,
            measured: true,
            waiting: 0,
            backlog: 0.0,
            lost: 0.0,
            story: Vec::new(),
            decided_at,
        }
    }

    /// Deploys the next revision, which behaves well.
    pub fn deploy(&mut self, revision: u32, spec: ServiceSpec) {
        self.world.deploy(revision, spec, GOOD);
    }

    /// Time passes under this load.
    pub fn run(&mut self, load: f64, seconds: u64) {
        self.load = load;
        let end = self.world.now + Millis::seconds(seconds);
        while self.world.now < end {
            self.step();
        }
    }

    pub fn run_until(&mut self, seconds: u64, done: impl Fn(&Town) -> bool) {
        let end = self.world.now + Millis::seconds(seconds);
        while !done(self) {
            assert!(self.world.now < end, "not done: {:#?}", self.world.story());
            self.step();
        }
    }

    pub fn step(&mut self) {
        if self.world.now.since(self.decided_at) >= Millis::seconds(1) {
            self.decided_at = self.world.now;
            self.decide();
        }
        self.world.step();
        self.serve(0.05);
    }

    fn decide(&mut self) {
        let measured = self.measure();
        let state = self.world.state.clone();
        let part = |revision: RevisionNo| {
            let spec = &self.world.specs[&revision];
            Part { revision, spec, bounds: Bounds { min: spec.scale.min, max: spec.scale.max } }
        };
        let decision = decide(&Input {
            state: &state,
            stable: state.stable.map(part),
            candidate: self.world.active().map(|rollout| part(rollout.to)),
            measured: &measured,
            now: self.world.now,
        });
        self.world.events.extend(decision.events);
        self.world.state.autoscaled = decision.autoscaled;
        let wanted = self.wanted();
        if self.story.last().is_none_or(|(_, last)| *last != wanted) {
            self.story.push((self.world.now, wanted));
        }
    }

    /// What is wanted of stable.
    pub fn wanted(&self) -> u32 {
        self.autoscaled().stable.as_ref().map_or(0, |track| track.wanted)
    }

    /// What is wanted of the candidate.
    pub fn wanted_of_candidate(&self) -> u32 {
        self.autoscaled().candidate.as_ref().map_or(0, |tracks| tracks.all())
    }

    pub fn autoscaled(&self) -> Autoscaled {
        self.world.state.autoscaled.clone().unwrap_or_default()
    }

    /// Instances of a revision that are meant to run.
    pub fn running(&self, revision: u32) -> u32 {
        self.world.instances.iter().filter(|i| i.is_wanted() && i.revision == RevisionNo(revision)).count()
            as u32
    }

    /// How often the number turned from growing to shrinking or back.
    pub fn turns(&self) -> usize {
        let numbers: Vec<u32> = self.story.iter().map(|(_, wanted)| *wanted).collect();
        let ups: Vec<bool> = numbers.windows(2).map(|pair| pair[1] > pair[0]).collect();
        ups.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    fn measure(&self) -> Measured {
        if !self.measured {
            return Measured { waiting: self.waiting, ..Measured::default() };
        }
        let candidate = self.world.active().map(|rollout| rollout.to);
        let load_of = |is_candidate: bool| {
            let arms = self.world.state.routing.arms.iter();
            let arms = arms.filter(|arm| (Some(arm.revision) == candidate) == is_candidate);
            arms.fold(Load::NONE, |load, arm| {
                let rate = self.load * f64::from(arm.weight) / 100.0;
                Load {
                    ready: load.ready + arm.instances.len() as u32,
                    rate: load.rate.map(|sum| sum + rate),
                    inflight: load.inflight.map(|sum| sum + rate / 10.0),
                    cpu: load.cpu.map(|sum| sum + rate * (self.cost)(arm.revision)),
                    p95: None,
                }
            })
        };
        let (stable, candidate) = (load_of(false), load_of(true));
        Measured { stable, candidate, queue: None, waiting: self.waiting }
    }

    fn serve(&mut self, seconds: f64) {
        let capacity = self.world.in_rotation().len() as f64 * CAPACITY;
        self.backlog = (self.backlog + (self.load - capacity) * seconds).max(0.0);
        let most = capacity * PATIENCE;
        if self.backlog > most {
            self.lost += self.backlog - most;
            self.backlog = most;
        }
    }
}
