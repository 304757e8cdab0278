//! Kills the control plane between any two of its effects.
//!
//! Each call to the world and each commit passes two points, before and after. A [`Fuse`] counts them and, when it is burnt
//! down, ends the pass by a panic that nothing but [`survive`] catches: whatever the engine had in memory is lost, the store
//! and the world stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Once};

use tidegate_backend::{Backend, BackendError, UnitSpec};
use tidegate_control::seams::{Gathering, Inspection, Layout, RouteSink, Step, Workshop, Workspaces};
use tidegate_core::model::{
    Build, BuildId, Evidence, GatewayObservation, InstanceId, Limits, Name, RouteTable, RunNo, StopSpec,
    UnitObservation, Upstream,
};
use tidegate_core::pipeline::WorkspaceSight;
use tidegate_core::shared::Shared;

use crate::log::Log;

/// The payload of a crash.
struct Crash;

/// Counts points and crashes at one of them.
#[derive(Clone, Debug)]
pub struct Fuse(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    left: AtomicI64,
    passed: AtomicU64,
    log: Log,
}

impl Fuse {
    /// A fuse that is not lit.
    pub fn new(log: Log) -> Self {
        Fuse(Arc::new(Counters { left: AtomicI64::new(-1), passed: AtomicU64::new(0), log }))
    }

    /// Crashes at the point that follows `points` others.
    pub fn light(&self, points: u64) {
        self.0.left.store(points as i64, Ordering::Relaxed);
    }

    /// Crashes nowhere.
    pub fn put_out(&self) {
        self.0.left.store(-1, Ordering::Relaxed);
    }

    /// Points passed so far.
    pub fn passed(&self) -> u64 {
        self.0.passed.load(Ordering::Relaxed)
    }

    /// A point where a crash may happen.
    pub fn point(&self, place: &str) {
        self.0.passed.fetch_add(1, Ordering::Relaxed);
        let left = self.0.left.load(Ordering::Relaxed);
        if left < 0 {
            return;
        }
        self.0.left.store(left - 1, Ordering::Relaxed);
        if left == 0 {
            self.0.log.say(|| format!("CRASH {place}"));
            panic::panic_any(Crash);
        }
    }

    fn around<T>(&self, what: &str, call: impl FnOnce() -> T) -> T {
        self.point(what);
        let value = call();
        self.point(what);
        value
    }
}

/// Runs `work`; `None` where it crashed at a fuse. Any other panic goes on.
pub fn survive<T>(work: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Crash>() {
                loud(info);
            }
        }));
    });
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Some(value),
        Err(payload) if payload.is::<Crash>() => None,
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// Part of the world behind a fuse.
pub struct Mortal<'a, T> {
    /// The part.
    pub part: &'a mut T,
    /// The fuse.
    pub fuse: &'a Fuse,
}

impl<T> Mortal<'_, T> {
    fn say(&self, line: impl FnOnce() -> String) {
        self.fuse.0.log.say(line);
    }
}

impl<T: Backend> Backend for Mortal<'_, T> {
    fn start(&mut self, spec: &UnitSpec) -> Result<(), BackendError> {
        let done = self.fuse.around("at a start", || self.part.start(spec));
        self.say(|| {
            format!("start {} generation {} `{}`{}", spec.id, spec.generation, spec.command, failed(&done))
        });
        done
    }

    fn stop(&mut self, id: &InstanceId, generation: u64, stop: StopSpec) -> Result<(), BackendError> {
        let done = self.fuse.around("at a stop", || self.part.stop(id, generation, stop));
        self.say(|| format!("stop {id} generation {generation}{}", failed(&done)));
        done
    }

    fn remove(&mut self, id: &InstanceId) -> Result<(), BackendError> {
        let done = self.fuse.around("at a remove", || self.part.remove(id));
        self.say(|| format!("remove {id}{}", failed(&done)));
        done
    }

    fn observe(&mut self) -> Vec<UnitObservation> {
        self.fuse.around("while observing", || self.part.observe())
    }

    fn evidence(&mut self, id: &InstanceId) -> Evidence {
        self.fuse.around("while taking evidence", || self.part.evidence(id))
    }

    fn shortcomings(&self, limits: &Limits) -> Vec<String> {
        self.part.shortcomings(limits)
    }
}

fn failed(done: &Result<(), BackendError>) -> String {
    done.as_ref().err().map(|error| format!(" FAILED: {error}")).unwrap_or_default()
}

impl<T: RouteSink> RouteSink for Mortal<'_, T> {
    fn push(&mut self, table: &RouteTable) {
        self.fuse.around("at a push of routes", || self.part.push(table));
        self.say(|| format!("push {}", table_in_words(table)));
    }

    fn observe(&mut self) -> GatewayObservation {
        self.part.observe()
    }
}

/// A routing table on one line.
pub fn table_in_words(table: &RouteTable) -> String {
    let upstream = |(key, upstream): (&String, &Shared<Upstream>)| {
        let arms = upstream.arms.iter().map(|arm| {
            let ids: Vec<&str> = arm.endpoints.iter().map(|endpoint| endpoint.id.0.as_str()).collect();
            format!("{} {}% [{}]", arm.revision, arm.weight, ids.join(" "))
        });
        format!("{key}: {}", arms.collect::<Vec<_>>().join(", "))
    };
    let upstreams: Vec<String> = table.upstreams.iter().map(upstream).collect();
    format!("table {}: {}", table.epoch, upstreams.join("; "))
}

impl<T: Workshop> Workshop for Mortal<'_, T> {
    fn unpack(&mut self, build: &BuildId, snapshot: &str) {
        self.fuse.around("at unpacking", || self.part.unpack(build, snapshot));
    }

    fn seal(&mut self, build: &Build) {
        self.fuse.around("at sealing", || self.part.seal(build));
    }

    fn inspect(&mut self, build: &BuildId, subject: &str) {
        self.fuse.around("at looking at a build", || self.part.inspect(build, subject));
    }

    fn inspected(&mut self, build: &BuildId) -> Option<Inspection> {
        self.part.inspected(build)
    }

    fn step(&mut self, build: &BuildId) -> Step {
        self.part.step(build)
    }

    fn discard(&mut self, build: &BuildId, snapshot: Option<&str>) {
        self.fuse.around("at discarding a build", || self.part.discard(build, snapshot));
        self.say(|| format!("discard build {build}"));
    }

    fn dir(&self, build: &BuildId) -> PathBuf {
        self.part.dir(build)
    }

    fn check_folder(&self, build: &BuildId, folder: &str) -> Result<(), String> {
        self.part.check_folder(build, folder)
    }

    fn check_file(&self, build: &BuildId, file: &str) -> Result<(), String> {
        self.part.check_file(build, file)
    }
}

impl<T: Workspaces> Workspaces for Mortal<'_, T> {
    fn lay(&mut self, unit: &InstanceId, order: Layout) {
        self.fuse.around("at laying a workspace out", || self.part.lay(unit, order));
    }

    fn gather(&mut self, unit: &InstanceId, order: Gathering) {
        self.fuse.around("at taking in what a step left", || self.part.gather(unit, order));
    }

    fn sight(&mut self, unit: &InstanceId) -> Option<WorkspaceSight> {
        self.part.sight(unit)
    }

    fn secrets(&self, app: &Name, names: &[String]) -> Result<BTreeMap<String, String>, String> {
        self.part.secrets(app, names)
    }

    fn dir(&self, unit: &InstanceId) -> PathBuf {
        self.part.dir(unit)
    }

    fn clear(&mut self, unit: &InstanceId) {
        self.fuse.around("at clearing a workspace", || self.part.clear(unit));
    }

    fn keep(&mut self, units: &BTreeSet<InstanceId>, runs: &BTreeSet<RunNo>) {
        self.part.keep(units, runs);
    }
}
