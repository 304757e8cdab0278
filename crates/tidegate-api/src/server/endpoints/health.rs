//! Whether this is Tidegate, and the document that describes the API. Open to everyone on this machine.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::server::Shared;
use crate::server::endpoint::Endpoint;
use crate::wire::Health;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/health", "health", "Whether the control plane answers", health)
            .open()
            .gives::<Health>(),
        Endpoint::get("/v1/openapi.json", "openapi", "This document", openapi).open(),
    ]
}

async fn health(State(shared): State<Shared>) -> Json<Health> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let (service, pid) = ("tidegate".to_owned(), std::process::id());
    Json(Health { service, version, pid, started_ms: shared.started_ms })
}

async fn openapi(State(shared): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], shared.openapi.clone())
}
