//! Which run makes another one pointless.

use crate::model::{PipelineRun, RunOrigin, StageRun, StageState, StageWork};

/// Whether `older` is to be ended because of `newer`: it is of the same branch into the same environment, has deployed nothing
/// yet, and what it would deploy would be overtaken at once. A retry is of what was there before and overtakes nothing.
pub fn supersedes(newer: &PipelineRun, older: &PipelineRun) -> bool {
    let same_way = newer.app == older.app
        && newer.environment == older.environment
        && newer.source.branch.is_some()
        && newer.source.branch == older.source.branch;
    let follows = newer.number > older.number && newer.source.origin != RunOrigin::Retry;
    same_way && follows && !older.state.is_over() && !has_begun_to_deploy(older)
}

/// Whether a run's deploy stage began: from then on the rollout decides, and a newer deploy takes it over.
fn has_begun_to_deploy(run: &PipelineRun) -> bool {
    let deploys = |stage: &&StageRun| {
        run.spec.stages.iter().any(|spec| spec.name == stage.name && matches!(spec.work, StageWork::Deploy))
    };
    let deploy = run.stages.iter().filter(deploys);
    deploy.into_iter().any(|stage| stage.deploy.is_some() || began(stage.state))
}

fn began(state: StageState) -> bool {
    match state {
        StageState::Pending | StageState::Waiting | StageState::Skipped | StageState::Cancelled => false,
        StageState::Running | StageState::Succeeded | StageState::Failed => true,
    }
}
