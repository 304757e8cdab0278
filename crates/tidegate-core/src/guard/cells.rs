//! From cells of users to a window for the judge: two groups of them, side by side.

use crate::judge::{Tally, Window};

/// Requests and bad answers of one group in one window, by cell; those of cells that count no more are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fresh {
    /// Requests of each cell that had any.
    pub(super) requests: Vec<u64>,
    /// Cells with a bad answer.
    pub(super) bad: u64,
}

impl Fresh {
    fn n(&self) -> u64 {
        self.requests.iter().sum()
    }

    /// How many of its cells have a bad answer where each request has one at this rate.
    fn expected(&self, rate: f64) -> f64 {
        self.requests.iter().map(|n| -f64::exp_m1(-rate * *n as f64)).sum()
    }
}

/// The window of a group against another.
///
/// A cell counts as bad once, however many of its requests are. Where cells have several requests in a window and much goes wrong,
/// the fuller cells of the larger group hide more than those of the smaller one, and an outage that hits both would look like the
/// smaller one's. So its fair share of `m` bad cells is what it would have of them if all requests failed at one rate, the rate
/// that leads to `m`; the other group's requests are counted down to that.
pub(super) fn window(second: u64, one: &Fresh, other: &Fresh) -> Window {
    let (n, mut against) = (one.n(), other.n());
    let m = one.bad + other.bad;
    if m > 1 && n > 0 && against > 0 {
        let rate = rate_of(m as f64, one, other);
        let (ours, theirs) = (one.expected(rate), other.expected(rate));
        let fair = (n as f64 * theirs / ours + 1e-6).floor();
        against = against.min(fair as u64).max(1);
    }
    Window { second, stable: Tally::of(against, other.bad), candidate: Tally::of(n, one.bad) }
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

    fn fresh(cells: usize, each: u64, bad: u64) -> Fresh {
        Fresh { requests: vec![each; cells], bad }
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
