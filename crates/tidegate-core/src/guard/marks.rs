//! Which cells of users had a bad answer already: they count no more.

use serde::{Deserialize, Serialize};

use super::cells::Fresh;
use crate::model::FLAG_CELLS;

const WORDS: usize = FLAG_CELLS / 64;
/// With half of a variant's cells marked there is too little left to see, and all begin again: a user who always fails counts once
/// more only after half of the others have failed as well. But not while so few are marked.
const FEWEST: u32 = 32;

/// A set of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells([u64; WORDS]);

/// The marked cells of those who have the variant, and of those who have the other one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    on: Group,
    off: Group,
}

/// The cells of those who have one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    /// Those that had a bad answer.
    marked: Cells,
    /// Those that had any.
    seen: Cells,
}

impl Cells {
    /// Whether a cell is among them.
    pub fn has(&self, cell: usize) -> bool {
        self.0.get(cell / 64).is_some_and(|word| word & 1 << (cell % 64) != 0)
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Adds the cells that have any of these.
    pub(super) fn add_all(&mut self, counts: &[u64]) {
        counts.iter().enumerate().filter(|(_, count)| **count > 0).for_each(|(cell, _)| self.add(cell));
    }

    fn add_those(&mut self, other: &Cells) {
        self.0.iter_mut().zip(other.0).for_each(|(word, its)| *word |= its);
    }

    fn add(&mut self, cell: usize) {
        if let Some(word) = self.0.get_mut(cell / 64) {
            *word |= 1 << (cell % 64);
        }
    }
}

impl Group {
    fn is_worn(&self) -> bool {
        let marked = self.marked.count();
        marked >= FEWEST && 2 * marked > self.seen.count()
    }
}

impl Marks {
    /// What counts of one group's window.
    pub(super) fn fresh(&self, on: bool, requests: &[u64], bad: &[u64]) -> Fresh {
        let marked = if on { &self.on.marked } else { &self.off.marked };
        let counted = || requests.iter().enumerate().filter(|(cell, n)| **n > 0 && !marked.has(*cell));
        let is_bad = |cell: &usize| bad.get(*cell).is_some_and(|bad| *bad > 0);
        Fresh {
            requests: counted().map(|(_, n)| *n).collect(),
            bad: counted().filter(|(cell, _)| is_bad(cell)).count() as u64,
        }
    }

    /// Marks the cells with a bad answer: they have been counted.
    pub(super) fn mark(&mut self, on: bool, requests: &[u64], bad: &[u64]) {
        let group = if on { &mut self.on } else { &mut self.off };
        group.seen.add_all(requests);
        group.marked.add_all(bad);
    }

    /// The share has grown: users go over from the one group to the other, and those who have been counted stay counted. Else each
    /// who always fails would be counted once more, and always against the variant.
    pub(super) fn share(&mut self) {
        let mut both = self.on;
        both.marked.add_those(&self.off.marked);
        both.seen.add_those(&self.off.seen);
        (self.on, self.off) = (both, both);
    }

    /// Begins again where too many are marked. Call it between two windows.
    pub(super) fn renew(&mut self) {
        if [self.on, self.off].iter().any(Group::is_worn) {
            *self = Marks::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_counts_as_bad_once_and_not_at_all_after_that() {
        let mut marks = Marks::default();
        let (requests, bad) = ([5, 0, 2, 1], [4, 0, 0, 1]);
        let fresh = marks.fresh(true, &requests, &bad);
        assert_eq!((fresh.requests.clone(), fresh.bad), (vec![5, 2, 1], 2));
        marks.mark(true, &requests, &bad);
        assert_eq!(marks.fresh(true, &requests, &bad), Fresh { requests: vec![2], bad: 0 });
        assert_eq!(marks.fresh(false, &requests, &bad), fresh);
    }

    #[test]
    fn who_was_counted_is_not_counted_again_on_the_other_side() {
        let mut marks = Marks::default();
        let (requests, bad) = ([1, 1, 1], [0, 1, 0]);
        marks.mark(false, &requests, &bad);
        assert_eq!(marks.fresh(true, &requests, &bad).bad, 1);
        marks.share();
        assert_eq!(marks.fresh(true, &requests, &bad), Fresh { requests: vec![1, 1], bad: 0 });
    }

    #[test]
    fn all_begin_again_once_half_are_marked() {
        let mut marks = Marks::default();
        let first = |count: usize| (0..FLAG_CELLS).map(|cell| u64::from(cell < count)).collect::<Vec<u64>>();
        marks.mark(false, &first(30), &first(30));
        marks.renew();
        marks.mark(false, &first(256), &first(128));
        marks.renew();
        assert_eq!(marks.off.marked.count(), 128);
        marks.mark(false, &first(256), &first(129));
        marks.renew();
        assert_eq!(marks, Marks::default());
    }
}
