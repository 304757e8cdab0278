//! `tidegate rollout show`.

use tidegate_core::model::{Instance, RevisionNo, Rollout, RolloutKind, ServiceState};
use tidegate_core::view::RolloutView;

use super::{Answers, service_of, store_trouble};
use crate::plane::{Refusal, RefusalKind, ServiceRef};

/// The rollout in progress of a service, or its last one.
pub fn rollout(answers: &Answers<'_>, service: &ServiceRef) -> Result<RolloutView, Refusal> {
    let state = service_of(answers.store, service)?;
    let rollouts = answers.store.rollouts_of(&state.key, 1).map_err(store_trouble)?;
    let Some(rollout) = rollouts.into_iter().next() else {
        let message = format!("{} has had no rollout yet", state.key);
        return Err(Refusal::new(RefusalKind::NotFound, "rollout::none", message)
            .help("deploy it: `tidegate deploy`"));
    };
    view_of(answers, &state, &rollout)
}

/// A rollout as people see it.
pub(super) fn view_of(
    answers: &Answers<'_>,
    state: &ServiceState,
    rollout: &Rollout,
) -> Result<RolloutView, Refusal> {
    let instances = answers.store.instances_of(&state.key).map_err(store_trouble)?;
    let active = !rollout.phase.is_final();
    let count = |revision: Option<RevisionNo>| -> Result<(u32, u32), Refusal> {
        let Some(number) = revision else { return Ok((0, 0)) };
        let stored =
            answers.store.revision(&state.key.app, &state.key.environment, number).map_err(store_trouble)?;
        let spec = stored.and_then(|mut revision| revision.spec.services.remove(&state.key.service));
        let wanted = spec.map_or(0, |spec| state.scale.unwrap_or(spec.scale.min));
        Ok((ready(&instances, number), wanted))
    };
    Ok(RolloutView {
        id: rollout.id,
        app: state.key.app.to_string(),
        environment: state.key.environment.to_string(),
        service: state.key.service.to_string(),
        kind: word_for(rollout.kind).to_owned(),
        from: rollout.from,
        to: rollout.to,
        strategy: rollout.effective.strategy.kind.to_string(),
        strategy_why: rollout.effective.why.clone(),
        phase: rollout.phase.to_string(),
        weight: if active { state.routing.candidate_weight() } else { 0 },
        candidate: count(Some(rollout.to))?,
        stable: count(rollout.from)?,
        waiting: if active {
            answers.reports.get(&state.key).cloned().unwrap_or_default()
        } else {
            Vec::new()
        },
        code: rollout.cause.as_ref().map(|cause| cause.code.clone()),
        reason: rollout.cause.as_ref().map(|cause| cause.message.clone()),
        seconds: seconds(rollout, answers),
        at_unix_ms: rollout.made_at_unix_ms,
    })
}

fn seconds(rollout: &Rollout, answers: &Answers<'_>) -> f64 {
    let end = rollout.ended_at.unwrap_or(answers.state.now);
    end.since(rollout.created_at).0 as f64 / 1_000.0
}

fn ready(instances: &[Instance], revision: RevisionNo) -> u32 {
    instances.iter().filter(|instance| instance.revision == revision && instance.is_ready()).count() as u32
}

fn word_for(kind: RolloutKind) -> &'static str {
    match kind {
        RolloutKind::Deploy => "deploy",
        RolloutKind::Rollback => "rollback",
        RolloutKind::Retry => "retry",
    }
}
