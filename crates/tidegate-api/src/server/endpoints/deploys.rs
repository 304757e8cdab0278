//! Deploys: begin one with an uploaded snapshot, and see how it goes.

use axum::body::Body;
use axum::extract::State;
use tidegate_control::DeployRequest;
use tidegate_core::access::Action;
use tidegate_core::view::DeployView;

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::{At, Glass};
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::PathOf;
use crate::server::spool;
use crate::wire::DEPLOY_TYPE;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/deploys", "deploy", "Begin a deploy of an uploaded snapshot", deploy)
            .needs(Action::Deploy, At::Upload)
            .breaks_glass(Glass::Upload)
            .takes_bytes(DEPLOY_TYPE)
            .gives::<DeployView>(),
        Endpoint::get("/v1/deploys/{id}", "deploy_view", "A deploy, while it runs and after", view)
            .needs(Action::Read, At::Deploy)
            .gives::<DeployView>(),
    ]
}

async fn deploy(State(shared): State<Shared>, asker: Asker, body: Body) -> Answer<DeployView> {
    let upload = spool::receive::<DeployRequest>(&shared, body).await?;
    let gate = asker.gate(&shared, upload.request.break_glass.is_some());
    upload
        .give(&shared, move |plane, request, file| {
            plane.deploy(DeployRequest { by: asker.signs(&request.by), ..request }, file, &gate)
        })
        .await
}

async fn view(State(shared): State<Shared>, PathOf(id): PathOf<u64>) -> Answer<DeployView> {
    ask_json(&shared, move |plane| plane.deploy_view(id)).await
}
