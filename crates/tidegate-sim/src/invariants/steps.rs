//! Going by steps: never more for the candidate than its step says, never backwards, never too much for stable.

use tidegate_core::model::{ArmRole, Phase, RevisionNo, Rollout};
use tidegate_core::rollout::stage::Stage;

use super::{Held, ensure};
use crate::view::{ServiceView, View};

/// While a stable instance serves, the candidate has no more than the share of its step.
pub fn invariant_a_candidate_has_no_more_than_its_step(view: &View) -> Held {
    for (key, service) in &view.services {
        let Some(rollout) = service.rollout.as_ref().filter(|rollout| goes_by_steps(rollout)) else {
            continue;
        };
        let routing = &service.state.routing;
        let stable = routing.arms.iter().any(|arm| arm.role == ArmRole::Stable);
        let stage = Stage::at(&rollout.effective.strategy, rollout.position.step);
        // Where either side is scaled to nothing there is no share to keep to.
        let both = service.desired(service.state.stable) > 0 && service.desired(Some(rollout.to)) > 0;
        let weight = routing.candidate_weight();
        let right = !both || !stable || weight <= stage.percent || service.exclusive();
        ensure("invariant_a_candidate_has_no_more_than_its_step", right, || {
            format!("{key}: rollout {} at {:?} has {weight} %", rollout.id, rollout.position)
        })?;
    }
    Ok(())
}

fn goes_by_steps(rollout: &Rollout) -> bool {
    let going = matches!(
        (rollout.phase, rollout.resume_to),
        (Phase::Progressing, _) | (Phase::Paused, Some(Phase::Progressing))
    );
    going && !rollout.effective.strategy.steps.is_empty()
}

/// A rollout never goes back to a step before.
pub fn invariant_steps_only_go_on(before: &View, after: &View) -> Held {
    for now in &after.active {
        let Some(then) = before.active.iter().find(|then| then.id == now.id) else { continue };
        ensure("invariant_steps_only_go_on", now.position.step >= then.position.step, || {
            format!("{}: rollout {} went from {:?} to {:?}", now.key, now.id, then.position, now.position)
        })?;
    }
    Ok(())
}

/// An abort gives stable no more at once than its ready instances carry, while the candidate could help.
pub fn invariant_an_abort_does_not_overload_stable(before: &View, after: &View) -> Held {
    for (key, now) in &after.services {
        let (Some(rollout), Some(then)) = (now.rollout.as_ref(), before.services.get(key)) else { continue };
        let steps = rollout.effective.strategy.kind.has_steps();
        if rollout.phase != Phase::Aborting || !steps || now.exclusive() || !now.has_port() {
            continue;
        }
        let wanted = now.desired(now.state.stable);
        let carries = ready(now, now.state.stable) * 100 / wanted.max(1);
        let (share, had) =
            (100 - now.state.routing.candidate_weight(), 100 - then.state.routing.candidate_weight());
        let dead = ready(now, Some(rollout.to)) == 0;
        let idle = now.state.routing.arms.is_empty();
        let right = dead || idle || wanted == 0 || share <= carries.max(had);
        ensure("invariant_an_abort_does_not_overload_stable", right, || {
            format!("{key}: stable carries {carries} % and was given {share} % (it had {had} %)")
        })?;
    }
    Ok(())
}

fn ready(service: &ServiceView, revision: Option<RevisionNo>) -> u32 {
    service.instances.iter().filter(|i| Some(i.revision) == revision && i.is_ready()).count() as u32
}
