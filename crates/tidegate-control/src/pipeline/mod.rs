//! How runs begin and what people do to them. What becomes of a run by itself is the engine's; what a decision is, the core's.

mod approve;
mod begin;
mod cancel;
mod promote;
mod retry;
mod way;

use tidegate_core::model::{PipelineRun, RunNo};
use tidegate_core::pipeline::events;
use tidegate_store::{StoreError, Tx};

use crate::answer::run_of;
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind};

pub use approve::approve;
pub(crate) use approve::lineage;
pub(crate) use begin::build_row;
pub use begin::{Taken, enter, read};
pub use cancel::cancel;
pub use promote::promote;
pub(crate) use promote::{begin_promotion, promotions_after};
pub use retry::retry;
pub(crate) use way::may_come_again;

/// Keeps a run, and tells what has changed of it.
pub(crate) fn put(
    tx: &Tx<'_>,
    before: Option<&PipelineRun>,
    run: &PipelineRun,
    time: Time,
) -> Result<(), StoreError> {
    tx.put_pipeline_run(run)?;
    events(before, run).iter().try_for_each(|event| tx.event(event, time.unix_ms).map(drop))
}

/// A run that goes on.
fn open(world: &World<'_>, number: RunNo) -> Result<PipelineRun, Refusal> {
    let run = run_of(world.store, number)?;
    if run.state.is_over() || run.ending.is_some() {
        let message = format!("run {number} is {} already", run.state.as_str());
        return Err(Refusal::new(RefusalKind::Conflict, "pipeline::over", message)
            .help(format!("`tidegate pipeline show {number}` shows how it ended")));
    }
    Ok(run)
}
