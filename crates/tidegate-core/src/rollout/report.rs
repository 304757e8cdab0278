//! What a rollout waits for, in words: part of why nothing happens.

use crate::model::{Instance, Judged, Phase, Rollout, Step};
use crate::time::Moment;

use super::groups::{Counts, Parts, Role};
use super::plan::{Gate, Input};
use super::{progress, smoke, steps};

/// What it waits for; `None` where that is nothing, or not for people to know.
pub(super) fn waiting_for(
    rollout: &Rollout,
    counts: &Counts,
    desired: u32,
    said: Option<&Judged>,
    input: &Input<'_>,
    now: Moment,
) -> Option<String> {
    let ready = counts.candidate.ready;
    match rollout.phase {
        Phase::Pending => (*input.gate == Gate::Waiting).then(|| "the migration runs".to_owned()),
        Phase::Progressing if smoke::awaits(rollout) && rollout.can_be_smoked() => {
            Some("the candidate is ready and waits for the end of its smoke test".to_owned())
        }
        Phase::Progressing => Some(on_its_way(rollout, ready, desired, now)),
        Phase::Paused => Some(match rollout.position.held {
            None => "paused; `tidegate rollout resume` goes on".to_owned(),
            Some(held) => {
                let why = steps::why_held(held, progress::current(rollout), said);
                format!("{why}; `tidegate rollout resume` goes on with the next step")
            }
        }),
        Phase::Promoting => rollout.baking_since.map(|since| {
            let bake = rollout.effective.strategy.bake;
            let left = (since + bake).since(now);
            format!("the candidate has all the traffic and is watched for {left} more")
        }),
        Phase::Aborting => Some("stable takes the traffic back".to_owned()),
        Phase::Succeeded | Phase::Aborted | Phase::Failed | Phase::Superseded => None,
    }
}

/// That instances of a revision which was taken back, or superseded, do the work that stable is not fit for.
pub(super) fn standing_in(instances: &[Instance], parts: Parts) -> Option<String> {
    let other = |i: &&Instance| i.is_ready() && parts.role(i.revision) == Role::Other;
    let first = instances.iter().find(other)?;
    let count = instances.iter().filter(other).count();
    Some(format!("{count} instance(s) of {} stay at work until stable can do without them", first.revision))
}

/// How far the candidate is on its way, by steps or by instances.
fn on_its_way(rollout: &Rollout, ready: u32, desired: u32, now: Moment) -> String {
    let (step, since) = (progress::current(rollout), rollout.position.since);
    match (step, since, step.and_then(Step::lasts)) {
        (Some(step), Some(since), Some(lasts)) => {
            format!("`{step}` is in force, for {} more at most", (since + lasts).since(now))
        }
        (Some(step), None, _) => {
            format!("`{step}` is not in force yet: {ready} candidate instances are ready")
        }
        (_, _, _) => format!("{ready} of {desired} candidate instances are ready"),
    }
}
