//! Which experiments there are, by what Git says of the flags and by what is served of them now.

use serde_json::Value;
use tidegate_core::event::Event;
use tidegate_core::experiment::{Design, End, Experiment, ExperimentKey};
use tidegate_core::model::{FlagKey, Name};
use tidegate_store::{Reader, StoreError, Tx};

use crate::engine::Time;

/// A flag that is to be an experiment.
pub(crate) struct Designed {
    /// Which.
    pub flag: FlagKey,
    /// What it is to find out, or what is wrong with it.
    pub design: Result<Design, String>,
    /// Since when users are dealt out like that: milliseconds since the Unix epoch.
    pub since_unix_ms: u64,
}

/// Every flag of an environment that is to be an experiment.
pub(crate) fn designs(store: &Reader, app: &Name, environment: &Name) -> Result<Vec<Designed>, StoreError> {
    let Some(definitions) = store.flag_definitions(app, environment)? else { return Ok(Vec::new()) };
    let flags = definitions.document.get("flags").and_then(|flags| flags.as_object());
    let mut designs = Vec::new();
    for (key, definition) in flags.into_iter().flatten() {
        let metadata = definition.get("metadata").and_then(|metadata| metadata.as_object());
        // First: a state is read for each, and most flags are something else.
        let Some(flag) = metadata.filter(|it| Design::is_meant(it)).and_then(|_| key.parse::<FlagKey>().ok())
        else {
            continue;
        };
        let state = store.flag_state(app, environment, &flag)?;
        if let Some(design) = Design::of(definition, &state) {
            designs.push(Designed { flag, design, since_unix_ms: state.changed_at_unix_ms });
        }
    }
    Ok(designs)
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
    let mut moved = Vec::new();
    for experiment in store.running_experiments()?.into_iter().filter(Experiment::holds_split) {
        let flag = &experiment.key.flag;
        if experiment.key.app != *app || experiment.key.environment != *environment {
            continue;
        }
        let state = store.flag_state(app, environment, flag)?;
        let definition = document.get("flags").and_then(|flags| flags.get(flag.as_str()));
        let design = definition.and_then(|definition| Design::of(definition, &state)).and_then(Result::ok);
        if design.as_ref() != Some(&experiment.design) {
            moved.push(flag.clone());
        }
    }
    Ok(moved)
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
        let designed = designs.iter().find(|designed| designed.flag == experiment.key.flag);
        let why = match designed.map(|designed| &designed.design) {
            Some(Ok(design)) if *design == experiment.design => continue,
            Some(Ok(_)) => "what is served or measured was changed".to_owned(),
            Some(Err(why)) => why.clone(),
            None => "the flag is no experiment any more".to_owned(),
        };
        end(tx, time, &mut experiment, ("tidegate", Some(why)))?;
    }
    Ok(designs)
}

/// Ends one. Its users are forgotten, and what was counted is kept.
pub(super) fn end(
    tx: &Tx<'_>,
    time: Time,
    experiment: &mut Experiment,
    (by, why): (&str, Option<String>),
) -> Result<(), StoreError> {
    let because = why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    let message = format!("the experiment on `{}` was ended by {by}{because}", experiment.key.flag);
    experiment.end = Some(End { at_unix_ms: time.unix_ms, by: by.to_owned(), why });
    tx.drop_experiment_users(experiment.id)?;
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
