//! Why a rollout, or the last deploy, ended as it did.

use axum::extract::State;
use tidegate_control::Scope;
use tidegate_core::access::Action;
use tidegate_core::view::Explanation;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::Params;
use crate::wire::ExplainParams;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/explain", "explain", "Why a rollout ended as it did, with the evidence", explain)
            .needs(Action::ReadLogs, At::Explained)
            .query::<ExplainParams>()
            .gives::<Explanation>(),
    ]
}

async fn explain(State(shared): State<Shared>, Params(params): Params<ExplainParams>) -> Answer<Explanation> {
    let scope = Scope { app: params.app, environment: params.environment };
    ask_json(&shared, move |plane| plane.explain(&scope, params.rollout)).await
}
