//! What makes one routing table of another: the next one mostly differs in one upstream of a thousand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Route, RouteTable, Upstream};
use crate::shared::Shared;

/// The difference between two tables. Only its own base gives the table that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteChange {
    /// The epoch of the table it is a change of.
    pub from: u64,
    /// The epoch of the table it makes.
    pub epoch: u64,
    /// Upstreams that are new or others now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub upstreams: BTreeMap<String, Shared<Upstream>>,
    /// Upstreams that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// All routes, where some are new or gone, or most are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<Shared<Route>>>,
    /// Routes that are others now, by their places. Only for a gateway that says that it takes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes_at: Vec<(usize, Shared<Route>)>,
    /// Where the gateway itself runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

impl RouteChange {
    /// What makes `after` of `before`.
    pub fn between(before: &RouteTable, after: &RouteTable) -> Self {
        let is_other =
            |(name, upstream): &(&String, &Shared<Upstream>)| before.upstreams.get(*name) != Some(*upstream);
        let others = after.upstreams.iter().filter(is_other);
        let gone = before.upstreams.keys().filter(|name| !after.upstreams.contains_key(*name));
        let (routes, routes_at) = match routes_between(&before.routes, &after.routes) {
            Some(few) => (None, few),
            None => (Some(after.routes.clone()), Vec::new()),
        };
        RouteChange {
            from: before.epoch,
            epoch: after.epoch,
            upstreams: others.map(|(name, upstream)| (name.clone(), upstream.clone())).collect(),
            gone: gone.cloned().collect(),
            routes,
            routes_at,
            zone: after.zone.clone(),
        }
    }

    /// The same for a gateway that takes no routes by their places. `after`: the table it makes.
    pub fn with_all_routes(self, after: &RouteTable) -> Self {
        if self.routes_at.is_empty() {
            return self;
        }
        RouteChange { routes: Some(after.routes.clone()), routes_at: Vec::new(), ..self }
    }

    /// The table it makes of its base, which shares with that what stays. Places that its base does not have are passed over.
    pub fn onto(self, before: &RouteTable) -> RouteTable {
        let mut upstreams = before.upstreams.clone();
        for name in &self.gone {
            upstreams.remove(name);
        }
        upstreams.extend(self.upstreams);
        let mut routes = self.routes.unwrap_or_else(|| before.routes.clone());
        for (at, route) in self.routes_at {
            if let Some(place) = routes.get_mut(at) {
                *place = route;
            }
        }
        RouteTable { epoch: self.epoch, routes, upstreams, zone: self.zone }
    }
}

/// The routes that are others, by their places; `None` where all of them say it as shortly.
fn routes_between(before: &[Shared<Route>], after: &[Shared<Route>]) -> Option<Vec<(usize, Shared<Route>)>> {
    if before.len() != after.len() {
        return None;
    }
    let others = before.iter().zip(after).enumerate().filter(|(_, (before, after))| before != after);
    let others: Vec<(usize, Shared<Route>)> = others.map(|(at, (_, after))| (at, after.clone())).collect();
    (others.len() * 2 <= after.len()).then_some(others)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Millis;

    fn a_table() -> impl Strategy<Value = RouteTable> {
        let upstreams = proptest::collection::btree_map("[a-d]", 0_u64..3, 0..4);
        let routes = proptest::collection::vec("[a-c]", 0..5);
        (0_u64..9, upstreams, routes, proptest::option::of("[xy]")).prop_map(
            |(epoch, upstreams, hosts, zone)| RouteTable {
                epoch,
                routes: hosts.into_iter().map(route).collect(),
                upstreams: upstreams.into_iter().map(|(name, drain)| (name, upstream(drain))).collect(),
                zone,
            },
        )
    }

    fn route(host: String) -> Shared<Route> {
        Route { host, path: "/".to_owned(), to: "a".to_owned(), policy: Default::default() }.into()
    }

    fn upstream(drain: u64) -> Shared<Upstream> {
        Upstream { drain: Some(Millis(drain)), ..Upstream::default() }.into()
    }

    proptest! {
        #[test]
        fn invariant_a_change_makes_the_table_that_is_meant(before in a_table(), after in a_table()) {
            let change = RouteChange::between(&before, &after);
            let sent: RouteChange = serde_json::from_str(&serde_json::to_string(&change).unwrap()).unwrap();
            prop_assert_eq!(sent.clone().onto(&before), after.clone());
            prop_assert_eq!(sent.with_all_routes(&after).onto(&before), after);
        }
    }

    #[test]
    fn what_stays_is_not_in_it() {
        let before = RouteTable {
            epoch: 1,
            routes: vec![route("a".to_owned())],
            upstreams: BTreeMap::from([("a".to_owned(), upstream(1)), ("b".to_owned(), upstream(1))]),
            zone: None,
        };
        let mut after = RouteTable { epoch: 2, ..before.clone() };
        after.upstreams.insert("b".to_owned(), upstream(2));
        let change = RouteChange::between(&before, &after);
        assert_eq!((change.upstreams.len(), change.gone.len(), change.routes.is_none()), (1, 0, true));
        let made = change.onto(&before);
        assert!(made.upstreams["a"].is(&before.upstreams["a"]) && made.routes[0].is(&before.routes[0]));
        let before =
            RouteTable { routes: ["a", "b", "c"].map(|host| route(host.to_owned())).into(), ..after };
        let mut after = before.clone();
        after.routes[1].path = "/x".to_owned();
        let change = RouteChange::between(&before, &after);
        assert_eq!((change.routes.is_none(), &change.routes_at), (true, &vec![(1, after.routes[1].clone())]));
        assert_eq!(change.with_all_routes(&after).routes, Some(after.routes));
    }
}
