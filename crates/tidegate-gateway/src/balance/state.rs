//! What is learned of an arm. The registry keeps it through every table that has the arm.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::balance::{Circuit, Ward};

use super::line::Line;

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
        self.broken.store(!circuit.is_closed(), Ordering::Relaxed);
        result
    }

    pub(super) fn ward(&self) -> MutexGuard<'_, Ward> {
        self.ward.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
