//! Stopping everything.

use axum::extract::State;
use serde_json::Value;
use tidegate_core::access::Action;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/down", "down", "Stop every instance, the gateway and the control plane", down)
            .needs(Action::Administer, At::Installation)
            .gives_nothing(),
    ]
}

/// Answers at once; the process ends when all is stopped.
async fn down(State(shared): State<Shared>) -> Answer<Value> {
    ask_json(&shared, |plane| plane.down().map(|()| serde_json::json!({}))).await
}
