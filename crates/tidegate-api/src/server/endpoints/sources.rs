//! Repositories at Git hosts that apps follow, and the webhooks their hosts send.

use axum::Json;
use axum::extract::State;
use tidegate_control::source::ConnectSource;
use tidegate_core::access::Action;
use tidegate_core::model::Name;
use tidegate_core::view::{GitConnected, GitSourceList, GitSourceView, HookAnswer};

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::access::{Asker, place_of};
use crate::server::ask::Answer;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::server::hook::{ask_desk, take};
use crate::wire::SourceParams;

const SOURCES: &str = "/v1/git/sources";
const DISCONNECT: &str = "/v1/git/sources/{app}/disconnect";
const LOOK: &str = "/v1/git/sources/{app}/look";
const HOOK: &str = "/v1/hooks/{app}";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(SOURCES, "git_sources", "The repositories at Git hosts that apps follow", list)
            .needs(Action::Read, At::Listed)
            .gives::<GitSourceList>(),
        Endpoint::post(
            SOURCES,
            "git_connect",
            "Have an app follow a repository, which is tried first",
            connect,
        )
        .needs(Action::Administer, At::Installation)
        .takes::<ConnectSource>()
        .gives::<GitConnected>(),
        Endpoint::post(DISCONNECT, "git_disconnect", "Have an app follow nothing any more", disconnect)
            .needs(Action::Administer, At::AppOfPath)
            .query::<SourceParams>()
            .gives::<GitSourceView>(),
        Endpoint::post(LOOK, "git_look", "Have the repository of an app looked at now", look)
            .needs(Action::Push, At::AppOfPath)
            .query::<SourceParams>()
            .gives::<GitSourceView>(),
        Endpoint::post(HOOK, "git_hook", "A webhook of an app's Git host, proved by its signature", take)
            .under_any_name()
            .takes_bytes("application/json")
            .gives::<HookAnswer>(),
    ]
}

async fn list(State(shared): State<Shared>, asker: Asker) -> Answer<GitSourceList> {
    let mut list = ask_desk(&shared, |desk| desk.git_sources()).await?;
    asker.sift(&shared, &mut list.sources, |source| place_of(Some(&source.app), None)).await?;
    Ok(Json(list))
}

async fn connect(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(request): JsonBody<ConnectSource>,
) -> Answer<GitConnected> {
    let request = ConnectSource { by: asker.signs(&request.by), ..request };
    ask_desk(&shared, move |desk| desk.git_connect(request)).await.map(Json)
}

async fn disconnect(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(app): PathOf<Name>,
    Params(asked): Params<SourceParams>,
) -> Answer<GitSourceView> {
    ask_desk(&shared, move |desk| desk.git_disconnect(&app, &asker.signs(&asked.by))).await.map(Json)
}

async fn look(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(app): PathOf<Name>,
    Params(asked): Params<SourceParams>,
) -> Answer<GitSourceView> {
    ask_desk(&shared, move |desk| desk.git_look(&app, &asker.signs(&asked.by))).await.map(Json)
}
