//! Keys to flags.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::view::{FlagKeyList, FlagKeyMade, FlagKeyView};

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::wire::{ActParams, FlagKeyBody, ScopeParams};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/flag-keys", "flag_keys", "The keys to the flags of an environment", list)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<FlagKeyList>(),
        Endpoint::post("/v1/flag-keys", "flag_key_create", "Make a key to flags, told this once", create)
            .needs(Action::ManageAccess, At::Scope)
            .query::<ActParams>()
            .takes::<FlagKeyBody>()
            .gives::<FlagKeyMade>(),
        Endpoint::post(
            "/v1/flag-keys/{id}/revoke",
            "flag_key_revoke",
            "Revoke a key to flags, by its id or name",
            revoke,
        )
        .needs(Action::ManageAccess, At::Scope)
        .query::<ActParams>()
        .gives::<FlagKeyView>(),
    ]
}

async fn list(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<FlagKeyList> {
    ask_json(&shared, move |plane| plane.flag_keys(&scope.into())).await
}

async fn create(
    State(shared): State<Shared>,
    asker: Asker,
    Params(asked): Params<ActParams>,
    JsonBody(body): JsonBody<FlagKeyBody>,
) -> Answer<FlagKeyMade> {
    let FlagKeyBody { name, kind } = body;
    let by = asker.signs(&asked.by);
    ask_json(&shared, move |plane| plane.flag_key_create(&asked.scope(), kind, &name, &by)).await
}

async fn revoke(
    State(shared): State<Shared>,
    asker: Asker,
    PathOf(which): PathOf<String>,
    Params(asked): Params<ActParams>,
) -> Answer<FlagKeyView> {
    let by = asker.signs(&asked.by);
    ask_json(&shared, move |plane| plane.flag_key_revoke(&asked.scope(), &which, &by)).await
}
