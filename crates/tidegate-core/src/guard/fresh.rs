//! What counts of one group of users in one window, and two groups of requests side by side.

use super::cells::Cells;
use super::cursor::Counted;
use super::marks::Marks;
use crate::judge::{Tally, Window};
use crate::model::FLAG_CELLS;

/// Requests and bad answers of one group in one window, by cell; those of cells that count no more are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fresh {
    /// Requests of each cell.
    pub(super) requests: Vec<u64>,
    /// The same until the first bad one. When that was within the window nobody knows: one in so many was bad.
    pub(super) until_bad: Vec<u64>,
    /// Cells with a bad answer.
    pub(super) bad: Cells,
}

impl Default for Fresh {
    fn default() -> Self {
        let none = || vec![0; FLAG_CELLS];
        Fresh { requests: none(), until_bad: none(), bad: Cells::default() }
    }
}

impl Fresh {
    /// Of these rows together.
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a Counted>, marks: &Marks) -> Self {
        let (mut fresh, mut bad) = (Fresh::default(), vec![0_u64; FLAG_CELLS]);
        for row in rows {
            add(&mut fresh.requests, &row.requests, marks);
            add(&mut bad, &row.bad, marks);
        }
        fresh.bad.add_all(&bad);
        let until = fresh.requests.iter().zip(bad).map(|(n, bad)| n.div_ceil(bad.max(1)));
        fresh.until_bad = until.collect();
        fresh
    }

    /// All of its requests.
    pub(super) fn n(&self) -> u64 {
        self.requests.iter().sum()
    }

    /// How many of its cells have a bad answer.
    pub(super) fn bad(&self) -> u64 {
        self.bad.count().into()
    }

    /// How many of its cells have a bad answer where each request has one at this rate.
    fn expected(&self, rate: f64) -> f64 {
        self.requests.iter().map(|n| -f64::exp_m1(-rate * *n as f64)).sum()
    }
}

/// Adds what there is of cells that still count.
fn add(sums: &mut [u64], more: &[u64], marks: &Marks) {
    let each = sums.iter_mut().zip(more).enumerate().filter(|(cell, _)| !marks.has(*cell));
    each.for_each(|(_, (sum, more))| *sum = sum.saturating_add(*more));
}

/// The window of a group against another, where nobody was drawn into either: of two revisions.
///
/// A cell counts as bad once, however many of its requests are. Where cells have several requests in a window and much goes wrong,
/// the fuller cells of the larger group hide more than those of the smaller one, and an outage that hits both would look like the
/// smaller one's. So its fair share of `m` bad cells is what it would have of them if all requests failed at one rate, the rate
/// that leads to `m`; the other group's requests are counted down to that.
pub(super) fn window(second: u64, one: &Fresh, other: &Fresh) -> Window {
    let (n, mut against) = (one.n(), other.n());
    let m = one.bad() + other.bad();
    if m > 1 && n > 0 && against > 0 {
        let rate = rate_of(m as f64, one, other);
        let (ours, theirs) = (one.expected(rate), other.expected(rate));
        let fair = (n as f64 * theirs / ours + 1e-6).floor();
        against = against.min(fair as u64).max(1);
    }
    Window { second, stable: Tally::of(against, other.bad()), candidate: Tally::of(n, one.bad()) }
}

/// The rate at which so many cells have a bad answer, by halving.
fn rate_of(m: f64, one: &Fresh, other: &Fresh) -> f64 {
    const HIGHEST: f64 = 16.0;
    let (mut low, mut high) = (0.0, HIGHEST);
    for _ in 0..30 {
        let middle = (low + high) / 2.0;
        if one.expected(middle) + other.expected(middle) < m { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(cells: usize, each: u64, bad: usize) -> Fresh {
        let mut fresh = Fresh::default();
        fresh.requests[..cells].fill(each);
        (0..bad).for_each(|cell| fresh.bad.add(cell));
        fresh
    }

    #[test]
    fn where_little_goes_wrong_requests_are_what_counts() {
        let window = window(1, &fresh(50, 1, 1), &fresh(200, 2, 0));
        assert_eq!((window.candidate, window.stable), (Tally::of(50, 1), Tally::of(400, 0)));
    }

    #[test]
    fn in_an_outage_of_everybody_each_has_its_share_of_the_cells() {
        // All 256 cells of both sides are bad, though the one has four times the requests: nobody is to blame.
        let all = window(1, &fresh(256, 1, 256), &fresh(256, 4, 256));
        assert!(all.stable.n <= 257 && all.candidate.n == 256, "{all:?}");
        // Half of them: the rate is known, and what is fair lies between.
        let half = window(1, &fresh(256, 1, 70), &fresh(256, 4, 186));
        assert!((600..800).contains(&half.stable.n), "{half:?}");
    }

    #[test]
    fn nobody_there_is_nobody_there() {
        let window = window(1, &Fresh::default(), &fresh(10, 1, 3));
        assert_eq!((window.candidate.n, window.stable.n), (0, 10));
    }
}
