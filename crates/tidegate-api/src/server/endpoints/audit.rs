//! The audit log: what is in it, as it is kept, and how far it has come.

use axum::extract::State;
use axum::response::Response;
use tidegate_control::AuditQuery;
use tidegate_core::access::Action;
use tidegate_core::audit::{Filter, Link};
use tidegate_core::view::{AuditPage, AuditStanding};

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::Params;
use crate::server::follow::lines;
use crate::server::problem::Refused;
use crate::wire::{AuditLinkParams, AuditParams};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/audit",
            "audit_list",
            "Who changed what and who was refused, the newest first",
            list,
        )
        .needs(Action::Audit, At::Filtered)
        .query::<AuditParams>()
        .gives::<AuditPage>(),
        Endpoint::get(
            "/v1/audit/links",
            "audit_links",
            "Entries as they are kept, one a line, in their order: at most 1,000",
            links,
        )
        .needs(Action::Audit, At::Installation)
        .query::<AuditLinkParams>()
        .gives_lines::<Link>(),
        Endpoint::get(
            "/v1/audit/head",
            "audit_head",
            "How far the log has come, and what is known of it",
            head,
        )
        .needs(Action::Audit, At::Installation)
        .gives::<AuditStanding>(),
    ]
}

async fn list(State(shared): State<Shared>, Params(asked): Params<AuditParams>) -> Answer<AuditPage> {
    let AuditParams { since_ms, who, action, app, environment, refused, before, most } = asked;
    let filter = Filter { since_ms, who, action, app, environment, refused };
    let query = AuditQuery { filter, before, most };
    ask_json(&shared, move |plane| plane.audit().audit_list(&query)).await
}

async fn links(
    State(shared): State<Shared>,
    Params(asked): Params<AuditLinkParams>,
) -> Result<Response, Refused> {
    let links = ask(&shared, move |plane| plane.audit().audit_links(asked.after, asked.most)).await?;
    lines(&links)
}

async fn head(State(shared): State<Shared>) -> Answer<AuditStanding> {
    ask_json(&shared, |plane| plane.audit().audit_standing()).await
}
