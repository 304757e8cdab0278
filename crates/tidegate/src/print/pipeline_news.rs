//! What became of a run since it was looked at last, a line each.

use tidegate_core::model::{RunState, StageState};
use tidegate_core::view::{PipelineRunView, StageView, StepView};

use super::pipeline::{exit, tests};
use super::text::harmless;

/// The changes of states, stages first and the run itself last.
pub fn pipeline_news(before: &PipelineRunView, now: &PipelineRunView) -> String {
    let mut lines = Vec::new();
    for stage in &now.stages {
        let known = before.stages.iter().find(|known| known.name == stage.name);
        lines.extend(stage.steps.iter().filter_map(|step| step_news(known, stage, step)));
        if known.is_none_or(|known| known.state != stage.state || known.why != stage.why) {
            let why = stage.why.as_deref().map_or(String::new(), |why| format!(": {}", harmless(why)));
            lines.push(format!("{} {}{why}", stage.name, became(stage.state, stage.seconds)));
        }
    }
    if before.state != now.state || before.why != now.why {
        let why = now.why.as_deref().map_or(String::new(), |why| format!(": {}", harmless(why)));
        lines.push(format!("run {} {}{why}", now.run, does(now.state)));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn does(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "is queued",
        RunState::Running => "goes on",
        RunState::Waiting => "waits",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "was cancelled",
        RunState::Superseded => "was superseded",
    }
}

/// A step that ended. That it began is no news: its stage did.
fn step_news(known: Option<&StageView>, stage: &StageView, step: &StepView) -> Option<String> {
    let before = known.and_then(|known| known.steps.iter().find(|known| known.name == step.name));
    if !step.state.is_over() || before.is_some_and(|before| before.state == step.state) {
        return None;
    }
    let said = [exit(step), step.tests.as_ref().map(tests)].into_iter().flatten();
    let said: Vec<_> = said.collect();
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
    Some(format!("{} / {} {}{said}", stage.name, step.name, became(step.state, step.seconds)))
}

fn became(state: StageState, seconds: Option<f64>) -> String {
    match (state, seconds) {
        (StageState::Succeeded | StageState::Failed, Some(seconds)) => {
            format!("{} in {seconds:.1} s", state.as_str())
        }
        _ => state.as_str().to_owned(),
    }
}
