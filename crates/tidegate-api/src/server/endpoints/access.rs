//! Roles: give, take, list; and why somebody may do something.

use axum::extract::State;
use tidegate_control::access::Given;
use tidegate_core::access::Action;
use tidegate_core::view::{AccessExplanation, AccessList, BindingChanged};

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::access::{Asker, on_desk};
use crate::server::ask::Answer;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params};
use crate::wire::{AccessParams, RoleBody};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/access", "access_list", "The roles one may manage, and one's own", list)
            .needs(Action::Read, At::Listed)
            .gives::<AccessList>(),
        Endpoint::post("/v1/access/grant", "access_grant", "Give somebody a role", grant)
            .needs(Action::ManageAccess, At::Role)
            .takes::<RoleBody>()
            .gives::<BindingChanged>(),
        Endpoint::post("/v1/access/revoke", "access_revoke", "Take a role from somebody", revoke)
            .needs(Action::ManageAccess, At::Role)
            .takes::<RoleBody>()
            .gives::<BindingChanged>(),
        Endpoint::get(
            "/v1/access/explain",
            "access_explain",
            "Why somebody may do something, or not",
            explain,
        )
        .needs(Action::ManageAccess, At::AskedAbout)
        .query::<AccessParams>()
        .gives::<AccessExplanation>(),
    ]
}

async fn list(State(shared): State<Shared>, asker: Asker) -> Answer<AccessList> {
    let listed = on_desk(&shared, move |desk| desk.roles(asker.caller(), &asker.admission().ceiling())).await;
    listed.map(axum::Json)
}

async fn grant(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(body): JsonBody<RoleBody>,
) -> Answer<BindingChanged> {
    on_desk(&shared, move |desk| desk.grant(asker.caller(), &given(body))).await.map(axum::Json)
}

async fn revoke(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(body): JsonBody<RoleBody>,
) -> Answer<BindingChanged> {
    on_desk(&shared, move |desk| desk.revoke(asker.caller(), &given(body))).await.map(axum::Json)
}

async fn explain(
    State(shared): State<Shared>,
    Params(asked): Params<AccessParams>,
) -> Answer<AccessExplanation> {
    let AccessParams { who, action, place } = asked;
    on_desk(&shared, move |desk| desk.explain(&who, action, &place)).await.map(axum::Json)
}

fn given(body: RoleBody) -> Given {
    Given { holder: body.who, role: body.role, place: body.place }
}
