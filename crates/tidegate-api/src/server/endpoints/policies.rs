//! Policies: those in force, and the users' own.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::view::PolicySetView;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::access::{Asker, on_desk};
use crate::server::ask::Answer;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params};
use crate::wire::{PoliciesBody, PolicyParams};

const POLICIES: &str = "/v1/policies";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            POLICIES,
            "policies",
            "The policies in force, or an earlier version of one's own",
            show,
        )
        .needs(Action::Read, At::Installation)
        .query::<PolicyParams>()
        .gives::<PolicySetView>(),
        Endpoint::put(POLICIES, "policies_set", "Put one's own policies in place of those there are", set)
            .needs(Action::ManageAccess, At::Installation)
            .takes::<PoliciesBody>()
            .gives::<PolicySetView>(),
    ]
}

async fn show(State(shared): State<Shared>, Params(asked): Params<PolicyParams>) -> Answer<PolicySetView> {
    on_desk(&shared, move |desk| desk.policies(asked.version)).await.map(axum::Json)
}

async fn set(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(body): JsonBody<PoliciesBody>,
) -> Answer<PolicySetView> {
    let PoliciesBody { files, enabled } = body;
    on_desk(&shared, move |desk| desk.set_policies(asker.caller(), files, enabled)).await.map(axum::Json)
}
