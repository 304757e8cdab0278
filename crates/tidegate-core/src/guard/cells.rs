//! A set of cells of users.

use serde::{Deserialize, Serialize};

use crate::model::FLAG_CELLS;

const WORDS: usize = FLAG_CELLS / 64;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells([u64; WORDS]);

impl Cells {
    /// Whether a cell is among them.
    pub fn has(&self, cell: usize) -> bool {
        self.0.get(cell / 64).is_some_and(|word| word & 1 << (cell % 64) != 0)
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// How many are among the others as well.
    pub(super) fn in_common(&self, other: &Cells) -> u32 {
        self.0.iter().zip(other.0).map(|(one, other)| (one & other).count_ones()).sum()
    }

    /// Adds the cells that have any of these.
    pub(super) fn add_all(&mut self, counts: &[u64]) {
        counts.iter().enumerate().filter(|(_, count)| **count > 0).for_each(|(cell, _)| self.add(cell));
    }

    pub(super) fn add(&mut self, cell: usize) {
        if let Some(word) = self.0.get_mut(cell / 64) {
            *word |= 1 << (cell % 64);
        }
    }
}
