//! What outlives a routing table: endpoints with requests in flight, turns, counts. Owned by the control side, which
//! compiles every table against it, so that an endpoint in two tables is one and the same.

mod forgetting;
mod levels;

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;
use tidegate_core::balance::Point;
use tidegate_core::model::{
    self, Address, ArmCounts, ArmRole, FlagCounts, FlagWatch, InstanceId, MirrorReport, OutcomeCounts,
    RevisionNo, RouteCounts, RouteTable,
};
use tidegate_core::shared::Shared as Alike;
use tokio::sync::Notify;

use crate::assign::{Assigner, Lane, Secret};
use crate::badge::Badge;
use crate::balance::{ArmState, Guard, Picker, Shared, Terms, micros, usable};
use crate::count::{RouteKey, RouteRows, Row, some_after};
use crate::endpoint::Endpoint;
use crate::flags::{FlagRows, Sets, Watched};
use crate::hold::{Held, Hold};
use crate::limits::Limits;
use crate::mirror::{Mirror, Standing};
use crate::policy::{Policies, Site};
use crate::route::{Arm, Place, Table, Turn, Upstream};
use crate::trial::{Cells, Trial};

/// How many rows of instances that left the table are kept, so that a late reader still finds their last counts.
const DEPARTED: usize = 1_024;

/// Most differences of copies in one report, unless there are more mirrors than that.
const MOST_DIFFERENCES: usize = 256;

/// Upstream, arm, revision, and the instance.
pub(crate) type RowKey = (String, ArmRole, RevisionNo, Option<InstanceId>);
type ArmKey = (String, ArmRole, RevisionNo);
/// Where the keys of an upstream begin, in the order of keys.
const FIRST: (ArmRole, RevisionNo) = (ArmRole::Stable, RevisionNo(0));

/// A table, and what was made of it.
type Made = (Arc<RouteTable>, Arc<Table>);

/// A row and, where no table has it any more, its number among those that left.
#[derive(Debug)]
struct Counted {
    row: Arc<Row>,
    departed: Option<u64>,
}

/// What tables changed that nobody swept after yet.
#[derive(Debug, Default)]
struct Unswept {
    /// Upstreams that are new, others or gone.
    upstreams: BTreeSet<String>,
    /// Whether any route is.
    routes: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Registry {
    workers: usize,
    limits: Limits,
    secret: Secret,
    idle: Arc<Notify>,
    next_uid: u64,
    endpoints: HashMap<(InstanceId, Address), Arc<Endpoint>>,
    turns: HashMap<String, Arc<Turn>>,
    shared: HashMap<String, Arc<Shared>>,
    /// Endpoints in no table, until their last request ended.
    leaving: Vec<Arc<Endpoint>>,
    arms: BTreeMap<ArmKey, Arc<ArmState>>,
    /// Arms that left the table that the workers are to swap.
    left: Vec<Arc<ArmState>>,
    /// Whether a table was compiled: endpoints of the first, from disk, are no new ones.
    started: bool,
    standings: HashMap<String, Arc<Standing>>,
    /// What users did, by upstream and revision.
    cells: BTreeMap<(String, RevisionNo), Arc<Cells>>,
    /// The sets that watched flags are in.
    sets: Arc<Sets>,
    /// What came of watched flags, by upstream.
    flags: BTreeMap<String, Vec<(FlagWatch, Arc<FlagRows>)>>,
    held: HashMap<String, Arc<Held>>,
    rows: BTreeMap<RowKey, Counted>,
    /// Those in no table, by these numbers.
    departed: BTreeMap<u64, RowKey>,
    departures: u64,
    policies: Policies,
    routes: RouteRows,
    /// The last table: the next one has most of it alike.
    before: Option<Made>,
    unswept: Unswept,
}

impl Registry {
    /// `secret` is behind the buckets of sticky clients. `idle` is told when an endpoint that left the table ends its last
    /// request.
    pub(crate) fn new(workers: usize, limits: Limits, secret: Secret, idle: Arc<Notify>) -> Self {
        Registry {
            workers,
            limits,
            secret,
            idle,
            next_uid: 0,
            endpoints: HashMap::new(),
            turns: HashMap::new(),
            shared: HashMap::new(),
            leaving: Vec::new(),
            arms: BTreeMap::new(),
            left: Vec::new(),
            started: false,
            standings: HashMap::new(),
            cells: BTreeMap::new(),
            sets: Arc::default(),
            flags: BTreeMap::new(),
            held: HashMap::new(),
            rows: BTreeMap::new(),
            departed: BTreeMap::new(),
            departures: 0,
            policies: Policies::default(),
            routes: RouteRows::new(workers),
            before: None,
            unswept: Unswept::default(),
        }
    }

    /// The same, with the sets of watched flags.
    pub(crate) fn with_flags(self, sets: Arc<Sets>) -> Self {
        Registry { sets, ..self }
    }

    /// Compiles a table that [`crate::route::validate`] found good. What the last one had alike is used again.
    pub(crate) fn compile(&mut self, table: &Arc<RouteTable>) -> Arc<Table> {
        let names: HashMap<&str, usize> =
            table.upstreams.keys().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        let index = |name: &str| names.get(name).copied();
        let zone = table.zone.as_deref();
        // Which endpoints are near says the table, not the upstream.
        let before = self.before.take();
        let earlier = before.as_ref().filter(|(model, _)| model.zone == table.zone).map(upstreams_of);
        let earlier = |name: &str| earlier.as_ref().and_then(|all| all.get(name)).copied();
        let upstreams = table.upstreams.iter().map(|(name, upstream)| match earlier(name) {
            Some((model, made)) if stays(model, upstream) => made.clone(),
            other => {
                let made = other.map(|(_, made)| &**made);
                Arc::new(self.upstream((name, &mended(name, upstream)), zone, index, made))
            }
        });
        let upstreams = upstreams.collect();
        self.started = true;
        let kept = (&mut self.policies, &mut self.routes);
        let last = before.as_ref().map(|(model, made)| (&**model, &**made));
        let compiled = Arc::new(Table::new(table, upstreams, kept, index, last));
        self.settle(before.as_ref(), (table, &compiled));
        self.before = Some((table.clone(), compiled.clone()));
        compiled
    }

    /// Requests in flight by instance, those with none left out.
    pub(crate) fn inflight(&self) -> BTreeMap<InstanceId, u32> {
        let mut all = BTreeMap::new();
        for endpoint in self.endpoints.values() {
            let inflight = endpoint.inflight();
            if inflight > 0 {
                *all.entry(endpoint.id.clone()).or_insert(0) += inflight;
            }
        }
        all
    }

    /// Requests that are held, by upstream; those without any left out.
    pub(crate) fn waiting(&self) -> BTreeMap<String, u32> {
        let counts = self.held.iter().map(|(name, held)| (name.clone(), held.count()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Every row that ever counted a request.
    pub(crate) fn counts(&self) -> Vec<ArmCounts> {
        self.rows.iter().filter_map(counts_of).collect()
    }

    /// The same of at most `most` rows after one, and the last of these where there may be more.
    pub(crate) fn counts_after(
        &self,
        after: Option<&RowKey>,
        most: usize,
    ) -> (Vec<ArmCounts>, Option<RowKey>) {
        let (some, last) = some_after(&self.rows, after, most);
        (some.into_iter().filter_map(counts_of).collect(), last)
    }

    /// Rows there are, used or not.
    pub(crate) fn count_rows(&self) -> usize {
        self.rows.len() + self.routes.len()
    }

    /// Every route of the table, used or not.
    pub(crate) fn route_counts(&self) -> Vec<RouteCounts> {
        self.routes.counts()
    }

    /// The same of at most `most` after one, and the last of these where there may be more.
    pub(crate) fn route_counts_after(
        &self,
        after: Option<&RouteKey>,
        most: usize,
    ) -> (Vec<RouteCounts>, Option<RouteKey>) {
        self.routes.counts_after(after, most)
    }

    /// What came of copies of requests, by upstream. The more there are, the fewer differences of each.
    pub(crate) fn mirrors(&self) -> Vec<MirrorReport> {
        let latest = (MOST_DIFFERENCES / self.standings.len().max(1)).max(1);
        let reports = self.standings.iter().filter_map(|(name, kept)| kept.ledger.report(name, latest));
        let mut reports: Vec<MirrorReport> = reports.collect();
        reports.sort_by(|one, other| one.upstream.cmp(&other.upstream));
        reports
    }

    /// What users of each side of an A/B did.
    pub(crate) fn outcomes(&self) -> Vec<OutcomeCounts> {
        let reports = self.cells.iter().map(|((name, revision), cells)| cells.report(name, *revision));
        reports.flatten().collect()
    }

    /// What came of requests by the variants they were given.
    pub(crate) fn flags(&self) -> Vec<FlagCounts> {
        let all = self.flags.iter().flat_map(|(name, kept)| kept.iter().map(move |kept| (name, kept)));
        all.flat_map(|(name, (watch, rows))| rows.report(name, watch)).collect()
    }

    fn upstream(
        &mut self,
        (name, upstream): (&str, &model::Upstream),
        zone: Option<&str>,
        index: impl Fn(&str) -> Option<usize>,
        earlier: Option<&Upstream>,
    ) -> Upstream {
        let turn = self.turns.entry(name.to_owned()).or_insert_with(|| Arc::new(Turn::new(seed()))).clone();
        let workers = self.workers;
        let shared =
            self.shared.entry(name.to_owned()).or_insert_with(|| Arc::new(Shared::new(workers))).clone();
        let (mut below, terms) = (0, Terms::new(&upstream.policy, &self.limits));
        let lane = upstream.lane.as_ref().and_then(|lane| Lane::compile(lane, &self.secret)).map(Box::new);
        let mut arms = Vec::with_capacity(upstream.arms.len());
        for arm in &upstream.arms {
            below += arm.weight;
            let value = lane.as_ref().map(|lane| lane.value(arm.role));
            arms.push(self.arm((name, upstream), (arm, value), below, (&shared, terms, zone), earlier));
        }
        let assigner = Assigner::compile(name, &upstream.policy.assign, &upstream.arms, &self.secret);
        let drain = upstream.drain.unwrap_or(model::ServiceSpec::DRAIN);
        for place in arms.iter().flat_map(|arm| &arm.places) {
            place.endpoint.set_protocol(upstream.policy.protocol);
            place.endpoint.set_drain(std::time::Duration::from_millis(drain.0));
        }
        let mirror = self.mirror(name, upstream, index).map(Box::new);
        let trial = self.trial(name, upstream).map(Box::new);
        let flags = self.watched(name, upstream).map(Box::new);
        let assigner = assigner.map(Box::new);
        let (policy, is_plain) = (upstream.policy.clone(), Upstream::plain(upstream));
        let hold = upstream.hold.map(|terms| self.hold(name, terms));
        Upstream { turn, assigner, lane, mirror, trial, flags, arms, policy, terms, shared, is_plain, hold }
    }

    fn hold(&mut self, name: &str, terms: model::Hold) -> Hold {
        let held = self.held.entry(name.to_owned()).or_insert_with(|| Arc::new(Held::new(self.idle.clone())));
        Hold::new(terms, held.clone())
    }

    fn mirror(
        &mut self,
        name: &str,
        upstream: &model::Upstream,
        index: impl Fn(&str) -> Option<usize>,
    ) -> Option<Mirror> {
        let wish = upstream.policy.mirror.as_ref()?;
        let standing = self.standings.entry(name.to_owned());
        let standing = standing.or_insert_with(|| Arc::new(Standing::new(seed()))).clone();
        Mirror::compile(wish, &upstream.arms, index, standing)
    }

    /// Counts of a revision go on through tables with the same rules.
    fn trial(&mut self, name: &str, upstream: &model::Upstream) -> Option<Trial> {
        let rules = &upstream.policy.outcomes;
        if rules.is_empty() {
            return None;
        }
        let cells = upstream.arms.iter().map(|arm| {
            let kept = self.cells.entry((name.to_owned(), arm.revision));
            let kept = kept.or_insert_with(|| Arc::new(Cells::new(rules)));
            if !kept.are_of(rules) {
                *kept = Arc::new(Cells::new(rules));
            }
            kept.clone()
        });
        Some(Trial::new(rules, cells.collect::<Vec<_>>().into_iter()))
    }

    /// Counts of a flag go on through tables that watch it in the same version.
    fn watched(&mut self, name: &str, upstream: &model::Upstream) -> Option<Watched> {
        if upstream.flags.is_empty() {
            return None;
        }
        let (workers, sets) = (self.workers, self.sets.clone());
        let kept = self.flags.entry(name.to_owned()).or_default();
        Watched::new(name, &upstream.flags, &sets, |watch| {
            if let Some((_, rows)) = kept.iter().find(|(known, _)| known == watch) {
                return rows.clone();
            }
            let rows = Arc::new(FlagRows::new(workers));
            kept.push((watch.clone(), rows.clone()));
            rows
        })
    }

    fn arm(
        &mut self,
        (name, upstream): (&str, &model::Upstream),
        (arm, lane): (&model::Arm, Option<HeaderValue>),
        below: u32,
        (shared, terms, zone): (&Arc<Shared>, Terms, Option<&str>),
        earlier: Option<&Upstream>,
    ) -> Arm {
        let key = |instance| (name.to_owned(), arm.role, arm.revision, instance);
        let (near, places) = self.places(arm, &key, zone.filter(|_| upstream.policy.zone_aware));
        let state = self.arms.entry((name.to_owned(), arm.role, arm.revision)).or_default().clone();
        state.on_table(upstream.policy.outliers.as_ref(), &places, micros(Instant::now()));
        let label = format!("{name} {} {}", arm.role.as_str(), arm.revision);
        let revision = HeaderValue::try_from(arm.revision.to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        // Whatever its role was: a candidate that becomes stable keeps its endpoints.
        let earlier = earlier.and_then(|upstream| upstream.earlier(&revision));
        let guard = Guard::new(label, &upstream.policy, &places, &state, shared);
        let names = (HeaderValue::from_static(arm.role.as_str()), revision, lane);
        Arm {
            badge: Badge::new(names, terms, guard),
            role: arm.role,
            below,
            site: arm.site.as_ref().and_then(|site| compile_site(name, arm.revision, site)),
            bare: self.row(key(None)),
            picker: Picker::new(&upstream.policy, &places, near, state, earlier),
            places,
        }
    }

    /// An arm's places, those in `zone` first and those of one region together, and how many are in `zone`.
    fn places(
        &mut self,
        arm: &model::Arm,
        key: &impl Fn(Option<InstanceId>) -> RowKey,
        zone: Option<&str>,
    ) -> (usize, Vec<Place>) {
        let is_near = |endpoint: &model::Endpoint| zone.is_some() && endpoint.zone.as_deref() == zone;
        let mut ordered: Vec<&model::Endpoint> = arm.endpoints.iter().collect();
        let region =
            |endpoint: &model::Endpoint| endpoint.zone.as_deref()?.split('/').next().map(str::to_owned);
        ordered.sort_by_key(|endpoint| (!is_near(endpoint), region(endpoint)));
        let near = ordered.iter().filter(|endpoint| is_near(endpoint)).count();
        self.settle_births(&ordered);
        let place = |endpoint: &&model::Endpoint| Place {
            row: self.row(key(Some(endpoint.id.clone()))),
            endpoint: self.endpoint(endpoint),
            weight: endpoint.weight,
            site: endpoint.zone.as_deref().and_then(Point::of_zone),
        };
        (near, ordered.iter().map(place).collect())
    }

    /// Endpoints that come to others begin slowly. Where all are new nobody else could take the rest.
    fn settle_births(&mut self, endpoints: &[&model::Endpoint]) {
        let is_new = |endpoint: &&&model::Endpoint| !self.endpoints.contains_key(&endpoint_key(endpoint));
        let new: Vec<&model::Endpoint> = endpoints.iter().filter(is_new).copied().collect();
        let slow = self.started && new.len() < endpoints.len();
        let now = micros(Instant::now());
        for endpoint in new {
            let made = self.endpoint(endpoint);
            if slow {
                made.health.set_born(now);
            }
        }
    }

    fn row(&mut self, key: RowKey) -> Arc<Row> {
        let workers = self.workers;
        let made = || Counted { row: Arc::new(Row::new(workers)), departed: None };
        self.rows.entry(key).or_insert_with(made).row.clone()
    }

    fn endpoint(&mut self, endpoint: &model::Endpoint) -> Arc<Endpoint> {
        let key = endpoint_key(endpoint);
        if let Some(known) = self.endpoints.get(&key) {
            return known.clone();
        }
        self.next_uid += 1;
        let (id, address) = key.clone();
        let made = Arc::new(Endpoint::new(self.next_uid, id, address, self.idle.clone()));
        self.endpoints.insert(key, made.clone());
        made
    }
}

/// What the report says of a row; nothing of one that nobody used.
fn counts_of(
    ((upstream, role, revision, instance), Counted { row, .. }): (&RowKey, &Counted),
) -> Option<ArmCounts> {
    let outcomes = row.outcomes();
    (outcomes != model::Outcomes::default()).then(|| ArmCounts {
        upstream: upstream.clone(),
        role: *role,
        revision: *revision,
        instance: instance.clone(),
        outcomes,
        latencies: row.latencies(),
        bytes: row.bytes(),
        samples: row.samples(),
    })
}

/// The upstreams of a table by name.
fn upstreams_of((model, made): &Made) -> HashMap<&str, (&Alike<model::Upstream>, &Arc<Upstream>)> {
    let made = model.upstreams.iter().zip(made.upstreams());
    made.map(|((name, model), made)| (name.as_str(), (model, made))).collect()
}

/// Whether what was made of an upstream for one table is right for the next. Another upstream that gets copies is known by
/// its place in the table, which may be another one now.
fn stays(before: &Alike<model::Upstream>, now: &Alike<model::Upstream>) -> bool {
    let elsewhere = |mirror: &model::Mirror| matches!(mirror.to, model::MirrorTo::Upstream(_));
    before == now && !now.policy.mirror.as_ref().is_some_and(elsewhere)
}

/// The upstream without the settings that cannot be used.
fn mended<'a>(name: &str, upstream: &'a model::Upstream) -> Cow<'a, model::Upstream> {
    match usable(name, &upstream.policy) {
        Cow::Borrowed(_) => Cow::Borrowed(upstream),
        Cow::Owned(policy) => Cow::Owned(model::Upstream { policy, ..upstream.clone() }),
    }
}

/// An arm whose site cannot be used has nothing to answer with, and says so.
fn compile_site(upstream: &str, revision: RevisionNo, site: &model::Site) -> Option<Arc<Site>> {
    let told = |error| tracing::error!(upstream, %revision, %error, "the files cannot be served");
    Site::compile(site).map_err(told).ok().map(Arc::new)
}

fn endpoint_key(endpoint: &model::Endpoint) -> (InstanceId, Address) {
    (endpoint.id.clone(), endpoint.address.clone())
}

/// A number that differs from process to process; the standard library seeds its hash maps with it.
pub(crate) fn seed() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests;
