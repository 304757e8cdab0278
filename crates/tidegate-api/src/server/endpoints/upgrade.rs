//! Going on as the program that is on disk now.

use axum::extract::State;
use tidegate_control::UpgradeView;
use tidegate_core::access::Action;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/v1/upgrade",
            "upgrade",
            "Replace the gateway and the control plane by the program on disk",
            upgrade,
        )
        .needs(Action::Administer, At::Installation)
        .gives::<UpgradeView>(),
    ]
}

/// Answers once the new gateway serves; the control plane goes on as the new program right afterwards.
async fn upgrade(State(shared): State<Shared>) -> Answer<UpgradeView> {
    ask_json(&shared, |plane| plane.upgrade()).await
}
