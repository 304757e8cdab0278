//! Routing tables in one line.

use std::net::SocketAddr;

use tidegate_core::model::{
    Arm, ArmRole, Endpoint, InstanceId, RevisionNo, Route, RoutePolicy, RouteTable, Upstream,
};

pub fn arm(role: ArmRole, revision: u32, weight: u32, endpoints: &[(&str, SocketAddr)]) -> Arm {
    let endpoint = |(id, address): &(&str, SocketAddr)| Endpoint::new(InstanceId((*id).to_owned()), *address);
    let endpoints = endpoints.iter().map(endpoint).collect();
    Arm { role, revision: RevisionNo(revision), weight, endpoints, site: None }
}

/// One upstream `app/dev/web` with all traffic on `*` `/`.
pub fn table(epoch: u64, endpoints: &[(&str, SocketAddr)]) -> RouteTable {
    with_arms(epoch, vec![arm(ArmRole::Stable, 1, 100, endpoints)])
}

pub fn with_arms(epoch: u64, arms: Vec<Arm>) -> RouteTable {
    let mut table = RouteTable { epoch, ..RouteTable::default() };
    route(&mut table, "*", "/", "app/dev/web");
    table.upstreams.insert("app/dev/web".to_owned(), Upstream { arms, ..Upstream::default() }.into());
    table
}

pub fn route(table: &mut RouteTable, host: &str, path: &str, to: &str) {
    let (host, path, to) = (host.to_owned(), path.to_owned(), to.to_owned());
    table.routes.push(Route { host, path, to, policy: RoutePolicy::default() }.into());
}

/// As [`table`], with a policy on its one route.
pub fn with_policy(epoch: u64, endpoints: &[(&str, SocketAddr)], policy: RoutePolicy) -> RouteTable {
    let mut table = table(epoch, endpoints);
    table.routes[0].policy = policy;
    table
}
