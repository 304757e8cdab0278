//! Probes: one check each, `within` in its place, a port where one is asked.

use tidegate_core::model::{Check, PortSpec, Probe, Probes, Protocol};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{Field, RawProbe, RawProbes, RawService};
use crate::span::{Span, Spanned};

/// Whether a probe asks the port, whatever else is wrong with it.
pub(super) fn ask_port(probes: Option<&RawProbes>) -> bool {
    probes.is_some_and(|probes| {
        all(probes).into_iter().flatten().any(|probe| port_asked(&probe.value).is_some())
    })
}

/// The probes with defaults filled in.
pub(super) fn compile(probes: Option<&RawProbes>, port: PortSpec, findings: &mut Findings<'_>) -> Probes {
    let none = RawProbes::default();
    let raw = probes.unwrap_or(&none);
    if port == PortSpec::None {
        for span in all(raw).into_iter().flatten().filter_map(|probe| port_asked(&probe.value)) {
            findings.push(without_port(span));
        }
    }
    check_within(raw, findings);
    let default = (port != PortSpec::None && raw.ready.is_absent()).then(|| Probe::new(Check::Tcp));
    let within = [&raw.startup, &raw.ready].into_iter().find_map(|probe| probe.value()?.within.value());
    Probes {
        startup: compile_one(&raw.startup, findings),
        start_within: within.map_or(Probes::START_WITHIN, |within| within.0),
        ready: compile_one(&raw.ready, findings).or(default),
        live: compile_one(&raw.live, findings),
    }
}

/// Probes by `http` are asked in plain HTTP/1.1, whatever the gateway speaks with the instances.
pub(super) fn check_protocol(raw: &RawService, protocol: Protocol, findings: &mut Findings<'_>) {
    let Some(probes) = raw.probes.value() else { return };
    let spoken = raw.traffic.value().and_then(|traffic| traffic.protocol.get()).map(|protocol| protocol.span);
    for probe in all(probes).into_iter().flatten() {
        let Some(http) = probe.value.http.get().map(|http| http.key) else { continue };
        let message = "this probe asks in plain HTTP/1.1, and";
        let found = match protocol {
            Protocol::Http1 => return,
            // An instance may speak both.
            Protocol::H2c => Diagnostic::warning(
                codes::PROBE_PROTOCOL,
                format!("{message} an instance that speaks HTTP/2 alone does not answer it"),
            ),
            Protocol::Https1 | Protocol::H2 => Diagnostic::error(
                codes::PROBE_PROTOCOL,
                format!("{message} the instances speak TLS: it is never answered"),
            ),
        };
        let found = found.at(http, "asked without TLS, by HTTP/1.1");
        let found = spoken.into_iter().fold(found, |found, spoken| found.at(spoken, "what instances speak"));
        findings.push(found.help("write `tcp: true`, or a `command` that asks as a client would"));
    }
}

fn all(probes: &RawProbes) -> [Option<&Spanned<RawProbe>>; 3] {
    [probes.startup.get(), probes.ready.get(), probes.live.get()]
}

fn port_asked(probe: &RawProbe) -> Option<Span> {
    let http = probe.http.get().map(|http| http.key);
    http.or_else(|| probe.tcp.get().map(|tcp| tcp.key))
}

fn without_port(span: Span) -> Diagnostic {
    Diagnostic::error(codes::PROBE_WITHOUT_PORT, "this probe asks a port, and the service has `port: none`")
        .at(span, "needs a port")
        .help("use `command`, or remove `port: none` and listen on $PORT")
}

fn compile_one(field: &Field<RawProbe>, findings: &mut Findings<'_>) -> Option<Probe> {
    let raw = field.get()?;
    let mut probe = Probe::new(compile_check(raw, findings)?);
    probe.every = raw.value.every.value().map_or(probe.every, |every| every.0);
    probe.timeout = raw.value.timeout.value().map_or(probe.timeout, |timeout| timeout.0);
    probe.fail_after = raw.value.fail_after.value().map_or(probe.fail_after, |count| count.0);
    Some(probe)
}

fn compile_check(raw: &Spanned<RawProbe>, findings: &mut Findings<'_>) -> Option<Check> {
    let probe = &raw.value;
    let absent = [probe.http.is_absent(), probe.tcp.is_absent(), probe.command.is_absent()];
    let asked = absent.into_iter().filter(|absent| !absent).count();
    if asked != 1 {
        let message = match asked {
            0 => "this probe does not say what is asked",
            _ => "this probe asks in more than one way",
        };
        findings.push(
            Diagnostic::error(codes::PROBE_CHECK, message)
                .at(raw.key, "")
                .help("write exactly one of `http: /path`, `tcp: true` and `command: …`"),
        );
        return None;
    }
    let http = probe.http.value().map(|path| Check::Http(path.0.clone()));
    let command = || probe.command.value().map(|command| Check::Command(command.0.clone()));
    http.or_else(command).or_else(|| probe.tcp.value().map(|_| Check::Tcp))
}

fn check_within(raw: &RawProbes, findings: &mut Findings<'_>) {
    let live = raw.live.value().and_then(|probe| probe.within.get());
    let ready = raw.ready.value().and_then(|probe| probe.within.get()).filter(|_| !raw.startup.is_absent());
    for within in [live, ready].into_iter().flatten() {
        findings.push(
            Diagnostic::error(codes::MISPLACED_WITHIN, "`within` has no meaning here")
                .at(within.key, "")
                .help("the time until first ready stands in `startup`, or in `ready` where there is no `startup`"),
        );
    }
}
