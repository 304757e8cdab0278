//! How a service's requests are shared out: the keys put together, and the checks that need other keys and services.

use tidegate_core::model::{Assignment, Balance, Mirror, MirrorTo, Name, PortSpec, Timeouts, TrafficPolicy};

use super::layer::{Layer, LayerService};
use super::unknown_service;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{Field, OrNot, RawMirror, RawMirrorTo, RawTimeouts, RawTraffic, not_used_yet};
use crate::span::Spanned;

/// The policy, with only what is said.
pub(super) fn compile(
    service: &LayerService,
    takes_requests: bool,
    layer: &Layer<'_>,
    findings: &mut Findings<'_>,
) -> TrafficPolicy {
    let Some(raw) = service.raw.traffic.get() else { return TrafficPolicy::default() };
    if !takes_requests {
        findings.push(without_port(raw, &service.name));
    }
    without_places(&raw.value, findings);
    let mirror = given(&raw.value.mirror).and_then(|mirror| compile_mirror(mirror, service, layer, findings));
    let raw = &raw.value;
    TrafficPolicy {
        protocol: raw.protocol.value().map(|word| word.0).unwrap_or_default(),
        balance: raw.balance.value().map(|balance| balance.0.clone()).unwrap_or_default(),
        zone_aware: raw.zone_aware.value().is_some_and(|flag| flag.0),
        slow_start: raw.slow_start.value().map(|time| time.0).filter(|time| time.0 > 0),
        outliers: given(&raw.outliers).map(|outliers| outliers.0),
        concurrency: given(&raw.concurrency).map(|concurrency| concurrency.0),
        retries: raw.retries.value().map(|retries| retries.0),
        timeouts: timeouts(raw.timeouts.get(), findings),
        breaker: given(&raw.breaker).map(|breaker| breaker.0),
        assign: Assignment {
            rules: raw
                .arms
                .value()
                .map_or(&[][..], |rules| &rules.0)
                .iter()
                .map(|rule| rule.value.0.clone())
                .collect(),
            sticky: given(&raw.sticky).map(|sticky| sticky.0.clone()),
            echo: raw.echo_arm.value().is_some_and(|flag| flag.0),
        },
        mirror,
        outcomes: Vec::new(),
    }
}

/// All instances run on one machine: none is nearer than another.
fn without_places(raw: &RawTraffic, findings: &mut Findings<'_>) {
    let geographic = raw.balance.get().filter(|balance| balance.value.0 == Balance::Geographic);
    let zone_aware = raw.zone_aware.get().filter(|flag| flag.value.0);
    let keys = [
        ("`balance: geographic`", geographic.map(|it| it.span)),
        ("`zone_aware`", zone_aware.map(|it| it.span)),
    ];
    for (key, span) in keys {
        let warning = span.map(|span| not_used_yet(key, span).help("all instances run on one machine"));
        warning.into_iter().for_each(|warning| findings.push(warning));
    }
}

/// Whether the service is to get requests although no route leads to it: it says how, or gets copies of another's.
pub(super) fn expects_requests(service: &LayerService, layer: &Layer<'_>) -> bool {
    !service.raw.traffic.is_absent() || layer.copied_to.contains(&service.name)
}

/// The service that gets copies of this one's requests.
pub(super) fn copied_to(service: &LayerService) -> Option<&Name> {
    match &given(&service.raw.traffic.value()?.mirror)?.to {
        RawMirrorTo::Service(name, _) => Some(name),
        RawMirrorTo::Candidate => None,
    }
}

/// The setting, unless it was taken back.
fn given<T>(field: &Field<OrNot<T>>) -> Option<&T> {
    field.value().and_then(|setting| setting.0.as_ref())
}

fn without_port(traffic: &Spanned<RawTraffic>, name: &Name) -> Diagnostic {
    Diagnostic::error(codes::TRAFFIC_OPTION, format!("`{name}` gets no requests: it has no port"))
        .at(traffic.key, "has no meaning")
        .help("remove `traffic`, or listen on $PORT: `port: auto`")
}

fn timeouts(raw: Option<&Spanned<RawTimeouts>>, findings: &mut Findings<'_>) -> Timeouts {
    let Some(raw) = raw else { return Timeouts::default() };
    let (key, raw) = (raw.key, &raw.value);
    let timeouts = Timeouts {
        connect: raw.connect.value().map(|time| time.0),
        first_byte: raw.first_byte.value().map(|time| time.0),
        idle: raw.idle.value().map(|time| time.0),
        total: raw.total.value().map(|time| time.0),
    };
    let parts = [("connect", timeouts.connect), ("first_byte", timeouts.first_byte), ("idle", timeouts.idle)];
    for (name, part) in parts {
        if let (Some(part), Some(total)) = (part, timeouts.total)
            && part > total
        {
            let message = format!("`{name}` is {part}, and everything together may take {total}");
            findings.push(
                Diagnostic::error(codes::TRAFFIC_OPTION, message)
                    .at(key, "in here")
                    .help(format!("raise `total`, or lower `{name}`")),
            );
        }
    }
    timeouts
}

fn compile_mirror(
    raw: &RawMirror,
    service: &LayerService,
    layer: &Layer<'_>,
    findings: &mut Findings<'_>,
) -> Option<Mirror> {
    let to = match &raw.to {
        RawMirrorTo::Candidate => MirrorTo::Candidate,
        RawMirrorTo::Service(name, span) => {
            if layer.declared.find(name).is_none() {
                findings.push(unknown_service(name, *span, layer.declared));
                return None;
            }
            if let Some(problem) = no_mirror(name, service, layer) {
                findings.push(
                    Diagnostic::error(codes::MIRROR_TO, problem)
                        .at(*span, "")
                        .help("copies go to `candidate`, or to another service that listens on a port"),
                );
            }
            MirrorTo::Upstream(name.to_string())
        }
    };
    Some(Mirror { unsafe_methods: raw.unsafe_methods, ..Mirror::plain(to, raw.percent) })
}

/// Why a service cannot get copies.
fn no_mirror(name: &Name, service: &LayerService, layer: &Layer<'_>) -> Option<String> {
    if *name == service.name {
        return Some(format!("`{name}` would get each of its own requests twice"));
    }
    let other = layer.services.iter().find(|other| other.name == *name)?;
    let deaf = other.raw.port.value().is_some_and(|port| port.0 == PortSpec::None);
    deaf.then(|| format!("`{name}` has no port and gets no requests"))
}
