//! One-off commands in the build and environment of a revision.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::model::{InstanceId, Name};
use tidegate_core::view::RunView;

use super::service_ref;
use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::{At, Glass};
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::wire::{RunBody, ScopeParams};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/services/{service}/runs", "run", "Start a one-off command", start)
            .needs(Action::Run, At::Scope)
            .breaks_glass(Glass::Body)
            .query::<ScopeParams>()
            .takes::<RunBody>()
            .gives::<RunView>(),
        Endpoint::get(
            "/v1/runs/{id}",
            "run_view",
            "A one-off command, while it runs and for a while after",
            view,
        )
        .needs(Action::Read, At::Command)
        .gives::<RunView>(),
        Endpoint::post("/v1/runs/{id}/stop", "run_stop", "Stop a one-off command", stop)
            .needs(Action::Run, At::Command)
            .gives::<RunView>(),
    ]
}

async fn start(
    State(shared): State<Shared>,
    PathOf(service): PathOf<Name>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(body): JsonBody<RunBody>,
) -> Answer<RunView> {
    ask_json(&shared, move |plane| {
        let RunBody { revision, command, break_glass } = body;
        let glass = asker.glass(break_glass);
        plane.run(&service_ref(service, scope), revision, command, glass.as_ref())
    })
    .await
}

async fn view(State(shared): State<Shared>, PathOf(id): PathOf<InstanceId>) -> Answer<RunView> {
    ask_json(&shared, move |plane| plane.run_view(&id)).await
}

async fn stop(State(shared): State<Shared>, PathOf(id): PathOf<InstanceId>) -> Answer<RunView> {
    ask_json(&shared, move |plane| plane.run_stop(&id)).await
}
