//! What a manifest may say, the gateway can do: manifests made from the schema that are accepted become a routing table as
//! the control plane makes it, and the gateway takes that without closing a route or leaving anything out.

mod complaints;
mod text;
mod values;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use tidegate_config::{Resolved, Source, load, schema};
use tidegate_control::engine::routes::{Claims, Policies, Policy, Sites, add_routes, table_of};
use tidegate_control::engine::site_in;
use tidegate_core::model::{
    Arm, ArmRole, Endpoint, InstanceId, RevisionNo, RouteTable, ServiceKey, ServiceSpec, ServiceState,
};

use values::Schema;

const SERVICES: &[&str] = &["web", "api", "candidate"];
const CASES: u32 = 3_000;

/// An app with two services, routes to them, and whatever the schema has for both.
fn manifests(schema: &Value) -> impl Strategy<Value = Value> {
    let schema = Schema { root: schema, services: SERVICES };
    let to = || proptest::sample::select(SERVICES);
    let route = (schema.of("Route"), to()).prop_map(|(mut route, to)| {
        let nowhere = route["redirect"].is_null() && route["maintenance"].is_null();
        if nowhere || !route["to"].is_null() {
            route["to"] = Value::from(if to == "candidate" { "web" } else { to });
        }
        route
    });
    let routes = proptest::collection::vec(route, 1..3);
    (schema.of("Service"), schema.of("Service"), routes).prop_map(|(web, api, routes)| {
        json!({ "app": "shop", "services": { "web": web, "api": api }, "routes": routes })
    })
}

#[test]
fn the_gateway_can_use_whatever_a_manifest_is_accepted_with() {
    let schema = schema();
    let accepted = Cell::new(0);
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let result = TestRunner::new(config).run(&manifests(&schema), |manifest| {
        let Some(resolved) = resolve(&manifest) else { return Ok(()) };
        accepted.set(accepted.get() + 1);
        let complaints = complaints::of(&table(resolved));
        if complaints.is_empty() { Ok(()) } else { Err(TestCaseError::fail(format!("{complaints:?}"))) }
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // Fewer would prove little.
    assert!(accepted.get() > CASES / 5, "only {} of {CASES} were accepted", accepted.get());
}

fn resolve(manifest: &Value) -> Option<Resolved> {
    let (manifest, _) = load(&Source::new("tidegate.yaml", manifest.to_string()));
    Some(manifest?.resolve(&"production".parse().unwrap(), &BTreeMap::new()).unwrap())
}

/// As the control plane has it in the middle of a rollout of every service.
fn table(resolved: Resolved) -> RouteTable {
    let (mut claims, mut policies) = (Claims::new(), Policies::new());
    let number = RevisionNo(1);
    let key = |service: &tidegate_core::model::Name| ServiceKey {
        app: resolved.app.clone(),
        environment: resolved.environment.clone(),
        service: service.clone(),
    };
    for (name, spec) in &resolved.services {
        add_routes(&mut claims, Some(&key(name)), number, &resolved.routes);
        policies.insert(key(name), Policy::of(&key(name), spec));
    }
    add_routes(&mut claims, None, number, &resolved.routes);
    let states: Vec<ServiceState> =
        resolved.services.keys().map(|name| ServiceState::new(key(name))).collect();
    let mut table = table_of(&states, &BTreeMap::new(), &Sites::new(), claims, policies);
    for (name, spec) in &resolved.services {
        let upstream = table.upstreams.get_mut(&key(name).to_string()).unwrap();
        upstream.arms = vec![arm(spec, ArmRole::Stable, 1, 95), arm(spec, ArmRole::Candidate, 2, 5)];
    }
    RouteTable { epoch: 1, ..table }
}

fn arm(spec: &ServiceSpec, role: ArmRole, revision: u32, weight: u32) -> Arm {
    let site = spec.site.as_ref().map(|site| site_in(PathBuf::from("/builds/b"), site));
    let endpoint = |number: u16| {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 40_000 + number));
        Endpoint::new(InstanceId(format!("web-{revision}-{number}")), address)
    };
    let endpoints = if site.is_some() { Vec::new() } else { (1..=2).map(endpoint).collect() };
    Arm { role, revision: RevisionNo(revision), weight, endpoints, site }
}
