//! Protected environments: nothing but a run of a commit on their branches changes them.
//!
//! Asked by whatever else would: deploys of folders, rollbacks, scaling, one-off commands. What is in force is what the last commit
//! says that came there to the end of its pipeline, so a folder whose manifest says nothing of protection does not lift it, nor does
//! a commit on its way. Somebody may pass all the same, with a reason: that is in the timeline before anything is done.

use tidegate_core::event::Event;
use tidegate_core::model::{EnvironmentPolicy, Name, PipelineRun, RunState};
use tidegate_store::{Reader, Store, StoreError};

use crate::answer::store_trouble;
use crate::audit::deeds::break_glass;
use crate::engine::Time;
use crate::plane::{BreakGlass, Refusal, RefusalKind};

/// The runs looked through for one that deployed.
const MOST_RUNS: usize = 100;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;
/// The longest name, in characters.
const LONGEST_NAME: usize = 64;
/// The kind of the event that says that a protection was passed over.
pub const BROKEN: &str = "environment.break-glass";

/// What would change an environment besides a run.
pub(crate) struct Change<'a> {
    /// The app and the environment.
    pub(crate) place: (&'a Name, &'a Name),
    /// What it is, after "to": "deploy a folder".
    pub(crate) what: &'a str,
    /// What the manifest that comes with it says of the way into the environment.
    pub(crate) brings: Option<&'a EnvironmentPolicy>,
}

/// The rules of the way into an environment: what the commit says that came there last. `None`: none did. What a commit on its way
/// says is no rule yet.
pub(crate) fn in_force(
    store: &Reader,
    app: &Name,
    environment: &Name,
) -> Result<Option<EnvironmentPolicy>, StoreError> {
    if let Some(rules) = store.environment(app, environment)?.and_then(|kept| kept.rules) {
        return Ok(Some(rules.policy));
    }
    // From before rules were kept.
    let runs = store.pipeline_runs_of(app, Some(environment), MOST_RUNS)?;
    let ruling = runs.iter().find(|run| run.preview.is_none() && came_there(run));
    Ok(ruling.map(|run| run.own_policy().clone()))
}

/// Whether a run has gone its way to the end.
pub(crate) fn came_there(run: &PipelineRun) -> bool {
    run.state == RunState::Succeeded && run.has_deployed()
}

/// What counts for whoever would change an environment by hand: the rules in force, before there are any what the newest commit
/// on its way says.
pub(crate) fn known(
    store: &Reader,
    app: &Name,
    environment: &Name,
) -> Result<Option<EnvironmentPolicy>, StoreError> {
    match in_force(store, app, environment)? {
        Some(rules) => Ok(Some(rules)),
        None => newest(store, app, environment),
    }
}

/// The way into an environment as the newest run has it: who is told of a run is what its own commit says.
pub(crate) fn newest(
    store: &Reader,
    app: &Name,
    environment: &Name,
) -> Result<Option<EnvironmentPolicy>, StoreError> {
    let newest = store.pipeline_runs_of(app, Some(environment), 1)?.into_iter().next();
    Ok(newest.map(|run| run.own_policy().clone()))
}

/// Refuses a change of a protected environment. Where it is to be passed over that is told first, so that no kill can make it
/// unheard of.
pub(crate) fn guard(
    store: &mut Store,
    time: Time,
    change: &Change<'_>,
    glass: Option<&BreakGlass>,
) -> Result<(), Refusal> {
    let (app, environment) = change.place;
    let known = known(store, app, environment).map_err(store_trouble)?;
    let policy = known.iter().chain(change.brings).find(|policy| policy.protected);
    let Some(policy) = policy else { return glass.map_or(Ok(()), |glass| checked(glass).map(drop)) };
    let Some(glass) = glass else { return Err(refusal(environment, policy)) };
    pass_over(store, time, change.place, change.what, glass).map(drop)
}

/// Tells that a protection, or the rules of the way into an environment, are passed over; why, on one line.
pub(crate) fn pass_over(
    store: &mut Store,
    time: Time,
    (app, environment): (&Name, &Name),
    what: &str,
    glass: &BreakGlass,
) -> Result<String, Refusal> {
    let (by, why) = checked(glass)?;
    let message = format!("the protection of {environment} was passed over by {by} to {what}: {why}");
    tracing::warn!(%app, %environment, by, "the protection of an environment was passed over");
    let event = Event::about(app.as_str(), environment.as_str(), BROKEN, message);
    let deed = break_glass((app, environment), what, &by, &why);
    let told = store.transaction(|tx| {
        tx.audit_besides(deed, time.unix_ms)?;
        tx.event(&event, time.unix_ms).map(drop)
    });
    told.map_err(store_trouble)?;
    Ok(why)
}

/// Who and why, each on one line.
fn checked(glass: &BreakGlass) -> Result<(String, String), Refusal> {
    let line = |text: &str, most: usize| -> String {
        let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        clean.collect::<String>().trim().chars().take(most).collect()
    };
    let (by, why) = (line(&glass.by, LONGEST_NAME), line(&glass.why, LONGEST_REASON));
    let missing = if by.is_empty() { Some("who it is") } else { why.is_empty().then_some("a reason") };
    match missing {
        None => Ok((by, why)),
        Some(what) => {
            let message = format!("passing over a protection needs {what}");
            Err(Refusal::new(RefusalKind::Invalid, "environment::no-reason", message)
                .help("say why: `--break-glass \"the gateway of our bank changed\"`"))
        }
    }
}

fn refusal(environment: &Name, policy: &EnvironmentPolicy) -> Refusal {
    let way = match (&policy.promote_from, policy.branches.first()) {
        (Some(from), _) => format!("`tidegate promote -e {from} {environment}`"),
        (None, Some(branch)) => format!("`git push $(tidegate git url) HEAD:{branch}`"),
        (None, None) => "push a commit: `tidegate git url` says where to".to_owned(),
    };
    let message = format!("{environment} is protected: only runs of a pipeline change it");
    Refusal::new(RefusalKind::Conflict, "environment::protected", message)
        .help(format!("{way}; in an emergency `--break-glass WHY`, which is told to everybody"))
}

#[cfg(test)]
#[path = "protection_tests.rs"]
mod tests;
#[cfg(test)]
pub(crate) use tests::test_run;
