//! Which experiments there are, by what Git says of the flags and by what is served of them now.

use serde_json::Value;
use tidegate_core::event::Event;
use tidegate_core::experiment::{Design, End, Experiment, ExperimentKey, told_users};
use tidegate_core::model::{FlagKey, FlagState, Name, UserKey};
use tidegate_core::time::Moment;
use tidegate_store::{Reader, StoreError, Tx};

use super::meaning::meaning;
use crate::engine::Time;

/// A flag that is to be an experiment.
pub(crate) struct Designed {
    /// Which.
    pub flag: FlagKey,
    /// What it is to find out, or what is wrong with it.
    pub design: Result<Design, String>,
    /// What of a request tells the gateway its user; none: it has no part in it.
    pub told: Vec<UserKey>,
    /// Since when users are dealt out like that.
    since: Since,
}

/// A moment on both time lines.
#[derive(Clone, Copy, Debug)]
struct Since {
    unix_ms: u64,
    moment: Option<Moment>,
}

impl Since {
    /// The moment on the wall clock as it goes now. One that was set back since would say that it is still to come; one that was set
    /// forward, that it is long ago: whichever is earlier leaves nobody out.
    fn by_the_clock_of(self, now: Time) -> u64 {
        let gone = self.moment.map(|moment| now.now.since(moment).0);
        gone.map_or(self.unix_ms, |gone| self.unix_ms.min(now.unix_ms.saturating_sub(gone)))
    }
}

impl Designed {
    /// Since when users are dealt out like that: milliseconds since the Unix epoch, by a clock that shows this now.
    pub fn since_unix_ms(&self, now: Time) -> u64 {
        self.since.by_the_clock_of(now)
    }

    fn of(document: &Value, states: &[FlagState], key: &str, definition: &Value) -> Option<Self> {
        let flag: FlagKey = key.parse().ok()?;
        let known = states.iter().find(|state| state.key == flag);
        let state = known.cloned().unwrap_or_else(|| FlagState::untouched(flag.clone()));
        if state.archived {
            return None;
        }
        let design = match meaning(document, states, &flag) {
            Ok(meaning) => Design::of(definition, &meaning, &state)?,
            Err(why) => Err(why),
        };
        let since = Since { unix_ms: state.changed_at_unix_ms, moment: state.changed };
        Some(Designed { flag, design, told: told_users(definition), since })
    }
}

/// Every flag of an environment that is to be an experiment.
pub(crate) fn designs(store: &Reader, app: &Name, environment: &Name) -> Result<Vec<Designed>, StoreError> {
    let Some(definitions) = store.flag_definitions(app, environment)? else { return Ok(Vec::new()) };
    designs_of(store, (app, environment), &definitions.document)
}

/// The same where these were the definitions.
pub(crate) fn designs_of(
    store: &Reader,
    (app, environment): (&Name, &Name),
    document: &Value,
) -> Result<Vec<Designed>, StoreError> {
    let flags = document.get("flags").and_then(Value::as_object);
    let is_meant = |definition: &&Value| {
        definition.get("metadata").and_then(Value::as_object).is_some_and(Design::is_meant)
    };
    // First: states are read for them alone, and most flags are something else.
    let meant: Vec<_> = flags.into_iter().flatten().filter(|(_, definition)| is_meant(definition)).collect();
    if meant.is_empty() {
        return Ok(Vec::new());
    }
    let states = store.flag_states_of(app, environment)?;
    Ok(meant
        .into_iter()
        .filter_map(|(key, definition)| Designed::of(document, &states, key, definition))
        .collect())
}

/// Whether an experiment on a flag keeps what is served of it as it is.
pub(crate) fn holds_split(
    store: &Reader,
    app: &Name,
    environment: &Name,
    flag: &FlagKey,
) -> Result<bool, StoreError> {
    let key = ExperimentKey { app: app.clone(), environment: environment.clone(), flag: flag.clone() };
    Ok(store.last_experiment(&key)?.is_some_and(|last| last.holds_split()))
}

/// The flags whose experiments these definitions would end by dealing users out, or measuring, in another way.
pub(crate) fn moved(
    store: &Reader,
    (app, environment): (&Name, &Name),
    document: &Value,
) -> Result<Vec<FlagKey>, StoreError> {
    let here = |one: &Experiment| one.key.app == *app && one.key.environment == *environment;
    let running: Vec<_> =
        store.running_experiments()?.into_iter().filter(|one| one.holds_split() && here(one)).collect();
    if running.is_empty() {
        return Ok(Vec::new());
    }
    let designs = designs_of(store, (app, environment), document)?;
    let moves = |one: &Experiment| ends(one, &designs).is_some();
    Ok(running.into_iter().filter(moves).map(|one| one.key.flag).collect())
}

/// Why an experiment that runs is no longer what was begun, where these are the designs.
pub(crate) fn ends(experiment: &Experiment, designs: &[Designed]) -> Option<String> {
    let designed = designs.iter().find(|designed| designed.flag == experiment.key.flag);
    match designed.map(|designed| &designed.design) {
        Some(Ok(design)) => {
            let changes = experiment.design.changes(design);
            (!changes.is_empty())
                .then(|| format!("what is served or measured was changed: {}", changes.join(", ")))
        }
        Some(Err(why)) => Some(why.clone()),
        None => Some("the flag is no experiment any more".to_owned()),
    }
}

/// Ends those that run and are no longer what was begun; the designs of all.
pub(crate) fn settle(
    tx: &Tx<'_>,
    (app, environment): (&Name, &Name),
    time: Time,
) -> Result<Vec<Designed>, StoreError> {
    let designs = designs(tx, app, environment)?;
    let here = |one: &Experiment| one.key.app == *app && one.key.environment == *environment;
    for mut experiment in tx.running_experiments()?.into_iter().filter(here) {
        if let Some(why) = ends(&experiment, &designs) {
            end(tx, time, &mut experiment, ("tidegate", Some(why)))?;
        }
    }
    Ok(designs)
}

/// Ends one. Its users are forgotten from then on, a part of them in each pass, and what was counted is kept.
pub(super) fn end(
    tx: &Tx<'_>,
    time: Time,
    experiment: &mut Experiment,
    (by, why): (&str, Option<String>),
) -> Result<(), StoreError> {
    let because = why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    let message = format!("the experiment on `{}` was ended by {by}{because}", experiment.key.flag);
    experiment.end = Some(End { at_unix_ms: time.unix_ms, by: by.to_owned(), why });
    experiment.forgetting = true;
    tx.put_experiment(experiment)?;
    tell(tx, time, &experiment.key, "experiment.ended", message)
}

/// Onto the timeline.
pub(super) fn tell(
    tx: &Tx<'_>,
    time: Time,
    key: &ExperimentKey,
    kind: &str,
    message: String,
) -> Result<(), StoreError> {
    let event = Event::about(key.app.as_str(), key.environment.as_str(), kind, message);
    tx.event(&event, time.unix_ms).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_wrong_leaves_nobody_out_once_it_is_right() {
        let hour = 3_600_000;
        let now = |moment, unix_ms| Time { now: Moment(moment), unix_ms };
        // Released while the clock was an hour ahead, and seen a second later by a clock that is right.
        let since = Since { unix_ms: 50 * hour, moment: Some(Moment(10_000)) };
        assert_eq!(since.by_the_clock_of(now(11_000, 49 * hour)), 49 * hour - 1_000);
        // The clock jumps ahead: what was seen before the jump still came after the release.
        assert_eq!(since.by_the_clock_of(now(11_000, 51 * hour)), 50 * hour);
        assert_eq!(Since { moment: None, ..since }.by_the_clock_of(now(11_000, 49 * hour)), 50 * hour);
    }
}
