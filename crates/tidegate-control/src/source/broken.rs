//! A commit of a host that no run can begin of: its manifest has mistakes, say. Nobody waits at a push to be told, so those who
//! want to know of runs that fail are.

use std::collections::BTreeSet;

use tidegate_config::{Diagnostic, Source};
use tidegate_core::event::Event;
use tidegate_core::model::Name;

use crate::answer::store_trouble;
use crate::handle::Handle;
use crate::plane::Refusal;
use crate::push::Arrival;
use crate::seams::Repositories;

/// The runs looked through for where the branch went so far.
const MOST_RUNS: usize = 200;
/// The most mistakes that are told.
const MOST_MISTAKES: usize = 20;
const REFUSED: &str = "pipeline.refused";

/// Tells it in the environments the branch went to so far; of the app alone where it went to none.
pub(super) fn tell(
    handle: &Handle,
    repositories: &dyn Repositories,
    arrival: &Arrival,
    refusal: &Refusal,
) -> Result<(), Refusal> {
    let Arrival { app, branch, commit, .. } = arrival;
    let file = |name: &str| repositories.file(app, commit, name, Source::LONGEST as u64).ok().flatten();
    let commit: String = commit.chars().take(12).collect();
    let message = format!("no run begins of {commit} on {branch}: {}", said(refusal, &file));
    let environments = been_to(handle, app, branch)?;
    let mut events: Vec<Event> = environments
        .iter()
        .map(|environment| Event::about(app.as_str(), environment.as_str(), REFUSED, message.clone()))
        .collect();
    if events.is_empty() {
        events.push(Event::of_app(app.as_str(), REFUSED, message));
    }
    handle.ask(move |world, time| {
        let written = world
            .store
            .transaction(|tx| events.iter().try_for_each(|event| tx.event(event, time.unix_ms).map(drop)));
        written.map_err(store_trouble)
    })
}

fn been_to(handle: &Handle, app: &Name, branch: &str) -> Result<BTreeSet<Name>, Refusal> {
    let runs =
        handle.read(|answers| answers.store.pipeline_runs_of(app, None, MOST_RUNS).map_err(store_trouble))?;
    let of_branch = runs.into_iter().filter(|run| run.source.branch.as_deref() == Some(branch));
    Ok(of_branch.map(|run| run.environment).collect())
}

/// The refusal with its mistakes, on one line.
fn said(refusal: &Refusal, file: &dyn Fn(&str) -> Option<String>) -> String {
    let errors = refusal.diagnostics.iter().filter(|one| one.is_error()).take(MOST_MISTAKES);
    let mistakes: Vec<String> = errors.map(|one| mistake(one, file)).collect();
    if mistakes.is_empty() {
        return format!("{} [{}]", refusal.message, refusal.code);
    }
    format!("{}: {}", refusal.message, mistakes.join("; "))
}

/// `unknown key in tidegate.yaml:7 [manifest::unknown-key]`
fn mistake(one: &Diagnostic, file: &dyn Fn(&str) -> Option<String>) -> String {
    let line = || {
        let (at, text) = (one.labels.first()?.start, file(&one.file)?);
        Some(text.get(..at)?.matches('\n').count() + 1)
    };
    let line = line().map_or(String::new(), |line| format!(":{line}"));
    format!("{} in {}{line} [{}]", one.message, one.file, one.code)
}
