//! Those who have the variant beside the others, until both were seen: then they are a window for a judge.

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use crate::judge::{Tally, Window};

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pair {
    on: Tally,
    off: Tally,
    /// Cells that were bad on both sides at once: nobody knows which was first. They are in neither of the two.
    both: u64,
}

impl Pair {
    /// What was seen at once: how many requests of each side count, and which cells had a bad answer.
    pub(super) fn of(requests: (u64, u64), on: &Cells, off: &Cells) -> Self {
        let both = u64::from(on.in_common(off));
        let bad = |cells: &Cells| u64::from(cells.count()) - both;
        Pair { on: Tally::of(requests.0, bad(on)), off: Tally::of(requests.1, bad(off)), both }
    }

    /// More of both sides.
    pub(super) fn add(&mut self, more: Pair) {
        self.on = self.on.plus(&more.on);
        self.off = self.off.plus(&more.off);
        self.both = self.both.saturating_add(more.both);
    }

    /// What accuses the variant, once both sides are there: what is not there cannot be compared with. No bad answer is left out because the
    /// other side was not there just then: that would leave out more of the one side's than of the other's.
    ///
    /// `odds`: to 1, that a user has the variant. The fuller a side, the likelier it is bad within the same window as the other
    /// one though it was first. So what was bad on both is nobody's where those with the variant are fewer, and the others' where
    /// they are more: either way no more of the first bad answers are with the variant than users have it.
    pub(super) fn against(&mut self, second: u64, odds: f64) -> Option<Window> {
        if self.on.n == 0 || self.off.n == 0 {
            return None;
        }
        let Pair { on, off, both } = std::mem::take(self);
        Some(window(second, on, off, if odds > 1.0 { both } else { 0 }))
    }

    /// What praises it. What was bad on both sides is the other way round.
    pub(super) fn praise(self, second: u64, odds: f64) -> Window {
        let on = Tally::of(self.on.n, self.on.bad + self.both);
        window(second, on, self.off, if odds > 1.0 { 0 } else { self.both })
    }
}

fn window(second: u64, on: Tally, off: Tally, bad_besides: u64) -> Window {
    Window { second, stable: Tally::of(off.n, off.bad + bad_besides), candidate: on }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(of: &[usize]) -> Cells {
        let mut cells = Cells::default();
        of.iter().for_each(|cell| cells.add(*cell));
        cells
    }

    #[test]
    fn it_waits_for_both_and_leaves_nothing_out() {
        let mut pair = Pair::default();
        pair.add(Pair::of((0, 5), &cells(&[]), &cells(&[1, 2])));
        assert_eq!(pair.against(1, 0.1), None);
        pair.add(Pair::of((1, 5), &cells(&[1]), &cells(&[1, 9])));
        let of = |on, off| Window { second: 2, stable: off, candidate: on };
        assert_eq!(pair.praise(2, 0.1), of(Tally::of(1, 1), Tally::of(10, 4)));
        assert_eq!(pair.praise(2, 9.0), of(Tally::of(1, 1), Tally::of(10, 3)));
        let mut again = pair;
        assert_eq!(pair.against(2, 0.1), Some(of(Tally::of(1, 0), Tally::of(10, 3))));
        assert_eq!(again.against(2, 9.0), Some(of(Tally::of(1, 0), Tally::of(10, 4))));
        assert_eq!(pair, Pair::default());
    }
}
