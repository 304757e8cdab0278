//! Tidegate's gateway, with a routing table as a busy machine would have it: a thousand hosts with paths, arms with weights.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tidegate_core::model::{
    Arm, ArmRole, Endpoint, InstanceId, RevisionNo, Route, RoutePolicy, RouteTable, Upstream,
};

use super::{Place, SetupError};
use crate::case::HOST;

const HOSTS: usize = 1_000;
const PATHS: [&str; 4] = ["/", "/api", "/api/v2/orders", "/assets"];
/// Services that the other hosts share.
const SERVICES: usize = 250;
const MEASURED: &str = "shop/production/web";

pub(super) fn set_up(place: &Place, program: &Path) -> Result<Command, SetupError> {
    let text = serde_json::to_string(&table(place)).map_err(std::io::Error::from)?;
    fs::write(place.dir.join("table.json"), text)?;
    let mut command = Command::new(program);
    command.arg("gateway").arg("--dir").arg(&place.dir).arg("--listen").arg(place.plain.to_string());
    command.arg("--workers").arg("1");
    if speaks_tls(program)? {
        command.arg("--https").arg(place.secure.to_string()).arg("--certs").arg(&place.given.certs);
    }
    Ok(command)
}

/// Builds from before it did can be compared with later ones.
fn speaks_tls(program: &Path) -> std::io::Result<bool> {
    let help = Command::new(program).args(["gateway", "--help"]).output()?;
    Ok(memchr::memmem::find(&help.stdout, b"--https").is_some())
}

fn table(place: &Place) -> RouteTable {
    let mut upstreams: BTreeMap<_, _> = (0..SERVICES)
        .map(|index| (service(index), upstream(place, &[(ArmRole::Stable, 100)]).into()))
        .collect();
    upstreams
        .insert(MEASURED.into(), upstream(place, &[(ArmRole::Stable, 95), (ArmRole::Candidate, 5)]).into());
    let others =
        (1..HOSTS).flat_map(|index| routes(&format!("host-{index}.example.com"), &service(index % SERVICES)));
    let routes = others.chain(routes(HOST, MEASURED)).map(Into::into).collect();
    RouteTable { epoch: 1, routes, upstreams, ..RouteTable::default() }
}

fn service(index: usize) -> String {
    format!("app-{index}/production/web")
}

fn routes(host: &str, to: &str) -> Vec<Route> {
    let route = |path: &str| Route {
        host: host.into(),
        path: path.into(),
        to: to.into(),
        policy: RoutePolicy::default(),
    };
    PATHS.into_iter().map(route).collect()
}

fn upstream(place: &Place, arms: &[(ArmRole, u32)]) -> Upstream {
    let arm = |(number, (role, weight)): (u32, &(ArmRole, u32))| Arm {
        role: *role,
        revision: RevisionNo(number),
        weight: *weight,
        endpoints: place
            .upstreams
            .iter()
            .enumerate()
            .map(|(index, address)| endpoint(number, index, *address))
            .collect(),
        site: None,
    };
    Upstream { arms: (1..).zip(arms).map(arm).collect(), ..Upstream::default() }
}

fn endpoint(revision: u32, index: usize, address: std::net::SocketAddr) -> Endpoint {
    Endpoint::new(InstanceId(format!("web-r{revision}-{index}")), address)
}
