//! The experiments of a plan: what a deploy would do to those that run, and which would be possible from then on.

use serde_json::Value;
use tidegate_core::experiment::Experiment;
use tidegate_core::view::PlannedExperiment;
use tidegate_store::Reader;

use super::planned_flags::would_be_in_force;
use super::store_trouble;
use crate::experiment::{Designed, designs, designs_of, ends};
use crate::intake::Accepted;
use crate::plane::Refusal;

/// What would become of experiments. `document`: what the folder defines.
pub(super) fn planned_experiments(
    store: &Reader,
    accepted: &Accepted,
    document: Option<&str>,
) -> Result<Vec<PlannedExperiment>, Refusal> {
    let place = (&accepted.app, &accepted.environment);
    let after = would_be_in_force(store, accepted, document)?.map(|after| after.document);
    let after = designs_of(store, place, after.as_ref().unwrap_or(&Value::Null)).map_err(store_trouble)?;
    let before = designs(store, place.0, place.1).map_err(store_trouble)?;
    let running = store.running_experiments().map_err(store_trouble)?;
    let here = |one: &&Experiment| (&one.key.app, &one.key.environment) == place;
    let running: Vec<&Experiment> = running.iter().filter(here).collect();
    let mut planned: Vec<_> = running.iter().map(|one| of_running(one, &after)).collect();
    let runs = |flag: &Designed| running.iter().any(|one| one.key.flag == flag.flag);
    planned.extend(
        after.iter().filter(|designed| !runs(designed)).filter_map(|designed| to_be(designed, &before)),
    );
    Ok(planned)
}

/// One that runs is kept as it is until it has come to something.
fn of_running(experiment: &Experiment, after: &[Designed]) -> PlannedExperiment {
    let why = ends(experiment, after);
    let action = match (&why, experiment.holds_split()) {
        (None, _) => "keep",
        (Some(_), true) => "refuse",
        (Some(_), false) => "remove",
    };
    PlannedExperiment {
        flag: experiment.key.flag.to_string(),
        action: action.to_owned(),
        changes: why.into_iter().collect(),
        message: Some(experiment.message()),
    }
}

/// One that does not run: told where the deploy makes it possible, or impossible.
fn to_be(designed: &Designed, before: &[Designed]) -> Option<PlannedExperiment> {
    let was = before.iter().find(|before| before.flag == designed.flag).map(|before| &before.design);
    let (action, changes) = match (&designed.design, was) {
        (Ok(design), Some(Ok(was))) if was.is_same(design) => return None,
        (Err(why), Some(Err(was))) if was == why => return None,
        (Ok(_), _) => ("add", Vec::new()),
        (Err(why), _) => ("broken", vec![why.clone()]),
    };
    Some(PlannedExperiment {
        flag: designed.flag.to_string(),
        action: action.to_owned(),
        changes,
        message: None,
    })
}
