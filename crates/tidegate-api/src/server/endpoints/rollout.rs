//! The rollout in progress of a service, or its last one; and what can be asked of it.

use axum::extract::State;
use tidegate_control::{BreakGlass, Scope, TrafficView};
use tidegate_core::access::Action;
use tidegate_core::judge::Bundle;
use tidegate_core::model::{Name, Request};
use tidegate_core::view::RolloutView;

use super::service_ref;
use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::{At, Glass};
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{Params, PathOf};
use crate::wire::{ExplainParams, RolloutAction, ScopeParams, SteerParams};

const SHOW: &str = "/v1/services/{service}/rollout";
const PROOF: &str = "/v1/services/{service}/rollout/proof";
const TRAFFIC: &str = "/v1/services/{service}/traffic";
const ACT: &str = "/v1/services/{service}/rollout/{action}";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(SHOW, "rollout", "The rollout in progress, or the last one", show)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<RolloutView>(),
        Endpoint::get(PROOF, "rollout_proof", "What the verdict on a rollout was made of", proof)
            .needs(Action::Read, At::Scope)
            .query::<ExplainParams>()
            .gives::<Bundle>(),
        Endpoint::get(TRAFFIC, "traffic", "What the stable revision answered in the last days", traffic)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<TrafficView>(),
        Endpoint::post(ACT, "rollout_act", "pause, resume, promote, abort or retry", act)
            .needs(Action::Deploy, At::Scope)
            .breaks_glass(Glass::Query)
            .query::<SteerParams>()
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

async fn proof(
    State(shared): State<Shared>,
    PathOf(service): PathOf<Name>,
    Params(asked): Params<ExplainParams>,
) -> Answer<Bundle> {
    let ExplainParams { app, environment, rollout } = asked;
    let service = service_ref(service, Scope { app, environment }.into());
    ask_json(&shared, move |plane| plane.proof(&service, rollout)).await
}

async fn traffic(
    State(shared): State<Shared>,
    PathOf(service): PathOf<Name>,
    Params(scope): Params<ScopeParams>,
) -> Answer<TrafficView> {
    ask_json(&shared, move |plane| plane.traffic(&service_ref(service, scope))).await
}

async fn act(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf((service, action)): PathOf<(Name, RolloutAction)>,
    Params(asked): Params<SteerParams>,
) -> Answer<RolloutView> {
    let SteerParams { app, environment, by, break_glass } = asked;
    let by = asker.signs(&by);
    let glass = break_glass.map(|why| BreakGlass { by: by.clone(), why });
    let service = service_ref(service, Scope { app, environment }.into());
    let request = match action {
        RolloutAction::Pause => Request::Pause,
        RolloutAction::Resume => Request::Resume,
        RolloutAction::Promote => Request::Promote,
        RolloutAction::Abort => Request::Abort,
        RolloutAction::Retry => {
            return ask_json(&shared, move |plane| plane.retry(&service, glass.as_ref())).await;
        }
    };
    ask_json(&shared, move |plane| plane.request(&service, request, &by, glass.as_ref())).await
}
