//! `tidegate explain`: why a rollout ended as it did, with the evidence.

use tidegate_core::model::{
    Deploy, DeployPhase, Evidence, InstanceId, Phase, Rollout, RolloutId, ServiceKey, ServiceState,
};
use tidegate_core::view::{Explanation, TimelineEvent};
use tidegate_store::EventFilter;

use super::{Answers, place_of, store_trouble, timeline};
use crate::plane::{Refusal, RefusalKind, Scope};

/// Lines of output quoted.
const QUOTED: usize = 30;
/// Events looked through.
const RECENT: usize = 200;

/// The given rollout; without one the last deploy's story: its failure, else its rollout that was taken back, else its last.
pub fn explain(
    answers: &Answers<'_>,
    scope: &Scope,
    rollout: Option<RolloutId>,
) -> Result<Explanation, Refusal> {
    if let Some(id) = rollout {
        let Some(rollout) = answers.store.rollout(id).map_err(store_trouble)? else {
            let message = format!("there is no rollout {id}");
            return Err(Refusal::new(RefusalKind::NotFound, "rollout::unknown", message)
                .help("`tidegate events` lists them"));
        };
        return of_rollout(answers, &rollout);
    }
    let (app, environment) = place_of(answers.store, scope)?;
    let deploys = answers.store.deploys_of(&app, &environment, 1).map_err(store_trouble)?;
    let mut newest: Vec<Rollout> = Vec::new();
    for state in answers.store.services_of(&app, &environment).map_err(store_trouble)? {
        newest.extend(answers.store.rollouts_of(&state.key, 1).map_err(store_trouble)?);
    }
    newest.sort_by_key(|rollout| std::cmp::Reverse(rollout.id));
    if let Some(deploy) = deploys.first().filter(|deploy| deploy.phase == DeployPhase::Failed) {
        let later = newest.iter().any(|rollout| rollout.created_at > deploy.created_at);
        if !later {
            return of_deploy(answers, deploy);
        }
    }
    let told = newest.iter().find(|rollout| rollout.cause.is_some()).or(newest.first());
    match (told, deploys.first()) {
        (Some(rollout), _) => of_rollout(answers, rollout),
        (None, Some(deploy)) => of_deploy(answers, deploy),
        (None, None) => {
            let message = format!("nothing has been rolled out to {environment} of {app} yet");
            Err(Refusal::new(RefusalKind::NotFound, "rollout::none", message).help("`tidegate deploy`"))
        }
    }
}

fn of_rollout(answers: &Answers<'_>, rollout: &Rollout) -> Result<Explanation, Refusal> {
    let state = answers.store.service(&rollout.key).map_err(store_trouble)?;
    let state = state.unwrap_or_else(|| ServiceState::new(rollout.key.clone()));
    let evidence = rollout.evidence.clone().map(|evidence| with_output(answers, evidence));
    Ok(Explanation {
        rollout: Some(super::rollout::view_of(answers, &state, rollout)?),
        summary: summary(rollout) + &what_stays(answers, rollout)?,
        evidence,
        next: next(rollout, &place_flags(answers, &rollout.key)?),
        events: events_of(answers, rollout)?,
    })
}

/// The last words as the log has them now: lines that came after the evidence was taken are there too.
fn with_output(answers: &Answers<'_>, mut evidence: Evidence) -> Evidence {
    if let (true, Some(id)) = (evidence.last_output.is_empty(), &evidence.instance) {
        evidence.last_output = output_of(answers, id);
    }
    evidence
}

fn output_of(answers: &Answers<'_>, id: &InstanceId) -> Vec<String> {
    let lines = answers.logs.tail(std::slice::from_ref(id), QUOTED).unwrap_or_default();
    lines.into_iter().map(|line| line.line).collect()
}

fn summary(rollout: &Rollout) -> String {
    let (service, to) = (&rollout.key.service, rollout.to);
    let why = rollout.cause.as_ref().map_or("nobody noted why", |cause| cause.message.as_str());
    let serves = rollout.from.map_or_else(|| "nothing".to_owned(), |from| from.to_string());
    match rollout.phase {
        Phase::Succeeded => format!(
            "{to} of {service} is stable: its rollout by {} succeeded",
            rollout.effective.strategy.kind
        ),
        Phase::Aborted => format!("{to} of {service} was taken back and {serves} serves: {why}"),
        Phase::Aborting => format!("{to} of {service} is being taken back to {serves}: {why}"),
        Phase::Failed => format!("{to} of {service} failed and there was nothing to go back to: {why}"),
        Phase::Superseded => format!("{to} of {service} was superseded: {why}"),
        Phase::Pending | Phase::Progressing | Phase::Paused | Phase::Promoting => {
            format!("{to} of {service} is {}; {serves} was stable before", rollout.phase)
        }
    }
}

/// That what the migration did is not undone with the rollout.
fn what_stays(answers: &Answers<'_>, rollout: &Rollout) -> Result<String, Refusal> {
    let deploy =
        rollout.deploy.map(|id| answers.store.deploy(id)).transpose().map_err(store_trouble)?.flatten();
    let migrated = deploy.is_some_and(|deploy| {
        deploy.migration.is_some() && deploy.error.is_none() && deploy.phase == DeployPhase::Rolling
    });
    let back = matches!(rollout.phase, Phase::Aborting | Phase::Aborted | Phase::Failed);
    Ok(if migrated && back {
        "; its migration had run: what that added stays, and it is not run again for the same build"
            .to_owned()
    } else {
        String::new()
    })
}

/// What a command needs besides the service where there are several apps or environments.
fn place_flags(answers: &Answers<'_>, key: &ServiceKey) -> Result<String, Refusal> {
    let only_one = answers.store.apps().map_err(store_trouble)?.len() < 2;
    Ok(if only_one { String::new() } else { format!(" --app {} -e {}", key.app, key.environment) })
}

fn next(rollout: &Rollout, place: &str) -> Vec<String> {
    let service = format!("{}{place}", rollout.key.service);
    match rollout.phase {
        Phase::Aborted | Phase::Failed => {
            let mut next = Vec::new();
            if let Some(instance) = rollout.cause.as_ref().and_then(|cause| cause.instance.as_ref()) {
                next.push(format!("tidegate logs --unit {instance}"));
            }
            next.push(format!("tidegate rollout retry {service}"));
            next
        }
        Phase::Paused => {
            vec![format!("tidegate rollout resume {service}"), format!("tidegate rollout abort {service}")]
        }
        Phase::Succeeded if rollout.from.is_none() => Vec::new(),
        Phase::Succeeded => vec![format!("tidegate rollback {service}")],
        Phase::Pending | Phase::Progressing | Phase::Promoting | Phase::Aborting | Phase::Superseded => {
            vec![format!("tidegate rollout show {service}")]
        }
    }
}

fn events_of(answers: &Answers<'_>, rollout: &Rollout) -> Result<Vec<TimelineEvent>, Refusal> {
    let key = &rollout.key;
    let filter = EventFilter {
        app: Some(key.app.to_string()),
        environment: Some(key.environment.to_string()),
        service: Some(key.service.to_string()),
    };
    let found = answers.store.last_events(&filter, RECENT).map_err(store_trouble)?;
    let of_this = found.into_iter().filter(|stored| {
        let until = rollout.ended_at_unix_ms.unwrap_or(u64::MAX);
        stored.event.revision == Some(rollout.to)
            && stored.unix_ms >= rollout.made_at_unix_ms
            && stored.unix_ms <= until
    });
    Ok(of_this.map(timeline::view_of).collect())
}

/// A deploy that ended before there was a rollout.
fn of_deploy(answers: &Answers<'_>, deploy: &Deploy) -> Result<Explanation, Refusal> {
    let view = super::deploy(answers, deploy.id)?;
    let evidence = view.job.as_ref().map(|job| {
        let id = InstanceId(job.clone());
        Evidence { last_output: output_of(answers, &id), instance: Some(id), ..Evidence::default() }
    });
    let error = deploy.error.clone().unwrap_or_else(|| format!("it is {}", view.phase));
    let next = view
        .job
        .iter()
        .map(|job| format!("tidegate logs --unit {job}"))
        .chain(["tidegate deploy".to_owned()]);
    Ok(Explanation {
        rollout: None,
        summary: format!(
            "deploy {} of {} to {} changed nothing: {error}",
            deploy.id, deploy.app, deploy.environment
        ),
        evidence,
        next: next.collect(),
        events: Vec::new(),
    })
}
