//! What a table changes is marked when it is compiled, and forgotten once no worker uses the one before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use http::HeaderValue;
use tidegate_core::model::{self, ArmRole, InstanceId, RevisionNo, RouteTable};

use super::{ArmKey, DEPARTED, FIRST, Made, Registry, Unswept};
use crate::endpoint::Endpoint;
use crate::route::{Table, Upstream};

impl Registry {
    /// Takes note of what a table changes, and marks the endpoints that it no longer has.
    pub(super) fn settle(&mut self, before: Option<&Made>, (table, made): (&RouteTable, &Table)) {
        let pointers = |made: &[Arc<Upstream>]| made.iter().map(Arc::as_ptr).collect::<HashSet<_>>();
        let nothing = BTreeMap::new();
        let (last, had) =
            before.map_or((&nothing, &[][..]), |(model, made)| (&model.upstreams, made.upstreams()));
        let (had_ptrs, has_ptrs) = (pointers(had), pointers(made.upstreams()));
        let fresh = table.upstreams.keys().zip(made.upstreams());
        let fresh: Vec<_> = fresh.filter(|(_, made)| !had_ptrs.contains(&Arc::as_ptr(made))).collect();
        let stale = last.keys().zip(had);
        let stale: Vec<_> = stale.filter(|(_, made)| !has_ptrs.contains(&Arc::as_ptr(made))).collect();
        self.unswept.upstreams.extend(fresh.iter().chain(&stale).map(|(name, _)| (*name).clone()));
        self.unswept.routes |= before.is_none_or(|(model, _)| model.routes != table.routes);
        fresh.iter().flat_map(|(_, made)| made.endpoints()).for_each(|endpoint| endpoint.set_gone(false));
        let left = stale.iter().flat_map(|(_, made)| made.endpoints());
        let mut left: HashMap<*const Endpoint, &Arc<Endpoint>> =
            left.map(|endpoint| (Arc::as_ptr(endpoint), endpoint)).collect();
        if !left.is_empty() {
            // It may be in the upstream still, and in others.
            for endpoint in made.upstreams().iter().flat_map(|upstream| upstream.endpoints()) {
                left.remove(&Arc::as_ptr(endpoint));
            }
        }
        left.values().for_each(|endpoint| endpoint.set_gone(true));
        self.leaving.extend(left.into_values().cloned());
    }

    /// Forgets what the table no longer has. Call it once no worker can pick it, and before the next table is compiled.
    pub(crate) fn sweep(&mut self, table: &RouteTable) {
        let Unswept { upstreams, routes } = std::mem::take(&mut self.unswept);
        if routes {
            self.policies.retain(&table.routes);
            self.routes.retain(&table.routes);
        }
        for name in &upstreams {
            self.forget(name, table.upstreams.get(name).map(|upstream| &**upstream));
        }
        while self.departed.len() > DEPARTED
            && let Some((_, key)) = self.departed.pop_first()
        {
            self.rows.remove(&key);
        }
        for endpoint in self.leaving.extract_if(.., |it| !it.is_gone() || it.inflight() == 0) {
            if endpoint.is_gone() {
                self.endpoints.remove(&(endpoint.id.clone(), endpoint.address.clone()));
            }
        }
        self.left.drain(..).for_each(|arm| arm.dismiss());
    }

    /// Forgets what an upstream no longer has; all of it where it is gone.
    fn forget(&mut self, name: &str, now: Option<&model::Upstream>) {
        if now.is_none() {
            self.turns.remove(name);
            self.shared.remove(name);
            self.standings.remove(name);
            self.held.remove(name);
        }
        let arms = now.map_or(&[][..], |it| it.arms.as_slice());
        self.forget_arms(name, arms);
        if now.is_none_or(|it| it.policy.outcomes.is_empty()) {
            let from = (name.to_owned(), RevisionNo(0));
            let of = self.cells.range(from..).map(|(key, _)| key).take_while(|key| key.0 == name);
            let of: Vec<_> = of.cloned().collect();
            of.iter().for_each(|key| drop(self.cells.remove(key)));
        }
        if let Some(kept) = self.flags.get_mut(name) {
            let watched = now.map_or(&[][..], |it| it.flags.as_slice());
            kept.retain(|(watch, _)| watched.contains(watch));
            let listed = |of: &HeaderValue| arms.iter().any(|arm| *of == arm.revision.to_string());
            kept.iter().for_each(|(_, rows)| rows.forget(listed));
            if kept.is_empty() {
                self.flags.remove(name);
            }
        }
        self.forget_rows(name, arms);
    }

    fn forget_arms(&mut self, name: &str, arms: &[model::Arm]) {
        let listed = |key: &ArmKey| arms.iter().any(|arm| (arm.role, arm.revision) == (key.1, key.2));
        let from = (name.to_owned(), FIRST.0, FIRST.1);
        let of = self.arms.range(from..).map(|(key, _)| key).take_while(|key| key.0 == name);
        let gone: Vec<ArmKey> = of.filter(|key| !listed(key)).cloned().collect();
        self.left.extend(gone.iter().filter_map(|key| self.arms.remove(key)));
    }

    fn forget_rows(&mut self, name: &str, arms: &[model::Arm]) {
        let mut listed: HashSet<(ArmRole, RevisionNo, Option<&InstanceId>)> = HashSet::new();
        for arm in arms {
            let instances = arm.endpoints.iter().map(|endpoint| Some(&endpoint.id));
            listed.extend(instances.chain([None]).map(|instance| (arm.role, arm.revision, instance)));
        }
        let from = (name.to_owned(), FIRST.0, FIRST.1, None);
        for (key, counted) in self.rows.range_mut(from..).take_while(|(key, _)| key.0 == name) {
            let stays = listed.contains(&(key.1, key.2, key.3.as_ref()));
            match counted.departed {
                Some(since) if stays => {
                    self.departed.remove(&since);
                    counted.departed = None;
                }
                None if !stays => {
                    self.departures += 1;
                    counted.departed = Some(self.departures);
                    self.departed.insert(self.departures, key.clone());
                }
                Some(_) | None => {}
            }
        }
    }
}
