//! All evidence of one guarded release, window after window, as it is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::cursor::{Counted, Cursor};
use super::service::{Draw, Service};
use super::stake::Stakes;
use super::{Charge, Culprit, Grid, Held, Sighting};
use crate::judge::{Decision, Policy};
use crate::model::Verdict;
use crate::time::Moment;

/// The probability that a variant is ever turned off that is no worse than allowed: a half for all services together, and a half for
/// what is found while revisions are rolled out.
pub(super) const ALPHA: f64 = 0.005;
const ALPHA_OF_ALL: f64 = ALPHA / 2.0;
/// A variant goes to more users once so many cells of them had it, and so many requests since its share last grew.
const FEWEST: u64 = 20;
/// Evidence against it that holds a release up, though it does not turn it off.
const IN_DOUBT: f64 = 10.0;
/// Everybody, in millionths.
const ALL: f64 = 1_000_000.0;

/// What is kept of a guarded release: read back after a restart it goes on as if nothing had been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watching {
    /// The version of the flag's state that it is about: another one is another release.
    version: u64,
    /// The variant, and the one of the others.
    variants: (String, String),
    cursor: Cursor,
    /// Who has which part of the evidence; `None` while no service is known.
    #[serde(default)]
    stakes: Option<Stakes>,
    /// What is known of each service, by its upstream.
    #[serde(default)]
    services: BTreeMap<String, Service>,
    users: Cells,
    on: Side,
    off: Side,
    /// Requests of the variant since its share last grew.
    in_step: u64,
    /// Since when its share is what it is.
    #[serde(default)]
    since: Option<Moment>,
    /// What it is turned off for. It stands, whatever comes after it.
    #[serde(default)]
    charge: Option<Box<Charge>>,
    /// What holds it, as it was last told.
    #[serde(default)]
    pub told: Option<Held>,
}

/// Everything that was answered to those who have one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Requests.
    pub requests: u64,
    /// Of these, the bad ones.
    pub bad: u64,
}

impl Watching {
    /// Of a release that has just begun.
    pub fn begin(version: u64) -> Self {
        Watching {
            version,
            variants: (String::new(), String::new()),
            cursor: Cursor::default(),
            stakes: None,
            services: BTreeMap::new(),
            users: Cells::default(),
            on: Side::default(),
            off: Side::default(),
            in_step: 0,
            since: None,
            charge: None,
            told: None,
        }
    }

    /// Whether it is about this version of a flag's state.
    pub fn is_of(&self, version: u64) -> bool {
        self.version == version
    }

    /// Takes what was counted since the last time. Whether there was anything.
    pub fn take(&mut self, seen: &Sighting<'_>) -> bool {
        self.since.get_or_insert(seen.now);
        let counted = self.cursor.take(seen);
        if self.variants.0 != seen.on || self.variants.1 != seen.off {
            self.variants = (seen.on.to_owned(), seen.off.to_owned());
        }
        self.meet(seen, &counted);
        let share = f64::from(seen.share.0).clamp(1.0, ALL - 1.0);
        let draw = Draw { second: seen.now.0 / 1_000, odds: share / (ALL - share) };
        for (name, service) in &mut self.services {
            let rows: Vec<&Counted> = counted.iter().filter(|row| row.upstream == *name).collect();
            let rollout = seen.rollouts.iter().find(|beside| beside.upstream == *name);
            service.beside = rollout.is_some();
            if !rows.is_empty() {
                service.take(&rows, rollout, draw);
            }
        }
        counted.iter().for_each(|row| self.total(row));
        if self.charge.is_none() {
            self.charge = self.accused().map(Box::new);
        }
        !counted.is_empty()
    }

    /// Gives each service its part of the evidence before anything of it is known.
    fn meet(&mut self, seen: &Sighting<'_>, counted: &[Counted]) {
        if self.stakes.is_none() && !seen.services.is_empty() {
            let stakes = Stakes::of(seen.services.len());
            let first = seen.services.iter().map(|name| (name.clone(), Service::new(stakes.first())));
            self.services = first.collect();
            self.stakes = Some(stakes);
        }
        let new: BTreeSet<&str> = counted.iter().map(|row| row.upstream.as_str()).collect();
        for name in new {
            if !self.services.contains_key(name) {
                let stake = self.stakes.get_or_insert_default().next();
                self.services.insert(name.to_owned(), Service::new(stake));
            }
        }
    }

    fn total(&mut self, row: &Counted) {
        let (requests, bad) = (row.requests.iter().sum::<u64>(), row.bad.iter().sum::<u64>());
        let side = if row.on { &mut self.on } else { &mut self.off };
        side.requests = side.requests.saturating_add(requests);
        side.bad = side.bad.saturating_add(bad);
        if row.on {
            self.in_step = self.in_step.saturating_add(requests);
            self.users.add_all(&row.requests);
        }
    }

    /// The share has grown, by this version: what was shown stays, and the new users have to be seen first.
    pub fn on_step(&mut self, version: u64, now: Moment) {
        self.version = version;
        self.in_step = 0;
        self.since = Some(now);
        self.told = None;
        self.services.values_mut().for_each(Service::on_step);
    }

    /// It is over: what was counted last is of no use any more, and most of what is kept.
    pub fn close(&mut self) {
        self.cursor = Cursor::default();
    }

    /// Since when its share is what it is; `None` before anything was seen.
    pub fn since(&self) -> Option<Moment> {
        self.since
    }

    /// Why the variant is worse than the other one, once that is shown.
    pub fn condemned(&self) -> Option<&Charge> {
        self.charge.as_deref()
    }

    /// The same, by what is known now.
    fn accused(&self) -> Option<Charge> {
        let blamed = self.services.iter().find_map(|(name, service)| Some((name, service.blame()?)));
        if let Some((name, blame)) = blamed {
            return Some(Charge { service: name.clone(), decision: blame.decision, blame: Some(blame) });
        }
        let (log_e, threshold) = (self.charged().ln(), -ALPHA_OF_ALL.ln());
        let (name, worst) = self.worst().filter(|_| log_e >= threshold)?;
        let decision = Decision { verdict: Verdict::Abort, log_e, threshold, ..worst.against.decided() };
        Some(Charge { service: name.to_owned(), decision, blame: None })
    }

    /// The service with most of the evidence.
    fn worst(&self) -> Option<(&str, &Service)> {
        let weight = |service: &Service| service.stake * service.against.charge();
        let worst = self.services.iter().max_by(|one, other| weight(one.1).total_cmp(&weight(other.1)));
        worst.map(|(name, service)| (name.as_str(), service))
    }

    /// The evidence of all services as one. Where a service has no excess worth a turning off its part of it is nothing.
    fn charged(&self) -> f64 {
        self.averaged(|service| service.against.charge())
    }

    fn averaged(&self, of: impl Fn(&Service) -> f64) -> f64 {
        let left = self.stakes.unwrap_or_default().left();
        (left + self.services.values().map(|service| service.stake * of(service)).sum::<f64>()).min(f64::MAX)
    }

    /// What is missing until the variant may go to more users.
    pub fn lacks(&self) -> Option<Held> {
        if self.services.values().any(|service| service.beside && service.culprit() == Culprit::Revision) {
            return Some(Held::Revision);
        }
        if self.services.values().any(|service| service.doubt() >= IN_DOUBT) {
            return Some(Held::Doubt);
        }
        if u64::from(self.users.count()) < FEWEST {
            return Some(Held::TooFewUsers);
        }
        let shown = self.in_step >= FEWEST && self.unproven().next().is_none();
        (!shown).then_some(Held::TooLittleTraffic)
    }

    /// The services of which it is not shown yet that the variant is not worse, where it can be worse by anything that matters.
    pub fn unproven(&self) -> impl Iterator<Item = &str> {
        let all = self.services.values().map(Service::counted).sum();
        let lacking = move |service: &Service| !service.is_shown() && !service.is_beside_the_point(all);
        self.services.iter().filter(move |(_, service)| lacking(service)).map(|(name, _)| name.as_str())
    }

    /// A service that is or was rolled out at the same time: its name, two revisions by two variants, and whether that goes on.
    /// Of several the one where somebody is to blame.
    pub fn grid(&self) -> Option<(&str, &Grid)> {
        let with = self.services.iter().filter_map(|(name, service)| Some((name, service.grid.as_ref()?)));
        let known = |grid: &Grid| !matches!(grid.culprit(), Culprit::Unknown | Culprit::Neither);
        with.max_by_key(|(_, grid)| known(grid)).map(|(name, grid)| (name.as_str(), grid))
    }

    /// Whom the bad answers are to be blamed on, where a rollout goes on at the same time.
    pub fn culprit(&self) -> Culprit {
        self.grid().map(|(_, grid)| grid.culprit()).unwrap_or_default()
    }

    /// The variant that a share of the users has, and that of the others.
    pub fn variants(&self) -> (&str, &str) {
        (&self.variants.0, &self.variants.1)
    }

    /// Those who have the variant, and the others.
    pub fn sides(&self) -> (Side, Side) {
        (self.on, self.off)
    }

    /// Cells of users that had the variant; no more than there are cells.
    pub fn users(&self) -> u32 {
        self.users.count()
    }

    /// The logarithm of the evidence against the variant, and what it has to reach to be turned off.
    pub fn evidence(&self) -> (f64, f64) {
        (self.averaged(Service::evidence).ln(), -ALPHA_OF_ALL.ln())
    }

    /// The logarithm of the evidence for it, and what it has to reach before it goes to more users: that of the service where it is
    /// least, of those that have to show any.
    pub fn evidence_for(&self) -> (f64, f64) {
        let least = self.unproven().filter_map(|name| self.services.get(name));
        let all = || self.services.values().filter(|service| service.is_shown());
        let least = least.chain(all()).map(|service| service.growth.evidence_for());
        least.min_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or((0.0, -Policy::default().beta.ln()))
    }
}
