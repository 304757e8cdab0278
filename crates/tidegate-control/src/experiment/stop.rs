//! Ending an experiment because somebody asks for it.

use tidegate_core::experiment::ExperimentKey;

use super::standing::end;
use crate::answer::store_trouble;
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind};

/// The longest reason, in characters.
const LONGEST: usize = 1_000;

/// Ends the running experiment of a flag. Another one begins only once what is served or measured is another.
pub fn stop(
    world: &mut World<'_>,
    time: Time,
    key: &ExperimentKey,
    (by, why): (&str, Option<&str>),
) -> Result<(), Refusal> {
    let last = world.store.last_experiment(key).map_err(store_trouble)?;
    let Some(mut experiment) = last.filter(|last| last.is_running()) else {
        let message = format!("no experiment on `{}` runs", key.flag);
        return Err(Refusal::new(RefusalKind::Conflict, "experiment::none-running", message)
            .help("`tidegate experiment list` shows all of them"));
    };
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    let by = if by.is_empty() { "somebody".to_owned() } else { short(by) };
    let ended = world.store.transaction(|tx| {
        tx.changes(Some("running"), Some("ended"));
        end(tx, time, &mut experiment, (&by, why.map(short)))
    });
    ended.map_err(store_trouble)
}
