//! The backend: starts shims, and tells what the watching thread has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidegate_core::model::{
    Evidence, Exit, Health, InstanceId, Limits, PortSpec, StopSpec, UnitObservation, UnitState,
};
use tidegate_core::view::DoctorFinding;
use tidegate_os::clock::{boot_id, boot_ms};
use tidegate_os::lock::holder;

use super::abilities::Abilities;
use super::cgroup::GroupPlan;
use super::config::{NOBODY, ProcessConfig, STEPS, Waker};
use super::launch::{Launched, launch};
use super::log::SegmentLogs;
use super::message::ToShim;
use super::place::{self, Place};
use super::port::Ports;
use super::spec::{Isolation, ShimSpec};
use super::sweep::{SHIM_KILLED, sweep};
use super::usage::Usage;
use super::watch::{Board, Order, Sight, Watch, Watched};
use super::{doctor, environment, evidence, names};
use crate::{Backend, BackendError, Logs, UnitSpec};

/// A unit that is to make room for a newer generation gets this long, then the start goes on regardless.
const REPLACED_WITHIN: Duration = Duration::from_millis(250);
/// Beyond a unit's grace its shim gets this long, in milliseconds, before it is killed.
const BEYOND_GRACE_MS: u64 = 10_000;
/// What `explain` quotes.
const LAST_LINES: usize = 50;
const LAST_LINE_CHARS: usize = 1_000;

/// Runs units as processes of this machine. Closing it stops none of them; opening one on the same directories finds
/// them again.
pub struct ProcessBackend {
    config: ProcessConfig,
    abilities: Abilities,
    logs: SegmentLogs,
    board: Arc<Mutex<Board>>,
    watch: Watch,
    ports: Ports,
    ours: environment::Ours,
    boot_id: String,
    /// The system's users and that of steps.
    users: Option<PathBuf>,
    /// The newest generation known of each unit that was removed since we began.
    fences: BTreeMap<InstanceId, u64>,
}

impl ProcessBackend {
    /// Opens the directories, finds out what the machine can do, and takes over every unit an earlier backend left:
    /// those that run and those that ended meanwhile. Units of an earlier boot of the machine are removed.
    pub fn open(mut config: ProcessConfig, waker: Waker) -> Result<ProcessBackend, BackendError> {
        for dir in [&mut config.root, &mut config.logs, &mut config.cache] {
            let made = place::private_dir(dir).and_then(|()| fs::canonicalize(&dir));
            *dir = made.map_err(failed(format!("cannot use the directory {}", dir.display())))?;
        }
        let abilities = Abilities::find(&config);
        if abilities.why_no_mounts.is_none() {
            // A unit gets to what is its own by mounts, so it need not get by what is another's.
            let closed = place::close(&config.root).and_then(|()| place::close(&config.cache));
            closed.map_err(failed("cannot close the directories of units"))?;
        }
        let boot_id = boot_id().map_err(failed("cannot tell which boot of the machine this is"))?;
        let board = Arc::new(Mutex::new(Board::default()));
        let watch = Watch::begin(Arc::clone(&board), waker).map_err(failed("cannot start a thread"))?;
        // Without it steps have no name, which few programs mind.
        let users = names::write(&config.cache).unwrap_or_default();
        let mut backend = ProcessBackend {
            abilities,
            users,
            logs: SegmentLogs::new(config.logs.clone()),
            config,
            board,
            watch,
            ports: Ports::new(anywhere()),
            ours: environment::ours(),
            boot_id,
            fences: BTreeMap::new(),
        };
        backend.adopt().map_err(failed("cannot read the directory of units"))?;
        Ok(backend)
    }

    /// The output of all units, for readers of their own.
    pub fn logs(&self) -> SegmentLogs {
        self.logs.clone()
    }

    /// What this machine can and cannot do.
    pub fn doctor(&self) -> Vec<DoctorFinding> {
        doctor::findings(&self.abilities, &self.config)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation_of(&self, id: &InstanceId) -> Option<u64> {
        self.board().get(id).map(|sight| sight.seen.generation)
    }

    fn adopt(&mut self) -> io::Result<()> {
        place::empty_trash(&self.config.root)?;
        for (id, generation, place) in Place::all(&self.config.root)? {
            if let Some(earlier) = self.generation_of(&id) {
                // Sorted by generation: what is known is older, and was being replaced.
                self.forget(&id, earlier);
            }
            let found = place.spec().ok().filter(|spec| spec.boot_id == self.boot_id);
            match found {
                Some(spec) => self.adopt_one(id, generation, place, spec)?,
                None => self.clean(&place)?,
            }
        }
        Ok(())
    }

    /// A unit of an earlier boot, or one whose start was cut off before there was anything to run.
    fn clean(&self, place: &Place) -> io::Result<()> {
        sweep(place);
        place.discard()
    }

    fn adopt_one(&mut self, id: InstanceId, generation: u64, place: Place, spec: ShimSpec) -> io::Result<()> {
        let mut sight = Sight::new(id.clone(), generation, place.clone(), spec.port);
        // As it was last seen, until a probe says otherwise: nobody is taken out of rotation by our restart.
        sight.seen.state = UnitState::Running(Health { ready: place.was_ready(), live: true });
        let mut watched = Watched::new(id, generation, place.clone());
        watched.port = spec.port;
        watched.probes = spec.unit.probes;
        sight.seen.pid = place.main().map(|main| main.pid);
        if holder(&place.lock()).is_none() {
            if place.exit().is_none() && place.main().is_none() {
                // Its shim never began: as if its start had not been asked for.
                return self.clean(&place);
            }
            sight.seen.state = UnitState::Exited(place.exit().unwrap_or_else(|| bury(&place)));
            watched = watched.over();
        }
        self.board().put(sight);
        self.watch.order(Order::Watch(Box::new(watched)));
        Ok(())
    }

    fn forget(&mut self, id: &InstanceId, generation: u64) {
        self.fences.insert(id.clone(), generation);
        self.board().remove(id);
        self.watch.order(Order::Forget { id: id.clone(), generation });
    }

    /// Makes room for a newer generation of a unit.
    fn replace(&mut self, id: &InstanceId) {
        let Some(sight) = self.board().get(id).cloned() else { return };
        self.forget(id, sight.seen.generation);
        let begun = Instant::now();
        while sight.runs() && holder(&sight.place.lock()).is_some() && begun.elapsed() < REPLACED_WITHIN {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn port(&mut self, wanted: PortSpec) -> io::Result<Option<u16>> {
        match wanted {
            PortSpec::None => Ok(None),
            PortSpec::Fixed(port) => Ok(Some(port)),
            PortSpec::Auto => {
                let used: BTreeSet<u16> = self.board().all().filter_map(|sight| sight.seen.port).collect();
                self.ports.take(&used).map(Some)
            }
        }
    }

    fn spec(&self, spec: &UnitSpec, place: &Place, port: Option<u16>) -> ShimSpec {
        let home = self.home(spec, place);
        let mut env = environment::of_unit(spec, self.ours.clone(), &home, &place.scratch(), place.dir());
        env.extend(port.map(|port| ("PORT".to_owned(), port.to_string())));
        let isolation = self.isolation(spec, place, home);
        let mut groups = self.abilities.cgroups.plan(&spec.id, spec.generation, &spec.limits);
        if spec.step.is_some() {
            groups.iter_mut().for_each(GroupPlan::yield_to_others);
        }
        let log = self.logs.dir_of(&spec.id);
        let unit = UnitSpec { env: BTreeMap::new(), sealed: Default::default(), ..spec.clone() };
        ShimSpec {
            unit,
            env,
            sealed: !spec.sealed.is_empty(),
            port,
            boot_id: self.boot_id.clone(),
            asked_ms: boot_ms(),
            log,
            isolation,
            groups,
        }
    }

    /// What package tools keep from one time to the next, apart for builds and for steps: a test of some branch must have no say in
    /// what a build is made of.
    fn home(&self, spec: &UnitSpec, place: &Place) -> PathBuf {
        match (spec.writable, &spec.step) {
            (true, None) => self.config.cache.join(spec.app.as_str()),
            (true, Some(_)) => self.config.cache.join(format!("{}.steps", spec.app)),
            (false, _) => place.scratch(),
        }
    }

    fn isolation(&self, spec: &UnitSpec, place: &Place, home: PathBuf) -> Isolation {
        let mut writable = vec![place.scratch()];
        let (mut kept, mut readable) = (Vec::new(), Vec::new());
        if spec.writable {
            kept.push(home);
            writable.push(spec.dir.clone());
        } else {
            readable.push(spec.dir.clone());
        }
        let background = spec.step.is_some();
        let offline = spec.step.as_ref().is_some_and(|step| step.offline);
        let user = self.abilities.user.map(|user| if background && user == NOBODY { STEPS } else { user });
        let users = self.users.clone().filter(|_| user == Some(STEPS));
        let user = user.map(|user| (user.uid, user.gid));
        let mounts = self.abilities.why_no_mounts.is_none();
        Isolation { user, mounts, writable, kept, readable, background, offline, users }
    }

    fn watch(&mut self, spec: &UnitSpec, place: Place, port: Option<u16>, launched: Launched) {
        let mut watched = Watched::new(spec.id.clone(), spec.generation, place.clone());
        watched.port = port;
        watched.probes = spec.probes.clone();
        watched.child = Some(launched.child);
        watched.link = Some(launched.link);
        self.board().put(Sight::new(spec.id.clone(), spec.generation, place, port));
        self.watch.order(Order::Watch(Box::new(watched)));
    }
}

impl Backend for ProcessBackend {
    fn start(&mut self, spec: &UnitSpec) -> Result<(), BackendError> {
        if !place::safe(&spec.id) {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "its name cannot be part of a file name");
            return Err(failed(format!("cannot start {}", spec.id))(error));
        }
        let running = self.generation_of(&spec.id);
        let known = running.max(self.fences.get(&spec.id).copied()).unwrap_or(0);
        if spec.generation < known {
            return Err(BackendError::Stale { id: spec.id.clone(), asked: spec.generation, known });
        }
        if running == Some(spec.generation) {
            return Ok(());
        }
        self.replace(&spec.id);
        let place = Place::new(&self.config.root, &spec.id, spec.generation);
        let started = self.port(spec.port).and_then(|port| {
            let launched = launch(&place, &self.spec(spec, &place, port), &spec.sealed, &self.config.shim_command)?;
            Ok((port, launched))
        });
        match started {
            Ok((port, launched)) => {
                self.watch(spec, place, port, launched);
                Ok(())
            }
            Err(error) => {
                let _ = place.discard();
                Err(failed(format!("cannot start {}", spec.id))(error))
            }
        }
    }

    fn stop(&mut self, id: &InstanceId, generation: u64, stop: StopSpec) -> Result<(), BackendError> {
        let Some(known) =
            self.board().get(id).filter(|sight| sight.runs()).map(|sight| sight.seen.generation)
        else {
            return Ok(());
        };
        if generation < known {
            return Err(BackendError::Stale { id: id.clone(), asked: generation, known });
        }
        if generation == known {
            let message = ToShim::Stop { signal: stop.signal, grace_ms: stop.grace.0 };
            let within_ms = stop.grace.0.saturating_add(BEYOND_GRACE_MS);
            self.watch.order(Order::Send { id: id.clone(), generation, message, within_ms });
        }
        Ok(())
    }

    fn remove(&mut self, id: &InstanceId) -> Result<(), BackendError> {
        if let Some(generation) = self.generation_of(id) {
            self.forget(id, generation);
        }
        Ok(())
    }

    fn observe(&mut self) -> Vec<UnitObservation> {
        self.board().all().map(|sight| sight.seen.clone()).collect()
    }

    fn cpu_time(&mut self, ids: &[InstanceId]) -> BTreeMap<InstanceId, u64> {
        let place = |id: &InstanceId| Some(self.board().get(id).filter(|sight| sight.runs())?.place.clone());
        let usage = Usage::default();
        ids.iter().filter_map(|id| Some((id.clone(), usage.of(&place(id)?)?))).collect()
    }

    fn evidence(&mut self, id: &InstanceId) -> Evidence {
        let sight = self.board().recall(id).cloned();
        let lines = self.logs.tail(std::slice::from_ref(id), LAST_LINES).unwrap_or_default();
        let cut = |line: String| line.chars().take(LAST_LINE_CHARS).collect();
        let last_output = lines.into_iter().map(|line| cut(line.line)).collect();
        let Some(Sight { seen, place }) = sight else {
            return Evidence { instance: Some(id.clone()), last_output, ..Evidence::default() };
        };
        let (exit, listening) = match seen.state {
            UnitState::Exited(exit) => (Some(exit), None),
            UnitState::Running(_) => (None, evidence::listening(&place)),
        };
        let instance = Some(id.clone());
        Evidence { instance, exit, last_probe: seen.last_probe, port: seen.port, listening, last_output }
    }

    fn shortcomings(&self, limits: &Limits) -> Vec<String> {
        self.abilities.shortcomings(limits)
    }
}

/// Two control planes that start at the same time must not hand out the same ports: what one has not bound yet looks free to
/// the other.
fn anywhere() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// The end of a unit whose shim was killed while nobody watched.
fn bury(place: &Place) -> Exit {
    sweep(place);
    let exit = Exit::trouble(SHIM_KILLED);
    if let Err(error) = place.write_exit(&exit) {
        tracing::warn!(dir = %place.dir().display(), %error, "end not recorded");
    }
    exit
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> BackendError {
    let what = what.into();
    move |source| BackendError::Io { what, source }
}
