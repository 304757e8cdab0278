//! Setting the number of instances.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::model::Name;
use tidegate_core::view::ServiceStatus;

use super::service_ref;
use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::{At, Glass};
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::wire::{ScaleBody, ScopeParams};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::put("/v1/services/{service}/scale", "scale", "Set the number of instances", scale)
            .needs(Action::Operate, At::Scope)
            .breaks_glass(Glass::Body)
            .query::<ScopeParams>()
            .takes::<ScaleBody>()
            .gives::<ServiceStatus>(),
    ]
}

async fn scale(
    State(shared): State<Shared>,
    PathOf(service): PathOf<Name>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(body): JsonBody<ScaleBody>,
) -> Answer<ServiceStatus> {
    let glass = asker.glass(body.break_glass);
    ask_json(&shared, move |plane| plane.scale(&service_ref(service, scope), body.instances, glass.as_ref()))
        .await
}
