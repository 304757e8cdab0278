//! Two revisions by two variants: where a rollout and a guarded release go on at the same time, whose the bad answers are.
//!
//! Four comparisons, each a [judge](crate::judge) of its own: the variant against the other one on stable and on the candidate, and the
//! candidate against stable for those without the variant and for those with it. That only both together fail is said once the
//! comparison that either alone would leave even is not.
//!
//! The first two may turn the flag off, so what they risk is part of what the whole release may: whoever makes a [`Grid`] says how
//! much. The last two hold a release up and nothing more.

use serde::{Deserialize, Serialize};

use super::fresh::{Fresh, window};
use super::pair::Pair;
use super::service::Draw;
use super::watching::ALPHA;
use crate::judge::{Decision, Judge, Odds, Policy, Tally};
use crate::model::{RevisionNo, Verdict};

/// Nobody is to blame once no comparison can be worse by so much.
const MARGIN: f64 = 0.01;

/// Whose the bad answers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Culprit {
    /// Not known yet, or no rollout goes on.
    #[default]
    Unknown,
    /// The flag's variant: on stable as well.
    Flag,
    /// The candidate: without the variant as well.
    Revision,
    /// Each of them by itself.
    Each,
    /// The variant on the candidate, and neither alone as far as is known.
    Together,
    /// Nobody: none is worse by anything that matters.
    Neither,
}

impl Culprit {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Culprit::Unknown => "not known yet",
            Culprit::Flag => "the flag",
            Culprit::Revision => "the revision",
            Culprit::Each => "the flag and the revision, each by itself",
            Culprit::Together => "the flag and the revision together",
            Culprit::Neither => "neither the flag nor the revision",
        }
    }
}

/// The state of the four comparisons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Stable, candidate.
    revisions: (RevisionNo, RevisionNo),
    /// Raw counts: stable with and without the variant, the candidate with and without it.
    counts: [Tally; 4],
    flag_on_stable: Comparison,
    flag_on_candidate: Comparison,
    revision_without: Comparison,
    revision_with: Comparison,
}

/// What a flag was found to do beside a rollout, for people: it is turned off for that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blame {
    /// Whose the bad answers are.
    pub culprit: Culprit,
    /// Stable, candidate.
    pub revisions: (RevisionNo, RevisionNo),
    /// Stable with and without the variant, the candidate with and without it.
    pub counts: [Tally; 4],
    /// The comparison that says so.
    pub decision: Decision,
}

/// One comparison: whether the one side is worse, and whether it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Comparison {
    pair: Pair,
    worse: Judge,
    fine: Judge,
}

impl Comparison {
    fn new(alpha: f64) -> Self {
        let policy = Policy { alpha_errors: alpha, distinct: true, ..Policy::default() };
        let fine = Policy { floor: MARGIN, ..policy.clone() };
        Comparison { pair: Pair::default(), worse: Judge::new(policy), fine: Judge::new(fine) }
    }

    /// Of two revisions.
    fn take(&mut self, second: u64, one: &Fresh, other: &Fresh) {
        let window = window(second, one, other);
        self.worse.take(&window);
        self.fine.take(&window);
    }

    /// Of those who have the variant and those who have not, as they were drawn.
    fn take_drawn(&mut self, draw: Draw, odds: Odds, [on, off]: &[Fresh; 2]) {
        let until_bad = |group: &Fresh| group.until_bad.iter().sum();
        let now = Pair::of((until_bad(on), until_bad(off)), &on.bad, &off.bad);
        self.fine.take_drawn(&now.praise(draw.second, draw.odds), odds);
        self.pair.add(now);
        if let Some(window) = self.pair.against(draw.second, draw.odds) {
            self.worse.take_drawn(&window, odds);
        }
    }

    fn is_worse(&self) -> bool {
        self.worse.decided().verdict == Verdict::Abort
    }

    fn is_fine(&self) -> bool {
        self.fine.was_promoted() && !self.is_worse()
    }
}

impl Grid {
    /// Of these revisions. `alpha`: what each of the two comparisons risks that may turn the flag off.
    pub(super) fn new(revisions: (RevisionNo, RevisionNo), alpha: f64) -> Self {
        Grid {
            revisions,
            counts: [Tally::default(); 4],
            flag_on_stable: Comparison::new(alpha),
            flag_on_candidate: Comparison::new(alpha),
            revision_without: Comparison::new(ALPHA),
            revision_with: Comparison::new(ALPHA),
        }
    }

    /// A window. `stable` and `candidate`: with the variant, and without it.
    pub(super) fn take(&mut self, draw: Draw, odds: Odds, stable: &[Fresh; 2], candidate: &[Fresh; 2]) {
        for (sum, group) in self.counts.iter_mut().zip(stable.iter().chain(candidate)) {
            *sum = sum.plus(&Tally::of(group.n(), group.bad()));
        }
        self.flag_on_stable.take_drawn(draw, odds, stable);
        self.flag_on_candidate.take_drawn(draw, odds, candidate);
        self.revision_without.take(draw.second, &candidate[1], &stable[1]);
        self.revision_with.take(draw.second, &candidate[0], &stable[0]);
    }

    /// Whose the bad answers are, as far as is known.
    pub fn culprit(&self) -> Culprit {
        let on_candidate = self.flag_on_candidate.is_worse();
        match (self.flag_on_stable.is_worse(), self.revision_without.is_worse()) {
            (true, true) => Culprit::Each,
            (true, false) => Culprit::Flag,
            (false, true) if on_candidate => Culprit::Each,
            (false, true) => Culprit::Revision,
            (false, false) if on_candidate && self.revision_with.is_worse() => Culprit::Together,
            (false, false) if self.all().into_iter().all(Comparison::is_fine) => Culprit::Neither,
            (false, false) => Culprit::Unknown,
        }
    }

    /// What is said of the flag, where it is to blame, alone or not.
    pub(super) fn blame(&self) -> Option<Blame> {
        let culprit = self.culprit();
        let is_the_flag = matches!(culprit, Culprit::Flag | Culprit::Together | Culprit::Each);
        let on_stable = self.flag_on_stable.is_worse();
        let comparison = if on_stable { &self.flag_on_stable } else { &self.flag_on_candidate };
        let (revisions, counts) = (self.revisions, self.counts);
        is_the_flag.then(|| Blame { culprit, revisions, counts, decision: comparison.worse.decided() })
    }

    /// The larger evidence of the two comparisons that may turn the flag off.
    pub(super) fn against_the_flag(&self) -> f64 {
        self.flag_on_stable.worse.charge().max(self.flag_on_candidate.worse.charge())
    }

    fn all(&self) -> [&Comparison; 4] {
        [&self.flag_on_stable, &self.flag_on_candidate, &self.revision_without, &self.revision_with]
    }

    /// The revisions it is about: stable, candidate.
    pub fn revisions(&self) -> (RevisionNo, RevisionNo) {
        self.revisions
    }

    /// Requests of users who had no bad answer yet, and how many of these had their first: stable with and without the variant, the
    /// candidate with and without it.
    pub fn counts(&self) -> [Tally; 4] {
        self.counts
    }
}
