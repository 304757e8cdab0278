//! `tidegate pipeline list`, `show` and `logs`.

use tidegate_backend::LogCursor;
use tidegate_core::model::{InstanceId, PipelineRun, RunNo, RunState, StageRun, StageState, StepRun};
use tidegate_core::time::Moment;
use tidegate_core::view::{PipelineList, PipelineRunView, StageView, StepView};
use tidegate_store::Reader;

use super::previews::urls;
use super::{Answers, logs, rfc3339, store_trouble};
use crate::plane::{LogPage, LogQuery, Refusal, RefusalKind, Scope};

const MOST_RUNS: usize = 20;

/// A run as it is kept.
pub fn run_of(store: &Reader, number: RunNo) -> Result<PipelineRun, Refusal> {
    store.pipeline_run(number).map_err(store_trouble)?.ok_or_else(|| {
        let message = format!("there is no run {number}");
        Refusal::new(RefusalKind::NotFound, "pipeline::unknown", message)
            .help("`tidegate pipeline list` lists them")
    })
}

/// A run.
pub fn pipeline_run(answers: &Answers<'_>, number: RunNo) -> Result<PipelineRunView, Refusal> {
    Ok(view_of(answers, &run_of(answers.store, number)?))
}

/// The newest runs of an app, or of all of them.
pub fn pipeline_runs(answers: &Answers<'_>, scope: &Scope, most: usize) -> Result<PipelineList, Refusal> {
    let most = if most == 0 { MOST_RUNS } else { most.min(1_000) };
    let runs = answers
        .store
        .newest_pipeline_runs(scope.app.as_ref(), scope.environment.as_ref(), most)
        .map_err(store_trouble)?;
    Ok(PipelineList { runs: runs.iter().map(|run| view_of(answers, run)).collect() })
}

/// The output of a run, of one of its stages or of all.
pub fn pipeline_logs(
    answers: &Answers<'_>,
    number: RunNo,
    stage: Option<&str>,
    (cursor, most): (Option<&str>, usize),
) -> Result<LogPage, Refusal> {
    let run = run_of(answers.store, number)?;
    let units = units_of(answers, &run, stage)?;
    // From the beginning: what is missing of a run is what came first.
    let start = || serde_json::to_string(&LogCursor::default()).unwrap_or_default();
    let cursor = Some(cursor.map_or_else(start, str::to_owned));
    logs(answers.logs, &units, &LogQuery { cursor, most, ..LogQuery::default() })
}

fn units_of(
    answers: &Answers<'_>,
    run: &PipelineRun,
    stage: Option<&str>,
) -> Result<Vec<InstanceId>, Refusal> {
    if let Some(name) = stage.filter(|name| run.stages.iter().all(|stage| stage.name.as_str() != *name)) {
        let names: Vec<&str> = run.stages.iter().map(|stage| stage.name.as_str()).collect();
        let message = format!("run {} has no stage `{name}`", run.number);
        return Err(Refusal::new(RefusalKind::NotFound, "pipeline::no-stage", message)
            .help(format!("it has {}", names.join(", "))));
    }
    let mut units = Vec::new();
    for of in run.stages.iter().filter(|of| stage.is_none_or(|name| of.name.as_str() == name)) {
        let steps = of.steps.iter().flat_map(|step| step.beside.iter().chain(&step.attempts));
        units.extend(steps.cloned());
        let deploy = of.deploy.map(|id| answers.store.deploy(id)).transpose().map_err(store_trouble)?;
        units.extend(deploy.flatten().and_then(|deploy| deploy.migration));
    }
    Ok(units)
}

fn view_of(answers: &Answers<'_>, run: &PipelineRun) -> PipelineRunView {
    let (now, over) = (answers.state.now, run.state.is_over());
    PipelineRunView {
        run: run.number,
        app: run.app.to_string(),
        environment: run.environment.to_string(),
        commit: run.source.commit.clone(),
        branch: run.source.branch.clone(),
        author: run.source.author.clone(),
        subject: run.source.subject.clone(),
        by: run.source.by.clone(),
        origin: run.source.origin,
        state: run.state,
        why: run.why.clone(),
        help: help(run),
        stages: run.stages.iter().map(|stage| stage_view(stage, now)).collect(),
        approvals_needed: run.policy.approvals,
        approvals: run.approvals.clone(),
        from: run.from,
        next: run.next,
        build: run.input.build.short().to_owned(),
        at: rfc3339(run.made_at_unix_ms),
        seconds: seconds(run.created_at, run.ended_at, now),
        over,
        urls: urls(answers, &run.input.revision.routes),
        notes: run.notes.clone(),
    }
}

fn stage_view(stage: &StageRun, now: Moment) -> StageView {
    StageView {
        name: stage.name.to_string(),
        state: stage.state,
        seconds: stage.began_at.map(|began| seconds(began, stage.ended_at, now)),
        why: stage.why.clone(),
        steps: stage.steps.iter().map(|step| step_view(step, now)).collect(),
        deploy: stage.deploy,
    }
}

fn step_view(step: &StepRun, now: Moment) -> StepView {
    StepView {
        name: step.name.clone(),
        state: step.state,
        seconds: step.began_at.map(|began| seconds(began, step.ended_at, now)),
        exit: step.exit.as_ref().map(ToString::to_string),
        tests: step.tests.clone(),
        unit: step.attempts.last().map(ToString::to_string),
        attempts: step.attempts.len(),
    }
}

fn seconds(began: Moment, ended: Option<Moment>, now: Moment) -> f64 {
    ended.unwrap_or(now.max(began)).since(began).0 as f64 / 1_000.0
}

/// What to type next.
fn help(run: &PipelineRun) -> Option<String> {
    let number = run.number;
    let failed = || run.stages.iter().find(|stage| stage.state == StageState::Failed);
    match run.state {
        RunState::Waiting if run.policy.approvals as usize > run.approvals.len() => {
            Some(format!("`tidegate approve {number}`, by somebody else than its author"))
        }
        RunState::Failed => failed().map(|stage| match stage.deploy {
            Some(_) => format!("`tidegate explain` says why; `tidegate pipeline retry {number}` tries it again"),
            None => format!(
                "`tidegate pipeline logs {number}` has its output; `tidegate pipeline retry {number}` tries it again"
            ),
        }),
        RunState::Superseded => run.next.map(|next| format!("`tidegate pipeline show {next}`")),
        RunState::Queued
        | RunState::Running
        | RunState::Waiting
        | RunState::Succeeded
        | RunState::Cancelled => None,
    }
}
