//! Trains: which services are rolled out as one, and whether they can be.

use std::collections::BTreeMap;

use tidegate_core::model::{Name, ServiceSpec, StrategyKind};

use super::layer::Layer;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{ListOf, NameText, NamedEntry};
use crate::span::{Span, Spanned};

/// The trains of a layer, each in its order. `services` are those that could be compiled.
pub(super) fn compile(
    layer: &Layer<'_>,
    services: &BTreeMap<Name, ServiceSpec>,
    findings: &mut Findings<'_>,
) -> BTreeMap<Name, Vec<Name>> {
    let mut trains = BTreeMap::new();
    let mut seats: BTreeMap<&Name, Span> = BTreeMap::new();
    for entry in layer.trains.value().map_or(&[][..], |trains| &trains.0) {
        let Some(order) = entry.value.value() else { continue };
        check_length(entry, order, findings);
        for member in &order.0 {
            let name = &member.value.0;
            if let Some(first) = seats.insert(name, member.span) {
                findings.push(twice(name, member.span, first));
            } else if layer.declared.find(name).is_none() {
                findings.push(super::unknown_service(name, member.span, layer.declared));
            } else if let Some(spec) = services.get(name) {
                check_member(member, spec, findings);
            }
        }
        let names = order.0.iter().map(|member| member.value.0.clone());
        trains.insert(entry.name.clone(), names.collect());
    }
    trains
}

fn check_length(entry: &NamedEntry<ListOf<NameText>>, order: &ListOf<NameText>, findings: &mut Findings<'_>) {
    if order.0.len() >= 2 {
        return;
    }
    let message =
        format!("the train `{}` has {} service(s), and a train has two at least", entry.name, order.0.len());
    findings.push(
        Diagnostic::error(codes::TRAIN_MEMBERS, message)
            .at(entry.key, "nothing to couple")
            .help("name the services in the order of their calls, `checkout: [web, api]`, or remove it"),
    );
}

fn twice(name: &Name, again: Span, first: Span) -> Diagnostic {
    Diagnostic::error(codes::TRAIN_MEMBERS, format!("`{name}` is in a train twice"))
        .at(again, "here again")
        .at(first, "here first")
        .help("a service is in one train, once; put all that call each other into one")
}

/// A member has to wait beside stable for the others, and to pass the lane on.
fn check_member(member: &Spanned<NameText>, spec: &ServiceSpec, findings: &mut Findings<'_>) {
    let name = &member.value.0;
    let Some((why, help)) = unfit(spec) else { return };
    findings.push(
        Diagnostic::error(codes::TRAIN_IMPOSSIBLE, format!("`{name}` cannot be in a train: {why}"))
            .at(member.span, "cannot wait for the others")
            .help(help),
    );
}

fn unfit(spec: &ServiceSpec) -> Option<(String, &'static str)> {
    let reason = |why: &str, help: &'static str| Some((why.to_owned(), help));
    if spec.site.is_some() {
        return reason(
            "it is a folder of files, which passes no lane on",
            "leave it out: its rollout is one of its own",
        );
    }
    if !spec.has_port() {
        return reason(
            "it takes no requests, so that no request can be kept on one side",
            "leave it out: its rollout is one of its own",
        );
    }
    if spec.exclusive() {
        return reason(
            "it has a fixed port, and stable and candidate cannot run side by side",
            "write `port: auto` and listen on $PORT",
        );
    }
    if spec.autoscale.as_ref().is_some_and(|autoscale| autoscale.idle.is_some()) {
        return reason("it may sleep, and who sleeps cannot be called", "write `min: 1` in its `scale`");
    }
    let kind = spec.strategy.kind;
    (!can_wait(kind)).then(|| {
        let why = format!("by {kind} its candidate has requests before the others are ready");
        (why, "use `blue-green`, `canary` or another strategy that goes by steps")
    })
}

/// Whether stable stays whole and has everything until it is the candidate's turn.
fn can_wait(kind: StrategyKind) -> bool {
    match kind {
        StrategyKind::BlueGreen
        | StrategyKind::Canary
        | StrategyKind::Phased
        | StrategyKind::AB
        | StrategyKind::ParallelRun
        | StrategyKind::ParallelAdoption => true,
        StrategyKind::AllAtOnce
        | StrategyKind::Rolling
        | StrategyKind::RollingWithExtraBatch
        | StrategyKind::Immutable => false,
    }
}
