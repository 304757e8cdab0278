//! Git: where an app's repository is, and what the hooks of a push ask for.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::{Extension, Json};
use tidegate_core::access::Action;

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::At;
use crate::server::ask::Answer;
use crate::server::audit::carried;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params};
use crate::server::follow::Follower;
use crate::server::git::base;
use crate::server::git::push::{attend, not_served};
use crate::server::guard::{Peer, only};
use crate::server::problem::Refused;
use crate::wire::{GitUrlParams, GitUrls, PushBody, PushLine};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/git/url",
            "git_urls",
            "Where an app's Git repository is; to the owner with what opens it",
            urls,
        )
        .needs(Action::Read, At::AppOfQuery)
        .query::<GitUrlParams>()
        .gives::<GitUrls>(),
        Endpoint::post(
            "/v1/git/pushes",
            "git_push",
            "Begin the runs of a push and follow them (asked by the hooks of Tidegate's own repositories)",
            pushes,
        )
        .needs(Action::Administer, At::Installation)
        .takes::<PushBody>()
        .gives_lines::<PushLine>(),
    ]
}

async fn urls(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    asker: Asker,
    Params(params): Params<GitUrlParams>,
    headers: HeaderMap,
) -> Answer<GitUrls> {
    let git = shared.git.as_ref().ok_or_else(not_served)?;
    // Who came over TCP reaches this machine by that name.
    let base = match &peer {
        Peer::Tcp(hosts, _) => only(&headers, header::HOST).map(|host| base(hosts.tls(), host)),
        Peer::Unix { .. } => None,
    };
    Ok(Json(git.urls(&params.app, (asker.admission(), &params.by), base.as_deref())))
}

async fn pushes(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(body): JsonBody<PushBody>,
) -> Result<Response, Refused> {
    shared.git.as_ref().ok_or_else(not_served)?;
    let (follower, response) = Follower::new(&shared)?;
    let body = PushBody { by: asker.signs(&body.by), ..body };
    tokio::spawn(carried(attend(follower, shared, body)));
    Ok(response)
}
