//! The thread's loop: wait for something, look at every unit, put what is new on the board.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tidegate_core::model::{InstanceId, ProbeAnswer, UnitState};
use tidegate_os::clock::boot_ms;

use super::board::Board;
use super::linger::Linger;
use super::unit::{News, Watched};
use super::{Inbox, Order};
use crate::process::config::Waker;
use crate::process::message::ToShim;

/// How long a killed unit may take until its shim is killed too, in milliseconds.
const KILL_WITHIN_MS: u64 = 5_000;
/// How often a shim that has ended is waited for, in milliseconds.
const REAP_MS: u64 = 20;

/// The loop's state.
pub(super) struct Turn {
    inbox: Inbox,
    board: Arc<Mutex<Board>>,
    waker: Waker,
    units: BTreeMap<(InstanceId, u64), Watched>,
    linger: Linger,
    /// Shims that have ended or are about to.
    ending: Vec<Child>,
}

impl Turn {
    pub(super) fn new(inbox: Inbox, board: Arc<Mutex<Board>>, waker: Waker) -> Turn {
        Turn { inbox, board, waker, units: BTreeMap::new(), linger: Linger::default(), ending: Vec::new() }
    }

    pub(super) fn run(mut self) {
        // A pipe we have just made takes the flag; without it the worst is a read that returns at the next bell.
        let _ = fcntl(&self.inbox.bell, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        while self.take_orders() {
            let changed = self.look();
            if changed {
                (self.waker)();
            }
            self.wait();
        }
    }

    /// False when the backend is closed.
    fn take_orders(&mut self) -> bool {
        let mut rings = [0; 64];
        while self.inbox.bell.read(&mut rings).is_ok_and(|read| read == rings.len()) {}
        let now = boot_ms();
        while let Ok(order) = self.inbox.orders.try_recv() {
            match order {
                Order::Watch(unit) => {
                    self.units.insert((unit.id.clone(), unit.generation), *unit);
                }
                Order::Send { id, generation, message, within_ms } => {
                    if let Some(unit) = self.units.get_mut(&(id, generation)) {
                        unit.send(message, within_ms, now);
                    }
                }
                Order::Forget { id, generation } => {
                    if let Some(unit) = self.units.get_mut(&(id, generation)) {
                        unit.forgotten = true;
                        // Also where it has ended: its shim may be waiting for room to record that.
                        unit.send(ToShim::Kill, KILL_WITHIN_MS, now);
                        unit.flush();
                    }
                }
                Order::Quit => return false,
            }
        }
        true
    }

    fn look(&mut self) -> bool {
        let now = boot_ms();
        let mut changed = false;
        for unit in self.units.values_mut() {
            let mut news = if unit.is_over() { Vec::new() } else { unit.on_link(now) };
            if !unit.is_over() {
                let (more, asked) = unit.on_probe(now);
                news.extend(more);
                if let Some(ask) = asked {
                    self.linger.add(ask.into_stream(), now);
                }
                unit.on_time(now);
            }
            changed |= publish(&self.board, unit, news);
        }
        self.linger.read(now);
        self.bury();
        changed
    }

    /// Lets go of what is over: ended shims are waited for, forgotten units removed.
    fn bury(&mut self) {
        for unit in self.units.values_mut().filter(|unit| unit.is_over()) {
            self.ending.extend(unit.child.take());
        }
        self.ending.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        self.units.retain(|(id, _), unit| {
            let gone = unit.forgotten && unit.is_over();
            if gone && let Err(error) = unit.place.discard() {
                tracing::warn!(unit = %id, %error, "directory not removed");
            }
            !gone
        });
    }

    fn wait(&mut self) {
        let now = boot_ms();
        let units = self.units.values().filter_map(|unit| unit.deadline_ms(now));
        let reap = (!self.ending.is_empty()).then(|| now + REAP_MS);
        let next = units.chain(reap).chain(self.linger.deadline_ms()).min();
        let timeout = next.map_or(PollTimeout::NONE, |at| {
            PollTimeout::try_from(at.saturating_sub(now).min(60_000)).unwrap_or(PollTimeout::MAX)
        });
        let ready = self.poll(timeout);
        for (unit, ready) in self.units.values_mut().zip(ready) {
            unit.link_ready |= ready;
        }
    }

    /// Waits; which unit's link has something, in the order of the units. Links are quiet nearly always, so they alone
    /// are told apart; what else may be ready is simply tried.
    fn poll(&self, timeout: PollTimeout) -> Vec<bool> {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(self.units.len() * 2 + 1);
        let mut links = Vec::with_capacity(self.units.len());
        for unit in self.units.values() {
            let link = unit.link.as_ref().filter(|_| !unit.is_over());
            links.push(link.map(|_| fds.len()));
            fds.extend(link.map(|link| PollFd::new(link.as_fd(), PollFlags::POLLIN)));
        }
        fds.push(PollFd::new(self.inbox.bell.as_fd(), PollFlags::POLLIN));
        let asks = self.units.values().filter_map(Watched::ask_in_flight).map(|ask| ask.interest());
        fds.extend(asks.map(|(fd, flags)| PollFd::new(fd, flags)));
        fds.extend(self.linger.fds().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        // Interrupted: nothing is ready, and the next turn waits again.
        let _ = poll(&mut fds, timeout);
        links.into_iter().map(|at| at.is_some_and(|at| fds[at].any().unwrap_or(true))).collect()
    }
}

fn publish(board: &Mutex<Board>, unit: &Watched, news: Vec<News>) -> bool {
    if news.is_empty() {
        return false;
    }
    let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
    board.update(&unit.id, unit.generation, |seen| {
        for item in news {
            match item {
                News::Running(pid) => seen.pid = Some(pid),
                News::Flooding(flooding) => seen.flooding = flooding,
                News::Health(health) if matches!(seen.state, UnitState::Running(_)) => {
                    seen.state = UnitState::Running(health);
                }
                News::Health(_) => {}
                News::Answered(which, answer) => {
                    let probe = which.as_str().to_owned();
                    seen.last_probe = Some(ProbeAnswer { probe, good: answer.good, answer: answer.words });
                }
                News::Ended(exit) => seen.state = UnitState::Exited(exit),
            }
        }
    })
}
