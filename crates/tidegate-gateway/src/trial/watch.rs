//! A request that may count, until the head of its answer is here.

use std::sync::Arc;
use std::time::Instant;

use tidegate_core::model::OutcomeRule;

use super::Cells;

/// See the module. Dropped without an answer it counts for nothing.
#[derive(Debug)]
pub(crate) struct Watch {
    rules: Arc<[OutcomeRule]>,
    cells: Arc<Cells>,
    cell: u8,
    /// The rules that it may count for, a bit each.
    wanted: u8,
    since: Instant,
}

impl Watch {
    pub(super) fn new(rules: Arc<[OutcomeRule]>, cells: Arc<Cells>, cell: u8, wanted: u8) -> Self {
        Watch { rules, cells, cell, wanted, since: Instant::now() }
    }

    /// The head of the answer is here.
    pub(crate) fn on_status(self, status: u16) {
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let wanted = self.rules.iter().enumerate().filter(|(place, _)| self.wanted & 1 << place != 0);
        for (place, _) in wanted.filter(|(_, rule)| rule.counts(status, ms)) {
            self.cells.on_counted(place, self.cell);
        }
    }
}
