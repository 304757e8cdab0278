//! Every endpoint, a family a file.

mod access;
mod audit;
mod deploys;
mod doctor;
mod down;
mod environments;
mod events;
mod experiments;
mod explain;
mod flag_keys;
mod flags;
mod git;
mod health;
mod identity;
mod jobs;
mod logs;
mod metrics;
mod openid;
mod otlp;
mod pipeline;
mod plan;
mod policies;
mod provenance;
mod rollback;
mod rollout;
mod runs;
mod scale;
mod settings;
mod sources;
mod status;
mod upgrade;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use tidegate_control::{RefusalKind, Scope, ServiceRef};
use tidegate_core::model::Name;

use super::access::{admit, own};
use super::endpoint::Endpoint;
use super::problem::Refused;
use super::{Shared, catch, guard, server_key};
use crate::wire::ScopeParams;

/// The table. The order is that of the document.
pub(super) fn all() -> Vec<Endpoint> {
    let families = [
        health::endpoints(),
        deploys::endpoints(),
        plan::endpoints(),
        status::endpoints(),
        rollout::endpoints(),
        rollback::endpoints(),
        scale::endpoints(),
        runs::endpoints(),
        pipeline::endpoints(),
        environments::endpoints(),
        jobs::endpoints(),
        flags::endpoints(),
        git::endpoints(),
        sources::endpoints(),
        events::endpoints(),
        logs::endpoints(),
        otlp::endpoints(),
        explain::endpoints(),
        experiments::endpoints(),
        flag_keys::endpoints(),
        provenance::endpoints(),
        settings::endpoints(),
        metrics::endpoints(),
        doctor::endpoints(),
        upgrade::endpoints(),
        down::endpoints(),
        access::endpoints(),
        policies::endpoints(),
        identity::endpoints(),
        openid::endpoints(),
        audit::endpoints(),
    ];
    families.into_iter().flatten().collect()
}

/// The routes of the table behind their guards.
pub(super) fn router(shared: Shared) -> Router {
    let (proved, here): (Vec<_>, Vec<_>) = all().into_iter().partition(|endpoint| endpoint.any_name);
    let (open, closed): (Vec<_>, Vec<_>) = here.into_iter().partition(|endpoint| endpoint.open);
    let add = |router: Router<Shared>, endpoint: Endpoint| {
        let path = endpoint.path;
        let handler = match (endpoint.need, endpoint.own) {
            (Some(need), _) => {
                endpoint.handler.clone().route_layer(from_fn_with_state((shared.clone(), need), admit))
            }
            (None, true) => endpoint.handler.clone().route_layer(from_fn_with_state(shared.clone(), own)),
            (None, false) => endpoint.handler.clone(),
        };
        // Outside of them: the log is told of what they refuse.
        let handler = super::audit::watched(&shared, Endpoint { handler, ..endpoint });
        router.route(path, handler)
    };
    let (keyed, closed): (Vec<_>, Vec<_>) = closed.into_iter().partition(|endpoint| endpoint.for_keys);
    let closed = closed.into_iter().fold(Router::new(), add);
    let closed = closed.route_layer(from_fn_with_state(shared.clone(), guard::authorized));
    let proved = proved.into_iter().fold(Router::new(), add).method_not_allowed_fallback(no_such_method);
    let keyed = keyed.into_iter().fold(Router::new(), add);
    let keyed = keyed.route_layer(from_fn_with_state(shared.clone(), server_key::authorized));
    open.into_iter()
        .fold(Router::new(), add)
        .merge(closed)
        .merge(keyed)
        .merge(super::git::router())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(guard::same_site))
        .merge(proved)
        .layer(from_fn_with_state(shared.clone(), super::audit::door))
        .layer(from_fn(catch::panics))
        .with_state(shared)
}

async fn no_such_path(uri: Uri) -> Refused {
    let message = format!("the API has no path {}", uri.path());
    Refused::at(StatusCode::NOT_FOUND, RefusalKind::NotFound, "api::no-such-path", message)
        .help("/v1/openapi.json lists all of them")
}

async fn no_such_method(uri: Uri) -> Refused {
    let message = format!("the path {} has no such method", uri.path());
    Refused::at(StatusCode::METHOD_NOT_ALLOWED, RefusalKind::Invalid, "api::no-such-method", message)
        .help("/v1/openapi.json lists all of them")
}

/// A service of the path in the scope of the query string.
fn service_ref(service: Name, params: ScopeParams) -> ServiceRef {
    ServiceRef { scope: Scope::from(params), service }
}
