//! Environments that were made for branches, and taking an environment down.

use axum::Json;
use axum::extract::State;
use tidegate_control::Scope;
use tidegate_core::access::Action;
use tidegate_core::model::Name;
use tidegate_core::view::{LeavingView, PreviewList, PreviewView};

use crate::server::Shared;
use crate::server::access::need::{At, Glass};
use crate::server::access::{Asker, place_of};
use crate::server::ask::{Answer, ask, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::wire::{RemoveBody, ScopeParams};

const REMOVE: &str = "/v1/environments/{environment}/remove";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/previews", "previews", "The environments that were made for branches", previews)
            .needs(Action::Read, At::Listed)
            .query::<ScopeParams>()
            .gives::<PreviewList>(),
        Endpoint::post(REMOVE, "environment_remove", "Take an environment down", remove)
            .needs(Action::Administer, At::Removal)
            .breaks_glass(Glass::Body)
            .query::<ScopeParams>()
            .takes::<RemoveBody>()
            .gives::<LeavingView>(),
    ]
}

async fn previews(
    State(shared): State<Shared>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
) -> Answer<PreviewList> {
    let mut list = ask(&shared, move |plane| plane.previews(&scope.into())).await?;
    let place = |one: &PreviewView| place_of(Some(&one.app), Some(&one.environment));
    asker.sift(&shared, &mut list.previews, place).await?;
    Ok(Json(list))
}

async fn remove(
    State(shared): State<Shared>,
    PathOf(environment): PathOf<Name>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(body): JsonBody<RemoveBody>,
) -> Answer<LeavingView> {
    let scope = Scope { app: scope.app, environment: Some(environment) };
    let (by, glass) = (asker.signs(&body.by), asker.glass(body.break_glass));
    ask_json(&shared, move |plane| plane.environment_remove(&scope, &by, glass.as_ref())).await
}
