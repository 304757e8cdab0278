//! How a new rollout begins, and takes the place of one in progress.

use std::collections::BTreeMap;

use crate::model::{Effective, Phase, Position, RevisionNo, Rollout, RolloutId, RolloutKind, ServiceState};
use crate::time::Moment;

/// What a new rollout is made from.
#[derive(Clone, Debug)]
pub struct NewRollout {
    /// Its number.
    pub id: RolloutId,
    /// Where it comes from.
    pub kind: RolloutKind,
    /// The deploy it is part of.
    pub deploy: Option<u64>,
    /// The candidate.
    pub to: RevisionNo,
    /// The strategy, see [`super::effective()`].
    pub effective: Effective,
    /// The wall clock, for people.
    pub unix_ms: u64,
}

/// The result: what to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The service from now on.
    pub state: ServiceState,
    /// The rollout whose place is taken, ended.
    pub superseded: Option<Rollout>,
    /// The new rollout.
    pub rollout: Rollout,
}

/// Begins a rollout.
///
/// A rollout in progress is superseded. Where its candidate already serves alone (its bake time runs), that candidate is the
/// stable revision the new rollout starts from; before that, stable stays what it was and the candidate's instances leave as
/// soon as stable carries the traffic without them.
pub fn begin(state: &ServiceState, active: Option<&Rollout>, new: NewRollout, now: Moment) -> Begun {
    let mut state = state.clone();
    let stable = stable_after(&state, active);
    if stable != state.stable {
        state.previous = state.stable;
        state.stable = stable;
    }
    let superseded = active.map(|active| supersede(active, &new, now));
    let rollout = Rollout {
        id: new.id,
        key: state.key.clone(),
        kind: new.kind,
        deploy: new.deploy,
        from: state.stable,
        to: new.to,
        effective: new.effective,
        phase: Phase::Pending,
        resume_to: None,
        request: None,
        skip_bake: false,
        created_at: now,
        progress_at: now,
        progress: 0,
        baking_since: None,
        ended_at: None,
        position: Position::default(),
        checks: BTreeMap::new(),
        train: None,
        smoke: None,
        cause: None,
        evidence: None,
        made_at_unix_ms: new.unix_ms,
        ended_at_unix_ms: None,
    };
    state.rollout = Some(rollout.id);
    Begun { state, superseded, rollout }
}

/// The stable revision a new rollout starts from.
pub fn stable_after(state: &ServiceState, active: Option<&Rollout>) -> Option<RevisionNo> {
    active
        .filter(|active| serves_alone(active) && active.progress > 0)
        .map(|active| active.to)
        .or(state.stable)
}

/// Whether the candidate of a rollout has all the traffic.
pub fn serves_alone(rollout: &Rollout) -> bool {
    rollout.phase == Phase::Promoting
        || (rollout.phase == Phase::Paused && rollout.resume_to == Some(Phase::Promoting))
}

fn supersede(active: &Rollout, new: &NewRollout, now: Moment) -> Rollout {
    let mut ended = active.clone();
    ended.phase = Phase::Superseded;
    ended.request = None;
    ended.ended_at = Some(now);
    ended.ended_at_unix_ms = Some(new.unix_ms);
    ended.cause = Some(crate::model::Cause {
        code: "superseded".to_owned(),
        message: format!("rollout {} to {} took its place", new.id, new.to),
        instance: None,
    });
    ended
}
