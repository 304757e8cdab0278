//! What a route does besides leading to a service: the keys put together, and the checks over several of them.

use tidegate_core::model::{Rewrite, RoutePolicy, SizeLimits};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{Field, RawRoute};
use crate::span::Span;

/// The policy of a route, with only what is on.
pub(super) fn compile(raw: &RawRoute, findings: &mut Findings<'_>) -> RoutePolicy {
    check_redirect(raw, findings);
    let headers = raw.headers.value();
    let edit = |field: Option<&Field<crate::raw::RawHeaderEdit>>| {
        field.and_then(Field::value).map(|edit| edit.0.clone()).unwrap_or_default()
    };
    let allow = raw.allow.value().map(|some| some.0.iter().map(|item| item.value.0.0.clone()).collect());
    RoutePolicy {
        allow: allow.unwrap_or_default(),
        https: raw.https.value().map(|https| https.0).filter(|https| https.redirect || https.hsts.is_some()),
        maintenance: raw.maintenance.value().and_then(|page| page.0.clone()),
        rate_limit: raw.rate_limit.value().map(|limit| limit.0.clone()),
        cors: raw.cors.value().map(|cors| cors.0.clone()),
        basic_auth: raw.basic_auth.value().map(|auth| auth.0.clone()),
        redirect: raw.redirect.value().map(|redirect| redirect.0.clone()),
        limits: SizeLimits {
            request: raw.max_request.value().map(|size| size.0),
            response: raw.max_response.value().map(|size| size.0),
        },
        rewrite: rewrite(raw, findings),
        request_headers: edit(headers.map(|headers| &headers.request)),
        response_headers: edit(headers.map(|headers| &headers.response)),
        compress: raw.compress.value().and_then(|compress| compress.0.clone()),
    }
}

/// Whether requests of the route are answered without a service.
pub(super) fn answers_itself(raw: &RawRoute) -> bool {
    // A broken value was meant to be one.
    let page = raw.maintenance.value().is_some_and(|page| page.0.is_some());
    !raw.redirect.is_absent() || page || matches!(raw.maintenance, Field::Broken)
}

fn check_redirect(raw: &RawRoute, findings: &mut Findings<'_>) {
    let (Field::Present(to), Field::Present(redirect)) = (&raw.to, &raw.redirect) else { return };
    let message = "a route that redirects leads to no service";
    findings.push(excluded(message, redirect.key, to.key).help("remove `redirect` or `to`"));
}

fn rewrite(raw: &RawRoute, findings: &mut Findings<'_>) -> Option<Rewrite> {
    let strip = raw.strip_prefix.get().filter(|strip| strip.value.0);
    if let (Some(strip), Field::Present(rewrite)) = (strip, &raw.rewrite) {
        let message = "`strip_prefix` and `rewrite` both change the path";
        findings.push(
            excluded(message, rewrite.key, strip.key).help("`rewrite: /` is the same as `strip_prefix`"),
        );
    }
    let rewrite = raw.rewrite.value().map(|rewrite| rewrite.0.clone());
    rewrite.or_else(|| strip.map(|_| Rewrite::StripPrefix))
}

fn excluded(message: &str, one: Span, other: Span) -> Diagnostic {
    Diagnostic::error(codes::ROUTE_OPTION, message).at(one, "this").at(other, "and this")
}
