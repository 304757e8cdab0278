//! Services that are folders of files: what cannot be said of one.

use tidegate_core::model::{
    Limits, PortSpec, Probes, Scale, ServiceSpec, SiteSpec, StopSpec, Strategy, TrafficPolicy,
};
use tidegate_core::time::Millis;

use super::layer::LayerService;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{Field, RawService};
use crate::span::Span;

/// A folder has one instance, which is no process: ready at once, and gone at once.
pub(super) fn compile(
    service: &LayerService,
    site: SiteSpec,
    strategy: Strategy,
    findings: &mut Findings<'_>,
) -> ServiceSpec {
    let raw = &service.raw;
    let at = raw.r#static.get().map_or(service.key, |site| site.key);
    for (key, span) in meaningless(raw) {
        findings.push(refused(key, span, at));
    }
    ServiceSpec {
        run: String::new(),
        port: PortSpec::None,
        probes: Probes { startup: None, start_within: Probes::START_WITHIN, ready: None, live: None },
        scale: Scale { min: 1, max: 1 },
        strategy,
        drain: raw.drain.value().map_or(Millis(0), |drain| drain.0),
        stop: StopSpec { grace: Millis(0), ..StopSpec::default() },
        limits: Limits::default(),
        env: raw.env.value().map(|env| env.0.clone()).unwrap_or_default(),
        traffic: TrafficPolicy::default(),
        site: Some(site),
        autoscale: None,
    }
}

/// The keys about processes that were written all the same.
fn meaningless(raw: &RawService) -> Vec<(&'static str, Span)> {
    let keys = [
        ("run", key_of(&raw.run)),
        ("port", key_of(&raw.port)),
        ("probes", key_of(&raw.probes)),
        ("scale", key_of(&raw.scale)),
        ("stop", key_of(&raw.stop)),
        ("limits", key_of(&raw.limits)),
    ];
    keys.into_iter().filter_map(|(key, span)| Some((key, span?))).collect()
}

fn key_of<T>(field: &Field<T>) -> Option<Span> {
    field.get().map(|value| value.key)
}

fn refused(key: &str, span: Span, site: Span) -> Diagnostic {
    let message = format!("`{key}` has no meaning beside `static`: nothing runs");
    Diagnostic::error(codes::STATIC_SERVICE, message)
        .at(span, "this")
        .at(site, "and this")
        .help(format!("remove `{key}`, or `static` where something is to run"))
}
