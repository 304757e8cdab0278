//! `tidegate env remove`, `tidegate preview stop`, and branches that are removed: says that an environment goes, and ends what is on
//! its way into it.

use tidegate_core::event::Event;
use tidegate_core::model::{EnvironmentState, Leaving, Name, PipelineRun, RunEnding, RunState};
use tidegate_core::view::LeavingView;

use crate::answer::{place_of, store_trouble};
use crate::engine::{Time, World};
use crate::pipeline;
use crate::plane::{BreakGlass, Refusal, Scope};
use crate::protection::{self, Change};

/// Has an environment taken down; which one it is. One that is protected only goes for a reason. Asked again, nothing happens.
pub fn remove(
    world: &mut World<'_>,
    time: Time,
    scope: &Scope,
    (by, glass): (&str, Option<&BreakGlass>),
) -> Result<LeavingView, Refusal> {
    let (app, environment) = place_of(world.store, scope)?;
    let change = Change { place: (&app, &environment), what: "take it down", brings: None };
    protection::guard(world.store, time, &change, glass)?;
    let kept = world.store.environment(&app, &environment).map_err(store_trouble)?;
    let state = kept.unwrap_or_else(|| EnvironmentState::new(app.clone(), environment.clone()));
    let on_its_way = |run: &PipelineRun| run.app == app && run.environment == environment;
    let who = if by.is_empty() { "somebody" } else { by };
    take_down(world, time, vec![state], &format!("{who} asked for it"), on_its_way)?;
    Ok(LeavingView { app: app.to_string(), environment: environment.to_string() })
}

/// Has the previews of a branch taken down that is removed; which ones.
pub fn branch_gone(
    world: &mut World<'_>,
    time: Time,
    (app, branch): (&Name, &str),
    by: &str,
) -> Result<Vec<Name>, Refusal> {
    let of_branch = |state: &EnvironmentState| {
        state.app == *app && state.preview.as_ref().is_some_and(|preview| preview.branch == branch)
    };
    let previews = world.store.previews().map_err(store_trouble)?;
    let gone: Vec<EnvironmentState> = previews.into_iter().filter(of_branch).collect();
    let names = gone.iter().map(|state| state.environment.clone()).collect();
    let on_its_way = |run: &PipelineRun| {
        run.app == *app && run.preview.is_some() && run.source.branch.as_deref() == Some(branch)
    };
    let who = if by.is_empty() { "somebody" } else { by };
    take_down(world, time, gone, &format!("{who} removed {branch}"), on_its_way)?;
    Ok(names)
}

/// Writes it all in one transaction.
fn take_down(
    world: &mut World<'_>,
    time: Time,
    states: Vec<EnvironmentState>,
    why: &str,
    on_its_way: impl Fn(&PipelineRun) -> bool,
) -> Result<(), Refusal> {
    let open = world.store.open_pipeline_runs().map_err(store_trouble)?;
    let runs: Vec<&PipelineRun> = open.iter().filter(|run| run.ending.is_none() && on_its_way(run)).collect();
    let states: Vec<EnvironmentState> = states
        .into_iter()
        .filter(|state| state.leaving.is_none())
        .map(|state| leaving(state, why, time))
        .collect();
    let going: Vec<String> = states.iter().map(|state| state.environment.to_string()).collect();
    let written = world.store.transaction(|tx| {
        tx.changes(Some(&going.join(", ")), Some("taken down"));
        for state in &states {
            tx.put_environment(state)?;
            tx.event(&told(state, why), time.unix_ms)?;
        }
        runs.iter().try_for_each(|before| pipeline::put(tx, Some(before), &ended(before, why), time))
    });
    written.map_err(store_trouble)
}

fn leaving(state: EnvironmentState, why: &str, time: Time) -> EnvironmentState {
    EnvironmentState { leaving: Some(Leaving { why: why.to_owned(), since: time.now }), ..state }
}

/// That an environment is being taken down.
pub(crate) fn told(state: &EnvironmentState, why: &str) -> Event {
    let message = format!("{} is taken down: {why}", state.environment);
    Event::about(state.app.as_str(), state.environment.as_str(), "environment.leaving", message)
}

/// A run that does not come there any more.
pub(crate) fn ended(run: &PipelineRun, why: &str) -> PipelineRun {
    let why = format!("{} is taken down: {why}", run.environment);
    PipelineRun { ending: Some(RunEnding { state: RunState::Cancelled, why }), ..run.clone() }
}
