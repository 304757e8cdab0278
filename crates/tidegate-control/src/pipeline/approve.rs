//! `tidegate approve`.

use tidegate_core::model::{Approval, EnvironmentPolicy, PipelineRun, RunNo};

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
    counts(&before, by)?;
    let mut run = before.clone();
    let why = why.map(|why| why.chars().take(500).collect());
    run.approvals.push(Approval { by: by.trim().to_owned(), at_unix_ms: time.unix_ms, why });
    world.store.transaction(|tx| put(tx, Some(&before), &run, time)).map_err(store_trouble)
}

/// Whether this consent counts: neither the author's nor that of who began the run, once each, of those who may.
fn counts(run: &PipelineRun, by: &str) -> Result<(), Refusal> {
    let refused = |message: String| Err(Refusal::new(RefusalKind::Conflict, "approve::refused", message));
    let EnvironmentPolicy { approvers, .. } = &run.policy;
    let by = by.trim();
    if by.is_empty() {
        return refused("nobody is named".to_owned());
    }
    if same(by, &run.source.author) || same(by, &run.source.email) || same(by, &run.source.by) {
        return refused(format!("{by} brought the commit: somebody else has to agree"));
    }
    if !approvers.is_empty() && !approvers.iter().any(|name| same(name, by)) {
        return refused(format!("{by} is not among those who may agree: {}", approvers.join(", ")));
    }
    if run.approvals.iter().any(|approval| same(&approval.by, by)) {
        return refused(format!("{by} has agreed already"));
    }
    Ok(())
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
