//! Policies by route, kept from table to table: what counts clients or remembers passwords goes on where the next table
//! says the same, and is made once only.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::model::{Route, RoutePolicy};
use tidegate_core::shared::Shared;

use super::Policy;

/// See the module. Owned by the control side.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    by_route: HashMap<(String, String), (RoutePolicy, Arc<Policy>)>,
}

impl Policies {
    /// The policy of a route; `None` where nothing is on. One that cannot be used closes its route, and is told in the log
    /// once: by its route, and by the field that is wrong.
    pub(crate) fn of(&mut self, route: &Route) -> Option<Arc<Policy>> {
        if route.policy.is_none() {
            return None;
        }
        let key = (route.host.clone(), route.path.clone());
        if let Some((model, known)) = self.by_route.get(&key)
            && *model == route.policy
        {
            return Some(known.clone());
        }
        let made = Policy::compile(&route.policy, &route.path).unwrap_or_else(|error| {
            tracing::error!(host = route.host, path = route.path, %error, "the route is closed");
            Policy::closed()
        });
        let made = Arc::new(made);
        self.by_route.insert(key, (route.policy.clone(), made.clone()));
        Some(made)
    }

    /// Forgets the policies of routes that are in no table any more.
    pub(crate) fn retain(&mut self, routes: &[Shared<Route>]) {
        let listed: std::collections::HashSet<_> =
            routes.iter().map(|route| (route.host.as_str(), route.path.as_str())).collect();
        self.by_route.retain(|(host, path), _| listed.contains(&(host.as_str(), path.as_str())));
    }
}
