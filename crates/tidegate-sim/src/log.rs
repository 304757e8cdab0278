//! What happened in a run, line by line, for whoever has to understand it. Kept only where it is wanted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::time::Moment;

/// The lines. Clones write to the same place.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Lines>);

#[derive(Debug, Default)]
struct Lines {
    wanted: bool,
    now: AtomicU64,
    lines: Mutex<Vec<String>>,
}

impl Log {
    /// A log that keeps its lines, or one that drops them.
    pub fn new(wanted: bool) -> Self {
        Log(Arc::new(Lines { wanted, ..Lines::default() }))
    }

    /// The virtual time of the lines that follow.
    pub fn set_now(&self, now: Moment) {
        self.0.now.store(now.0, Ordering::Relaxed);
    }

    /// Adds a line.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if self.0.wanted {
            let now = self.0.now.load(Ordering::Relaxed);
            let line = format!("{:>4}.{:03} {}", now / 1_000, now % 1_000, line());
            self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
