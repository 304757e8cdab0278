//! The rollout in progress of a service, or its last one; and what can be asked of it.

use axum::extract::State;
use tidegate_core::model::{Name, Request};
use tidegate_core::view::RolloutView;

use super::service_ref;
use crate::server::Shared;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{Params, PathOf};
use crate::wire::{RolloutAction, ScopeParams};

const SHOW: &str = "/v1/services/{service}/rollout";
const ACT: &str = "/v1/services/{service}/rollout/{action}";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(SHOW, "rollout", "The rollout in progress, or the last one", show)
            .query::<ScopeParams>()
            .gives::<RolloutView>(),
        Endpoint::post(ACT, "rollout_act", "pause, resume, promote, abort or retry", act)
            .query::<ScopeParams>()
            .gives::<RolloutView>(),
    ]
}

async fn show(
    State(shared): State<Shared>,
    PathOf(service): PathOf<Name>,
    Params(scope): Params<ScopeParams>,
) -> Answer<RolloutView> {
    ask_json(&shared, move |plane| plane.rollout(&service_ref(service, scope))).await
}

async fn act(
    State(shared): State<Shared>,
    PathOf((service, action)): PathOf<(Name, RolloutAction)>,
    Params(scope): Params<ScopeParams>,
) -> Answer<RolloutView> {
    let service = service_ref(service, scope);
    ask_json(&shared, move |plane| match action {
        RolloutAction::Pause => plane.request(&service, Request::Pause),
        RolloutAction::Resume => plane.request(&service, Request::Resume),
        RolloutAction::Promote => plane.request(&service, Request::Promote),
        RolloutAction::Abort => plane.request(&service, Request::Abort),
        RolloutAction::Retry => plane.retry(&service),
    })
    .await
}
