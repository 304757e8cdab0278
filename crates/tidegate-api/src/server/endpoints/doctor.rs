//! What this machine can and cannot do.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::view::DoctorReport;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/doctor", "doctor", "What this machine can and cannot do", doctor)
            .needs(Action::Read, At::Installation)
            .gives::<DoctorReport>(),
    ]
}

async fn doctor(State(shared): State<Shared>) -> Answer<DoctorReport> {
    ask_json(&shared, |plane| plane.doctor()).await
}
