//! What the timeline says of a run: told from what it was and what it is.

use crate::event::Event;
use crate::model::{PipelineRun, RunState, StageRun, StageState};

/// The events of a change of a run; `before` is `None` where it has just begun.
pub fn events(before: Option<&PipelineRun>, run: &PipelineRun) -> Vec<Event> {
    let mut events = Vec::new();
    let about =
        |kind: &str, message: String| Event::about(run.app.as_str(), run.environment.as_str(), kind, message);
    let Some(before) = before else {
        return vec![about("pipeline.began", began(run))];
    };
    for (was, is) in before.stages.iter().zip(&run.stages) {
        if was.state != is.state && is.state != StageState::Pending {
            events.push(about("pipeline.stage", of_stage(run, is)));
        } else if was != is {
            events.extend(of_steps(was, is).map(|message| about("pipeline.step", said(run, &message))));
        }
    }
    if before.approvals.len() < run.approvals.len()
        && let Some(approval) = run.approvals.last()
    {
        events.push(about("pipeline.approved", said(run, &format!("{} agreed", approval.by))));
    }
    if before.state != run.state && (run.state.is_over() || run.state == RunState::Waiting) {
        events.push(about(&format!("pipeline.{}", run.state.as_str()), of_run(run)));
    }
    events
}

fn began(run: &PipelineRun) -> String {
    let commit =
        run.source.commit.as_deref().map_or("its folder", |commit| commit.get(..12).unwrap_or(commit));
    format!("run {} of {commit} to {} began, asked for by {}", run.number, run.environment, run.source.by)
}

fn said(run: &PipelineRun, message: &str) -> String {
    format!("run {}: {message}", run.number)
}

fn of_stage(run: &PipelineRun, stage: &StageRun) -> String {
    let why = stage.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    said(run, &format!("{} {}{why}", stage.name, stage.state.as_str()))
}

fn of_steps<'a>(was: &'a StageRun, is: &'a StageRun) -> impl Iterator<Item = String> + 'a {
    let changed = was
        .steps
        .iter()
        .zip(&is.steps)
        .filter(|(was, is)| was.state != is.state || was.attempts.len() != is.attempts.len());
    changed.map(|(_, step)| format!("{} / {} {}", is.name, step.name, step.state.as_str()))
}

fn of_run(run: &PipelineRun) -> String {
    let why = run.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    said(run, &format!("{}{why}", run.state.as_str()))
}
