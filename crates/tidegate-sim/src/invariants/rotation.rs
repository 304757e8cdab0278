//! Capacity: a decision never takes healthy instances from their work below what the strategy promises.

use tidegate_backend::fake::FakeBackend;
use tidegate_core::model::{Instance, Seen, StrategyKind};

use super::{Held, ensure};
use crate::view::{ServiceView, View};

/// A pass may take a ready instance from its work only where enough others stay at work. Instances that the world took do
/// not count: nobody decided that.
pub fn invariant_rotation_keeps_its_floor(before: &View, after: &View, backend: &FakeBackend) -> Held {
    for (key, now) in &after.services {
        let Some(then) = before.services.get(key) else { continue };
        let at_work = now.at_work();
        let removed: Vec<_> = (then.at_work().into_iter())
            .filter(|id| !at_work.contains(*id) && !backend.world_took(id))
            .filter(|id| was_healthy(then.instance(id), now.instance(id)))
            .collect();
        let floor = floor(then, now);
        ensure(
            "invariant_rotation_keeps_its_floor",
            removed.is_empty() || at_work.len() as u32 >= floor,
            || format!("{key}: {removed:?} were taken from work, {at_work:?} are left, {floor} are promised"),
        )?;
    }
    Ok(())
}

fn was_healthy(then: Option<&Instance>, now: Option<&Instance>) -> bool {
    then.is_some_and(|instance| instance.seen == Seen::Ready)
        && now.is_none_or(|instance| instance.seen == Seen::Ready)
}

/// How many instances stay at work, by what was promised when the rollout began.
fn floor(then: &ServiceView, now: &ServiceView) -> u32 {
    let Some(rollout) = now.rollout.as_ref().or(then.rollout.as_ref()) else {
        return now.desired(now.state.stable);
    };
    if !rollout.effective.zero_downtime || now.exclusive() || then.exclusive() {
        return 0;
    }
    // Before the pass: where the rollout ends in it, stable may be another one.
    let stable = then.desired(then.state.stable).min(now.desired(now.state.stable));
    let candidate = now.specs.get(&rollout.to).map_or(0, |_| now.desired(Some(rollout.to)));
    let promised = match rollout.effective.strategy.kind {
        StrategyKind::Rolling => stable.saturating_sub(rollout.effective.strategy.batch),
        StrategyKind::AllAtOnce
        | StrategyKind::RollingWithExtraBatch
        | StrategyKind::Immutable
        | StrategyKind::BlueGreen
        | StrategyKind::Canary
        | StrategyKind::Phased
        | StrategyKind::AB
        | StrategyKind::ParallelRun
        | StrategyKind::ParallelAdoption => stable,
    };
    promised.min(candidate)
}
