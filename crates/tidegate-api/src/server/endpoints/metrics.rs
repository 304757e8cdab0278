//! What the gateway counted, for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use tidegate_core::access::Action;
use tidegate_core::exposition::{CONTENT_TYPE, exposition};

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::endpoint::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let summary = "What the gateway counted, in Prometheus' text format";
    vec![
        Endpoint::get("/metrics", "metrics", summary, metrics)
            .needs(Action::Read, At::Installation)
            .gives_text(CONTENT_TYPE),
    ]
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let seen = (shared.counts.0)();
    let counts = seen.counts.unwrap_or_default();
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], exposition(&counts, &seen.mirrors))
}
