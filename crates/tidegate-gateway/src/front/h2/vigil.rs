//! Watches over the time of an HTTP/2 connection: how long it may be quiet, and how long a client may take nothing of an
//! answer that is ready for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// How long a client that was told to go may take for its goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long one answer may wait while others move, in times of `stall`: a browser lets a paused film wait.
const PATIENCE: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Bytes of a client that has begun: its preface, and the head of its SETTINGS.
const BEGUN: usize = 24 + 9;

/// One connection's.
#[derive(Debug)]
pub(super) struct Vigil {
    head: Duration,
    idle: Duration,
    stall: Duration,
    next: Cell<u64>,
    /// The requests under way.
    turns: RefCell<HashMap<u64, Rc<Turn>>>,
    /// When an answer last moved, or a request began or ended.
    moved: Cell<Instant>,
    /// When bytes last went to the client.
    wrote: Cell<Instant>,
    /// How many bytes came from it.
    read: Cell<usize>,
}

/// Whose turn it is on one stream.
#[derive(Debug)]
struct Turn {
    /// The client has not taken what it was given.
    theirs: Cell<bool>,
    since: Cell<Instant>,
}

impl Vigil {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Vigil {
            head: limits.head,
            idle: limits.client_idle,
            stall: limits.stall,
            next: Cell::new(0),
            turns: RefCell::default(),
            moved: Cell::new(now),
            wrote: Cell::new(now),
            read: Cell::new(0),
        }
    }

    /// A request begins.
    pub(super) fn enter(self: &Rc<Self>) -> Stay {
        let now = Instant::now();
        let turn = Rc::new(Turn { theirs: Cell::new(false), since: Cell::new(now) });
        let number = self.next.get();
        self.next.set(number + 1);
        self.moved.set(now);
        self.turns.borrow_mut().insert(number, turn.clone());
        Stay { vigil: self.clone(), number, turn }
    }

    pub(super) fn on_read(&self, count: usize) {
        self.read.set(self.read.get().saturating_add(count));
    }

    pub(super) fn on_written(&self) {
        self.wrote.set(Instant::now());
    }

    /// Waits until the connection was quiet for too long, or did not begin in time.
    pub(super) async fn quiet(&self) {
        tokio::time::sleep(self.head.min(self.idle)).await;
        while self.read.get() >= BEGUN {
            let until = self.moved.get() + self.idle;
            if !self.turns.borrow().is_empty() {
                tokio::time::sleep(self.idle).await;
            } else if Instant::now() < until {
                tokio::time::sleep_until(until.into()).await;
            } else {
                return;
            }
        }
    }

    /// Waits until no request is under way.
    pub(super) async fn unused(&self) {
        while !self.turns.borrow().is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the client has taken nothing for too long.
    pub(super) async fn stuck(&self) {
        while !self.is_stuck(Instant::now()) {
            tokio::time::sleep(self.stall / 4).await;
        }
    }

    /// Waits until a client that was told to go has nothing under way and takes nothing any more.
    pub(super) async fn gone(&self) {
        let told = Instant::now();
        loop {
            let last = self.moved.get().max(self.wrote.get()).max(told);
            if self.turns.borrow().is_empty() && last.elapsed() >= GOODBYE {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn is_stuck(&self, now: Instant) -> bool {
        let turns = self.turns.borrow();
        let waits = turns.values().filter(|turn| turn.theirs.get());
        let longest = waits.map(|turn| now.saturating_duration_since(turn.since.get())).max();
        let still = now.saturating_duration_since(self.moved.get());
        longest.is_some_and(|longest| still.min(longest) >= self.stall || longest >= self.stall * PATIENCE)
    }
}

/// One request's, until its answer is handed over whole.
#[derive(Debug)]
pub(super) struct Stay {
    vigil: Rc<Vigil>,
    number: u64,
    turn: Rc<Turn>,
}

impl Stay {
    /// The answer was asked for more, and had some (`ready`) or waits for the app.
    pub(super) fn on_poll(&self, ready: bool) {
        let now = Instant::now();
        self.turn.theirs.set(ready);
        self.turn.since.set(now);
        self.vigil.moved.set(now);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.vigil.turns.borrow_mut().remove(&self.number);
        self.vigil.moved.set(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vigil() -> Rc<Vigil> {
        let limits = Limits { stall: Duration::from_secs(10), ..Limits::default() };
        Rc::new(Vigil::new(limits))
    }

    #[test]
    fn only_what_the_client_leaves_lying_is_stuck() {
        let vigil = vigil();
        let stay = vigil.enter();
        let later = |seconds| Instant::now() + Duration::from_secs(seconds);
        stay.on_poll(false);
        assert!(!vigil.is_stuck(later(1_000)), "the app takes its time");
        stay.on_poll(true);
        assert!(!vigil.is_stuck(later(9)));
        assert!(vigil.is_stuck(later(11)));
    }

    #[test]
    fn while_others_move_one_may_wait_longer() {
        let vigil = vigil();
        let (lying, moving) = (vigil.enter(), vigil.enter());
        lying.on_poll(true);
        moving.on_poll(false);
        let now = Instant::now();
        vigil.moved.set(now + Duration::from_secs(50));
        assert!(!vigil.is_stuck(now + Duration::from_secs(51)));
        vigil.moved.set(now + Duration::from_secs(101));
        assert!(vigil.is_stuck(now + Duration::from_secs(102)));
        drop(lying);
        assert!(!vigil.is_stuck(now + Duration::from_secs(1_000)));
    }
}
