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
