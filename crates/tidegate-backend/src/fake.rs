//! A backend without processes: units are rows that age in virtual time, and do what their command says.
//!
//! Used by the simulation and by tests. It keeps the contract of [`Backend`] and writes down every breach of it by its
//! caller. It has no clock: [`FakeBackend::set_now`] moves its time. A command is a [`Behaviour`] in words.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;

use tidegate_core::model::{
    Evidence, Exit, Health, InstanceId, Limits, PortSpec, ProbeAnswer, StopSpec, UnitObservation, UnitState,
};
use tidegate_core::time::{Millis, Moment};

use crate::{Backend, BackendError, UnitSpec};

/// From its start to the end of a unit whose port another one holds.
const PORT_TAKEN_AFTER: Millis = Millis(100);

/// What a unit does, written as words of a command: `ready-after:400ms exits-after:5s code:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// `ready-after:T` or `never-ready`: from its start to ready.
    pub ready_after: Option<Millis>,
    /// `exits-after:T`: from its start to an exit by itself.
    pub exits_after: Option<Millis>,
    /// `once`: only its first start exits by itself.
    pub once: bool,
    /// `code:N`: the exit code of an exit by itself.
    pub code: i32,
    /// `unready-after:T` and `unready-for:T`: not ready for this long after that.
    pub unready: Option<(Millis, Millis)>,
    /// `flaps:T`: ready for so long, not ready for so long, and so on.
    pub flaps: Option<Millis>,
    /// `hangs-after:T`: not ready and not live from then on.
    pub hangs_after: Option<Millis>,
    /// `stops-after:T`, or `ignores-stop`: from the signal to the end.
    pub stops_after: Option<Millis>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            ready_after: Some(Millis(300)),
            exits_after: None,
            once: false,
            code: 0,
            unready: None,
            flaps: None,
            hangs_after: None,
            stops_after: Some(Millis(50)),
        }
    }
}

impl Behaviour {
    /// Whether it serves for as long as it is let.
    pub fn is_good(&self) -> bool {
        let exits = self.exits_after.is_some() && !self.once;
        self.ready_after.is_some() && !exits && self.hangs_after.is_none() && self.flaps.is_none()
    }
}

impl FromStr for Behaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut behaviour = Behaviour::default();
        for word in text.split_whitespace() {
            let (name, value) = word.split_once(':').unwrap_or((word, ""));
            let span = || value.parse::<Millis>().map_err(|error| format!("`{word}`: {error}"));
            match name {
                "ready-after" => behaviour.ready_after = Some(span()?),
                "never-ready" => behaviour.ready_after = None,
                "exits-after" => behaviour.exits_after = Some(span()?),
                "once" => behaviour.once = true,
                "code" => behaviour.code = value.parse().map_err(|_| format!("`{word}` is no exit code"))?,
                "unready-after" => behaviour.unready = Some((span()?, Millis::seconds(5))),
                "unready-for" => {
                    let after = behaviour.unready.map_or(Millis::seconds(5), |(after, _)| after);
                    behaviour.unready = Some((after, span()?));
                }
                "flaps" => behaviour.flaps = Some(span()?.max(Millis(1))),
                "hangs-after" => behaviour.hangs_after = Some(span()?),
                "stops-after" => behaviour.stops_after = Some(span()?),
                "ignores-stop" => behaviour.stops_after = None,
                // Anything else only tells two commands apart.
                _ => {}
            }
        }
        Ok(behaviour)
    }
}

/// Why a unit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// By itself, or something outside ended it.
    World,
    /// It was told to.
    Told,
}

/// A unit of the fake backend.
#[derive(Clone, Debug)]
pub struct FakeUnit {
    /// What it was started from.
    pub spec: UnitSpec,
    /// What it does.
    pub behaviour: Behaviour,
    /// When it was started.
    pub started: Moment,
    /// When it was told to stop, and how.
    pub stopping: Option<(Moment, StopSpec)>,
    /// When something outside ended it.
    pub killed: Option<Moment>,
    port: Option<u16>,
    pid: u32,
}

impl FakeUnit {
    /// When it ends or ended, as far as is known now, and why.
    pub fn end(&self) -> Option<(Moment, EndedBy)> {
        let exits = self.behaviour.exits_after.filter(|_| !self.behaviour.once || self.spec.generation == 1);
        let by_itself = exits.map(|after| self.started + after);
        let world = by_itself.into_iter().chain(self.killed).min().map(|at| (at, EndedBy::World));
        let told = self.stopping.map(|(at, stop)| {
            let takes = self.behaviour.stops_after.unwrap_or(stop.grace).min(stop.grace);
            (at + takes, EndedBy::Told)
        });
        world.into_iter().chain(told).min_by_key(|(at, _)| *at)
    }

    /// Whether its process runs.
    pub fn runs(&self, now: Moment) -> bool {
        self.end().is_none_or(|(at, _)| at > now)
    }

    /// Whether it answers requests. A process that was told to stop does so no more.
    pub fn answers(&self, now: Moment) -> bool {
        self.runs(now) && self.stopping.is_none() && self.health(now).ready
    }

    /// Whether what it does by itself, or what was done to it from outside, explains that it does not answer.
    pub fn world_took_it(&self, now: Moment) -> bool {
        let was_ready =
            self.spec.generation > 1 || self.behaviour.ready_after.is_some_and(|t| self.started + t <= now);
        match self.end().filter(|(at, _)| *at <= now) {
            // One that hung was rightly told to stop.
            Some((_, by)) => by == EndedBy::World || !self.health(now).live,
            None => was_ready && !self.health(now).ready,
        }
    }

    fn health(&self, now: Moment) -> Health {
        let age = now.since(self.started);
        let has_hung = self.behaviour.hangs_after.is_some_and(|after| age >= after);
        let away = self
            .behaviour
            .unready
            .is_some_and(|(after, span)| age >= after && age < Millis(after.0.saturating_add(span.0)));
        let away = away || self.behaviour.flaps.is_some_and(|span| age.0 / span.0 % 2 == 1);
        let ready = self.spec.probes.is_some() && self.behaviour.ready_after.is_some_and(|t| age >= t);
        Health { ready: ready && !has_hung && !away, live: !has_hung }
    }

    /// When it next changes by itself.
    fn next_change(&self, now: Moment) -> Option<Moment> {
        let b = &self.behaviour;
        let ages =
            [b.ready_after, b.hangs_after, b.unready.map(|u| u.0), b.unready.map(|u| Millis(u.0.0 + u.1.0))];
        let flap = b.flaps.map(|span| Millis((now.since(self.started).0 / span.0 + 1) * span.0));
        let changes = ages.into_iter().flatten().chain(flap).map(|age| self.started + age);
        let end = self.end().map(|(at, _)| at);
        changes.filter(|at| end.is_none_or(|end| *at < end)).chain(end).filter(|at| *at > now).min()
    }

    fn observation(&self, now: Moment) -> UnitObservation {
        let state = match self.end().filter(|(at, _)| *at <= now) {
            None => UnitState::Running(self.health(now)),
            Some((at, by)) => UnitState::Exited(self.exit(at, by)),
        };
        let good = self.health(now).ready;
        let answer = if good { "HTTP 200" } else { "HTTP 503" };
        let last_probe = ProbeAnswer { probe: "ready".into(), good, answer: answer.into() };
        UnitObservation {
            id: self.spec.id.clone(),
            generation: self.spec.generation,
            state,
            pid: Some(self.pid),
            port: self.port,
            last_probe: self.spec.probes.is_some().then_some(last_probe),
            flooding: false,
        }
    }

    fn exit(&self, at: Moment, by: EndedBy) -> Exit {
        let ran_ms = at.since(self.started).0;
        match by {
            EndedBy::World if self.killed == Some(at) => Exit { signal: Some(9), ran_ms, ..Exit::default() },
            EndedBy::World => Exit { code: Some(self.behaviour.code), ran_ms, ..Exit::default() },
            EndedBy::Told => Exit { signal: Some(15), ran_ms, ..Exit::default() },
        }
    }
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is done.
    Undone,
    /// It is done, and an error is returned all the same.
    Done,
}

/// The backend.
#[derive(Debug, Default)]
pub struct FakeBackend {
    now: Moment,
    units: BTreeMap<InstanceId, FakeUnit>,
    newest: BTreeMap<InstanceId, u64>,
    doubted: BTreeMap<InstanceId, u64>,
    buried: BTreeMap<InstanceId, bool>,
    spawned: BTreeMap<InstanceId, u64>,
    refusals: VecDeque<Refusal>,
    frozen: Option<(Moment, Vec<UnitObservation>)>,
    /// The unit to leave out of the next view, by its place.
    hide: Option<usize>,
    /// The unit left out of every view of this moment.
    hidden: Option<(Moment, InstanceId)>,
    breaches: Vec<String>,
    next_port: u16,
    next_pid: u32,
}

impl FakeBackend {
    /// A backend that runs nothing.
    pub fn new() -> Self {
        FakeBackend { next_port: 20_000, next_pid: 100, ..FakeBackend::default() }
    }

    /// Moves its time.
    pub fn set_now(&mut self, now: Moment) {
        self.now = now;
        if self.hidden.as_ref().is_some_and(|(at, _)| *at < now) {
            self.hidden = None;
        }
        if self.frozen.as_ref().is_some_and(|(until, _)| *until <= now) {
            self.frozen = None;
        }
    }

    /// When a unit next changes by itself.
    pub fn next_change(&self) -> Option<Moment> {
        let thaw = self.frozen.as_ref().map(|(until, _)| *until);
        self.units.values().filter_map(|unit| unit.next_change(self.now)).chain(thaw).min()
    }

    /// The units there are.
    pub fn units(&self) -> &BTreeMap<InstanceId, FakeUnit> {
        &self.units
    }

    /// Whether the world took this unit, which does not answer, be it here or removed.
    pub fn world_took(&self, id: &InstanceId) -> bool {
        let removed = || self.buried.get(id).copied().unwrap_or(false);
        self.units.get(id).map_or_else(removed, |unit| unit.world_took_it(self.now))
    }

    /// How many processes a unit ever had.
    pub fn spawned(&self, id: &InstanceId) -> u64 {
        self.spawned.get(id).copied().unwrap_or(0)
    }

    /// What its caller did against the contract.
    pub fn breaches(&self) -> &[String] {
        &self.breaches
    }

    /// Ends a running unit from outside.
    pub fn kill(&mut self, id: &InstanceId) {
        let now = self.now;
        if let Some(unit) = self.units.get_mut(id).filter(|unit| unit.runs(now)) {
            unit.killed.get_or_insert(now);
        }
    }

    /// The next call to start, stop or remove goes wrong.
    pub fn refuse_next(&mut self, refusal: Refusal) {
        self.refusals.push_back(refusal);
    }

    /// No call goes wrong, no view is late any more.
    pub fn heal(&mut self) {
        self.refusals.clear();
        self.frozen = None;
        self.hide = None;
        self.hidden = None;
    }

    /// Until then it shows what it shows now.
    pub fn freeze_view(&mut self, until: Moment) {
        self.frozen = Some((until, self.view()));
    }

    /// The views of the next moment anybody looks leave out one unit: number `which` modulo their number.
    pub fn hide_one(&mut self, which: usize) {
        self.hide = Some(which);
    }

    fn view(&self) -> Vec<UnitObservation> {
        self.units.values().map(|unit| unit.observation(self.now)).collect()
    }

    fn spawn(&mut self, spec: &UnitSpec, doubted: bool) {
        if self.units.get(&spec.id).is_some_and(|unit| unit.spec.generation >= spec.generation) {
            return;
        }
        let before =
            self.units.get(&spec.id).filter(|unit| unit.runs(self.now)).map(|unit| unit.spec.generation);
        if before.is_some() && self.doubted.get(&spec.id) != before.as_ref() {
            self.breach(format!("{}: generation {} while another runs", spec.id, spec.generation));
        }
        let mut behaviour: Behaviour = spec.command.parse().unwrap_or_default();
        if self.port_is_taken(spec) {
            behaviour =
                Behaviour { ready_after: None, exits_after: Some(PORT_TAKEN_AFTER), code: 98, ..behaviour };
            if !self.anything_doubted() {
                self.breach(format!("{}: its fixed port is held by another instance", spec.id));
            }
        }
        self.next_pid += 1;
        let port = self.port_for(spec.port);
        let unit = FakeUnit {
            spec: spec.clone(),
            behaviour,
            started: self.now,
            stopping: None,
            killed: None,
            port,
            pid: self.next_pid,
        };
        self.units.insert(spec.id.clone(), unit);
        *self.spawned.entry(spec.id.clone()).or_insert(0) += 1;
        if doubted {
            self.doubted.insert(spec.id.clone(), spec.generation);
        }
    }

    fn port_for(&mut self, port: PortSpec) -> Option<u16> {
        match port {
            PortSpec::None => None,
            PortSpec::Fixed(port) => Some(port),
            PortSpec::Auto => {
                self.next_port = self.next_port.checked_add(1).unwrap_or(20_000);
                Some(self.next_port)
            }
        }
    }

    fn port_is_taken(&self, spec: &UnitSpec) -> bool {
        let PortSpec::Fixed(port) = spec.port else { return false };
        let others = self.units.values().filter(|unit| unit.spec.id != spec.id);
        others.filter(|unit| unit.runs(self.now)).any(|unit| unit.port == Some(port))
    }

    /// Whether the caller was told something false of a unit that still runs: what follows is not its mistake.
    fn anything_doubted(&self) -> bool {
        let running = self.units.values().filter(|unit| unit.runs(self.now));
        running.into_iter().any(|unit| self.doubted.contains_key(&unit.spec.id))
    }

    fn breach(&mut self, what: String) {
        self.breaches.push(format!("at {}: {what}", self.now.0));
    }

    fn fence(&mut self, id: &InstanceId, asked: u64) -> Result<(), BackendError> {
        let known = self.newest.get(id).copied().unwrap_or(0);
        if asked < known { Err(BackendError::Stale { id: id.clone(), asked, known }) } else { Ok(()) }
    }
}

fn refused(what: &str, id: &InstanceId) -> BackendError {
    BackendError::Io { what: format!("{what} {id}"), source: std::io::Error::other("the machine refused") }
}

impl Backend for FakeBackend {
    fn start(&mut self, spec: &UnitSpec) -> Result<(), BackendError> {
        if let Err(stale) = self.fence(&spec.id, spec.generation) {
            self.breach(format!("a start that is stale: {stale}"));
            return Err(stale);
        }
        if self.units.get(&spec.id).is_some_and(|unit| unit.spec.generation == spec.generation) {
            // The contract: what is done already is taken as done, so nothing can go wrong with it.
            return Ok(());
        }
        let refusal = self.refusals.pop_front();
        if refusal != Some(Refusal::Undone) {
            self.newest.insert(spec.id.clone(), spec.generation);
            self.spawn(spec, refusal.is_some());
        }
        refusal.map_or(Ok(()), |_| Err(refused("start", &spec.id)))
    }

    fn stop(&mut self, id: &InstanceId, generation: u64, stop: StopSpec) -> Result<(), BackendError> {
        self.fence(id, generation)?;
        let refusal = self.refusals.pop_front();
        if refusal != Some(Refusal::Undone) {
            let now = self.now;
            if let Some(unit) = self.units.get_mut(id).filter(|unit| unit.spec.generation == generation) {
                unit.stopping.get_or_insert((now, stop));
            }
        }
        refusal.map_or(Ok(()), |_| Err(refused("stop", id)))
    }

    fn remove(&mut self, id: &InstanceId) -> Result<(), BackendError> {
        let refusal = self.refusals.pop_front();
        if refusal != Some(Refusal::Undone)
            && let Some(unit) = self.units.remove(id)
        {
            self.buried.insert(id.clone(), unit.world_took_it(self.now));
        }
        refusal.map_or(Ok(()), |_| Err(refused("remove", id)))
    }

    fn observe(&mut self) -> Vec<UnitObservation> {
        let mut view = self.frozen.as_ref().map_or_else(|| self.view(), |(_, view)| view.clone());
        if let Some(which) = self.hide.filter(|_| !view.is_empty()) {
            self.hidden = Some((self.now, view[which % view.len()].id.clone()));
            self.hide = None;
        }
        if let Some((_, hidden)) = &self.hidden {
            view.retain(|unit| unit.id != *hidden);
        }
        view
    }

    fn evidence(&mut self, id: &InstanceId) -> Evidence {
        let Some(unit) = self.units.get(id) else { return Evidence::default() };
        Evidence {
            last_output: vec![format!("ran `{}`", unit.spec.command)],
            port: unit.port,
            ..Evidence::default()
        }
    }

    fn shortcomings(&self, _: &Limits) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_behaviour_reads_its_words_and_skips_others() {
        let behaviour: Behaviour =
            "serve r2 ready-after:1s exits-after:5s code:3 ignores-stop".parse().unwrap();
        assert_eq!(behaviour.ready_after, Some(Millis(1_000)));
        assert_eq!(behaviour.exits_after, Some(Millis(5_000)));
        assert_eq!((behaviour.code, behaviour.stops_after), (3, None));
        assert!("exits-after:soon".parse::<Behaviour>().is_err());
    }
}
