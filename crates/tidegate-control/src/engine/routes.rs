//! The route reconciler: from every service's share-out to one table, and the table to the gateway.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tidegate_core::model::{
    Arm, Autoscale, BuildPhase, Endpoint, Hold, Instance, InstanceId, MirrorTo, Name, RevisionNo, Route,
    RoutePolicy, RouteSpec, RouteTable, Routing, RoutingArm, ServiceKey, ServiceSpec, ServiceState, Site,
    TrafficPolicy, Upstream,
};
use tidegate_core::shared::Shared;
use tidegate_core::time::Millis;
use tidegate_store::StoreError;

use super::{Engine, Outcome, Sight, World, site};

/// Other builds of a site whose files are still served, and the revisions they are looked for among.
const OTHER_FOLDERS: usize = 5;
const LOOKED_BACK: usize = 20;

impl Engine {
    /// Makes a new table where anything changed, and sees to it that the gateway has the newest.
    pub(super) fn routes(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let services = world.store.services()?;
        let instances = world.store.all_instances()?;
        let stored = world.store.routing()?;
        let mut claims = Claims::new();
        let mut policies = Policies::new();
        let mut newest: BTreeMap<(&Name, &Name), (RevisionNo, &ServiceKey)> = BTreeMap::new();
        for state in &services {
            if let Some(number) = state.routing.routes_of
                && let Some(revision) = self.revisions.get(world.store, &state.key, number)?
            {
                add_routes(&mut claims, Some(&state.key), number, &revision.spec.routes);
                let held = newest.entry((&state.key.app, &state.key.environment));
                let held = held.or_insert((number, &state.key));
                *held = (*held).max((number, &state.key));
                if let Some(spec) = revision.spec.services.get(&state.key.service) {
                    policies.insert(state.key.clone(), Policy::of(&state.key, spec));
                }
            }
        }
        let sites = self.sites(world, &services)?;
        for (number, key) in newest.into_values() {
            if let Some(revision) = self.revisions.get(world.store, key, number)? {
                add_routes(&mut claims, None, number, &revision.spec.routes);
            }
        }
        let mut table = table_of(&services, &instances, &sites, claims, policies);
        self.guards.watch(&mut table);
        self.experiments.watch(&mut table);
        let promised = services.iter().map(|state| state.route_epoch).max().unwrap_or(0);
        table.epoch = stored.epoch;
        let current = table == stored && promised <= stored.epoch && sight.gateway.acked <= stored.epoch;
        if !current {
            // A gateway that knows a newer table than the store does (the store was restored) must still take this one.
            table.epoch = stored.epoch.max(sight.gateway.acked).max(promised.saturating_sub(1)) + 1;
            world.store.transaction(|tx| tx.put_routing(&table))?;
        }
        let behind = sight.gateway.alive && sight.gateway.acked < table.epoch;
        if !current || (behind && self.pushed != Some(table.epoch)) || self.pushed.is_none() {
            world.routes.push(&table);
            self.pushed = Some(table.epoch);
        }
        Ok(Outcome { changed: !current, wake: None })
    }

    /// The folders of the revisions that take requests and are folders.
    fn sites(&mut self, world: &World<'_>, services: &[ServiceState]) -> Result<Sites, StoreError> {
        let mut sites = Sites::new();
        for state in services {
            for arm in state.routing.arms.iter().chain(&state.routing.spare) {
                let Some(revision) = self.revisions.get(world.store, &state.key, arm.revision)? else {
                    continue;
                };
                let spec = revision.spec.services.get(&state.key.service);
                if let Some(site) = spec.and_then(|spec| site::site_of(world.workshop, &revision.spec, spec))
                {
                    let others = self.other_folders(world, state, arm.revision, &site)?;
                    sites.insert((state.key.clone(), arm.revision), Site { others, ..site });
                }
            }
        }
        Ok(sites)
    }

    /// The folders of the newest other builds of a site: pages of them are still open somewhere.
    fn other_folders(
        &mut self,
        world: &World<'_>,
        state: &ServiceState,
        number: RevisionNo,
        own: &Site,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let arms = state.routing.arms.iter().chain(&state.routing.spare);
        let newest = arms.map(|arm| arm.revision).max().unwrap_or(number);
        let mut folders: Vec<PathBuf> = Vec::new();
        for other in (1..=newest.0).rev().take(LOOKED_BACK).map(RevisionNo).filter(|other| *other != number) {
            let Some(revision) = self.revisions.get(world.store, &state.key, other)? else { continue };
            let Some(spec) = revision.spec.services.get(&state.key.service) else { continue };
            let Some(site) = site::site_of(world.workshop, &revision.spec, spec) else { continue };
            let build = world.store.build(&revision.spec.build)?;
            let ready = build.is_some_and(|build| build.phase == BuildPhase::Ready);
            if ready && site.root != own.root && !folders.contains(&site.root) {
                folders.push(site.root);
            }
            if folders.len() == OTHER_FOLDERS {
                break;
            }
        }
        Ok(folders)
    }
}

/// Folders by service and revision.
pub type Sites = BTreeMap<(ServiceKey, RevisionNo), Site>;

/// A route and the revision that has it: where two services claim one, the newer revision's claim holds. A route without a
/// service is that of the newest revision that any service of the environment has its routes of.
pub type Claims = BTreeMap<(String, String), (RevisionNo, Option<ServiceKey>, RoutePolicy)>;

/// How each service's requests are shared out, by the revision whose routes are in force.
pub type Policies = BTreeMap<ServiceKey, Policy>;

/// What the gateway is told of a service besides its arms.
#[derive(Debug, Default)]
pub struct Policy {
    traffic: TrafficPolicy,
    drain: Option<Millis>,
    hold: Option<Hold>,
}

impl Policy {
    /// What a service's spec says of it.
    pub fn of(key: &ServiceKey, spec: &ServiceSpec) -> Self {
        let drain = (spec.drain != ServiceSpec::DRAIN).then_some(spec.drain);
        let mut traffic = spec.traffic.clone();
        // The manifest names a service of the app, the table an upstream.
        if let Some(MirrorTo::Upstream(name)) = traffic.mirror.as_mut().map(|mirror| &mut mirror.to)
            && let Ok(service) = name.parse::<Name>()
        {
            *name = ServiceKey { service, ..key.clone() }.to_string();
        }
        let sleeps = spec.autoscale.as_ref().filter(|autoscale| autoscale.idle.is_some());
        let hold = sleeps.map(|autoscale| Hold { most: Autoscale::MOST_HELD, within: autoscale.hold });
        Policy { traffic, drain, hold }
    }
}

impl Policy {
    /// What a rollout's step asks for comes before what the service says of itself.
    fn step(&mut self, routing: &Routing) {
        let assign = &mut self.traffic.assign;
        assign.rules.splice(0..0, routing.rules.iter().cloned());
        if assign.sticky.is_none() {
            assign.sticky.clone_from(&routing.sticky);
        }
        self.traffic.outcomes.clone_from(&routing.outcomes);
        if routing.mirror.is_some() {
            self.traffic.mirror.clone_from(&routing.mirror);
        }
    }
}

/// Claims the routes of a revision that lead to a service, or those that lead to none.
pub fn add_routes(claims: &mut Claims, key: Option<&ServiceKey>, number: RevisionNo, routes: &[RouteSpec]) {
    let service = key.map(|key| &key.service);
    for route in routes.iter().filter(|route| route.to.as_ref() == service) {
        let place = (route.host.clone(), route.path.clone());
        let claim = (number, key.cloned(), route.policy.clone());
        claims.entry(place).and_modify(|held| *held = held.clone().max(claim.clone())).or_insert(claim);
    }
}

/// The table for all services, without an epoch.
pub fn table_of(
    services: &[ServiceState],
    instances: &BTreeMap<ServiceKey, Vec<Instance>>,
    sites: &Sites,
    claims: Claims,
    mut policies: Policies,
) -> RouteTable {
    let none = Vec::new();
    let upstreams = services.iter().map(|state| {
        let ports: BTreeMap<&InstanceId, u16> = instances
            .get(&state.key)
            .unwrap_or(&none)
            .iter()
            .filter_map(|instance| Some((&instance.id, instance.port?)))
            .collect();
        let routing = &state.routing;
        let arm_of = |arm: &RoutingArm| arm_of(arm, &ports, sites.get(&(state.key.clone(), arm.revision)));
        let arms: Vec<Arm> = routing.arms.iter().filter_map(arm_of).collect();
        // Spare arms alone would be a table without weights.
        let spare = routing.spare.iter().filter(|_| !arms.is_empty()).filter_map(arm_of);
        let arms = arms.iter().cloned().chain(spare).collect();
        let mut policy = policies.remove(&state.key).unwrap_or_default();
        policy.step(routing);
        let (traffic, drain, hold) = (policy.traffic, policy.drain, policy.hold);
        let lane = routing.lane.clone();
        let upstream = Upstream { arms, policy: traffic, drain, hold, lane, flags: Vec::new() };
        (state.key.to_string(), Shared::from(upstream))
    });
    let upstreams = upstreams.collect();
    let route = |((host, path), (_, key, policy)): (_, (_, Option<ServiceKey>, _))| {
        let to = key.map(|key| key.to_string()).unwrap_or_default();
        Shared::from(Route { host, path, to, policy })
    };
    RouteTable { upstreams, routes: claims.into_iter().map(route).collect(), ..RouteTable::default() }
}

fn arm_of(arm: &RoutingArm, ports: &BTreeMap<&InstanceId, u16>, site: Option<&Site>) -> Option<Arm> {
    let endpoints: Vec<Endpoint> = arm
        .instances
        .iter()
        .filter_map(|id| {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *ports.get(id)?);
            Some(Endpoint::new(id.clone(), address))
        })
        .collect();
    let filled = !endpoints.is_empty() || site.is_some();
    filled.then_some(Arm {
        role: arm.role,
        revision: arm.revision,
        weight: arm.weight,
        endpoints,
        site: site.cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::ArmRole;

    fn arm() -> RoutingArm {
        let (role, revision) = (ArmRole::Stable, RevisionNo(1));
        RoutingArm { role, revision, weight: 100, instances: vec![InstanceId("web-1".to_owned())] }
    }

    #[test]
    fn a_folder_is_an_arm_without_endpoints_and_a_process_without_a_port_is_none() {
        let site =
            Site { root: PathBuf::from("/builds/b/dist"), spa: false, not_found: None, others: Vec::new() };
        let none = BTreeMap::new();
        let served = arm_of(&arm(), &none, Some(&site)).unwrap();
        assert_eq!((served.weight, served.endpoints.len(), served.site), (100, 0, Some(site)));
        assert_eq!(arm_of(&arm(), &none, None), None);
    }

    #[test]
    fn what_a_step_asks_for_comes_before_the_services_own() {
        use tidegate_core::model::{ArmRule, Match, Mirror, Sticky};
        let rule = |path: &str| ArmRule { arm: ArmRole::Candidate, when: vec![Match::Path(path.to_owned())] };
        let mirror =
            |percent| Mirror { unsafe_methods: percent == 1, ..Mirror::plain(MirrorTo::Candidate, percent) };
        let sticky = Sticky::Cookie { max_age: Millis::seconds(60) };
        let mut policy = Policy::default();
        policy.traffic.assign.rules = vec![rule("/own")];
        policy.traffic.mirror = Some(mirror(1));
        let rules = vec![rule("/a"), rule("/b")];
        policy.step(&Routing { rules, sticky: Some(sticky.clone()), ..Routing::default() });
        assert_eq!(policy.traffic.assign.rules, [rule("/a"), rule("/b"), rule("/own")]);
        assert_eq!(
            (policy.traffic.mirror.clone(), policy.traffic.assign.sticky.clone()),
            (Some(mirror(1)), Some(sticky.clone()))
        );
        let other = Sticky::Cookie { max_age: Millis::seconds(1) };
        policy.step(&Routing { mirror: Some(mirror(50)), sticky: Some(other), ..Routing::default() });
        assert_eq!((policy.traffic.mirror, policy.traffic.assign.sticky), (Some(mirror(50)), Some(sticky)));
    }
}
