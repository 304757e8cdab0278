//! One connection, from its beginning to its end: whether anybody who may ask has asked on it, what is under way, and until
//! when what was answered has to be read. Whoever only sits there is shown out.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Limits;
use crate::strangers::Stranger;

/// See the module.
#[derive(Debug)]
pub(crate) struct Visit {
    /// How long nothing may be under way; where the protocol itself does not see to that.
    idle: Option<Duration>,
    answer_within: Duration,
    known: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stranger: Option<Stranger>,
    under_way: usize,
    quiet_since: Instant,
    /// Until when answers have to be read, each with a number of its own.
    due: BTreeSet<(Instant, u64)>,
    next: u64,
}

/// A call that was accepted, until its answer is over.
#[derive(Debug)]
pub(crate) struct Call {
    visit: Arc<Visit>,
    due: Option<(Instant, u64)>,
}

impl Visit {
    /// Begins one whose protocol closes silent connections by itself.
    pub(crate) fn begin(limits: &Limits, stranger: Stranger) -> Arc<Self> {
        Self::with(None, limits, stranger)
    }

    /// Begins one that is over when nothing was under way for a while.
    pub(crate) fn begin_watched(limits: &Limits, stranger: Stranger) -> Arc<Self> {
        Self::with(Some(limits.idle), limits, stranger)
    }

    fn with(idle: Option<Duration>, limits: &Limits, stranger: Stranger) -> Arc<Self> {
        let state = State {
            stranger: Some(stranger),
            under_way: 0,
            quiet_since: Instant::now(),
            due: BTreeSet::new(),
            next: 0,
        };
        let answer_within = limits.answer_within;
        Arc::new(Visit { idle, answer_within, known: AtomicBool::new(false), state: Mutex::new(state) })
    }

    /// Somebody who may ask has asked: the connection is no stranger's.
    pub(crate) fn on_known(&self) {
        if !self.known.load(Ordering::Relaxed) {
            self.known.store(true, Ordering::Relaxed);
            self.lock().stranger = None;
        }
    }

    /// A call begins that may go on for ever.
    pub(crate) fn follow(self: &Arc<Self>) -> Call {
        self.lock().under_way += 1;
        Call { visit: self.clone(), due: None }
    }

    /// A call begins whose answer has to be read in time.
    pub(crate) fn call(self: &Arc<Self>) -> Call {
        let mut state = self.lock();
        state.under_way += 1;
        state.next += 1;
        let due = (Instant::now() + self.answer_within, state.next);
        state.due.insert(due);
        Call { visit: self.clone(), due: Some(due) }
    }

    /// Waits until the connection is to be closed.
    pub(crate) async fn overdue(&self) {
        while let Some(look_again) = self.next_look(Instant::now()) {
            tokio::time::sleep_until(look_again).await;
        }
    }

    /// When it may be overdue at the earliest; `None`: it is now. What begins later is not overdue before then.
    fn next_look(&self, now: Instant) -> Option<Instant> {
        let state = self.lock();
        let quiet = self.idle.filter(|_| state.under_way == 0).map(|idle| state.quiet_since + idle);
        let due = state.due.first().map(|(at, _)| *at);
        if [quiet, due].into_iter().flatten().any(|at| at <= now) {
            return None;
        }
        let of_later = now + self.idle.map_or(self.answer_within, |idle| idle.min(self.answer_within));
        [quiet, due].into_iter().flatten().chain([of_later]).min()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.visit.lock();
        state.under_way -= 1;
        state.quiet_since = Instant::now();
        if let Some(due) = self.due {
            state.due.remove(&due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strangers::Strangers;

    const IDLE: Duration = Duration::from_secs(75);
    const WITHIN: Duration = Duration::from_secs(60);

    fn visit() -> (Arc<Visit>, Arc<Strangers>) {
        let strangers = Strangers::of(0);
        let stranger = strangers.enter("192.0.2.1".parse().unwrap()).unwrap();
        let limits = Limits { idle: IDLE, answer_within: WITHIN, ..Limits::default() };
        (Visit::begin_watched(&limits, stranger), strangers)
    }

    /// When it is overdue, where nothing more happens.
    fn overdue_at(visit: &Visit) -> Option<Instant> {
        let begun = Instant::now();
        let mut now = begun;
        for _ in 0..100 {
            match visit.next_look(now) {
                Some(next) => now = next,
                None => return Some(now),
            }
        }
        None
    }

    #[test]
    fn nothing_under_way_is_over_after_a_while() {
        let (visit, _) = visit();
        let since = visit.lock().quiet_since;
        assert_eq!(overdue_at(&visit), Some(since + IDLE));
        let follows = visit.follow();
        assert_eq!(overdue_at(&visit), None, "it follows");
        drop(follows);
        assert!(overdue_at(&visit).unwrap() >= since + IDLE);
    }

    #[test]
    fn an_answer_has_to_be_read_whatever_else_is_under_way() {
        let (visit, _) = visit();
        let _follows = visit.follow();
        let call = visit.call();
        let due = call.due.unwrap().0;
        let later = visit.call();
        assert_eq!(overdue_at(&visit), Some(due));
        drop(call);
        assert_eq!(overdue_at(&visit), Some(later.due.unwrap().0));
        drop(later);
        assert_eq!(overdue_at(&visit), None);
    }

    #[test]
    fn who_is_known_is_no_stranger() {
        let (visit, strangers) = visit();
        let enter = || strangers.enter("192.0.2.1".parse().unwrap());
        let others: Vec<_> = (0..7).map(|_| enter().unwrap()).collect();
        assert!(enter().is_none());
        visit.on_known();
        visit.on_known();
        assert!(enter().is_some());
        drop(others);
    }
}
