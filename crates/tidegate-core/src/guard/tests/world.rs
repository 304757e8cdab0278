//! Made-up users, services and gateways for whole releases.

use super::super::*;
use crate::balance::{hash, mix};
use crate::judge::{Judge, Policy, Tally, Window};
use crate::model::{
    CountsReport, FLAG_CELLS, FlagCounts, FlagKey, Histogram, Millionths, Outcomes, RevisionNo, Verdict,
};
use crate::time::Moment;

/// The service that there is where nothing else is said.
pub(super) const WEB: &str = "shop/production/web";

/// Numbers from a seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// From 0 to 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn hits(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// A gateway that counts, services on two revisions, and users of whom some have the variant.
pub(super) struct World {
    pub(super) dice: Dice,
    seed: u64,
    pub(super) users: u64,
    pub(super) share: f64,
    /// Of the candidate.
    pub(super) weight: f64,
    pub(super) services: Vec<String>,
    pub(super) report: CountsReport,
    pub(super) flag: FlagKey,
    pub(super) second: u64,
    pub(super) watching: Watching,
    /// What would be made of the same requests if each counted by itself.
    naive: Judge,
}

impl World {
    pub(super) fn new(seed: u64, users: u64, share: f64) -> Self {
        World {
            dice: Dice(seed << 32),
            seed,
            users,
            share,
            weight: 0.0,
            services: vec![WEB.to_owned()],
            report: CountsReport { incarnation: "a".to_owned(), ..CountsReport::default() },
            flag: "new-cart".parse().unwrap(),
            second: 0,
            watching: Watching::begin(1),
            naive: Judge::new(Policy::default()),
        }
    }

    /// The same with further services.
    pub(super) fn with(self, names: &[&str]) -> Self {
        let more = names.iter().map(|name| format!("shop/production/{name}"));
        World { services: self.services.into_iter().chain(more).collect(), ..self }
    }

    pub(super) fn has(&self, user: u64) -> bool {
        ((mix(user ^ mix(self.seed)) >> 11) as f64) < self.share * (1_u64 << 53) as f64
    }

    /// So many requests in some seconds. `fails` is told who asks, whether they have the variant, and whether of the candidate.
    pub(super) fn requests(&mut self, count: u64, seconds: u64, fails: impl Fn(u64, bool, bool) -> f64) {
        let mut tallies = [Tally::default(); 2];
        for _ in 0..count {
            let user = self.dice.next() % self.users;
            let (on, candidate) = (self.has(user), self.dice.hits(self.weight));
            let bad = self.dice.hits(fails(user, on, candidate));
            self.count(WEB, user, candidate, (1, bad.into()));
            tallies[usize::from(on)] = tallies[usize::from(on)].plus(&Tally::of(1, u64::from(bad)));
        }
        self.pass(seconds);
        self.naive.take(&Window { second: self.second, stable: tallies[0], candidate: tallies[1] });
    }

    /// Requests of one user, and how many of them were bad.
    pub(super) fn count(&mut self, service: &str, user: u64, candidate: bool, (requests, bad): (u64, u64)) {
        let cell = hash(&user.to_le_bytes()) as usize % FLAG_CELLS;
        let on = self.has(user);
        let row = self.row(service, on, candidate);
        row.requests[cell] += requests;
        row.bad[cell] += bad;
    }

    /// What was counted is looked at.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.second += seconds;
        self.look();
    }

    fn row(&mut self, service: &str, on: bool, candidate: bool) -> &mut FlagCounts {
        let (variant, revision) = (if on { "on" } else { "off" }, RevisionNo(1 + u32::from(candidate)));
        let like =
            |row: &FlagCounts| row.upstream == service && row.variant == variant && row.revision == revision;
        let at = self.report.flags.iter().position(like).unwrap_or_else(|| {
            self.report.flags.push(FlagCounts {
                upstream: service.to_owned(),
                flag: self.flag.clone(),
                version: 1,
                variant: variant.to_owned(),
                revision,
                outcomes: Outcomes::default(),
                latencies: Histogram::default(),
                requests: vec![0; FLAG_CELLS],
                bad: vec![0; FLAG_CELLS],
            });
            self.report.flags.len() - 1
        });
        &mut self.report.flags[at]
    }

    pub(super) fn look(&mut self) {
        let rollouts = [Beside { upstream: WEB.to_owned(), stable: RevisionNo(1), candidate: RevisionNo(2) }];
        let seen = Sighting {
            reports: &[&self.report],
            within: "shop/production/",
            flag: &self.flag,
            version: 1,
            on: "on",
            off: "off",
            share: Millionths((self.share * 1e6) as u32),
            services: &self.services,
            rollouts: if self.weight > 0.0 { &rollouts } else { &[] },
            now: Moment(self.second * 1_000),
        };
        self.watching.take(&seen);
    }

    /// Looks at these reports instead of its own.
    pub(super) fn look_at(&mut self, reports: &[&CountsReport]) -> bool {
        let seen = Sighting {
            reports,
            within: "shop/production/",
            flag: &self.flag,
            version: 1,
            on: "on",
            off: "off",
            share: Millionths((self.share * 1e6) as u32),
            services: &self.services,
            rollouts: &[],
            now: Moment(9_000),
        };
        self.watching.take(&seen)
    }

    /// More users have it.
    pub(super) fn grow_to(&mut self, share: f64) {
        self.share = share;
        self.watching.on_step(1, Moment(self.second * 1_000));
    }

    pub(super) fn is_off(&self) -> bool {
        self.watching.condemned().is_some()
    }

    /// Whether requests taken one by one would have turned it off.
    pub(super) fn is_naively_off(&self) -> bool {
        self.naive.decided().verdict == Verdict::Abort
    }
}
