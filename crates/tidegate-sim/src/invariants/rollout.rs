//! Rollouts: one at a time, and an abort ends where it should.

use tidegate_core::model::{Phase, Rollout};

use super::{Held, ensure};
use crate::view::View;

/// One rollout in progress a service at most, and it is the one the service names.
pub fn invariant_one_rollout_a_service(view: &View) -> Held {
    for (key, service) in &view.services {
        let active: Vec<_> =
            view.active.iter().filter(|rollout| rollout.key == *key).map(|rollout| rollout.id).collect();
        let right = active.iter().copied().eq(service.state.rollout);
        ensure("invariant_one_rollout_a_service", right, || {
            format!("{key}: {active:?} are in progress, it names {:?}", service.state.rollout)
        })?;
    }
    Ok(())
}

/// A rollout that was just aborted has left stable with all the traffic, unless stable did not come back in time.
pub fn invariant_abort_ends_with_stable(ended: &Rollout, view: &View) -> Held {
    let Some(service) = view.services.get(&ended.key).filter(|_| ended.phase == Phase::Aborted) else {
        return Ok(());
    };
    let routing = &service.state.routing;
    let others = routing.arms.iter().chain(&routing.spare).filter(|arm| arm.revision == ended.to);
    let reached = others.clone().count() > 0 || !routing.rules.is_empty() || routing.mirror.is_some();
    let given_up =
        ended.ended_at.is_some_and(|at| at >= ended.progress_at + ended.effective.strategy.deadline);
    let still: u32 = others.map(|arm| arm.weight).sum();
    let again = service.state.stable == Some(ended.to) || service.rollout.is_some();
    ensure("invariant_abort_ends_with_stable", !reached || given_up || again, || {
        format!(
            "{}: rollout {} is aborted and {} is still reached, by {still} %",
            ended.key, ended.id, ended.to
        )
    })
}
