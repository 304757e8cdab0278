//! `tidegate rollout show`.

use tidegate_core::model::{Held, Instance, Phase, RevisionNo, Rollout, RolloutKind, ServiceState, Step};
use tidegate_core::rollout::current;
use tidegate_core::scale::wanted;
use tidegate_core::time::Moment;
use tidegate_core::view::{RolloutView, TrainMember, TrainView};

use super::{Answers, checks, judgement, service_of, store_trouble};
use crate::engine::members_of;
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
        let wanted = spec.map_or(0, |spec| wanted(state, &spec, number));
        Ok((ready(&instances, number), wanted))
    };
    let judgement = answers.store.judgement(rollout.id).map_err(store_trouble)?;
    Ok(RolloutView {
        arms: judgement.as_ref().map_or(Vec::new(), |kept| judgement::arms(answers, rollout, kept)),
        outcomes: judgement.as_ref().map_or(Vec::new(), |kept| judgement::outcomes(rollout, kept)),
        bad_requests: judgement.as_ref().map_or(Vec::new(), |kept| kept.samples().to_vec()),
        judgement: judgement.as_ref().map(judgement::view),
        checks: checks::checks(rollout, answers.state.now),
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
        train: train_of(answers, rollout)?,
        step: shown_step(rollout).map(|_| rollout.position.step + 1),
        steps: rollout.effective.strategy.steps.iter().map(Step::to_string).collect(),
        step_in_force: rollout.position.since.is_some(),
        step_seconds_left: seconds_left(rollout, answers.state.now),
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

/// The train it is part of, with the others as they are.
fn train_of(answers: &Answers<'_>, rollout: &Rollout) -> Result<Option<TrainView>, Refusal> {
    let Some(carriage) = &rollout.train else { return Ok(None) };
    let leg = |rollout: &Rollout| rollout.train.as_ref().map(|own| own.leg.to_string()).unwrap_or_default();
    let member = |other: Rollout| TrainMember {
        service: other.key.service.to_string(),
        rollout: other.id,
        phase: other.phase.to_string(),
        leg: leg(&other),
    };
    let members = members_of(answers.store, carriage).map_err(store_trouble)?;
    let members = members.into_iter().map(member).collect();
    Ok(Some(TrainView { name: carriage.train.to_string(), leg: leg(rollout), members }))
}

/// The step it is at, while it goes by steps.
fn shown_step(rollout: &Rollout) -> Option<&Step> {
    let going = matches!(
        (rollout.phase, rollout.resume_to),
        (Phase::Progressing, _) | (Phase::Paused, Some(Phase::Progressing))
    );
    current(rollout).filter(|_| going)
}

/// How long the step lasts at most from now; `None` where it is not in force, or waits for a person.
fn seconds_left(rollout: &Rollout, now: Moment) -> Option<f64> {
    let lasts = shown_step(rollout)?.lasts()?;
    let by_a_person = rollout.phase == Phase::Paused && rollout.position.held != Some(Held::Pause);
    let over = rollout.position.since.filter(|_| !by_a_person)? + lasts;
    // A step can be decided on a little before its own begin: an answer's time is that of the turn before.
    Some(over.since(now).min(lasts).0 as f64 / 1_000.0)
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
