//! Feature flags: what is served of them, and releases.

use axum::extract::State;
use tidegate_control::{FlagRef, Scope};
use tidegate_core::access::Action;
use tidegate_core::model::FlagKey;
use tidegate_core::release::Asked;
use tidegate_core::view::{FlagDebtView, FlagHistory, FlagList, FlagSetView, FlagView, ReleasedView};

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::wire::{DebtParams, ScopeParams};

const RELEASES: &str = "/v1/flags/{flag}/releases";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/flags", "flags", "The flags of an environment", list)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<FlagList>(),
        Endpoint::get("/v1/flags/{flag}", "flag", "A flag and what is served of it", view)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<FlagView>(),
        Endpoint::get(RELEASES, "flag_history", "The releases of a flag, the newest first", history)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<FlagHistory>(),
        Endpoint::post(RELEASES, "release", "Change what a flag serves", release)
            .needs(Action::Release, At::Release)
            .query::<ScopeParams>()
            .takes::<Asked>()
            .gives::<ReleasedView>(),
        Endpoint::get("/v1/flag-set", "flag_set", "What Git says of flags, and what is served of them", set)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<FlagSetView>(),
        Endpoint::get("/v1/flag-debt", "flag_debt", "Flags that are left over, and why", debt)
            .needs(Action::Read, At::Scope)
            .query::<DebtParams>()
            .gives::<FlagDebtView>(),
    ]
}

async fn list(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<FlagList> {
    ask_json(&shared, move |plane| plane.flags(&scope.into())).await
}

async fn view(
    State(shared): State<Shared>,
    PathOf(flag): PathOf<FlagKey>,
    Params(scope): Params<ScopeParams>,
) -> Answer<FlagView> {
    ask_json(&shared, move |plane| plane.flag(&flag_ref(flag, scope))).await
}

async fn history(
    State(shared): State<Shared>,
    PathOf(flag): PathOf<FlagKey>,
    Params(scope): Params<ScopeParams>,
) -> Answer<FlagHistory> {
    ask_json(&shared, move |plane| plane.flag_history(&flag_ref(flag, scope))).await
}

async fn release(
    State(shared): State<Shared>,
    PathOf(flag): PathOf<FlagKey>,
    Params(scope): Params<ScopeParams>,
    asker: Asker,
    JsonBody(asked): JsonBody<Asked>,
) -> Answer<ReleasedView> {
    let asked = Asked { by: asker.signs(&asked.by), ..asked };
    ask_json(&shared, move |plane| plane.release(&flag_ref(flag, scope), asked)).await
}

async fn set(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<FlagSetView> {
    ask_json(&shared, move |plane| plane.flag_set(&scope.into())).await
}

async fn debt(State(shared): State<Shared>, Params(params): Params<DebtParams>) -> Answer<FlagDebtView> {
    let DebtParams { app, environment, days } = params;
    ask_json(&shared, move |plane| plane.flag_debt(&Scope { app, environment }, days)).await
}

fn flag_ref(flag: FlagKey, params: ScopeParams) -> FlagRef {
    FlagRef { scope: Scope::from(params), flag }
}
