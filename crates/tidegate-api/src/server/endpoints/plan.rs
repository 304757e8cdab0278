//! What a deploy would do.

use axum::extract::State;
use tidegate_control::PlanRequest;
use tidegate_core::access::Action;
use tidegate_core::view::PlanReport;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::JsonBody;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/plan", "plan", "What a deploy would do; nothing is changed", plan)
            .needs(Action::Read, At::Plan)
            .takes::<PlanRequest>()
            .gives::<PlanReport>(),
    ]
}

async fn plan(State(shared): State<Shared>, JsonBody(request): JsonBody<PlanRequest>) -> Answer<PlanReport> {
    ask_json(&shared, move |plane| plane.plan(request)).await
}
