//! Two revisions by two variants: where a rollout and a guarded release go on at the same time, whose the bad answers are.
//!
//! Four comparisons, each a [judge](crate::judge) of its own: the variant against the other one on stable and on the candidate, and the
//! candidate against stable for those without the variant and for those with it. A flag that is not worse than allowed on stable is
//! blamed with a probability of at most [`ALPHA`], a revision that is not worse than allowed without the variant as well. That
//! only both together fail is said once the comparison that either alone would leave even is not: at most [`ALPHA`] as well.

use serde::{Deserialize, Serialize};

use super::cells::{Fresh, window};
use crate::judge::{Decision, Judge, Policy, Tally, Window};
use crate::model::{RevisionNo, Verdict};

/// The probability that somebody innocent is ever blamed by one comparison.
pub const ALPHA: f64 = 0.005;
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    revisions: Option<(RevisionNo, RevisionNo)>,
    /// Raw counts: stable with and without the variant, the candidate with and without it.
    counts: [Tally; 4],
    flag_on_stable: Option<Comparison>,
    flag_on_candidate: Option<Comparison>,
    revision_without: Option<Comparison>,
    revision_with: Option<Comparison>,
}

/// One comparison: whether the one side is worse, and whether it is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Comparison {
    worse: Judge,
    fine: Judge,
}

impl Default for Comparison {
    fn default() -> Self {
        let policy = Policy { alpha_errors: ALPHA, distinct: true, ..Policy::default() };
        let fine = Policy { floor: MARGIN, ..policy.clone() };
        Comparison { worse: Judge::new(policy), fine: Judge::new(fine) }
    }
}

impl Comparison {
    fn take(&mut self, window: &Window) {
        self.worse.take(window);
        self.fine.take(window);
    }

    fn is_worse(&self) -> bool {
        self.worse.decided().verdict == Verdict::Abort
    }

    fn is_fine(&self) -> bool {
        self.fine.was_promoted() && !self.is_worse()
    }
}

impl Grid {
    /// A window. `stable` and `candidate`: with the variant, and without it. Other revisions begin anew.
    pub(super) fn take(
        &mut self,
        second: u64,
        revisions: (RevisionNo, RevisionNo),
        stable: &[Fresh; 2],
        candidate: &[Fresh; 2],
    ) {
        if self.revisions != Some(revisions) {
            *self = Grid { revisions: Some(revisions), ..Grid::default() };
        }
        let groups = [&stable[0], &stable[1], &candidate[0], &candidate[1]];
        for (sum, group) in self.counts.iter_mut().zip(groups) {
            *sum = sum.plus(&Tally::of(group.requests.iter().sum(), group.bad));
        }
        for (comparison, one, other) in [
            (&mut self.flag_on_stable, &stable[0], &stable[1]),
            (&mut self.flag_on_candidate, &candidate[0], &candidate[1]),
            (&mut self.revision_without, &candidate[1], &stable[1]),
            (&mut self.revision_with, &candidate[0], &stable[0]),
        ] {
            comparison.get_or_insert_default().take(&window(second, one, other));
        }
    }

    /// Whose the bad answers are, as far as is known.
    pub fn culprit(&self) -> Culprit {
        let is = |comparison: &Option<Comparison>, said: fn(&Comparison) -> bool| {
            comparison.as_ref().is_some_and(said)
        };
        let worse = |comparison| is(comparison, Comparison::is_worse);
        let (on_stable, on_candidate) = (worse(&self.flag_on_stable), worse(&self.flag_on_candidate));
        let (without, with) = (worse(&self.revision_without), worse(&self.revision_with));
        let all =
            [&self.flag_on_stable, &self.flag_on_candidate, &self.revision_without, &self.revision_with];
        match (on_stable, without) {
            (true, true) => Culprit::Each,
            (true, false) => Culprit::Flag,
            (false, true) if on_candidate => Culprit::Each,
            (false, true) => Culprit::Revision,
            (false, false) if on_candidate && with => Culprit::Together,
            (false, false) if all.iter().all(|one| is(one, Comparison::is_fine)) => Culprit::Neither,
            (false, false) => Culprit::Unknown,
        }
    }

    /// The revisions it is about: stable, candidate.
    pub fn revisions(&self) -> Option<(RevisionNo, RevisionNo)> {
        self.revisions
    }

    /// Requests of users who had no bad answer yet, and how many of these had their first: stable with and without the variant, the
    /// candidate with and without it.
    pub fn counts(&self) -> [Tally; 4] {
        self.counts
    }

    /// What each comparison says, in the order of [`Grid::decisions_about`].
    pub fn decisions(&self) -> [Option<Decision>; 4] {
        [&self.flag_on_stable, &self.flag_on_candidate, &self.revision_without, &self.revision_with]
            .map(|comparison| comparison.as_ref().map(|comparison| comparison.worse.decided()))
    }

    /// What the comparisons are about.
    pub const fn decisions_about() -> [&'static str; 4] {
        [
            "the variant on stable",
            "the variant on the candidate",
            "the candidate without the variant",
            "the candidate with the variant",
        ]
    }
}
