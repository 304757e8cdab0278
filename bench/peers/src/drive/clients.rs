//! The clients of one load: who asks when, and the account of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Registry, Token};
use tidegate_load::histogram::Histogram;

use super::LOOK;
use super::client::{Client, Errand, Next, Trouble};
use super::link::Link;
use super::load::{Load, Taken};
use super::pace::{Pace, Timetable};
use super::slots::Slots;

/// Bytes read at once.
const ROOM: usize = 256 * 1024;
/// Connections opened at once where there are more.
const OPENING: usize = 64;

/// See the module. Dropping it closes the connections.
#[derive(Debug)]
pub struct Clients {
    load: Load,
    slots: Slots<Client>,
    room: Vec<u8>,
    idle: VecDeque<usize>,
    timetable: Option<Timetable>,
    /// Connections that are yet to be opened.
    to_open: usize,
    /// Connections that are opened or whose request is not over.
    busy: usize,
    ending: bool,
    counts: bool,
    answered: u64,
    troubles: BTreeMap<Trouble, u64>,
    latency: Histogram,
}

impl Clients {
    pub(super) fn new(load: &Load) -> Self {
        let timetable = match load.pace {
            Pace::Open(rate) => Some(Timetable::new(Instant::now(), rate)),
            Pace::Closed | Pace::Once => None,
        };
        Clients {
            to_open: load.connections,
            load: load.clone(),
            slots: Slots::new(),
            room: vec![0; ROOM],
            idle: VecDeque::new(),
            timetable,
            busy: 0,
            ending: false,
            counts: false,
            answered: 0,
            troubles: BTreeMap::new(),
            latency: Histogram::default(),
        }
    }

    /// What was answered so far does not count.
    pub(super) fn begin_account(&mut self) {
        self.counts = true;
        self.answered = 0;
        self.latency.clear();
    }

    /// Begins no request any more but those that are due.
    pub(super) fn end(&mut self) {
        self.ending = true;
        self.to_open = 0;
        if let Some(timetable) = &mut self.timetable {
            timetable.end(Instant::now());
        }
    }

    /// Whether a request is not over, or a connection not opened.
    pub fn is_busy(&self) -> bool {
        let due = self.timetable.as_ref().is_some_and(|timetable| timetable.due(Instant::now()).is_some());
        self.busy > 0 || self.to_open > 0 || (due && !self.idle.is_empty())
    }

    /// Requests answered well since the account began.
    pub(super) fn answered(&self) -> u64 {
        self.answered
    }

    /// How many things went wrong.
    pub fn troubles(&self) -> u64 {
        self.troubles.values().sum()
    }

    /// What went wrong, in words.
    pub fn trouble_words(&self) -> String {
        let all = self.troubles.iter().map(|(trouble, count)| format!("{count} {}", trouble.as_str()));
        if self.troubles.is_empty() { "it takes too long".into() } else { all.collect::<Vec<_>>().join(", ") }
    }

    pub(super) fn into_taken(mut self, answered: u64, cpu: Duration, last: Duration) -> Taken {
        if self.busy > 0 {
            self.troubles.insert(Trouble::Unanswered, self.busy as u64);
        }
        Taken { answered, troubles: self.troubles.into_iter().collect(), last, cpu, latency: self.latency }
    }

    /// Begins what is to begin now; returns how long the next events may take.
    pub(super) fn prepare(&mut self, registry: &Registry) -> Duration {
        while self.to_open > 0 && (self.load.pace != Pace::Once || self.busy < OPENING) && self.open(registry)
        {
        }
        if self.timetable.is_none() {
            return LOOK;
        }
        while self.begin_due(registry) {}
        // The timetable is finer than the clock of an event queue.
        Duration::ZERO
    }

    pub(super) fn on_event(&mut self, registry: &Registry, index: usize, event: &Event) {
        let errand = errand(&self.load);
        let Some(client) = self.slots.get(index) else { return };
        let next = client.on_event(event, &errand, &mut self.room);
        self.on_next(registry, index, next);
    }

    fn open(&mut self, registry: &Registry) -> bool {
        let token = Token(self.slots.next());
        let Ok(link) = Link::open(registry, self.load.to, token, self.load.tls.as_ref()) else {
            self.trouble(Trouble::Refused);
            return false;
        };
        self.slots.put(Client::new(link, Instant::now()));
        self.to_open -= 1;
        self.busy += 1;
        true
    }

    fn on_next(&mut self, registry: &Registry, index: usize, next: Next) {
        match next {
            Next::Wait => {}
            Next::Answered(began) => {
                self.account(began);
                if !self.load.fresh {
                    self.go_on(registry, index);
                }
            }
            Next::Closed(began) => {
                began.into_iter().for_each(|began| self.account(began));
                self.replace(index);
            }
            Next::Failed(trouble) => {
                self.trouble(trouble);
                self.idle.retain(|idle| *idle != index);
                if trouble == Trouble::Dropped {
                    self.busy += 1; // It was not counted as busy, and is replaced like one that was.
                }
                self.replace(index);
            }
        }
    }

    /// The connection is idle: what it does next.
    fn go_on(&mut self, registry: &Registry, index: usize) {
        match self.load.pace {
            Pace::Closed if !self.ending => self.begin(registry, index, Instant::now()),
            Pace::Closed | Pace::Once => self.busy -= 1,
            Pace::Open(_) => {
                self.busy -= 1;
                self.idle.push_back(index);
            }
        }
    }

    fn begin(&mut self, registry: &Registry, index: usize, began: Instant) {
        let errand = errand(&self.load);
        let Some(client) = self.slots.get(index) else { return };
        let next = client.begin(&errand, began);
        self.on_next(registry, index, next);
    }

    /// Begins a request of the timetable, where one is due and a connection free.
    fn begin_due(&mut self, registry: &Registry) -> bool {
        let Some(timetable) = &mut self.timetable else { return false };
        let Some(due) = timetable.due(Instant::now()) else { return false };
        let Some(index) = self.idle.pop_front() else { return false };
        timetable.take();
        self.busy += 1;
        self.begin(registry, index, due);
        true
    }

    fn replace(&mut self, index: usize) {
        self.slots.take(index);
        self.busy -= 1;
        self.to_open += usize::from(!self.ending);
    }

    fn account(&mut self, began: Instant) {
        if self.counts {
            self.answered += 1;
            self.latency.record(began.elapsed());
        }
    }

    fn trouble(&mut self, trouble: Trouble) {
        *self.troubles.entry(trouble).or_default() += 1;
    }
}

fn errand(load: &Load) -> Errand<'_> {
    Errand { request: &load.request, answer_length: load.answer_length, fresh: load.fresh }
}
