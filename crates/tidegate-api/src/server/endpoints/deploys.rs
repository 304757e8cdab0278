//! Deploys: begin one with an uploaded snapshot, and see how it goes.

use axum::body::Body;
use axum::extract::State;
use tidegate_control::DeployRequest;
use tidegate_core::view::DeployView;

use crate::server::Shared;
use crate::server::ask::{Answer, ask_json};
use crate::server::asker::Asker;
use crate::server::endpoint::Endpoint;
use crate::server::extract::PathOf;
use crate::server::spool;
use crate::wire::DEPLOY_TYPE;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/deploys", "deploy", "Begin a deploy of an uploaded snapshot", deploy)
            .takes_bytes(DEPLOY_TYPE)
            .gives::<DeployView>(),
        Endpoint::get("/v1/deploys/{id}", "deploy_view", "A deploy, while it runs and after", view)
            .gives::<DeployView>(),
    ]
}

async fn deploy(State(shared): State<Shared>, asker: Asker, body: Body) -> Answer<DeployView> {
    let upload = spool::receive::<DeployRequest>(&shared, body).await?;
    upload
        .give(&shared, move |plane, request, file| {
            plane.deploy(DeployRequest { by: asker.signs(&request.by), ..request }, file)
        })
        .await
}

async fn view(State(shared): State<Shared>, PathOf(id): PathOf<u64>) -> Answer<DeployView> {
    ask_json(&shared, move |plane| plane.deploy_view(id)).await
}
