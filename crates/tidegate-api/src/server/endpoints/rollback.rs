//! Going back to a revision.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::model::Name;
use tidegate_core::view::RolloutView;

use super::service_ref;
use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::{At, Glass};
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::wire::{RollbackBody, ScopeParams};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/services/{service}/rollback", "rollback", "Go back to a revision", rollback)
            .needs(Action::Deploy, At::Scope)
            .breaks_glass(Glass::Body)
            .query::<ScopeParams>()
            .takes::<RollbackBody>()
            .gives::<RolloutView>(),
    ]
}

async fn rollback(
    State(shared): State<Shared>,
    PathOf(service): PathOf<Name>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(body): JsonBody<RollbackBody>,
) -> Answer<RolloutView> {
    let glass = asker.glass(body.break_glass);
    ask_json(&shared, move |plane| plane.rollback(&service_ref(service, scope), body.to, glass.as_ref()))
        .await
}
