//! Which cells of users had a bad answer already: they count no more, whichever variant it was with.
//!
//! A cell stands for its users, of whom some have the variant and some have not. Whose answer was bad first is drawn like the
//! users themselves: of the first bad answers as many are with the variant as users have it, however much each of them asks for and
//! however often it fails for them. What comes after the first says nothing of that kind, so it is left out on both sides.

use serde::{Deserialize, Serialize};

use super::cells::Cells;

/// With half of all cells marked there is too little left to see, and all begin again: a user who always fails counts once more
/// only after half of the others have failed as well. But not while so few are marked.
const FEWEST: u32 = 32;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Those that had a bad answer.
    marked: Cells,
    /// Those that had any.
    seen: Cells,
}

impl Marks {
    /// Whether a cell counts no more.
    pub(super) fn has(&self, cell: usize) -> bool {
        self.marked.has(cell)
    }

    /// Marks the cells with a bad answer: they have been counted.
    pub(super) fn mark(&mut self, requests: &[u64], bad: &[u64]) {
        self.seen.add_all(requests);
        self.marked.add_all(bad);
    }

    /// Begins again where too many are marked. Call it between two windows.
    pub(super) fn renew(&mut self) {
        let marked = self.marked.count();
        if marked >= FEWEST && 2 * marked > self.seen.count() {
            *self = Marks::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FLAG_CELLS;

    #[test]
    fn who_was_counted_is_not_counted_again() {
        let mut marks = Marks::default();
        marks.mark(&[5, 0, 2, 1], &[4, 0, 0, 1]);
        assert_eq!([0, 1, 2, 3].map(|cell| marks.has(cell)), [true, false, false, true]);
        marks.mark(&[1, 1, 1, 1], &[0, 0, 1, 0]);
        assert_eq!([0, 1, 2, 3].map(|cell| marks.has(cell)), [true, false, true, true]);
    }

    #[test]
    fn all_begin_again_once_half_are_marked() {
        let mut marks = Marks::default();
        let first = |count: usize| (0..FLAG_CELLS).map(|cell| u64::from(cell < count)).collect::<Vec<u64>>();
        marks.mark(&first(30), &first(30));
        marks.renew();
        marks.mark(&first(256), &first(128));
        marks.renew();
        assert_eq!(marks.marked.count(), 128);
        marks.mark(&first(256), &first(129));
        marks.renew();
        assert_eq!(marks, Marks::default());
    }
}
