//! A push as its hook asks about it: begins the runs of the pushed branches, tells what becomes of them while the client
//! waits, and says in the end which branches have moved. A client that leaves ends only the telling.

use std::time::Duration;

use tidegate_control::push::{Arrival, begin};
use tidegate_control::seams::Repositories;
use tidegate_control::{LogPage, Refusal, RefusalKind};
use tidegate_core::access::Action;
use tidegate_core::audit::{Deed, Outcome};
use tidegate_core::model::{Name, PushedRef, RunNo, RunOrigin, RunState};
use tidegate_core::view::PipelineRunView;
use tokio::time::Instant;

use super::narrator::Narrator;
use crate::server::Shared;
use crate::server::ask::ask;
use crate::server::audit::{self, enter};
use crate::server::follow::Follower;
use crate::server::problem::Refused;
use crate::wire::{PushBody, PushLine, RefUpdate, RefVerdict};

/// Between two looks at a run.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The most lines of output between two looks.
const MOST_LINES: usize = 1_000;
/// How long a client is kept waiting once its branch has moved: a canary can take days.
const WAIT_WITHIN: Duration = Duration::from_secs(30 * 60);

/// A run that somebody waits for.
struct Awaited {
    /// Which of the updates began it.
    update: usize,
    view: PipelineRunView,
    narrator: Narrator,
    cursor: Option<String>,
    told_to_the_end: bool,
}

/// Answers a push. Ends once every run is over, waits for people, or goes on for long.
pub(in crate::server) async fn attend(mut follower: Follower, shared: Shared, body: PushBody) {
    let mut verdicts = vec![RefVerdict::Plain; body.updates.len()];
    let mut runs = Vec::new();
    for (index, update) in body.updates.iter().enumerate() {
        let mut refused = None;
        match let_go(&shared, &body, update).await {
            Ok(lines) => drop(say(&mut follower, lines).await),
            Err(Told { lines, why, code }) => {
                (verdicts[index], refused) = (RefVerdict::Refused(why), Some(code));
                say(&mut follower, lines).await;
            }
        }
        match begin_runs(&shared, &body, update).await {
            Ok(begun) => runs.extend(begun.into_iter().map(|view| (index, view))),
            Err(Told { lines, why, code }) => {
                (verdicts[index], refused) = (RefVerdict::Refused(why), Some(code));
                say(&mut follower, lines).await;
            }
        }
        enter(&shared, vec![deed_of(&body, update, refused.take())]).await;
        if let Some(line) = unanswered(update, index, &runs, &verdicts) {
            say(&mut follower, vec![line]).await;
        }
    }
    let several = runs.len() > 1;
    let mut runs: Vec<Awaited> = runs.into_iter().map(|run| Awaited::new(run, several)).collect();
    let first = runs.iter().flat_map(|run| run.narrator.begins(&run.view)).collect();
    if !say(&mut follower, first).await || !follow(&mut follower, &shared, &body, &mut runs).await {
        return;
    }
    for run in &runs {
        verdicts[run.update] = verdict(&shared, &body, run).await;
    }
    follower.write(&[PushLine::Done(verdicts)]).await;
}

/// The entry of an update. What it leads to, runs and previews that go, has entries of its own.
fn deed_of(body: &PushBody, update: &RefUpdate, refused: Option<String>) -> Deed {
    let deed = Deed::new(Action::Push, "push")
        .at(Some(&body.app), None)
        .with("ref", &update.name)
        .with("by", &body.by)
        .changed(Some(&update.before), Some(&update.after));
    let deed = match audit::now() {
        Some(call) => deed.by(call.caller()),
        None => deed,
    };
    match refused {
        Some(code) => deed.ended(Outcome::Refused { code, rule: None }),
        None => deed,
    }
}

/// Why an update is refused: for people, and in a few words.
struct Told {
    lines: Vec<String>,
    why: String,
    code: String,
}

impl From<Refusal> for Told {
    fn from(refusal: Refusal) -> Self {
        let said = refusal
            .diagnostics
            .iter()
            .map(|one| format!("error[{}]: {} ({})", one.code, one.message, one.file));
        let mut lines: Vec<String> = said.collect();
        lines.push(format!("error: {} [{}]", refusal.message, refusal.code));
        lines.extend(refusal.help.map(|help| format!("  help: {help}")));
        Told { lines, why: refusal.message, code: refusal.code }
    }
}

/// A branch that is removed takes its previews along. Before git removes it: where this cannot be done, the branch stays.
async fn let_go(shared: &Shared, body: &PushBody, update: &RefUpdate) -> Result<Vec<String>, Told> {
    let Some(branch) = update.branch().filter(|_| update.removes()).map(str::to_owned) else {
        return Ok(Vec::new());
    };
    let (app, by) = (body.app.clone(), body.by.clone());
    let gone = ask(shared, move |plane| plane.branch_gone(&app, &branch, &by)).await;
    let gone = gone.map_err(|refused: Refused| Told::from(refused.into_refusal()))?;
    Ok(gone.iter().map(|environment| format!("{environment} goes with it")).collect())
}

async fn begin_runs(
    shared: &Shared,
    body: &PushBody,
    update: &RefUpdate,
) -> Result<Vec<PipelineRunView>, Told> {
    let Some(branch) = update.branch().filter(|_| !update.removes()) else { return Ok(Vec::new()) };
    let arrival = Arrival {
        app: body.app.clone(),
        branch: branch.to_owned(),
        commit: update.after.clone(),
        by: body.by.clone(),
        origin: RunOrigin::Push,
        push: Some(PushedRef { name: update.name.clone(), before: update.before.clone(), moved: false }),
    };
    let shared_by_call = shared.clone();
    let begun = ask(shared, move |plane| {
        let git = shared_by_call.git.as_ref().ok_or_else(not_served)?;
        if let Some(hooks) = &shared_by_call.hooks {
            hooks.pushes_are_taken(&arrival.app)?;
        }
        stands(&git.config.repositories, &arrival)?;
        begin(plane, &git.config.repositories, git.data(), &arrival)
    });
    begun.await.map_err(|refused: Refused| Told::from(refused.into_refusal()))
}

/// What was pushed was made on top of what is there, as far as the client knew: a push in between is not undone.
fn stands(repositories: &dyn Repositories, arrival: &Arrival) -> Result<(), Refusal> {
    let tip = repositories.tip(&arrival.app, &arrival.branch);
    let tip =
        tip.map_err(|error| Refusal::new(RefusalKind::Environment, "git::unreadable", error.to_string()))?;
    let before =
        arrival.push.as_ref().map(|push| push.before.as_str()).filter(|id| !id.bytes().all(|b| b == b'0'));
    if tip.as_deref() == before {
        return Ok(());
    }
    let message = format!("somebody else moved {} meanwhile", arrival.branch);
    Err(Refusal::new(RefusalKind::Conflict, "git::moved", message).help("`git fetch`, then push again"))
}

pub(in crate::server) fn not_served() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "git::not-served", "Git is not served here")
}

/// What is said of a branch that goes nowhere.
fn unanswered(
    update: &RefUpdate,
    index: usize,
    runs: &[(usize, PipelineRunView)],
    verdicts: &[RefVerdict],
) -> Option<String> {
    let branch = update.branch().filter(|_| !update.removes() && verdicts[index] == RefVerdict::Plain)?;
    let nothing = !runs.iter().any(|(of, _)| *of == index);
    nothing.then(|| format!("no environment takes the branch {branch}: it is kept, nothing runs"))
}

impl Awaited {
    fn new((update, view): (usize, PipelineRunView), several: bool) -> Self {
        let narrator = Narrator::new(&view, several);
        Awaited { update, view, narrator, cursor: None, told_to_the_end: false }
    }
}

async fn say(follower: &mut Follower, lines: Vec<String>) -> bool {
    let lines: Vec<PushLine> = lines.into_iter().map(PushLine::Said).collect();
    follower.write(&lines).await
}

/// Tells of the runs until there is nothing more to wait for; false where nobody listens any more.
async fn follow(follower: &mut Follower, shared: &Shared, body: &PushBody, runs: &mut [Awaited]) -> bool {
    let until = Instant::now() + WAIT_WITHIN;
    loop {
        let mut lines = Vec::new();
        for run in runs.iter_mut().filter(|run| !run.told_to_the_end) {
            let output = look(shared, run).await;
            lines.extend(run.narrator.news(&run.view, &output.lines));
            // Output can be behind the state that it led to.
            if output.lines.is_empty() && is_enough(shared, body, run, until).await {
                run.told_to_the_end = true;
                lines.extend(run.narrator.ends(&run.view));
            }
        }
        if !say(follower, lines).await {
            return false;
        }
        if runs.iter().all(|run| run.told_to_the_end) {
            return true;
        }
        follower.pause(LOOK_EVERY).await;
    }
}

/// Whether a client need not wait for more of a run.
async fn is_enough(shared: &Shared, body: &PushBody, run: &Awaited, until: Instant) -> bool {
    let pausing = run.view.state == RunState::Waiting || Instant::now() >= until;
    run.view.over || (pausing && has_moved(shared, body, run).await)
}

/// The run as it is now, and what it wrote since the last look. A look that fails is the next one's to make good.
async fn look(shared: &Shared, run: &mut Awaited) -> LogPage {
    let (number, cursor) = (run.view.run, run.cursor.clone());
    let looked = ask(shared, move |plane| {
        let view = plane.pipeline_run(number)?;
        Ok((view, plane.pipeline_logs(number, None, cursor.as_deref(), MOST_LINES)))
    });
    let Ok((view, page)) = looked.await else { return LogPage::default() };
    run.view = view;
    let page = page.unwrap_or_default();
    run.cursor = Some(page.cursor.clone()).filter(|cursor| !cursor.is_empty()).or(run.cursor.take());
    page
}

async fn has_moved(shared: &Shared, body: &PushBody, run: &Awaited) -> bool {
    let update = &body.updates[run.update];
    let Some(branch) = update.branch().map(str::to_owned) else { return false };
    let (app, commit, shared_by_call) = (body.app.clone(), update.after.clone(), shared.clone());
    let asked = ask(shared, move |_| Ok(reached(&shared_by_call, &app, &branch, &commit)));
    asked.await.unwrap_or(false)
}

/// The branch is at the commit, or was: a later push can be quicker than we are.
fn reached(shared: &Shared, app: &Name, branch: &str, commit: &str) -> bool {
    let git = shared.git.as_ref();
    git.is_some_and(|git| git.config.repositories.contains(app, branch, commit).unwrap_or(false))
}

async fn verdict(shared: &Shared, body: &PushBody, run: &Awaited) -> RefVerdict {
    if has_moved(shared, body, run).await {
        return RefVerdict::Moved;
    }
    RefVerdict::Refused(in_short(run.view.run, run.view.state))
}

fn in_short(run: RunNo, state: RunState) -> String {
    match state {
        RunState::Superseded => format!("a newer push overtook run {run}"),
        RunState::Queued | RunState::Running | RunState::Waiting => format!("run {run} has not come so far"),
        RunState::Succeeded => format!("run {run} could not move the branch"),
        RunState::Failed | RunState::Cancelled => format!("run {run} {}", state.as_str()),
    }
}
