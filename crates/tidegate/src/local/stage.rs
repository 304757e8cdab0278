//! One stage: the build command, or its steps, in turn or at the same time.

use std::sync::Arc;
use std::time::Instant;

use tidegate_core::model::{StageSpec, StageWork, StepSpec};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::child::{Ended, Group};
use super::setting::Setting;
use super::step::{self, Shared};
use super::{shown, tell};
use crate::failure::Failure;

/// Does what a stage does. Whether it succeeded.
pub(super) async fn run(
    stage: &StageSpec,
    workspaces: &Shared,
    setting: &Arc<Setting>,
) -> Result<bool, Failure> {
    match &stage.work {
        StageWork::Build => build(stage, workspaces, setting).await,
        StageWork::Steps(steps) => {
            let steps = steps.iter().filter(|step| setting.wants(stage, step)).cloned().collect();
            let run = run_steps(stage, steps, workspaces, setting);
            match tokio::time::timeout(stage.timeout.to_std(), run).await {
                Ok(ended) => ended,
                Err(_) => {
                    tell(&format!("{}: failed: it took longer than {}", stage.name, stage.timeout));
                    Ok(false)
                }
            }
        }
        StageWork::Deploy | StageWork::Smoke(_) | StageWork::Verify | StageWork::Release(_) => Ok(true),
    }
}

async fn build(stage: &StageSpec, workspaces: &Shared, setting: &Setting) -> Result<bool, Failure> {
    let Some((run, within)) = &setting.build else { return Ok(true) };
    let begun = Instant::now();
    let base = step::lock(workspaces).base();
    let name = &stage.name;
    let ended = match Group::start(run, &base, &setting.env_of_build(), name.as_str()) {
        Ok(mut group) => group.end_within(*within).await,
        Err(error) => Err(error),
    };
    let failed = match ended {
        Ok(Ended::Exit(status)) if status.success() => None,
        Ok(Ended::Exit(status)) => Some(step::in_words(status)),
        Ok(Ended::TooLong) => Some(format!("it took longer than {}s", within.as_secs())),
        Err(error) => Some(format!("it could not be run: {error}")),
    };
    match &failed {
        None => tell(&format!("{name}: succeeded in {}", shown(begun))),
        Some(why) => tell(&format!("{name}: failed after {}: {why}", shown(begun))),
    }
    Ok(failed.is_none())
}

/// One after the other until one fails; or, at the same time, all of them, as many at once as there are processors.
async fn run_steps(
    stage: &StageSpec,
    steps: Vec<StepSpec>,
    workspaces: &Shared,
    setting: &Arc<Setting>,
) -> Result<bool, Failure> {
    let one = |step| step::run(stage.name.clone(), step, Arc::clone(workspaces), Arc::clone(setting));
    if !stage.parallel {
        for step in steps {
            if !one(step).await? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let at_once = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));
    let mut running = JoinSet::new();
    for step in steps {
        let (at_once, run) = (Arc::clone(&at_once), one(step));
        running.spawn(async move {
            let _turn = at_once.acquire_owned().await;
            run.await
        });
    }
    let mut all = true;
    while let Some(ended) = running.join_next().await {
        all &= ended.map_err(|error| Failure::bug(format!("a step ended: {error}")))??;
    }
    Ok(all)
}
