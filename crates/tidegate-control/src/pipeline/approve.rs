//! `tidegate approve`.

use std::collections::BTreeSet;

use tidegate_core::model::{Approval, PipelineRun, RunNo, RunSource};
use tidegate_core::pipeline::may_approve;

use super::{open, put};
use crate::answer::store_trouble;
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind};

/// Records somebody's consent to a run.
pub fn approve(
    world: &mut World<'_>,
    time: Time,
    number: RunNo,
    (by, why): (&str, Option<&str>),
) -> Result<(), Refusal> {
    let before = open(world, number)?;
    if before.policy.approvals == 0 {
        let message = format!("run {number} needs no approval: {} asks for none", before.environment);
        return Err(Refusal::new(RefusalKind::Conflict, "approve::not-needed", message));
    }
    let sources = lineage(world, &before)?;
    let sources: Vec<&RunSource> = sources.iter().collect();
    may_approve(&before.policy, &sources, &before.approvals, by)
        .map_err(|why| Refusal::new(RefusalKind::Conflict, "approve::refused", why.to_string()))?;
    let mut run = before.clone();
    let why = why.map(|why| why.chars().take(500).collect());
    run.approvals.push(Approval { by: by.trim().to_owned(), at_unix_ms: time.unix_ms, why });
    world.store.transaction(|tx| put(tx, Some(&before), &run, time)).map_err(store_trouble)
}

/// The run, and all whose build it carries on or does once more: who pushed is known of a promotion as well.
fn lineage(world: &World<'_>, run: &PipelineRun) -> Result<Vec<RunSource>, Refusal> {
    let mut sources = vec![run.source.clone()];
    let earlier: BTreeSet<RunNo> = run.artifacts_of.iter().copied().chain(run.from).collect();
    for number in earlier {
        let earlier = world.store.pipeline_run(number).map_err(store_trouble)?;
        sources.extend(earlier.map(|earlier| earlier.source));
    }
    Ok(sources)
}
