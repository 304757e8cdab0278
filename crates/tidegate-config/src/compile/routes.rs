//! Routes: required keys, services that exist and listen, no two alike.

use std::collections::BTreeMap;

use tidegate_core::model::{PortSpec, RoutePolicy, RouteSpec};
use tidegate_core::preview::{LONGEST_SLUG, PLACEHOLDER};

use super::layer::Layer;
use super::{missing, policy, unknown_service};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{Field, RawRoute};
use crate::span::{Span, Spanned};

/// The routes that could be read, in the order of the file.
pub(super) fn compile(layer: &Layer<'_>, findings: &mut Findings<'_>) -> Vec<RouteSpec> {
    let mut seen: BTreeMap<(String, String), Span> = BTreeMap::new();
    let mut routes = Vec::new();
    for item in layer.routes.value().map_or(&[][..], |list| &list.0) {
        check_required(item, findings);
        check_service(item, layer, findings);
        check_branch(item, layer.is_preview, findings);
        let policy = policy::compile(&item.value, findings);
        let Some(route) = route_of(&item.value, policy) else { continue };
        let place = item.value.host.get().map_or(item.span, |host| host.span);
        check_loop(item, &route, findings);
        match seen.get(&(route.host.clone(), route.path.clone())) {
            Some(first) => findings.push(duplicate(&route, place, *first)),
            None => {
                seen.insert((route.host.clone(), route.path.clone()), place);
                routes.push(route);
            }
        }
    }
    routes
}

fn route_of(raw: &RawRoute, policy: RoutePolicy) -> Option<RouteSpec> {
    let path = match (&raw.path, raw.path.is_absent()) {
        (_, true) => "/".to_owned(),
        (path, false) => path.value()?.spelled(),
    };
    let to = match &raw.to {
        Field::Absent => None,
        Field::Broken => return None,
        Field::Present(to) => Some(to.value.0.clone()),
    };
    Some(RouteSpec { host: raw.host.value()?.0.clone(), path, to, policy })
}

/// A redirect of everything below the route to itself, and one of the route's own path.
fn check_loop(item: &Spanned<RawRoute>, route: &RouteSpec, findings: &mut Findings<'_>) {
    let (Some(at), Some(redirect)) = (item.value.redirect.get(), &route.policy.redirect) else { return };
    let place = ["https://", "http://"].into_iter().find_map(|scheme| redirect.to.strip_prefix(scheme));
    let place = place.unwrap_or(&redirect.to);
    let path = place.strip_prefix("{host}").or_else(|| place.strip_prefix(&route.host)).unwrap_or(place);
    let path = path.strip_suffix("{query}").unwrap_or(path);
    let prefix = route.path.trim_end_matches('/');
    let whole = if path.is_empty() { "/" } else { path };
    if path.strip_prefix(prefix) == Some("{path}") || whole == route.path {
        findings.push(
            Diagnostic::warning(codes::REDIRECT_LOOP, "this redirect leads to where it came from")
                .at(at.key, "round and round")
                .help("to have clients come with TLS, write `https: redirect`; else lead to another host or path"),
        );
    }
}

fn check_required(item: &Spanned<RawRoute>, findings: &mut Findings<'_>) {
    let example = "a route says where requests for a host go: `{ host: shop.localhost, to: web }`";
    let nowhere = item.value.to.is_absent() && !policy::answers_itself(&item.value);
    for (key, absent) in [("host", item.value.host.is_absent()), ("to", nowhere)] {
        if absent {
            findings.push(missing("a route", key, item.span).help(example));
        }
    }
}

fn check_service(item: &Spanned<RawRoute>, layer: &Layer<'_>, findings: &mut Findings<'_>) {
    let Some(to) = item.value.to.get() else { return };
    let name = &to.value.0;
    if layer.declared.find(name).is_none() {
        findings.push(unknown_service(name, to.span, layer.declared));
    }
    let service = layer.services.iter().find(|service| service.name == *name);
    let Some(port) = service.and_then(|service| service.raw.port.get()) else { return };
    if port.value.0 == PortSpec::None {
        findings.push(
            Diagnostic::error(
                codes::ROUTE_WITHOUT_PORT,
                format!("a route leads to `{name}`, which has no port"),
            )
            .at(to.span, "the route")
            .at(port.span, "no port")
            .help("remove the route, or write `port: auto` and listen on $PORT"),
        );
    }
}

/// Each preview has hosts of its own.
fn check_branch(item: &Spanned<RawRoute>, is_preview: bool, findings: &mut Findings<'_>) {
    let Some(host) = item.value.host.get() else { return };
    let name = &host.value.0;
    let named = name.contains(PLACEHOLDER);
    if named && !is_preview {
        let message = "only the hosts of previews have a branch in them";
        findings.push(
            Diagnostic::error(codes::BAD_HOST, message)
                .at(host.span, "of which branch?")
                .help("write the route in an environment with `preview`, or leave `{branch}` out"),
        );
    } else if is_preview && !named && (name.starts_with('*') || name.len() + LONGEST_SLUG + 1 > 253) {
        let message = "all previews would have the same host";
        findings.push(
            Diagnostic::error(codes::BAD_HOST, message)
                .at(host.span, "of which branch?")
                .help("say where the branch stands: `{branch}.preview.example.org`"),
        );
    }
}

fn duplicate(route: &RouteSpec, again: Span, first: Span) -> Diagnostic {
    let message = format!("there are two routes for {}{}", route.host, route.path);
    Diagnostic::error(codes::DUPLICATE_ROUTE, crate::quote::plain(&message, 160))
        .at(again, "here again")
        .at(first, "here first")
        .help("requests can only go to one of them: remove the other or give it a path of its own")
}
