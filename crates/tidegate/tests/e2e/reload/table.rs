//! Routing tables as a busy machine has them, and the changes that deploys make to one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tidegate_core::model::{
    Arm, ArmRole, Assignment, Balance, ClientKey, Compress, Compression, Cors, Endpoint, HeaderEdit,
    InstanceId, Outliers, RateLimit, RevisionNo, Rewrite, Route, RoutePolicy, RouteTable, Sticky,
    TrafficPolicy, Upstream,
};
use tidegate_core::shared::Shared;
use tidegate_core::time::Millis;
use tidegate_core::units::ByteSize;

pub const HOSTS: usize = 500;
const PATHS: [&str; 2] = ["/", "/api"];
const UPSTREAMS: usize = 200;
const INSTANCES: usize = 5;

/// A table, and what its next ones are made of.
pub struct Tables {
    apps: Vec<SocketAddr>,
    table: RouteTable,
    /// The newest revision of each upstream.
    revisions: Vec<u32>,
}

impl Tables {
    /// The first one: two routes for each host, two hosts and a half for each upstream.
    pub fn new(apps: Vec<SocketAddr>) -> Self {
        let routes = (0..HOSTS).flat_map(|host| PATHS.into_iter().map(move |path| route(host, path)));
        let table = RouteTable { epoch: 1, routes: routes.collect(), ..RouteTable::default() };
        let mut tables = Tables { apps, table, revisions: vec![1; UPSTREAMS] };
        (0..UPSTREAMS).for_each(|index| tables.set(index, &[(ArmRole::Stable, 1, 100)]));
        tables
    }

    /// As it is now.
    pub fn current(&self) -> &RouteTable {
        &self.table
    }

    /// What a deploy does next: another revision's first share, its whole share, or a change of a route.
    pub fn change(&mut self, step: usize) -> &RouteTable {
        let index = step / 3 * 7 % UPSTREAMS;
        let old = self.revisions[index];
        match step % 3 {
            0 => self.set(index, &[(ArmRole::Stable, old, 95), (ArmRole::Candidate, old + 1, 5)]),
            1 => {
                self.set(index, &[(ArmRole::Stable, old + 1, 100)]);
                self.revisions[index] += 1;
            }
            _ => {
                let policy = &mut self.table.routes[index].policy;
                policy.response_headers.set.insert("x-step".into(), step.to_string());
            }
        }
        self.table.epoch += 1;
        &self.table
    }

    /// Other instances for every upstream, as a machine has seen that has run for a while.
    pub fn replace_all(&mut self) -> &RouteTable {
        for index in 0..UPSTREAMS {
            self.revisions[index] += 1;
            self.set(index, &[(ArmRole::Stable, self.revisions[index], 100)]);
        }
        self.table.epoch += 1;
        &self.table
    }

    fn set(&mut self, index: usize, arms: &[(ArmRole, u32, u32)]) {
        let arms = arms.iter().map(|(role, revision, weight)| Arm {
            role: *role,
            revision: RevisionNo(*revision),
            weight: *weight,
            endpoints: (0..INSTANCES).map(|number| self.endpoint(index, *revision, number)).collect(),
            site: None,
        });
        let arms = arms.collect();
        let upstream = Upstream { arms, policy: traffic(index), ..Upstream::default() };
        self.table.upstreams.insert(name(index), upstream.into());
    }

    fn endpoint(&self, index: usize, revision: u32, number: usize) -> Endpoint {
        let id = InstanceId(format!("app-{index}-web-{revision}-{number}"));
        Endpoint::new(id, self.apps[number % self.apps.len()])
    }
}

/// The host of a number.
pub fn host(number: usize) -> String {
    format!("host-{number}.example.com")
}

fn name(index: usize) -> String {
    format!("app-{index}/production/web")
}

fn route(number: usize, path: &str) -> Shared<Route> {
    let policy = if number.is_multiple_of(2) { policy() } else { RoutePolicy::default() };
    Route { host: host(number), path: path.into(), to: name(number % UPSTREAMS), policy }.into()
}

/// Something of everything that lets requests through and is made ready once for a table.
fn policy() -> RoutePolicy {
    let fields = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    RoutePolicy {
        allow: vec!["127.0.0.0/8".into(), "::1".into(), "10.0.0.0/8".into()],
        rate_limit: Some(RateLimit {
            requests: 1_000_000,
            per: Millis(1_000),
            burst: 1_000_000,
            by: ClientKey::Address,
        }),
        cors: Some(Cors {
            origins: vec!["https://shop.example.com".into(), "https://*.example.org".into()],
            methods: vec!["GET".into(), "PUT".into()],
            headers: vec!["content-type".into()],
            expose: Vec::new(),
            credentials: true,
            max_age: Some(Millis(600_000)),
        }),
        rewrite: Some(Rewrite::StripPrefix),
        request_headers: HeaderEdit { set: fields("x-via", "tidegate"), ..HeaderEdit::default() },
        response_headers: HeaderEdit { add: fields("x-frame-options", "DENY"), ..HeaderEdit::default() },
        compress: Some(Compress {
            algorithms: vec![Compression::Brotli, Compression::Gzip],
            min_size: ByteSize(1_024),
        }),
        ..RoutePolicy::default()
    }
}

fn traffic(index: usize) -> TrafficPolicy {
    let balance = match index % 4 {
        0 => Balance::Hash(ClientKey::Cookie("session".into())),
        1 => Balance::RoundRobin,
        2 => Balance::PeakEwma,
        _ => Balance::LeastRequest,
    };
    let sticky = Some(Sticky::Cookie { max_age: Millis(86_400_000) });
    let assign = Assignment { sticky: sticky.filter(|_| index.is_multiple_of(2)), ..Assignment::default() };
    let outliers = Some(Outliers { consecutive: 5, eject: Millis(10_000), max_share: 50 });
    TrafficPolicy { balance, assign, outliers, ..TrafficPolicy::default() }
}
