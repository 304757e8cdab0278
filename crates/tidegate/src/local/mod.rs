//! A pipeline on the machine of whoever types: the stages that need no server, each step in a copy of the folder's build.
//!
//! Called by `tidegate pipeline run`. It starts processes, copies files and prints; what a pipeline is, and what reports of tests
//! say, is decided elsewhere. Everything it starts ends with it, everything it writes is in a folder that goes with it, but for
//! the folders that steps ask to have cached.

mod beside;
mod child;
mod files;
mod report;
mod setting;
mod stage;
mod step;
mod workspace;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tidegate_core::model::{PipelineSpec, StageSpec, StageWork};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print;

pub use setting::{Setting, branch_of, own_variables};
use workspace::Workspaces;

/// Runs the stages one after the other until one fails.
pub async fn run(pipeline: &PipelineSpec, setting: Setting) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let workspaces = Arc::new(Mutex::new(Workspaces::new(&setting)?));
    let setting = Arc::new(setting);
    let mut left_out = Vec::new();
    for stage in &pipeline.stages {
        if let Some(why) = left_out_here(stage, &setting) {
            left_out.push(format!("{} ({why})", stage.name));
            continue;
        }
        if !stage::run(stage, &workspaces, &setting).await? {
            tell(&format!("the pipeline failed in stage {} after {}", stage.name, shown(begun)));
            return Ok(Exit::MISTAKE);
        }
    }
    let rest = match left_out.is_empty() {
        true => String::new(),
        false => format!("; left out: {}", left_out.join(", ")),
    };
    tell(&format!("the pipeline succeeded in {}{rest}", shown(begun)));
    Ok(Exit::DONE)
}

/// Why a stage is not done here.
fn left_out_here(stage: &StageSpec, setting: &Setting) -> Option<String> {
    match &stage.work {
        StageWork::Build => None,
        StageWork::Steps(steps) => {
            let named = |name: &String| steps.iter().any(|step| setting::means(name, stage, step));
            match &setting.only {
                Some(only) => (!named(only)).then(|| "not asked for".to_owned()),
                None => stage.when.why_not(setting.branch.as_deref(), &setting.environment),
            }
        }
        StageWork::Deploy | StageWork::Smoke(_) | StageWork::Verify | StageWork::Release(_) => {
            Some("needs a server".to_owned())
        }
    }
}

fn tell(line: &str) {
    print::to_stderr(&format!("{line}\n"));
}

fn shown(begun: Instant) -> String {
    format!("{:.1}s", begun.elapsed().as_secs_f64())
}
