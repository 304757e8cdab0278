//! Every endpoint, a family a file.

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
mod otlp;
mod pipeline;
mod plan;
mod provenance;
mod rollback;
mod rollout;
mod runs;
mod scale;
mod settings;
mod sources;
mod status;
mod upgrade;

use std::collections::BTreeSet;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use tidegate_control::{RefusalKind, Scope, ServiceRef};
use tidegate_core::model::Name;

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
        identity::endpoints(),
        audit::endpoints(),
    ];
    families.into_iter().flatten().collect()
}

/// What the way in has to know of the endpoints, by method and path.
#[derive(Debug, Default)]
pub(super) struct Facts {
    own: BTreeSet<(&'static str, &'static str)>,
    scoped: BTreeSet<(&'static str, &'static str)>,
}

impl Facts {
    /// Of the table.
    pub(super) fn of_all() -> Self {
        let all = all();
        let those = |is: fn(&Endpoint) -> bool| {
            all.iter().filter(|one| is(one)).map(|one| (one.method, one.path)).collect()
        };
        Facts { own: those(|one| one.own), scoped: those(|one| one.query.contains(&"app")) }
    }

    /// Whether it concerns what is the caller's own.
    pub(super) fn is_own(&self, method: &Method, path: &str) -> bool {
        has(&self.own, method, path)
    }

    /// Whether its query string says which app it is about.
    pub(super) fn takes_scope(&self, method: &Method, path: &str) -> bool {
        has(&self.scoped, method, path)
    }
}

fn has(those: &BTreeSet<(&'static str, &'static str)>, method: &Method, path: &str) -> bool {
    // `HEAD` is answered by whoever answers `GET`.
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    those.iter().any(|(known, at)| *at == path && known.eq_ignore_ascii_case(method.as_str()))
}

/// The routes of the table behind their guards.
pub(super) fn router(shared: Shared) -> Router {
    let (proved, here): (Vec<_>, Vec<_>) = all().into_iter().partition(|endpoint| endpoint.any_name);
    let (open, closed): (Vec<_>, Vec<_>) = here.into_iter().partition(|endpoint| endpoint.open);
    let add = |router: Router<Shared>, endpoint: Endpoint| {
        router.route(endpoint.path, super::audit::watched(&shared, endpoint))
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
