//! What policies go by besides who, what and where, read from the store.

use std::collections::BTreeSet;

use tidegate_core::access::{Action, Facts, Place};
use tidegate_core::model::{EnvironmentPolicy, Name, PipelineRun, RevisionNo, RunNo, RunSource};
use tidegate_core::pipeline::may_approve;
use tidegate_store::Reader;

use super::Subject;
use crate::answer::store_trouble;
use crate::pipeline::lineage;
use crate::plane::Refusal;
use crate::protection;

/// Deploys looked through for those of the revisions that serve.
const MOST_DEPLOYS: usize = 50;

/// What is known of a place.
pub(super) fn of_place(store: &Reader, place: &Place) -> Result<Facts, Refusal> {
    let Place::Environment(app, environment) = place else { return Ok(Facts::default()) };
    let known = protection::known(store, app, environment).map_err(store_trouble)?;
    let kept = store.environment(app, environment).map_err(store_trouble)?;
    Ok(Facts {
        protected: known.is_some_and(|policy| policy.protected),
        preview: kept.is_some_and(|kept| kept.preview.is_some()),
        ..Facts::default()
    })
}

/// What is known of a caller and what they ask for. `by`: as timelines write them.
pub(super) fn of_caller(
    store: &Reader,
    (action, place): (Action, &Place),
    subject: &Subject,
    by: &str,
    facts: Facts,
) -> Result<Facts, Refusal> {
    let author_is_caller = match subject {
        Subject::Run(number) => is_author(store, *number, by)?,
        Subject::Place(_)
        | Subject::Scope(_)
        | Subject::Removal(_)
        | Subject::Promotion(..)
        | Subject::Plan(_)
        | Subject::Deploy(_)
        | Subject::Rollout(_)
        | Subject::Unit(_)
        | Subject::Build(..) => false,
    };
    let released = place.app().zip(place.environment()).filter(|_| action == Action::Release);
    let deployer_is_caller = released.map(|of| is_deployer(store, of, by)).transpose()?.unwrap_or(false);
    Ok(Facts { author_is_caller, deployer_is_caller, ..facts })
}

/// By the rule that approvals go by: the author of the commit, and who pushed it.
fn is_author(store: &Reader, number: RunNo, by: &str) -> Result<bool, Refusal> {
    let Some(run) = store.pipeline_run(number).map_err(store_trouble)? else { return Ok(false) };
    let sources = lineage(store, &run)?;
    let sources: Vec<&RunSource> = sources.iter().collect();
    Ok(may_approve(&EnvironmentPolicy::default(), &sources, &[], by).is_err())
}

/// Whether they brought a revision that serves: by a deploy, or by beginning the run that did.
fn is_deployer(store: &Reader, (app, environment): (&Name, &Name), by: &str) -> Result<bool, Refusal> {
    let services = store.services_of(app, environment).map_err(store_trouble)?;
    let serving: BTreeSet<RevisionNo> = services.iter().filter_map(|state| state.stable).collect();
    let deploys = store.deploys_of(app, environment, MOST_DEPLOYS).map_err(store_trouble)?;
    for deploy in deploys.iter().filter(|deploy| deploy.revision.is_some_and(|of| serving.contains(&of))) {
        if same(&deploy.by, by) || run_of(store, &deploy.by)?.is_some_and(|run| same(&run.source.by, by)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The run that made a deploy, as it says of itself there: `run 7`.
fn run_of(store: &Reader, by: &str) -> Result<Option<PipelineRun>, Refusal> {
    let number = by.strip_prefix("run ").and_then(|number| number.parse().ok());
    let run = number.map(|number| store.pipeline_run(RunNo(number))).transpose();
    Ok(run.map_err(store_trouble)?.flatten())
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
