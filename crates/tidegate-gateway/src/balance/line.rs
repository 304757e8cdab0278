//! The queue of an arm whose endpoints have all they may have: first come, first served, over all workers.
//!
//! Nobody is forgotten: who leaves an endpoint gives up the place first and looks for waiters then; who comes to wait
//! stands in line first and looks for places then. Whichever is second sees the other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::{ArmState, Shared, micros};
use crate::endpoint::Endpoint;

/// What a waiter is told.
#[derive(Debug)]
pub(crate) enum Call {
    /// There is a place for it.
    Seat(Seat),
    /// The arm is gone: it may ask anew.
    Again,
    /// Nothing came free in time.
    Late,
}

/// A place on an endpoint that is taken, for somebody who does not know it yet. Dropped, it goes to the next.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) endpoint: Arc<Endpoint>,
    state: Arc<ArmState>,
    limit: u32,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.endpoint.leave();
        self.state.call(&self.endpoint, self.limit);
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How many are in `queue`, to be read without its lock.
    waiting: AtomicU32,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiters: VecDeque<(u64, oneshot::Sender<Call>)>,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody in line.
#[derive(Debug)]
pub(crate) struct Waiter {
    id: u64,
    state: Arc<ArmState>,
    shared: Arc<Shared>,
    call: oneshot::Receiver<Call>,
    deadline: Instant,
}

impl Waiter {
    /// Waits for its call.
    pub(crate) async fn wait(mut self) -> Call {
        let deadline = tokio::time::Instant::from_std(self.deadline);
        match tokio::time::timeout_at(deadline, &mut self.call).await {
            Ok(call) => call.unwrap_or(Call::Again),
            Err(_) => Call::Late,
        }
    }

    /// Until when it waits.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.shared.quit();
        let line = &self.state.line;
        let mut queue = line.lock();
        // Not there any more: it was called, and what it was given goes on with `call`.
        if let Some(index) = queue.waiters.iter().position(|(id, _)| *id == self.id) {
            queue.waiters.remove(index);
            line.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl ArmState {
    /// Whether somebody waits.
    pub(crate) fn has_line(&self) -> bool {
        self.line.waiting.load(Ordering::SeqCst) > 0
    }

    /// Stands in line, where `shared` has room for one of `most`. Look for places with [`ArmState::call`] afterwards.
    pub(super) fn join(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        most: u32,
        deadline: Instant,
    ) -> Option<Waiter> {
        if !shared.join(most) {
            return None;
        }
        let (sender, call) = oneshot::channel();
        let mut queue = self.line.lock();
        let id = queue.next;
        queue.next += 1;
        queue.waiters.push_back((id, sender));
        self.line.waiting.fetch_add(1, Ordering::SeqCst);
        Some(Waiter { id, state: self.clone(), shared: shared.clone(), call, deadline })
    }

    /// Gives the endpoint's free places to those who wait. Call it after a place came free.
    pub(crate) fn call(self: &Arc<Self>, endpoint: &Arc<Endpoint>, limit: u32) {
        if !self.has_line() || endpoint.is_gone() || !endpoint.health.is_up(micros(Instant::now())) {
            return;
        }
        // A seat that nobody takes looks for the next itself when it is dropped; not under the lock.
        let mut unclaimed = Vec::new();
        let mut queue = self.line.lock();
        while !queue.waiters.is_empty() && endpoint.try_enter(limit) {
            let seat = Seat { endpoint: endpoint.clone(), state: self.clone(), limit };
            let Some((_, waiter)) = queue.waiters.pop_front() else { break };
            self.line.waiting.fetch_sub(1, Ordering::SeqCst);
            unclaimed.extend(waiter.send(Call::Seat(seat)).err());
        }
        drop(queue);
    }

    /// The arm is in no table any more: everybody in line asks anew.
    pub(crate) fn dismiss(&self) {
        let waiters = {
            let mut queue = self.line.lock();
            self.line.waiting.store(0, Ordering::SeqCst);
            std::mem::take(&mut queue.waiters)
        };
        for (_, waiter) in waiters {
            // Nobody waits any more: just as well.
            let _ = waiter.send(Call::Again);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate_core::model::{Address, InstanceId};
    use tokio::sync::Notify;

    use super::*;

    fn endpoint() -> Arc<Endpoint> {
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        Arc::new(Endpoint::new(1, InstanceId("web-1".into()), address, Arc::new(Notify::new())))
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn leave(state: &Arc<ArmState>, endpoint: &Arc<Endpoint>, limit: u32) {
        endpoint.leave();
        state.call(endpoint, limit);
    }

    #[test]
    fn first_come_first_served_and_who_left_is_passed_over() {
        let (state, shared, endpoint) = (Arc::new(ArmState::default()), Arc::new(Shared::new(1)), endpoint());
        assert!(endpoint.try_enter(1));
        let mut waiters: Vec<Waiter> = (0..4).map(|_| state.join(&shared, 4, soon()).unwrap()).collect();
        assert!(state.join(&shared, 4, soon()).is_none(), "the line is full");
        drop(waiters.remove(1));
        leave(&state, &endpoint, 1);
        let runtime = runtime();
        for (waiter, others) in waiters.into_iter().zip([2, 1, 0]) {
            assert_eq!(state.line.lock().waiters.len(), others);
            let call = runtime.block_on(waiter.wait());
            assert!(matches!(call, Call::Seat(_)));
            assert_eq!(endpoint.inflight(), 1);
        }
        assert!(!state.has_line() && endpoint.inflight() == 0);
    }

    #[test]
    fn who_is_late_or_dismissed_is_told() {
        let (state, shared, endpoint) = (Arc::new(ArmState::default()), Arc::new(Shared::new(1)), endpoint());
        assert!(endpoint.try_enter(1));
        let late = state.join(&shared, 9, Instant::now()).unwrap();
        assert!(matches!(runtime().block_on(late.wait()), Call::Late));
        let waiter = state.join(&shared, 9, soon()).unwrap();
        state.dismiss();
        assert!(matches!(runtime().block_on(waiter.wait()), Call::Again));
        assert!(!state.has_line());
    }

    #[test]
    fn an_endpoint_that_left_calls_nobody() {
        let (state, shared, endpoint) = (Arc::new(ArmState::default()), Arc::new(Shared::new(1)), endpoint());
        assert!(endpoint.try_enter(1));
        let _waiter = state.join(&shared, 1, soon()).unwrap();
        endpoint.set_gone(true);
        leave(&state, &endpoint, 1);
        assert_eq!(endpoint.inflight(), 0);
    }

    /// One visitor of a narrow place: in at once, in line, or in line and gone again.
    async fn visit(state: &Arc<ArmState>, shared: &Arc<Shared>, endpoint: &Arc<Endpoint>, n: u32) -> bool {
        if !state.has_line() && endpoint.try_enter(2) {
            assert!(endpoint.inflight() <= 2);
            leave(state, endpoint, 2);
            return true;
        }
        let waiter = state.join(shared, 1_000, soon()).unwrap();
        state.call(endpoint, 2);
        if n.is_multiple_of(7) {
            // Whether it was called or not: the next must be.
            drop(waiter);
            return true;
        }
        let call = waiter.wait().await;
        assert!(endpoint.inflight() <= 2);
        matches!(call, Call::Seat(_))
    }

    #[test]
    fn nobody_is_forgotten_by_many_threads() {
        let (state, shared, endpoint) = (Arc::new(ArmState::default()), Arc::new(Shared::new(1)), endpoint());
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (state, shared, endpoint) = (state.clone(), shared.clone(), endpoint.clone());
                std::thread::spawn(move || {
                    let visits = async { visit_often(&state, &shared, &endpoint).await };
                    runtime().block_on(visits)
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 5_000);
        }
        assert!(!state.has_line() && endpoint.inflight() == 0);
        assert!(shared.join(1), "the line's length is counted down again");
    }

    async fn visit_often(state: &Arc<ArmState>, shared: &Arc<Shared>, endpoint: &Arc<Endpoint>) -> u32 {
        let mut served = 0;
        for n in 0..5_000 {
            served += u32::from(visit(state, shared, endpoint, n).await);
        }
        served
    }
}
