//! Experiments on flags, and the events they are made of.

use axum::extract::State;
use tidegate_control::Scope;
use tidegate_core::access::Action;
use tidegate_core::experiment::{EventBatch, EventsTaken};
use tidegate_core::model::FlagKey;
use tidegate_core::view::{ExperimentList, ExperimentView};

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::server::server_key::EventScope;
use crate::wire::{ScopeParams, StopExperimentBody};

const EXPOSURES: &str = "/v1/exposures";
const LIST: &str = "/v1/experiments";
const SHOW: &str = "/v1/experiments/{flag}";
const STOP: &str = "/v1/experiments/{flag}/stop";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(EXPOSURES, "exposures", "Say who was served which variant, and what users did", take)
            .needs(Action::Report, At::Scope)
            .for_keys()
            .query::<ScopeParams>()
            .takes::<EventBatch>()
            .gives::<EventsTaken>(),
        Endpoint::get(LIST, "experiments", "The experiments of an environment", list)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<ExperimentList>(),
        Endpoint::get(SHOW, "experiment", "The experiment of a flag", show)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<ExperimentView>(),
        Endpoint::post(STOP, "experiment_stop", "End the experiment of a flag", stop)
            .needs(Action::Release, At::Scope)
            .query::<ScopeParams>()
            .takes::<StopExperimentBody>()
            .gives::<ExperimentView>(),
    ]
}

async fn take(
    State(shared): State<Shared>,
    EventScope(scope): EventScope,
    JsonBody(batch): JsonBody<EventBatch>,
) -> Answer<EventsTaken> {
    let _turn = shared.backlog.turn().await?;
    ask_json(&shared, move |plane| plane.take_events(&scope, batch)).await
}

async fn list(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<ExperimentList> {
    ask_json(&shared, move |plane| plane.experiments(&Scope::from(scope))).await
}

async fn show(
    State(shared): State<Shared>,
    PathOf(flag): PathOf<FlagKey>,
    Params(scope): Params<ScopeParams>,
) -> Answer<ExperimentView> {
    ask_json(&shared, move |plane| plane.experiment(&Scope::from(scope), &flag)).await
}

async fn stop(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(flag): PathOf<FlagKey>,
    Params(scope): Params<ScopeParams>,
    JsonBody(body): JsonBody<StopExperimentBody>,
) -> Answer<ExperimentView> {
    let (scope, by) = (Scope::from(scope), asker.signs(&body.by));
    ask_json(&shared, move |plane| plane.experiment_stop(&scope, &flag, &by, body.why.as_deref())).await
}
