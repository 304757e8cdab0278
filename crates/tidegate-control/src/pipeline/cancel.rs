//! `tidegate pipeline cancel`.

use tidegate_core::model::{RunEnding, RunNo, RunState};

use super::{open, put};
use crate::answer::store_trouble;
use crate::engine::{Time, World};
use crate::plane::Refusal;

/// Has a run end: what runs of it is stopped, what it deploys is taken back.
pub fn cancel(world: &mut World<'_>, time: Time, number: RunNo, by: &str) -> Result<(), Refusal> {
    let before = open(world, number)?;
    let who = if by.is_empty() { "somebody" } else { by };
    let ending = RunEnding { state: RunState::Cancelled, why: format!("{who} cancelled it") };
    let run = tidegate_core::model::PipelineRun { ending: Some(ending), ..before.clone() };
    let written = world.store.transaction(|tx| {
        tx.changes(Some(before.state.as_str()), Some("cancelled"));
        put(tx, Some(&before), &run, time)
    });
    written.map_err(store_trouble)
}
