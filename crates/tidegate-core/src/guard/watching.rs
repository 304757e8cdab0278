//! All evidence of one guarded release, window after window, as it is kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cells::window;
use super::cursor::{Counted, Cursor};
use super::marks::Cells;
use super::{Culprit, Grid, Held, Marks};
use crate::judge::{Count, Decision, Judge, Policy};
use crate::model::{CountsReport, FlagKey, RevisionNo, Verdict};

/// A variant may go to more users once it is shown that it is not so much worse, in bad answers per request.
const MARGIN: f64 = 0.01;
/// And once so many cells of users had it, and so many requests since its share last grew.
const FEWEST: u64 = 20;
/// Evidence against it that holds a release up, though it does not turn it off.
const IN_DOUBT: f64 = 10.0;

/// What is kept of a guarded release: read back after a restart it goes on as if nothing had been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watching {
    /// The version of the flag's state that it is about: another one is another release.
    version: u64,
    /// The variant, and the one of the others.
    variants: (String, String),
    cursor: Cursor,
    marks: BTreeMap<String, Marks>,
    /// Says whether the variant is worse.
    judge: Judge,
    /// Says whether it is good enough for more users.
    growth: Judge,
    grid: Grid,
    users: Cells,
    on: Side,
    off: Side,
    /// Requests of the variant since its share last grew.
    in_step: u64,
    /// Whether a service that watches it is rolled out now.
    #[serde(default)]
    beside: bool,
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

/// What is known of a flag when the gateway has reported.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// What the gateway counted, and what those before it did.
    pub reports: &'a [&'a CountsReport],
    /// The flag's app and environment, as upstreams begin: `shop/production/`.
    pub within: &'a str,
    /// The flag.
    pub flag: &'a FlagKey,
    /// The version of its state.
    pub version: u64,
    /// The variant that a share of the users has.
    pub on: &'a str,
    /// The variant of the others.
    pub off: &'a str,
    /// Services that are rolled out at the same time.
    pub rollouts: &'a [Beside],
    /// Seconds since any beginning.
    pub second: u64,
}

/// A service that is rolled out while a release is guarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The service, as the reports name it.
    pub upstream: String,
    /// The stable revision.
    pub stable: RevisionNo,
    /// The candidate.
    pub candidate: RevisionNo,
}

impl Sighting<'_> {
    pub(super) fn covers(&self, upstream: &str) -> bool {
        upstream.starts_with(self.within)
    }
}

impl Watching {
    /// Of a release that has just begun.
    pub fn begin(version: u64) -> Self {
        // A cell counts once, and who is in it is drawn by user.
        let policy = Policy { distinct: true, ..Policy::default() };
        Watching {
            version,
            variants: (String::new(), String::new()),
            cursor: Cursor::default(),
            marks: BTreeMap::new(),
            judge: Judge::new(policy.clone()),
            growth: Judge::new(Policy { floor: MARGIN, ..policy }),
            grid: Grid::default(),
            users: Cells::default(),
            on: Side::default(),
            off: Side::default(),
            in_step: 0,
            beside: false,
            told: None,
        }
    }

    /// Whether it is about this version of a flag's state.
    pub fn is_of(&self, version: u64) -> bool {
        self.version == version
    }

    /// Takes what was counted since the last time. Whether there was anything.
    pub fn take(&mut self, seen: &Sighting<'_>) -> bool {
        let counted = self.cursor.take(seen);
        self.beside = !seen.rollouts.is_empty();
        if self.variants.0 != seen.on || self.variants.1 != seen.off {
            self.variants = (seen.on.to_owned(), seen.off.to_owned());
        }
        let upstreams: BTreeSet<&str> = counted.iter().map(|row| row.upstream.as_str()).collect();
        for name in upstreams {
            let rows: Vec<&Counted> = counted.iter().filter(|row| row.upstream == name).collect();
            self.take_upstream(name, &rows, seen);
        }
        counted.iter().for_each(|row| self.total(row));
        !counted.is_empty()
    }

    fn take_upstream(&mut self, name: &str, rows: &[&Counted], seen: &Sighting<'_>) {
        let marks = self.marks.entry(name.to_owned()).or_default();
        let fresh = |revision: RevisionNo, on: bool| {
            let row = rows.iter().find(|row| row.revision == revision && row.on == on);
            row.map(|row| marks.fresh(on, &row.requests, &row.bad)).unwrap_or_default()
        };
        let revisions: BTreeSet<RevisionNo> = rows.iter().map(|row| row.revision).collect();
        for revision in revisions {
            let window = window(seen.second, &fresh(revision, true), &fresh(revision, false));
            self.judge.take(&window);
            self.growth.take(&window);
        }
        if let Some(beside) = seen.rollouts.iter().find(|beside| beside.upstream == name) {
            let Beside { stable, candidate, .. } = beside;
            let of = |revision| [fresh(revision, true), fresh(revision, false)];
            self.grid.take(seen.second, (*stable, *candidate), &of(*stable), &of(*candidate));
        }
        rows.iter().for_each(|row| marks.mark(row.on, &row.requests, &row.bad));
        marks.renew();
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
    pub fn on_step(&mut self, version: u64) {
        self.version = version;
        self.in_step = 0;
        self.told = None;
        self.marks.values_mut().for_each(Marks::share);
    }

    /// Why the variant is worse than the other one, once that is shown.
    pub fn condemned(&self) -> Option<Decision> {
        Some(self.judge.decided()).filter(|decision| decision.verdict == Verdict::Abort)
    }

    /// What is missing until the variant may go to more users.
    pub fn lacks(&self) -> Option<Held> {
        if self.beside && self.culprit() == Culprit::Revision {
            return Some(Held::Revision);
        }
        if self.judge.evidence(Count::ErrorRate).0 >= IN_DOUBT.ln() {
            return Some(Held::Doubt);
        }
        if u64::from(self.users.count()) < FEWEST {
            return Some(Held::TooFewUsers);
        }
        let shown = self.growth.was_promoted() && self.in_step >= FEWEST;
        (!shown).then_some(Held::TooLittleTraffic)
    }

    /// Whom the bad answers are to be blamed on, where a rollout goes on at the same time.
    pub fn culprit(&self) -> Culprit {
        self.grid.culprit()
    }

    /// The two revisions by the two variants, where a rollout goes or went on at the same time.
    pub fn grid(&self) -> &Grid {
        &self.grid
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
        self.judge.evidence(Count::ErrorRate)
    }

    /// The logarithm of the evidence for it, and what it has to reach before it goes to more users.
    pub fn evidence_for(&self) -> (f64, f64) {
        self.growth.evidence_for()
    }
}
