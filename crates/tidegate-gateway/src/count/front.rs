//! The tallies of all workers, as the control side holds them.

use std::sync::Arc;

use tidegate_core::model::FrontCounts;

use super::Tally;
use crate::observe::LogCounts;

/// See the module.
#[derive(Debug)]
pub(crate) struct Front {
    tallies: Vec<Arc<Tally>>,
    log: Arc<LogCounts>,
}

impl Front {
    pub(crate) fn new(workers: usize) -> Self {
        Front { tallies: (0..workers).map(|_| Arc::default()).collect(), log: Arc::default() }
    }

    /// What a worker counts on.
    pub(crate) fn tally(&self, worker: usize) -> Arc<Tally> {
        self.tallies[worker].clone()
    }

    /// What becomes of the lines of the access log.
    pub(crate) fn log(&self) -> &Arc<LogCounts> {
        &self.log
    }

    /// Requests that no route matched.
    pub(crate) fn unrouted(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.unrouted()).sum()
    }

    pub(crate) fn counts(&self) -> FrontCounts {
        let (log_lines, log_lines_lost) = (self.log.written(), self.log.lost());
        let mut counts = FrontCounts { log_lines, log_lines_lost, ..FrontCounts::default() };
        self.tallies.iter().for_each(|tally| tally.add_to(&mut counts));
        counts
    }
}
