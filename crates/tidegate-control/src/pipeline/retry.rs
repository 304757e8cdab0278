//! `tidegate pipeline retry`: what failed is done again, what succeeded is not.

use std::path::Path;

use tidegate_core::model::{BuildPhase, PipelineRun, RunNo, RunSource, RunState};
use tidegate_core::pipeline::{NewRun, again};
use tidegate_store::Counter;

use super::begin::put_new;
use super::way::may_come_again;
use crate::answer::{run_of, store_trouble};
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind};
use crate::workshop::DirWorkshop;

/// Begins a run that did not succeed once more; the new one's number.
pub fn retry(
    world: &mut World<'_>,
    time: Time,
    data: &Path,
    (number, by): (RunNo, &str),
) -> Result<RunNo, Refusal> {
    let earlier = run_of(world.store, number)?;
    possible(&earlier)?;
    its_files_are_there(world, &earlier, data)?;
    let next = RunNo(world.store.peek_id(Counter::Run).map_err(store_trouble)?);
    let new = NewRun {
        number: next,
        environment: earlier.environment.clone(),
        source: RunSource { by: by.to_owned(), ..earlier.source.clone() },
        push: earlier.push.clone(),
        now: time.now,
        unix_ms: time.unix_ms,
    };
    let run = again(&earlier, new);
    let rules = may_come_again(world.store, &run)?;
    put_new(world, time, rules.into_iter().fold(run, PipelineRun::under), &[])?;
    let earlier = PipelineRun { next: Some(next), ..earlier };
    world.store.transaction(|tx| tx.put_pipeline_run(&earlier)).map_err(store_trouble)?;
    Ok(next)
}

fn possible(earlier: &PipelineRun) -> Result<(), Refusal> {
    let number = earlier.number;
    let refused = |message: String, help: String| {
        Err(Refusal::new(RefusalKind::Conflict, "pipeline::nothing-to-retry", message).help(help))
    };
    match (earlier.state, earlier.next) {
        (_, Some(next)) => refused(
            format!("run {next} came after run {number}"),
            format!("`tidegate pipeline show {next}`, or retry that one"),
        ),
        (RunState::Failed | RunState::Cancelled, None) => Ok(()),
        (RunState::Succeeded, None) => {
            refused(format!("run {number} succeeded"), "push a commit, or promote it".to_owned())
        }
        (RunState::Queued | RunState::Running | RunState::Waiting | RunState::Superseded, None) => refused(
            format!("run {number} is {}", earlier.state.as_str()),
            format!("`tidegate pipeline cancel {number}` ends it"),
        ),
    }
}

/// The build, or what it is made from.
fn its_files_are_there(world: &World<'_>, earlier: &PipelineRun, data: &Path) -> Result<(), Refusal> {
    let build = world.store.build(&earlier.input.build).map_err(store_trouble)?;
    let built = build.is_some_and(|build| build.phase == BuildPhase::Ready);
    if built || DirWorkshop::snapshot_dir(data, &earlier.input.snapshot).exists() {
        return Ok(());
    }
    let message = format!("the files of run {} were removed to make room", earlier.number);
    Err(Refusal::new(RefusalKind::Conflict, "pipeline::files-gone", message).help("push the commit again"))
}
