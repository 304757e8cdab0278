//! Counts of two sides in, intervals out.

use super::trial::Trial;
use crate::model::{CELLS, CountsReport, OutcomeCounts, RevisionNo};

const UP: &str = "shop/production/web";

/// A gateway process that counts for two revisions.
struct Gateway {
    report: CountsReport,
    random: u64,
}

impl Gateway {
    fn new(seed: u64) -> Self {
        let counts = |revision| OutcomeCounts {
            upstream: UP.to_owned(),
            revision: RevisionNo(revision),
            requests: vec![0; CELLS],
            counted: vec![("bought".to_owned(), vec![0; CELLS])],
        };
        let outcomes = vec![counts(1), counts(2)];
        Gateway {
            report: CountsReport { incarnation: "a".to_owned(), outcomes, ..CountsReport::default() },
            random: seed,
        }
    }

    /// SplitMix64, from 0 to 1.
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A client of one side with so many requests; either all of them count or none, as of one who always buys.
    fn client(&mut self, side: usize, requests: u64, rate: f64) {
        let cell = (self.random() * CELLS as f64) as usize % CELLS;
        let counts = self.random() < rate;
        self.report.outcomes[side].requests[cell] += requests;
        self.report.outcomes[side].counted[0].1[cell] += if counts { requests } else { 0 };
    }

    fn look(&self, trial: &mut Trial) {
        trial.take(&[&self.report], UP, (RevisionNo(1), RevisionNo(2)));
    }
}

/// Whether no difference is excluded at any of many looks, and the last interval.
fn run(seed: u64, clients: u64, requests: u64, rates: (f64, f64)) -> (bool, Option<(f64, f64)>) {
    let (mut gateway, mut trial) = (Gateway::new(seed), Trial::default());
    gateway.look(&mut trial);
    let (mut ever, mut last) = (false, None);
    for client in 0..clients {
        gateway.client(0, requests, rates.0);
        gateway.client(1, requests, rates.1);
        if client % 20 == 19 {
            gateway.look(&mut trial);
            last = trial.effects()[0].between;
            ever |= last.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
        }
    }
    (ever, last)
}

/// Two sides that are the same, looked at a hundred times, with clients of ten requests each that are all alike.
#[test]
fn no_difference_is_seen_where_there_is_none_however_often_one_looks() {
    for rate in [0.02, 0.3] {
        let wrong = (0..200).filter(|seed| run(seed * 31 + 7, 2_000, 10, (rate, rate)).0).count();
        assert!(wrong <= 10, "{wrong} of 200 at {rate}");
    }
}

#[test]
fn a_difference_is_seen_and_lies_within_the_interval() {
    let (seen, last) = run(3, 8_000, 2, (0.04, 0.07));
    let (low, high) = last.unwrap();
    assert!(seen && low > 0.0 && low < 0.03 && high > 0.03, "{low} {high}");
}

#[test]
fn with_too_little_nothing_is_said_of_chance() {
    let (mut gateway, mut trial) = (Gateway::new(1), Trial::default());
    gateway.look(&mut trial);
    assert!(trial.effects().is_empty(), "nothing was counted yet");
    gateway.client(0, 5_000, 1.0);
    gateway.client(1, 5_000, 0.0);
    gateway.look(&mut trial);
    let effect = &trial.effects()[0];
    assert_eq!((effect.stable, effect.candidate), ((5_000, 5_000), (5_000, 0)));
    assert_eq!((effect.difference, effect.between), (-1.0, None), "that is two clients");
}

#[test]
fn gateways_come_and_go_and_nothing_is_counted_twice() {
    let (mut one, mut trial) = (Gateway::new(1), Trial::default());
    one.client(0, 7, 1.0);
    one.look(&mut trial);
    one.client(0, 3, 1.0);
    one.look(&mut trial);
    one.look(&mut trial);
    let mut two = Gateway::new(2);
    two.report.incarnation = "b".to_owned();
    two.client(0, 2, 0.0);
    one.client(0, 1, 1.0);
    trial.take(&[&two.report, &one.report], UP, (RevisionNo(1), RevisionNo(2)));
    let written = serde_json::to_string(&trial).unwrap();
    let mut trial: Trial = serde_json::from_str(&written).unwrap();
    trial.take(&[&two.report, &one.report], UP, (RevisionNo(1), RevisionNo(2)));
    assert_eq!(trial.effects()[0].stable, (6, 4), "what came before the rollout is no part of it");
}
