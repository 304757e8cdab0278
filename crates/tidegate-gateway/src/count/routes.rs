//! Counts by route, kept from table to table for as long as a table has the route.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tidegate_core::model::{Route, RouteCounts};
use tidegate_core::shared::Shared;

use super::{RouteRow, some_after};

/// Host, path and upstream.
pub(crate) type RouteKey = (String, String, String);

/// See the module. Owned by the control side.
#[derive(Debug)]
pub(crate) struct RouteRows {
    workers: usize,
    rows: BTreeMap<RouteKey, Arc<RouteRow>>,
}

impl RouteRows {
    pub(crate) fn new(workers: usize) -> Self {
        RouteRows { workers, rows: BTreeMap::new() }
    }

    /// What a route's requests are counted on.
    pub(crate) fn of(&mut self, route: &Route) -> Arc<RouteRow> {
        let made = || Arc::new(RouteRow::new((&route.host, &route.path, &route.to), self.workers));
        self.rows.entry(key(route)).or_insert_with(made).clone()
    }

    /// Forgets the routes that are in no table any more.
    pub(crate) fn retain(&mut self, routes: &[Shared<Route>]) {
        let listed: HashSet<_> = routes
            .iter()
            .map(|route| (route.host.as_str(), route.path.as_str(), route.to.as_str()))
            .collect();
        self.rows.retain(|(host, path, to), _| listed.contains(&(host.as_str(), path.as_str(), to.as_str())));
    }

    /// Every route of the table, used or not.
    pub(crate) fn counts(&self) -> Vec<RouteCounts> {
        self.rows.values().map(|row| row.counts()).collect()
    }

    /// How many routes.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// At most `most` of them after one, and the last of these where there may be more.
    pub(crate) fn counts_after(
        &self,
        after: Option<&RouteKey>,
        most: usize,
    ) -> (Vec<RouteCounts>, Option<RouteKey>) {
        let (some, last) = some_after(&self.rows, after, most);
        (some.into_iter().map(|(_, row)| row.counts()).collect(), last)
    }
}

fn key(route: &Route) -> RouteKey {
    (route.host.clone(), route.path.clone(), route.to.clone())
}
