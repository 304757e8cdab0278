//! What is learned of an arm. The registry keeps it through every table that has the arm.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::balance::{Circuit, Ward};
use tidegate_core::model::Outliers;

use super::line::Line;
use crate::route::Place;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct ArmState {
    turns: AtomicU64,
    inflight: AtomicU32,
    /// Whether the circuit lets requests pass unasked.
    broken: AtomicBool,
    circuit: Mutex<Circuit>,
    ward: Mutex<Ward>,
    pub(super) line: Line,
}

impl ArmState {
    /// Whose turn it is.
    pub(super) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Requests in flight, where the policy needs to know.
    pub(super) fn inflight(&self) -> u32 {
        self.inflight.load(Ordering::Relaxed)
    }

    pub(super) fn enter(&self) {
        self.inflight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.inflight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether requests are to ask the circuit one by one.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Does something with the circuit.
    pub(super) fn circuit<T>(&self, go: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        let result = go(&mut circuit);
        let broken = !circuit.is_closed();
        if self.broken.load(Ordering::Relaxed) != broken {
            self.broken.store(broken, Ordering::Relaxed);
        }
        result
    }

    /// A table has other places or other rules for the arm.
    pub(crate) fn on_table(&self, rules: Option<&Outliers>, places: &[Place], now: u64) {
        let members: Vec<u64> = places.iter().map(|place| place.endpoint.uid).collect();
        let back = match rules {
            Some(rules) => self.ward().on_members(&members, rules.max_share, now),
            None => self.ward().clear(now),
        };
        for place in places.iter().filter(|place| back.contains(&place.endpoint.uid)) {
            place.endpoint.health.set_out(0);
        }
    }

    /// Endpoints that are left out.
    pub(crate) fn ejected(&self, now: u64) -> Vec<u64> {
        self.ward().out(now).map(|(endpoint, _)| endpoint).collect()
    }

    pub(super) fn ward(&self) -> MutexGuard<'_, Ward> {
        self.ward.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
