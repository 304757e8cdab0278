//! All evidence on one service of the environment: whether the variant is worse there, whether it is shown not to be, and whose the
//! bad answers are while it is rolled out.

use serde::{Deserialize, Serialize};

use super::cursor::Counted;
use super::exposure::Exposure;
use super::fresh::Fresh;
use super::grid::Blame;
use super::marks::Marks;
use super::pair::Pair;
use super::watching::ALPHA;
use super::{Beside, Culprit, Grid};
use crate::judge::{Count, Judge, Odds, Policy};
use crate::model::RevisionNo;

/// A variant may go to more users once it is shown that it is not so much worse, in bad answers per request.
const MARGIN: f64 = 0.01;
/// As many requests as would be there by the draw alone are counted in: a few say little about how many a user makes.
const DRAWN_IN: f64 = 64.0;

/// What is kept of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Service {
    /// The part of its evidence in that of all.
    pub(super) stake: f64,
    marks: Marks,
    /// Of those who have the variant, and of the others.
    exposures: [Exposure; 2],
    pair: Pair,
    /// Says whether the variant is worse.
    pub(super) against: Judge,
    /// Says whether it is good enough for more users.
    pub(super) growth: Judge,
    /// Whether it is rolled out now.
    pub(super) beside: bool,
    /// Rollouts beside the release so far.
    rollouts: u32,
    pub(super) grid: Option<Grid>,
}

/// How a window's users were drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    /// Seconds since any beginning.
    pub(super) second: u64,
    /// To 1, that a user has the variant.
    pub(super) odds: f64,
}

impl Service {
    /// Of which nothing is known yet.
    pub(super) fn new(stake: f64) -> Self {
        // A cell counts once, and who is in it is drawn by user.
        let policy = Policy { distinct: true, ..Policy::default() };
        Service {
            stake,
            marks: Marks::default(),
            exposures: Default::default(),
            pair: Pair::default(),
            against: Judge::new(policy.clone()),
            growth: Judge::new(Policy { floor: MARGIN, ..policy }),
            beside: false,
            rollouts: 0,
            grid: None,
        }
    }

    /// Takes what was counted since the last time.
    pub(super) fn take(&mut self, rows: &[&Counted], rollout: Option<&Beside>, draw: Draw) {
        let of = |on| Fresh::of(rows.iter().copied().filter(move |row| row.on == on), &self.marks);
        let (on, off) = (of(true), of(false));
        let [with, without] = &mut self.exposures;
        let requests = (with.take(&on.until_bad), without.take(&off.until_bad));
        let odds = self.odds(draw.odds);
        let now = Pair::of(requests, &on.bad, &off.bad);
        self.growth.take_drawn(&now.praise(draw.second, draw.odds), odds);
        self.pair.add(now);
        if let Some(window) = self.pair.against(draw.second, draw.odds) {
            self.against.take_drawn(&window, odds);
        }
        if let Some(rollout) = rollout {
            self.take_beside(rows, rollout, draw, odds);
        }
        rows.iter().for_each(|row| self.marks.mark(&row.requests, &row.bad));
        self.marks.renew();
    }

    /// The chance that a user has the variant, and what the requests say of it: where it makes its users ask for more, more of their
    /// answers are bad though none of them is worse.
    fn odds(&self, drawn: f64) -> Odds {
        let [with, without] = self.exposures.each_ref().map(|exposure| exposure.total() as f64);
        let by_draw = DRAWN_IN / (1.0 + drawn);
        let seen = (with + by_draw * drawn) / (without + by_draw);
        Odds { most: drawn.max(seen), least: drawn.min(seen) }
    }

    fn take_beside(&mut self, rows: &[&Counted], rollout: &Beside, draw: Draw, odds: Odds) {
        let Beside { stable, candidate, .. } = *rollout;
        if self.grid.as_ref().is_none_or(|grid| grid.revisions() != (stable, candidate)) {
            self.rollouts = self.rollouts.saturating_add(1);
            self.grid = Some(Grid::new((stable, candidate), self.alpha_of_a_rollout()));
        }
        let of = |revision: RevisionNo| {
            [true, false].map(|on| {
                let rows = rows.iter().copied();
                Fresh::of(rows.filter(move |row| row.revision == revision && row.on == on), &self.marks)
            })
        };
        let (stable, candidate) = (of(stable), of(candidate));
        if let Some(grid) = &mut self.grid {
            grid.take(draw, odds, &stable, &candidate);
        }
    }

    /// What each of the two comparisons that may turn the flag off risks: a half of what is kept for rollouts, this service's part
    /// of it, and less for each rollout than for the one before.
    fn alpha_of_a_rollout(&self) -> f64 {
        let n = f64::from(self.rollouts);
        ALPHA / 4.0 * self.stake / (n * (n + 1.0))
    }

    /// Whether it was shown that the variant is not much worse here.
    pub(super) fn is_shown(&self) -> bool {
        self.growth.was_promoted()
    }

    /// Requests of those with the variant that counted.
    pub(super) fn counted(&self) -> u64 {
        self.growth.totals().1.n
    }

    /// Whether so few of `all` requests with the variant are for this service that it would not be worse by anything that matters
    /// if every one of these failed.
    pub(super) fn is_beside_the_point(&self, all: u64) -> bool {
        self.counted() as f64 <= MARGIN * all as f64
    }

    /// The rollout in which the flag was found to be to blame, alone or not.
    pub(super) fn blame(&self) -> Option<Blame> {
        self.grid.as_ref().and_then(Grid::blame)
    }

    /// Whose the bad answers are.
    pub(super) fn culprit(&self) -> Culprit {
        self.grid.as_ref().map(Grid::culprit).unwrap_or_default()
    }

    /// The evidence against the variant.
    pub(super) fn evidence(&self) -> f64 {
        self.against.evidence(Count::ErrorRate).0.exp()
    }

    /// The largest evidence there is of anything that would turn it off.
    pub(super) fn doubt(&self) -> f64 {
        let beside = self.grid.as_ref().filter(|_| self.beside).map_or(0.0, Grid::against_the_flag);
        self.evidence().max(beside)
    }

    /// The share has grown, and with it who is counted on which side.
    pub(super) fn on_step(&mut self) {
        self.exposures = Default::default();
    }
}
