//! One service: its defaults, and the checks over several of its keys.

use tidegate_core::model::{Limits, PortSpec, Scale, ServiceSpec, StopSpec};

use super::fit::Fit;
use super::layer::{Layer, LayerService};
use super::{missing, probes, scale, site, strategy, traffic};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{RawLimits, RawService, RawStop};

/// The name whose service takes requests unless it says otherwise.
const WEB: &str = "web";

/// The service, where its command could be read. `routed`: a route leads to it.
pub(super) fn compile(
    service: &LayerService,
    routed: bool,
    layer: &Layer<'_>,
    findings: &mut Findings<'_>,
) -> Option<ServiceSpec> {
    let raw = &service.raw;
    if let Some(site) = raw.r#static.value() {
        let traffic = traffic::compile(service, true, layer, findings);
        let strategy = strategy::compile(raw, &Fit::of_files(), findings);
        let spec = site::compile(service, site.0.clone(), strategy, findings);
        return Some(ServiceSpec { traffic, ..spec });
    }
    if raw.run.is_absent() && raw.r#static.is_absent() {
        let advice = "write the command that starts it: `run: node server.js`, or the folder of its files: `static: dist`";
        findings.push(missing(&format!("the service `{}`", service.name), "run", service.key).help(advice));
    }
    let wanted = routed || service.name.as_str() == WEB || traffic::expects_requests(service, layer);
    let port = port_of(raw, wanted);
    let probes = probes::compile(raw.probes.value(), port, findings);
    let (scale, autoscale) = scale::compile(raw, port, findings);
    check_fixed_port(raw, port, scale, findings);
    let traffic = traffic::compile(service, port != PortSpec::None, layer, findings);
    probes::check_protocol(raw, traffic.protocol, findings);
    let fit = Fit {
        port,
        is_files: false,
        is_one: scale.max <= 1 && autoscale.is_none(),
        is_probed: probes.ready.is_some() || probes.startup.is_some(),
        protocol: traffic.protocol,
    };
    let strategy = strategy::compile(raw, &fit, findings);
    Some(ServiceSpec {
        run: raw.run.value()?.0.clone(),
        port,
        probes,
        scale,
        strategy,
        drain: raw.drain.value().map_or(ServiceSpec::DRAIN, |drain| drain.0),
        stop: compile_stop(raw.stop.value()),
        limits: compile_limits(raw.limits.value()),
        env: raw.env.value().map(|env| env.0.clone()).unwrap_or_default(),
        traffic,
        site: None,
        autoscale,
    })
}

fn port_of(raw: &RawService, wanted: bool) -> PortSpec {
    match raw.port.value() {
        Some(port) => port.0,
        None if wanted || probes::ask_port(raw.probes.value()) => PortSpec::Auto,
        None => PortSpec::None,
    }
}

fn check_fixed_port(raw: &RawService, port: PortSpec, scale: Scale, findings: &mut Findings<'_>) {
    let PortSpec::Fixed(number) = port else { return };
    if scale.max <= 1 {
        return;
    }
    let (Some(port), Some(scale_at)) = (raw.port.get(), raw.scale.get()) else { return };
    let message = format!("{} instances cannot all listen on port {number}", scale.max);
    findings.push(
        Diagnostic::error(codes::FIXED_PORT, message)
            .at(port.span, "fixed port")
            .at(scale_at.span, "more than one instance")
            .help("write `port: auto` and listen on $PORT, or `scale: 1`"),
    );
}

fn compile_stop(raw: Option<&RawStop>) -> StopSpec {
    let mut stop = StopSpec::default();
    if let Some(raw) = raw {
        stop.signal = raw.signal.value().map_or(stop.signal, |signal| signal.0);
        stop.grace = raw.grace.value().map_or(stop.grace, |grace| grace.0);
    }
    stop
}

/// Limits as written; none where nothing is.
pub(super) fn compile_limits(raw: Option<&RawLimits>) -> Limits {
    raw.map_or_else(Limits::default, |raw| Limits {
        memory: raw.memory.value().map(|memory| memory.0),
        cpu: raw.cpu.value().map(|cpu| cpu.0),
        pids: raw.pids.value().map(|pids| pids.0),
        disk: raw.disk.value().map(|disk| disk.0),
    })
}
