//! `tidegate approve`.

use std::collections::BTreeSet;

use tidegate_core::model::{Approval, EnvironmentPolicy, PipelineRun, RunNo, RunSource};
use tidegate_core::pipeline::may_approve;
use tidegate_store::Reader;

use super::{open, put};
use crate::answer::store_trouble;
use crate::engine::{Time, World};
use crate::plane::{BreakGlass, Refusal, RefusalKind};
use crate::protection;

/// Records somebody's consent to a run; or, for a reason, has it go on without anybody's.
pub fn approve(
    world: &mut World<'_>,
    time: Time,
    number: RunNo,
    (by, why): (&str, Option<&str>),
    glass: Option<&BreakGlass>,
) -> Result<(), Refusal> {
    let before = open(world, number)?;
    if let Some(glass) = glass {
        return pass(world, time, &before, glass);
    }
    if before.policy.approvals == 0 {
        let message = format!("run {number} needs no approval: {} asks for none", before.environment);
        return Err(Refusal::new(RefusalKind::Conflict, "approve::not-needed", message));
    }
    let sources = lineage(world.store, &before)?;
    let sources: Vec<&RunSource> = sources.iter().collect();
    may_approve(&before.policy, &sources, &before.approvals, by)
        .map_err(|why| Refusal::new(RefusalKind::Conflict, "approve::refused", why.to_string()))?;
    let mut run = before.clone();
    let why = why.map(|why| why.chars().take(500).collect());
    run.approvals.push(Approval { by: by.trim().to_owned(), at_unix_ms: time.unix_ms, why });
    let consents = |run: &PipelineRun| format!("{} of {}", run.approvals.len(), run.policy.approvals);
    let written = world.store.transaction(|tx| {
        tx.changes(Some(&consents(&before)), Some(&consents(&run)));
        put(tx, Some(&before), &run, time)
    });
    written.map_err(store_trouble)
}

/// Has a run go on whatever the rules ask for: nobody may be left who could agree, or a freeze may have to be mended. That is told
/// first. The rules that its commit brings come into force as ever.
fn pass(world: &mut World<'_>, time: Time, before: &PipelineRun, glass: &BreakGlass) -> Result<(), Refusal> {
    let what = format!("let run {} pass by its rules", before.number);
    let why = protection::pass_over(world.store, time, (&before.app, &before.environment), &what, glass)?;
    let own = before.own_policy().clone();
    let free =
        EnvironmentPolicy { approvals: 0, windows: Vec::new(), freezes: Vec::new(), ..before.policy.clone() };
    let run = PipelineRun { passed: Some(why), policy: free, brings: Some(own), ..before.clone() };
    world.store.transaction(|tx| put(tx, Some(before), &run, time)).map_err(store_trouble)
}

/// The run, and all whose build it carries on or does once more: who pushed is known of a promotion as well.
pub(crate) fn lineage(store: &Reader, run: &PipelineRun) -> Result<Vec<RunSource>, Refusal> {
    let mut sources = vec![run.source.clone()];
    let earlier: BTreeSet<RunNo> = run.artifacts_of.iter().copied().chain(run.from).collect();
    for number in earlier {
        let earlier = store.pipeline_run(number).map_err(store_trouble)?;
        sources.extend(earlier.map(|earlier| earlier.source));
    }
    Ok(sources)
}
