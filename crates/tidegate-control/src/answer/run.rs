//! `tidegate run`, while it runs and after.

use tidegate_core::model::{InstanceId, JobKind, JobPhase};
use tidegate_core::view::RunView;

use super::{Answers, store_trouble};
use crate::plane::{Refusal, RefusalKind};

/// A one-off command.
pub fn run(answers: &Answers<'_>, id: &InstanceId) -> Result<RunView, Refusal> {
    let job = answers.store.job(id).map_err(store_trouble)?.filter(|job| job.kind == JobKind::Run);
    let Some((job, (_, revision))) = job.and_then(|job| job.of.clone().map(|of| (job, of))) else {
        let message = format!("there is no one-off command `{id}`, or it ended more than an hour ago");
        return Err(
            Refusal::new(RefusalKind::NotFound, "run::unknown", message).help("`tidegate events` lists them")
        );
    };
    let exit = match job.phase {
        JobPhase::Ended(exit) => Some(exit),
        JobPhase::Running | JobPhase::Stopping { .. } => None,
    };
    Ok(RunView { id: job.id.to_string(), revision, exit })
}
