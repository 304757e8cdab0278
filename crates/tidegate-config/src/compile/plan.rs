//! One environment, compiled.

use std::collections::BTreeMap;

use tidegate_core::model::{JobSpec, MigrateSpec, Name, PortSpec, RouteSpec, ServiceSpec};

use super::layer::Layer;
use super::{job, migrate, routes, service, train};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::Field;
use crate::span::Span;

/// An environment's services, routes and migration; variables are merged when it is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Services with the variables of their own.
    pub(crate) services: BTreeMap<Name, ServiceSpec>,
    /// Jobs with the variables of their own.
    pub(crate) jobs: BTreeMap<Name, JobSpec>,
    pub(crate) routes: Vec<RouteSpec>,
    /// Services that are rolled out as one, each train in its order.
    pub(crate) trains: BTreeMap<Name, Vec<Name>>,
    /// The migration, without variables.
    pub(crate) migrate: Option<MigrateSpec>,
    /// The variables of the app and the environment.
    pub(crate) env: BTreeMap<String, String>,
}

/// Compiles and checks a layer.
pub(super) fn compile(layer: &Layer<'_>, findings: &mut Findings<'_>) -> Plan {
    let routes = routes::compile(layer, findings);
    let mut services = BTreeMap::new();
    for service in &layer.services {
        let routed = routes.iter().any(|route| route.to.as_ref() == Some(&service.name));
        if let Some(spec) = service::compile(service, routed, layer, findings) {
            services.insert(service.name.clone(), spec);
        }
    }
    check_fixed_ports(layer, findings);
    let mut env = layer.resources.clone();
    env.extend(layer.env.value().map(|env| env.0.clone()).unwrap_or_default());
    Plan {
        trains: train::compile(layer, &services, findings),
        services,
        jobs: job::compile(layer, findings),
        routes,
        migrate: migrate::compile(layer, findings),
        env,
    }
}

/// Two services cannot listen on the same fixed port.
fn check_fixed_ports(layer: &Layer<'_>, findings: &mut Findings<'_>) {
    let mut taken: BTreeMap<u16, (&Name, Span)> = BTreeMap::new();
    for service in &layer.services {
        let Field::Present(port) = &service.raw.port else { continue };
        let PortSpec::Fixed(number) = port.value.0 else { continue };
        match taken.get(&number) {
            None => {
                taken.insert(number, (&service.name, port.span));
            }
            Some((name, span)) => findings.push(
                Diagnostic::error(
                    codes::FIXED_PORT,
                    format!("`{}` and `{name}` have the same port", service.name),
                )
                .at(port.span, "here again")
                .at(*span, "here first")
                .help("choose another one, or `auto` and listen on $PORT"),
            ),
        }
    }
}
