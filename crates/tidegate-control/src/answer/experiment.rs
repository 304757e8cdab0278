//! Experiments on flags, as they are shown.

use tidegate_core::experiment::{Experiment, ExperimentKey};
use tidegate_core::model::{FlagKey, Name};
use tidegate_core::view::{ExperimentList, ExperimentView};

use super::{Answers, place_of, store_trouble};
use crate::experiment::designs;
use crate::plane::{Refusal, RefusalKind, Scope};

/// The most that a list has.
const MOST: usize = 100;

/// Every experiment of an environment, the newest first, and before them flags that are to be one.
pub fn experiments(answers: &Answers<'_>, scope: &Scope) -> Result<ExperimentList, Refusal> {
    let (app, environment) = place_of(answers.store, scope)?;
    let past = answers.store.experiments_of(&app, &environment, MOST).map_err(store_trouble)?;
    let mut experiments = to_be(answers, (&app, &environment), &past)?;
    experiments.extend(past.iter().map(ExperimentView::of));
    Ok(ExperimentList { app: Some(app), environment: Some(environment), experiments })
}

/// The experiment of a flag: the one that runs, or is to be, or the last one.
pub fn experiment(answers: &Answers<'_>, scope: &Scope, flag: &FlagKey) -> Result<ExperimentView, Refusal> {
    let (app, environment) = place_of(answers.store, scope)?;
    let key = ExperimentKey { app, environment, flag: flag.clone() };
    let last = answers.store.last_experiment(&key).map_err(store_trouble)?;
    if let Some(last) = last.as_ref().filter(|last| last.is_running()) {
        return Ok(ExperimentView::of(last));
    }
    let past: Vec<Experiment> = last.into_iter().collect();
    let mut to_be = to_be(answers, (&key.app, &key.environment), &past)?;
    to_be.retain(|view| view.flag == flag.as_str());
    to_be.into_iter().next().or_else(|| past.first().map(ExperimentView::of)).ok_or_else(|| none(flag))
}

/// Flags that are to be an experiment, and have none by their present design.
fn to_be(
    answers: &Answers<'_>,
    (app, environment): (&Name, &Name),
    past: &[Experiment],
) -> Result<Vec<ExperimentView>, Refusal> {
    let designs = designs(answers.store, app, environment).map_err(store_trouble)?;
    let waiting = designs.into_iter().filter(|designed| {
        let mut of_flag = past.iter().filter(|one| one.key.flag == designed.flag);
        match &designed.design {
            Ok(design) => of_flag.all(|one| one.design != *design && !one.is_running()),
            Err(_) => of_flag.next().is_none(),
        }
    });
    Ok(waiting.map(|designed| ExperimentView::before(&designed.flag, designed.design)).collect())
}

fn none(flag: &FlagKey) -> Refusal {
    let message = format!("`{flag}` is no experiment");
    Refusal::new(RefusalKind::NotFound, "experiment::unknown", message)
        .help("its `metadata` says `class: experiment`; see docs/guides/experiments.md")
}
