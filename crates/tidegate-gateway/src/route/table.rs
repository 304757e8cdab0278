//! A whole routing table, compiled for one epoch. Workers share it and never change it.

use std::sync::Arc;

use tidegate_core::model::{self, RouteTable};
use tidegate_core::shared::Shared;

use super::Upstream;
use super::host::Hosts;
use super::keys;
use super::path::{Ambiguous, Paths};
use crate::balance::Guard;
use crate::count::{RouteRow, RouteRows};
use crate::policy::{Policies, Policy};

/// Most routes, upstreams and endpoints of a table.
const MOST: usize = 100_000;

/// A compiled table.
#[derive(Debug)]
pub(crate) struct Table {
    hosts: Arc<Hosts<Paths<usize>>>,
    routes: Arc<[Route]>,
    upstreams: Vec<Arc<Upstream>>,
    has_policies: bool,
    limited: Vec<Arc<Guard>>,
}

/// One route, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// What is done besides passing requests on; `None`: nothing.
    pub(crate) policy: Option<Arc<Policy>>,
    /// What its requests are counted on.
    pub(crate) row: Arc<RouteRow>,
    upstream: usize,
}

/// Why a table is refused. Nothing of it is applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TableError {
    /// Out of all proportion.
    #[error("the table has more than {MOST} routes or endpoints")]
    TooLarge,
    /// A host that no request can match.
    #[error("route host `{0}` is not a lower-case name, `*.suffix` or `*`")]
    Host(String),
    /// A path that no request can match.
    #[error("route path `{0}` does not begin with `/`")]
    Path(String),
    /// Shares that leave requests over or give too many away.
    #[error("the weights of upstream `{0}` sum to {1}, not to 100")]
    Weights(String, u64),
}

impl Table {
    /// Puts routes and compiled upstreams together. `index` finds an upstream by name; a route to none leads to
    /// 503. What `before`, a table and what was made of it, has alike is used again.
    pub(crate) fn new(
        table: &RouteTable,
        upstreams: Vec<Arc<Upstream>>,
        (policies, rows): (&mut Policies, &mut RouteRows),
        index: impl Fn(&str) -> Option<usize>,
        before: Option<(&RouteTable, &Table)>,
    ) -> Self {
        let same_names = before.is_some_and(|(model, _)| model.upstreams.keys().eq(table.upstreams.keys()));
        let before = before.filter(|(model, _)| same_places(&model.routes, &table.routes));
        let hosts = before.map_or_else(|| Arc::new(hosts_of(&table.routes)), |(_, made)| made.hosts.clone());
        let place = |route: &model::Route| index(&route.to).unwrap_or(usize::MAX);
        let made = |(at, route): (usize, &Shared<model::Route>)| {
            let known =
                before.filter(|(model, _)| model.routes[at] == *route).map(|(_, made)| &made.routes[at]);
            match known {
                Some(known) if same_names => known.clone(),
                Some(known) => Route { upstream: place(route), ..known.clone() },
                None => Route { policy: policies.of(route), row: rows.of(route), upstream: place(route) },
            }
        };
        let alike = before.filter(|(model, _)| same_names && model.routes == table.routes);
        let routes = alike.map_or_else(
            || table.routes.iter().enumerate().map(made).collect(),
            |(_, made)| made.routes.clone(),
        );
        let has_policies = routes.iter().any(|route| route.policy.is_some());
        let guards =
            upstreams.iter().flat_map(|upstream| &upstream.arms).filter_map(|arm| arm.badge.guard.clone());
        let limited = guards.filter(|guard| guard.limit() < u32::MAX).collect();
        Table { hosts, routes, upstreams, has_policies, limited }
    }

    /// All of them, in the order of their names.
    pub(crate) fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// Whether any route has a policy.
    pub(crate) fn has_policies(&self) -> bool {
        self.has_policies
    }

    /// An upstream by its place.
    pub(crate) fn upstream(&self, index: usize) -> Option<&Upstream> {
        self.upstreams.get(index).map(|upstream| &**upstream)
    }

    /// Where a request goes: the most specific host, then the longest path.
    pub(crate) fn find(&self, host: &str, path: &str) -> Found<'_> {
        let index = match self.hosts.find(host).map_or(Ok(None), |paths| paths.read(path)) {
            Ok(Some(index)) => *index,
            Ok(None) => return Found::NoRoute,
            Err(Ambiguous) => return Found::Ambiguous,
        };
        let route = &self.routes[index];
        self.upstreams.get(route.upstream).map_or(Found::NoUpstream(route), |to| Found::Upstream(route, to))
    }
}

impl Table {
    /// What looks after arms that limit their requests.
    pub(crate) fn guards(&self) -> impl Iterator<Item = &Guard> {
        self.limited.iter().map(|guard| &**guard)
    }
}

/// What a lookup finds.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    NoRoute,
    /// The path can be read in two ways, which have different routes.
    Ambiguous,
    NoUpstream(&'a Route),
    Upstream(&'a Route, &'a Upstream),
}

impl<'a> Found<'a> {
    /// The route, wherever it leads.
    pub(crate) fn route(&self) -> Option<&'a Route> {
        match self {
            Found::NoRoute | Found::Ambiguous => None,
            Found::NoUpstream(route) | Found::Upstream(route, _) => Some(route),
        }
    }
}

fn hosts_of(routes: &[Shared<model::Route>]) -> Hosts<Paths<usize>> {
    let mut hosts: Hosts<Paths<usize>> = Hosts::default();
    for (at, route) in routes.iter().enumerate() {
        let paths = hosts.entry(&route.host);
        keys(&route.path).iter().for_each(|path| paths.insert(path, at));
    }
    hosts
}

/// Whether they stand for the same requests, one by one.
fn same_places(some: &[Shared<model::Route>], others: &[Shared<model::Route>]) -> bool {
    let alike = |(one, other): (&Shared<model::Route>, &Shared<model::Route>)| {
        one.is(other) || one.host == other.host && one.path == other.path
    };
    some.len() == others.len() && some.iter().zip(others).all(alike)
}

/// Looks a table over before anything is made of it. Only what concerns the whole table refuses it: a policy or a site that
/// cannot be used closes its own route or arm, so that one app's mistake keeps no other app's table away. `good`: one that
/// was found good; what the table shares with it is not looked at again.
pub(crate) fn validate(table: &RouteTable, good: Option<&RouteTable>) -> Result<(), TableError> {
    let endpoints =
        table.upstreams.values().flat_map(|upstream| &upstream.arms).map(|arm| arm.endpoints.len());
    if table.routes.len() > MOST || endpoints.sum::<usize>() > MOST {
        return Err(TableError::TooLarge);
    }
    let known = good.map_or(&[][..], |good| &good.routes);
    let known = known.iter().map(Some).chain(std::iter::repeat(None));
    let others = table.routes.iter().zip(known).filter(|(route, known)| known.is_none_or(|it| !it.is(route)));
    for (route, _) in others {
        validate_host(&route.host)?;
        if !route.path.starts_with('/') {
            return Err(TableError::Path(route.path.clone()));
        }
    }
    for (name, upstream) in &table.upstreams {
        let sum: u64 = upstream.arms.iter().map(|arm| u64::from(arm.weight)).sum();
        if !upstream.arms.is_empty() && sum != 100 {
            return Err(TableError::Weights(name.clone(), sum));
        }
    }
    Ok(())
}

fn validate_host(host: &str) -> Result<(), TableError> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let spelled = super::host_name(name).is_ok_and(|same| same == name);
    if host == "*" || spelled { Ok(()) } else { Err(TableError::Host(host.to_owned())) }
}
