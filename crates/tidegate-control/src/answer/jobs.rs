//! `tidegate jobs`.

use tidegate_core::model::{InstanceId, JobRun, JobSpec, JobState, Name, RunCause, RunPhase, ServiceKey};
use tidegate_core::schedule::{Schedule, Zoned};
use tidegate_core::view::{JobHistory, JobList, JobRunView, JobView};
use tidegate_store::Reader;

use super::timeline::rfc3339;
use super::{Answers, place_of, store_trouble};
use crate::plane::{Refusal, RefusalKind, Scope, ServiceRef};

/// Runs looked through for the newest one that is over: no more than these can be open.
const RECENT: usize = 50;
/// Runs of one answer.
const MOST: usize = 500;
/// Lines quoted.
const QUOTED: usize = 30;

/// The jobs of an environment.
pub fn jobs(answers: &Answers<'_>, scope: &Scope) -> Result<JobList, Refusal> {
    let (app, environment) = place_of(answers.store, scope)?;
    Ok(JobList { jobs: jobs_of(answers, &app, &environment)? })
}

/// The same, of a place that is known.
pub(super) fn jobs_of(
    answers: &Answers<'_>,
    app: &Name,
    environment: &Name,
) -> Result<Vec<JobView>, Refusal> {
    let states = answers.store.job_states_of(app, environment).map_err(store_trouble)?;
    states.iter().map(|state| view_of(answers, state)).collect()
}

/// One job.
pub fn job(answers: &Answers<'_>, job: &ServiceRef) -> Result<JobView, Refusal> {
    view_of(answers, &job_of(answers.store, job)?)
}

/// Its runs, the newest first.
pub fn job_history(answers: &Answers<'_>, job: &ServiceRef) -> Result<JobHistory, Refusal> {
    let state = job_of(answers.store, job)?;
    let runs = answers.store.job_runs_of(&state.key, MOST).map_err(store_trouble)?;
    Ok(JobHistory { runs: runs.iter().map(|run| run_view(answers, run)).collect() })
}

/// One of its runs.
pub fn job_run(answers: &Answers<'_>, job: &ServiceRef, number: u64) -> Result<JobRunView, Refusal> {
    let state = job_of(answers.store, job)?;
    let runs = answers.store.job_runs_of(&state.key, MOST).map_err(store_trouble)?;
    let run = runs.iter().find(|run| run.number == number);
    run.map(|run| run_view(answers, run)).ok_or_else(|| {
        let message = format!("run {number} of {} is not kept any more", state.key.service);
        Refusal::new(RefusalKind::NotFound, "job::no-run", message)
            .help(format!("`tidegate jobs history {}` shows those that are", state.key.service))
    })
}

/// The job meant, and its state.
pub fn job_of(store: &Reader, job: &ServiceRef) -> Result<JobState, Refusal> {
    let (app, environment) = place_of(store, &job.scope)?;
    let key = ServiceKey { app, environment, service: job.service.clone() };
    if let Some(state) = store.job_state(&key).map_err(store_trouble)? {
        return Ok(state);
    }
    let known = store.job_states_of(&key.app, &key.environment).map_err(store_trouble)?;
    let names: Vec<&str> = known.iter().map(|state| state.key.service.as_str()).collect();
    let message = format!("{} in {} has no job `{}`", key.app, key.environment, key.service);
    let help = if names.is_empty() {
        "jobs come with `jobs:` in the manifest, once a revision with them has succeeded".to_owned()
    } else {
        format!("it has {}", names.join(", "))
    };
    Err(Refusal::new(RefusalKind::NotFound, "job::unknown", message).help(help))
}

/// What its revision says of a job.
pub(crate) fn spec_of(store: &Reader, state: &JobState) -> Result<Option<JobSpec>, Refusal> {
    let key = &state.key;
    let revision = store.revision(&key.app, &key.environment, state.revision).map_err(store_trouble)?;
    Ok(revision.and_then(|mut revision| revision.spec.jobs.remove(&key.service)))
}

fn view_of(answers: &Answers<'_>, state: &JobState) -> Result<JobView, Refusal> {
    let spec = spec_of(answers.store, state)?;
    let runs = answers.store.job_runs_of(&state.key, RECENT).map_err(store_trouble)?;
    let over = runs.iter().find(|run| run.phase.is_over());
    let open = runs.iter().rev().filter(|run| !run.phase.is_over());
    let next = spec.as_ref().and_then(|_| {
        Schedule::parse(&state.schedule, &state.timezone).ok()?.next_after(state.decided_unix_ms)
    });
    Ok(JobView {
        name: state.key.service.to_string(),
        revision: state.revision,
        schedule: state.schedule.clone(),
        timezone: state.timezone.clone(),
        overlap: spec.as_ref().map(|spec| spec.overlap).unwrap_or_default().as_str().to_owned(),
        timeout: spec.as_ref().map_or(JobSpec::TIMEOUT, |spec| spec.timeout).to_string(),
        retries: spec.as_ref().map_or(0, |spec| spec.retries),
        catch_up: spec.as_ref().map_or(JobSpec::CATCH_UP, |spec| spec.catch_up).to_string(),
        next: next.map(rfc3339),
        next_local: next.map(|next| Zoned::new(next, &state.timezone).to_string()),
        last: over.map(|run| run_view(answers, run)),
        open: open.map(|run| run_view(answers, run)).collect(),
        skipped: state.skipped,
    })
}

fn run_view(answers: &Answers<'_>, run: &JobRun) -> JobRunView {
    let cause = match run.cause {
        RunCause::Due => "due",
        RunCause::CaughtUp => "caught up",
        RunCause::Asked => "asked",
    };
    let failed = run.exit.as_ref().filter(|exit| !exit.success());
    let seconds = run.started_unix_ms.zip(run.ended_unix_ms).map(|(from, to)| to.saturating_sub(from));
    JobRunView {
        number: run.number,
        cause: cause.to_owned(),
        slot: rfc3339(run.slot_unix_ms),
        phase: run.phase.as_str().to_owned(),
        revision: run.revision,
        attempts: run.attempts.iter().map(ToString::to_string).collect(),
        started: run.started_unix_ms.map(rfc3339),
        ended: run.ended_unix_ms.map(rfc3339),
        seconds: seconds.map(|ms| ms as f64 / 1_000.0),
        exit: run.exit.clone(),
        reason: failed.filter(|_| run.phase == RunPhase::Failed).map(ToString::to_string),
        last_output: if failed.is_some() { last_output(answers, run) } else { Vec::new() },
    }
}

/// As it was kept; as the log has it where it came too late for that.
fn last_output(answers: &Answers<'_>, run: &JobRun) -> Vec<String> {
    let last: Vec<InstanceId> = run.attempts.last().cloned().into_iter().collect();
    if !run.last_output.is_empty() || last.is_empty() {
        return run.last_output.clone();
    }
    let lines = answers.logs.tail(&last, QUOTED).unwrap_or_default();
    lines.into_iter().map(|line| line.line).collect()
}
