//! An environment of an app, now.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::view::Status;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::Params;
use crate::wire::ScopeParams;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/status", "status", "An environment of an app, now", status)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<Status>(),
    ]
}

async fn status(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<Status> {
    ask_json(&shared, move |plane| plane.status(&scope.into())).await
}
