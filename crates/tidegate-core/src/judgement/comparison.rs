//! What is made of answers to copies: whether the candidate's differ from stable's more than stable's from each other.
//!
//! Of a request that is copied there are three answers: that which the client got, that of the candidate, and a second one
//! of stable. The share of requests in which the candidate's differs from the first is judged against the share in which stable's
//! own second one does, by the [judge](crate::judge) with "differs" for "bad".
//!
//! **Why that is fair.** Where the candidate answers as stable would, its answer and stable's second one come about in the same way
//! at the same time, so that it is a coin's toss which of the two is the odd one out: given that `m` of a window's answers
//! differ, half of them are the candidate's in expectation. That is the most that a bet takes for granted, whatever the share
//! of answers that differ by themselves is, however it moves, and however much the two have to do with each other. Only
//! requests with all three answers count, so there are as many of the one as of the other.

use serde::{Deserialize, Serialize};

use crate::judge::{Count, Decision, Judge, Policy, Tally, Window};
use crate::model::{
    Compared, Judged, Millionths, MirrorDifference, MirrorReport, RevisionNo, Strategy, Verdict,
};

/// How many answers that differed are kept.
const SAMPLES: usize = 16;
/// So many of them are named in a verdict.
const NAMED: usize = 3;
/// The judge takes no larger floor than that.
const LARGEST_FLOOR: f64 = 0.5;
/// The code of a verdict against answers.
pub const DIFFERS: &str = "answers-differ";

/// What is kept of it, a part of the rollout's judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    judge: Judge,
    /// The gateway process that `seen` is of.
    incarnation: String,
    seen: Compared,
    samples: Vec<MirrorDifference>,
}

/// What the gateway says of copies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied<'a> {
    /// Its process.
    pub(super) incarnation: &'a str,
    /// Of the service.
    pub(super) report: Option<&'a MirrorReport>,
    pub(super) stable: RevisionNo,
    pub(super) candidate: RevisionNo,
    pub(super) second: u64,
}

impl Comparison {
    /// Where the strategy judges answers. What was compared until now is no part of it.
    pub(super) fn begin(strategy: &Strategy, copied: &Copied<'_>) -> Option<Comparison> {
        let policy = policy_of_answers(strategy)?;
        let (incarnation, seen) = (copied.incarnation.to_owned(), copied.counts());
        Some(Comparison { judge: Judge::new(policy), incarnation, seen, samples: Vec::new() })
    }

    /// Takes what was compared since the last time.
    pub(super) fn take(&mut self, copied: &Copied<'_>) -> Option<Window> {
        if self.incarnation != copied.incarnation {
            copied.incarnation.clone_into(&mut self.incarnation);
            self.seen = Compared::default();
        }
        let now = copied.counts();
        let before = std::mem::replace(&mut self.seen, now.clone());
        let since = |of: fn(&Compared) -> u64| of(&now).saturating_sub(of(&before));
        let requests = since(|counts| counts.requests);
        if requests == 0 {
            return None;
        }
        let (candidate, stable) =
            (since(|counts| counts.candidate_differs), since(|counts| counts.stable_differs));
        let both = since(|counts| counts.both_differ);
        self.keep_samples(copied, candidate.saturating_sub(both));
        let window = Window {
            second: copied.second,
            stable: Tally::of(requests, stable.min(requests)),
            candidate: Tally::of(requests, candidate.min(requests)),
        };
        self.judge.take(&window);
        Some(window)
    }

    /// The newest of those the gateway has, as many as are new.
    fn keep_samples(&mut self, copied: &Copied<'_>, new: u64) {
        let Some(report) = copied.report else { return };
        let new = usize::try_from(new).unwrap_or(usize::MAX);
        let mine =
            |sample: &&MirrorDifference| copied.is_of(&sample.original.revision, &sample.copy.revision);
        let mut found: Vec<MirrorDifference> =
            report.latest.iter().rev().filter(mine).take(new).cloned().collect();
        found.reverse();
        self.samples.extend(found);
        let earlier = self.samples.len().saturating_sub(SAMPLES);
        self.samples.drain(..earlier);
    }

    /// What is said of the candidate's answers.
    pub(super) fn judged(&self) -> Judged {
        let decision = self.judge.decided();
        let code = match decision.verdict {
            Verdict::Continue => "",
            Verdict::Abort => DIFFERS,
            Verdict::Promote => "answers-alike",
            Verdict::Inconclusive => "inconclusive",
        };
        Judged {
            verdict: decision.verdict,
            code: code.to_owned(),
            message: self.message(&decision),
            instance: None,
        }
    }

    fn message(&self, decision: &Decision) -> String {
        let Decision { candidate_requests: all, candidate_bad: differ, stable_bad: own, .. } = *decision;
        if all == 0 {
            return "no request was copied and answered, so nothing was compared".to_owned();
        }
        let said = match decision.verdict {
            Verdict::Abort => "the candidate answers otherwise than stable: of",
            Verdict::Promote => "the candidate answers as stable does: of",
            Verdict::Continue | Verdict::Inconclusive => "until now, of",
        };
        let share = |differ: u64| differ as f64 * 100.0 / all as f64;
        let named = if decision.verdict == Verdict::Abort { self.named() } else { String::new() };
        format!(
            "{said} {all} answers {differ} differ ({:.2} %), of stable's own to the same requests {own} ({:.2} %) \
             (evidence {:.1} of {:.1}){named}",
            share(differ),
            share(own),
            decision.log_e,
            decision.threshold
        )
    }

    /// The newest samples in words, one of each place.
    fn named(&self) -> String {
        let mut told: Vec<String> = Vec::new();
        for sample in self.samples.iter().rev() {
            let line = sample.to_string();
            if told.len() < NAMED && !told.contains(&line) {
                told.push(line);
            }
        }
        if told.is_empty() { String::new() } else { format!(", like {}", told.join(", ")) }
    }

    /// The judge of it, for those who show what it makes of it.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The evidence against the answers, and what it has to reach.
    pub fn evidence(&self) -> (f64, f64) {
        self.judge.evidence(Count::ErrorRate)
    }

    /// Some of the answers that differed, oldest first.
    pub fn samples(&self) -> &[MirrorDifference] {
        &self.samples
    }
}

impl Copied<'_> {
    fn counts(&self) -> Compared {
        let all = self.report.iter().flat_map(|report| &report.compared);
        let mine = all.into_iter().find(|counts| self.is_of(&counts.stable, &counts.candidate));
        mine.cloned().unwrap_or_default()
    }

    fn is_of(&self, stable: &str, candidate: &str) -> bool {
        stable == self.stable.to_string() && candidate == self.candidate.to_string()
    }
}

/// What a strategy asks of the judge of answers, where it has one.
pub fn policy_of_answers(strategy: &Strategy) -> Option<Policy> {
    strategy.judge.max_differing.map(|most| policy_of(strategy, most))
}

/// Differing is what is bad, and a little of it may be.
fn policy_of(strategy: &Strategy, most: Millionths) -> Policy {
    let plain = super::policy_of(strategy);
    // Of a candidate that has no users nothing else is judged: all of the risk is here.
    let alpha = strategy.judge.alpha.as_f64() * super::of_answers(strategy);
    Policy { alpha_errors: alpha, floor: most.as_f64().min(LARGEST_FLOOR), ..plain }
}
