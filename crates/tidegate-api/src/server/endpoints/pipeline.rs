//! Runs of pipelines: begin one, see how it goes, read what it wrote, and what can be asked of it.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use tidegate_control::{BeginRun, LogPage, Scope};
use tidegate_core::access::{Action, Place};
use tidegate_core::model::{RunNo, RunOrigin, RunSource};
use tidegate_core::view::{PipelineList, PipelineRunView};

use crate::server::Shared;
use crate::server::access::need::{At, Glass};
use crate::server::access::{Asker, place_of};
use crate::server::ask::{Answer, ask, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::server::follow::{Follower, lines};
use crate::server::problem::Refused;
use crate::server::spool;
use crate::wire::{ApproveBody, ByParams, PromoteBody, RUN_TYPE, RunListParams, RunLogParams, ScopeParams};

const RUNS: &str = "/v1/pipeline/runs";
const SHOW: &str = "/v1/pipeline/runs/{run}";
const LOGS: &str = "/v1/pipeline/runs/{run}/logs";
const CANCEL: &str = "/v1/pipeline/runs/{run}/cancel";
const RETRY: &str = "/v1/pipeline/runs/{run}/retry";
const APPROVE: &str = "/v1/pipeline/runs/{run}/approve";
const PROMOTE: &str = "/v1/promotions";

/// The most runs of a list.
const MOST_RUNS: usize = 500;
/// The runs of a list where nothing is said.
const SOME_RUNS: usize = 20;
/// The most lines of a page: lines are up to 64 KiB.
const MOST_LINES: usize = 2_000;
/// The lines of a page where nothing is said.
const SOME_LINES: usize = 200;
/// Between two looks for new output.
const LOOK_EVERY: Duration = Duration::from_millis(150);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(RUNS, "pipeline_runs", "Runs of an app or an environment, the newest first", list)
            .needs(Action::Read, At::Listed)
            .query::<RunListParams>()
            .gives::<PipelineList>(),
        Endpoint::post(RUNS, "pipeline_begin", "Begin a run of an uploaded commit", begin)
            .needs(Action::Push, At::Upload)
            .takes_bytes(RUN_TYPE)
            .gives::<PipelineRunView>(),
        Endpoint::get(SHOW, "pipeline_run", "A run, while it runs and after", show)
            .needs(Action::Read, At::Run)
            .gives::<PipelineRunView>(),
        Endpoint::get(
            LOGS,
            "pipeline_logs",
            "What a run wrote, one page a line; `follow=true` goes on until it is over",
            logs,
        )
        .needs(Action::ReadLogs, At::Run)
        .query::<RunLogParams>()
        .gives_lines::<LogPage>(),
        Endpoint::post(CANCEL, "pipeline_cancel", "End a run", cancel)
            .needs(Action::Push, At::Run)
            .query::<ByParams>()
            .gives::<PipelineRunView>(),
        Endpoint::post(RETRY, "pipeline_retry", "Run the part that failed once more", retry)
            .needs(Action::Push, At::Run)
            .query::<ByParams>()
            .gives::<PipelineRunView>(),
        Endpoint::post(APPROVE, "pipeline_approve", "Agree to a run that waits for consent", approve)
            .needs(Action::Approve, At::Run)
            .breaks_glass(Glass::Body)
            .takes::<ApproveBody>()
            .gives::<PipelineRunView>(),
        Endpoint::post(PROMOTE, "promote", "Carry a build on to another environment", promote)
            .needs(Action::Deploy, At::Promotion)
            .query::<ScopeParams>()
            .takes::<PromoteBody>()
            .gives::<PipelineRunView>(),
    ]
}

async fn list(
    State(shared): State<Shared>,
    asker: Asker,
    Params(asked): Params<RunListParams>,
) -> Answer<PipelineList> {
    let RunListParams { app, environment, most } = asked;
    let most = if most == 0 { SOME_RUNS } else { most.min(MOST_RUNS) };
    // Of what others may not see there can be more than enough.
    let looked_at = if asker.sees_all() { most } else { MOST_RUNS };
    let scope = Scope { app, environment };
    let mut list = ask(&shared, move |plane| plane.pipeline_runs(&scope, looked_at)).await?;
    asker.sift(&shared, &mut list.runs, |run| place_of(Some(&run.app), Some(&run.environment))).await?;
    list.runs.truncate(most);
    Ok(Json(list))
}

async fn begin(State(shared): State<Shared>, asker: Asker, body: Body) -> Answer<PipelineRunView> {
    let upload = spool::receive::<BeginRun>(&shared, body).await?;
    let BeginRun { app, environment, .. } = &upload.request;
    asker.must(&shared, Place::Environment(app.clone(), environment.clone()), false).await?;
    // What comes this way is not read from a repository, whatever it says.
    let uploaded = move |request: BeginRun| {
        let by = asker.signs(&request.source.by);
        let source = RunSource { origin: RunOrigin::Upload, by, ..request.source };
        BeginRun { source, ..request }
    };
    upload.give(&shared, move |plane, request, file| plane.run_begin(uploaded(request), file)).await
}

async fn show(State(shared): State<Shared>, PathOf(run): PathOf<RunNo>) -> Answer<PipelineRunView> {
    ask_json(&shared, move |plane| plane.pipeline_run(run)).await
}

async fn cancel(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(run): PathOf<RunNo>,
    Params(asked): Params<ByParams>,
) -> Answer<PipelineRunView> {
    ask_json(&shared, move |plane| plane.run_cancel(run, &asker.signs(&asked.by))).await
}

async fn retry(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(run): PathOf<RunNo>,
    Params(asked): Params<ByParams>,
) -> Answer<PipelineRunView> {
    ask_json(&shared, move |plane| plane.run_retry(run, &asker.signs(&asked.by))).await
}

async fn approve(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(run): PathOf<RunNo>,
    JsonBody(body): JsonBody<ApproveBody>,
) -> Answer<PipelineRunView> {
    ask_json(&shared, move |plane| {
        let (by, glass) = (asker.signs(&body.by), asker.glass(body.break_glass));
        plane.run_approve(run, &by, body.why.as_deref(), glass.as_ref())
    })
    .await
}

async fn promote(
    State(shared): State<Shared>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(body): JsonBody<PromoteBody>,
) -> Answer<PipelineRunView> {
    let by = asker.signs(&body.by);
    ask_json(&shared, move |plane| plane.promote(&Scope::from(scope), &body.to, &by)).await
}

async fn logs(
    State(shared): State<Shared>,
    PathOf(run): PathOf<RunNo>,
    Params(mut asked): Params<RunLogParams>,
) -> Result<Response, Refused> {
    asked.most = if asked.most == 0 { SOME_LINES } else { asked.most.min(MOST_LINES) };
    let page = read(&shared, run, &asked).await?;
    if !asked.follow {
        return lines(&[page]);
    }
    let (follower, response) = Follower::new(&shared)?;
    asked.most = MOST_LINES;
    tokio::spawn(go_on(follower, shared, (run, asked), page));
    Ok(response)
}

/// The first page is always written, later ones where they have lines, until the run is over and all is told.
async fn go_on(
    mut follower: Follower,
    shared: Shared,
    (run, mut asked): (RunNo, RunLogParams),
    first: LogPage,
) {
    let mut pages = vec![first];
    while follower.write(&pages).await {
        if let Some(page) = pages.pop() {
            asked.cursor = Some(page.cursor);
        }
        // Asked before the page is read: what was written until then is in it.
        let Ok(view) = ask(&shared, move |plane| plane.pipeline_run(run)).await else { break };
        let Ok(page) = read(&shared, run, &asked).await else { break };
        if !page.lines.is_empty() {
            pages.push(page);
        } else if view.over {
            break;
        } else {
            asked.cursor = Some(page.cursor);
            follower.pause(LOOK_EVERY).await;
        }
    }
}

async fn read(shared: &Shared, run: RunNo, asked: &RunLogParams) -> Result<LogPage, Refused> {
    let RunLogParams { stage, cursor, most, .. } = asked.clone();
    ask(shared, move |plane| plane.pipeline_logs(run, stage.as_deref(), cursor.as_deref(), most)).await
}
