//! How many instances of each revision there should be now, and who gets traffic: one function a strategy.

use crate::model::{Phase, Strategy, StrategyKind};

use super::groups::Counts;
use super::stage::Share;

/// Where a service should be going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Stable instances: at most this many.
    pub stable: u32,
    /// Whether missing stable instances are created.
    pub ensure_stable: bool,
    /// Candidate instances.
    pub candidate: u32,
    /// All instances together, stopping ones too, never more than this.
    pub most: Option<u32>,
    /// Whether two instances cannot run side by side.
    pub exclusive: bool,
    /// Who gets requests.
    pub traffic: Traffic,
}

/// Who gets requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Stable alone.
    Stable,
    /// Every ready instance, stable or candidate, its equal share.
    Mixed,
    /// The candidate this share, stable the rest.
    Split {
        /// The candidate's, in percent.
        candidate: u32,
        /// Whether the candidate is reached by more than its share, be that 0.
        aside: bool,
        /// Whether candidates of its train call it, so that users meet it, be its share 0.
        called: bool,
    },
    /// The candidate alone.
    Candidate,
    /// No one: the candidate has no instances.
    Nobody,
}

/// What a shape is made from.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// The strategy.
    pub strategy: &'a Strategy,
    /// Stable instances wanted while it serves alone.
    pub stable: u32,
    /// Candidate instances wanted in the end.
    pub candidate: u32,
    /// Whether nothing of the service is to run just now, and the candidate only shows that it can.
    pub proves_only: bool,
    /// Whether two instances cannot run side by side.
    pub exclusive: bool,
    /// Whether it is requests that it works on.
    pub takes_requests: bool,
    /// Whether there is a stable revision.
    pub has_stable: bool,
    /// What the steps so far ask for; `None` where the strategy has none, or they mean nothing here.
    pub share: Option<Share>,
    /// Whether the candidate that is taken back is still to be reached by the lane of its train.
    pub bound: bool,
    /// The candidate's share as last decided, in percent.
    pub candidate_percent: u32,
    /// What there is.
    pub counts: Counts,
    /// Whether the candidate has a share of the traffic.
    pub candidate_has_traffic: bool,
    /// Whether an answer is waited for before it gets more. What has nothing yet gets its first: else there might be nothing to
    /// answer about.
    pub held: bool,
}

/// A service without a rollout.
pub fn idle(stable: u32, exclusive: bool) -> Shape {
    let most = exclusive.then_some(stable);
    Shape { stable, ensure_stable: true, candidate: 0, most, exclusive, traffic: Traffic::Stable }
}

/// A rollout on its way. `phase` is not final and not aborting.
pub fn of_phase(goal: &Goal<'_>, phase: Phase, resume_to: Option<Phase>) -> Shape {
    match phase {
        Phase::Pending => Shape { candidate: 0, ..blue_green(goal) },
        Phase::Progressing => progressing(goal),
        Phase::Promoting => promoting(goal),
        Phase::Paused if resume_to == Some(Phase::Promoting) => promoting(goal),
        // What a step asks for does not move by itself.
        Phase::Paused if goal.share.is_some() => progressing(goal),
        Phase::Paused => held(goal),
        Phase::Aborting => aborting(goal),
        Phase::Succeeded | Phase::Aborted | Phase::Failed | Phase::Superseded => {
            idle(goal.stable, goal.exclusive)
        }
    }
}

/// Whether the strategy keeps the stable set untouched until the candidate has proved itself.
pub fn keeps_stable_warm(kind: StrategyKind) -> bool {
    match kind {
        StrategyKind::AllAtOnce
        | StrategyKind::Immutable
        | StrategyKind::BlueGreen
        | StrategyKind::Canary
        | StrategyKind::Phased
        | StrategyKind::AB
        | StrategyKind::ParallelRun
        | StrategyKind::ParallelAdoption => true,
        StrategyKind::Rolling | StrategyKind::RollingWithExtraBatch => false,
    }
}

/// Whether every candidate that is wanted takes requests, so that the candidate can have all the traffic.
pub fn complete(goal: &Goal<'_>) -> bool {
    let count = goal.counts.candidate;
    count.ready >= goal.candidate && count.wanted >= goal.candidate
}

fn progressing(goal: &Goal<'_>) -> Shape {
    if !goal.has_stable {
        // Nothing serves yet: everything starts at once and takes requests as soon as it can.
        return all_at_once(goal);
    }
    if goal.exclusive {
        return one_after_the_other(goal);
    }
    if goal.proves_only {
        // Without requests, whatever the strategy.
        return blue_green(goal);
    }
    if let Some(share) = &goal.share {
        return by_steps(goal, share);
    }
    match goal.strategy.kind {
        StrategyKind::AllAtOnce
        | StrategyKind::Canary
        | StrategyKind::Phased
        | StrategyKind::AB
        | StrategyKind::ParallelRun
        | StrategyKind::ParallelAdoption => all_at_once(goal),
        StrategyKind::Rolling => rolling(goal),
        StrategyKind::RollingWithExtraBatch => rolling_with_extra_batch(goal),
        StrategyKind::Immutable => immutable(goal),
        StrategyKind::BlueGreen => blue_green(goal),
    }
}

/// Stable leaves before the candidate comes: they cannot run side by side.
fn one_after_the_other(goal: &Goal<'_>) -> Shape {
    Shape {
        stable: 0,
        ensure_stable: false,
        candidate: goal.candidate,
        most: Some(goal.candidate),
        exclusive: true,
        traffic: Traffic::Mixed,
    }
}

fn blue_green(goal: &Goal<'_>) -> Shape {
    Shape {
        stable: goal.stable,
        ensure_stable: true,
        candidate: goal.candidate,
        most: goal.exclusive.then_some(goal.stable.max(goal.candidate)),
        exclusive: goal.exclusive,
        traffic: Traffic::Stable,
    }
}

fn all_at_once(goal: &Goal<'_>) -> Shape {
    Shape { traffic: Traffic::Mixed, ..blue_green(goal) }
}

/// The candidate beside the whole stable set, with its share once it has the instances for it; until then it keeps what it
/// had. A worker's instances share its work out by themselves: stable makes room for the candidate's, but for one.
fn by_steps(goal: &Goal<'_>, share: &Share) -> Shape {
    let ready = goal.counts.candidate.ready;
    let able = ready >= share.candidates;
    let had = goal.candidate_percent.max(share.before);
    let most = match (able, goal.held && had > 0) {
        (false, _) => goal.candidate_percent,
        (true, true) => had,
        (true, false) => share.percent,
    };
    let percent = share.percent.min(most);
    let room = goal.stable.saturating_sub(ready.min(share.candidates)).max(goal.stable.min(1));
    // Where a step asks for fewer, those that are too many stay until stable's are ready for their work: with nothing of stable
    // ready they have all the requests, whatever their share.
    let kept = goal.stable.saturating_sub(goal.counts.stable.ready).min(ready);
    Shape {
        stable: if share.takes_requests { goal.stable } else { room },
        ensure_stable: true,
        candidate: share.candidates.max(kept),
        most: None,
        exclusive: false,
        traffic: Traffic::Split { candidate: percent, aside: share.aside, called: share.called },
    }
}

fn immutable(goal: &Goal<'_>) -> Shape {
    let counts = goal.counts.candidate;
    let proven = (counts.ready >= 1 && !goal.held) || counts.wanted > 1;
    let candidate = if proven { goal.candidate } else { goal.candidate.min(1) };
    Shape { candidate, traffic: Traffic::Mixed, ..blue_green(goal) }
}

fn rolling(goal: &Goal<'_>) -> Shape {
    let room = goal.stable.max(goal.candidate);
    let candidate = next_batch(goal);
    Shape {
        stable: goal.stable.min(room - candidate.min(room)),
        ensure_stable: false,
        candidate,
        most: Some(room),
        exclusive: goal.exclusive,
        traffic: Traffic::Mixed,
    }
}

fn rolling_with_extra_batch(goal: &Goal<'_>) -> Shape {
    let room = goal.stable.max(goal.candidate) + goal.strategy.batch;
    Shape {
        stable: goal.stable.saturating_sub(goal.counts.candidate.ready),
        ensure_stable: false,
        candidate: next_batch(goal),
        most: Some(room),
        exclusive: goal.exclusive,
        traffic: Traffic::Mixed,
    }
}

/// One batch more once all candidates so far take requests and are in rotation.
fn next_batch(goal: &Goal<'_>) -> u32 {
    let counts = goal.counts.candidate;
    let settled = counts.wanted == counts.ready && !(goal.held && counts.ready > 0);
    let more = if settled { counts.ready + goal.strategy.batch.max(1) } else { counts.wanted };
    more.min(goal.candidate)
}

fn promoting(goal: &Goal<'_>) -> Shape {
    let warm = keeps_stable_warm(goal.strategy.kind) && !goal.exclusive;
    Shape {
        stable: if warm { goal.stable } else { 0 },
        // It can carry all of the traffic for as long as that may come back; work that is no traffic does not come back.
        ensure_stable: warm && goal.takes_requests,
        candidate: goal.candidate,
        most: goal.exclusive.then_some(goal.candidate),
        exclusive: goal.exclusive,
        traffic: if goal.candidate == 0 { Traffic::Nobody } else { Traffic::Candidate },
    }
}

/// Nothing moves: a person stopped it. What serves all the same follows its load.
fn held(goal: &Goal<'_>) -> Shape {
    let moving = progressing(goal);
    let warm = keeps_stable_warm(goal.strategy.kind) && !goal.exclusive;
    Shape {
        stable: goal.counts.stable.wanted.max(if warm { goal.stable } else { 0 }),
        ensure_stable: warm,
        candidate: goal.counts.candidate.wanted,
        ..moving
    }
}

/// Back to stable, never faster than it can carry the traffic unless the candidate is dead.
fn aborting(goal: &Goal<'_>) -> Shape {
    let carried = goal.counts.stable.ready >= goal.stable;
    if goal.bound && !goal.exclusive {
        return held_by_its_train(goal);
    }
    let lean_on_candidate = !carried && goal.candidate_has_traffic && !goal.exclusive;
    Shape {
        stable: goal.stable,
        ensure_stable: true,
        candidate: if lean_on_candidate { goal.counts.candidate.in_rotation } else { 0 },
        most: goal.exclusive.then_some(goal.stable),
        exclusive: goal.exclusive,
        traffic: if lean_on_candidate { leaning(goal) } else { Traffic::Stable },
    }
}

/// Nobody new gets to the candidate but by the lane: candidates that call it leave first.
fn held_by_its_train(goal: &Goal<'_>) -> Shape {
    let carried = goal.counts.stable.ready.min(goal.stable) * 100 / goal.stable.max(1);
    let candidate = goal.candidate_percent.min(100 - carried);
    Shape {
        stable: goal.stable,
        ensure_stable: true,
        candidate: goal.counts.candidate.wanted,
        most: None,
        exclusive: false,
        traffic: Traffic::Split { candidate, aside: true, called: true },
    }
}

/// What stable cannot carry yet stays with the candidate. Of one that came by steps it is never more than it had.
fn leaning(goal: &Goal<'_>) -> Traffic {
    if !goal.strategy.kind.has_steps() {
        return Traffic::Mixed;
    }
    let carried = goal.counts.stable.ready.min(goal.stable) * 100 / goal.stable.max(1);
    Traffic::Split { candidate: goal.candidate_percent.min(100 - carried), aside: false, called: false }
}
