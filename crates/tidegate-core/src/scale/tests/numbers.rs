//! The number under a load, without a rollout.

use proptest::prelude::*;

use super::town::{Town, by_rate, scaled};
use crate::model::{Autoscale, QueueSource, QueueTarget, StrategyKind};
use crate::scale::need::need;
use crate::scale::{Load, Track};
use crate::time::{Millis, Moment};

fn town(min: u32, max: u32, autoscale: Autoscale) -> Town {
    Town::of(scaled(StrategyKind::BlueGreen, (min, max), autoscale))
}

fn load(rate: f64) -> Load {
    Load { rate: Some(rate), ..Load::NONE }
}

#[test]
fn the_number_follows_the_load_up_soon_and_down_late() {
    let mut town = town(1, 10, by_rate(50));
    town.run(10.0, 30);
    assert_eq!(town.wanted(), 1);
    town.run(210.0, 9);
    assert_eq!(town.wanted(), 1, "a higher number has to be asked for for 10 s");
    town.run(210.0, 10);
    assert_eq!(town.wanted(), 5);
    assert_eq!(town.running(1), 5);
    town.run(10.0, 290);
    assert_eq!(town.wanted(), 5, "a lower number has to be asked for for 5 min");
    town.run(10.0, 60);
    assert_eq!(town.wanted(), 1);
    assert_eq!(town.lost, 0.0);
    let told = town.world.story();
    let up = "service.autoscaled web: 1 → 5 instances: 210 requests/s, 50 per instance wanted";
    assert!(told.iter().any(|line| line == up), "{told:#?}");
}

#[test]
fn a_short_peak_and_a_short_lull_change_nothing() {
    let mut town = town(1, 10, by_rate(50));
    town.run(100.0, 60);
    town.story.clear();
    for _ in 0..20 {
        town.run(400.0, 8);
        town.run(20.0, 20);
        town.run(100.0, 30);
    }
    assert_eq!(town.story, [(town.story[0].0, 2)]);
}

#[test]
fn nothing_is_decided_without_a_measurement() {
    let mut town = town(1, 10, by_rate(50));
    town.run(200.0, 60);
    town.measured = false;
    town.run(10.0, 1_000);
    assert_eq!(town.wanted(), 4);
    town.measured = true;
    town.run(10.0, 400);
    assert_eq!(town.wanted(), 1);
}

#[test]
fn a_target_that_cannot_be_measured_forbids_fewer_and_allows_more() {
    let policy = Autoscale { rps: Some(50), cpu: Some(70), ..Autoscale::default() };
    let blind = Load { cpu: None, ..load(500.0) };
    let asked = need(&policy, &blind, None, 2);
    assert_eq!((asked.instances, asked.certain), (10, false));
}

#[test]
fn the_largest_of_all_targets_is_taken() {
    let queue =
        QueueTarget { source: QueueSource::Command("count".into()), target: 100, every: Millis::seconds(5) };
    let policy = Autoscale {
        rps: Some(50),
        concurrency: Some(10),
        cpu: Some(50),
        queue: Some(queue),
        ..Autoscale::default()
    };
    let load = Load { rate: Some(100.0), inflight: Some(35.0), cpu: Some(120.0), ..Load::NONE };
    let of = |length| need(&policy, &load, Some(Some(length)), 1);
    assert_eq!((of(10).instances, of(10).why.as_str()), (4, "35 requests in flight, 10 per instance wanted"));
    assert_eq!((of(901).instances, of(901).why.as_str()), (10, "a queue of 901, 100 per instance wanted"));
}

#[test]
fn slow_answers_ask_for_more_by_their_ratio_and_fast_ones_for_one_less() {
    let policy = Autoscale { p95: Some(Millis(100)), ..Autoscale::default() };
    let slow = |p95, ready| Load { p95: Some(p95), ready, ..load(50.0) };
    let asked = |p95, ready, now| need(&policy, &slow(p95, ready), None, now).instances;
    assert_eq!(asked(150.0, 4, 4), 6);
    assert_eq!(asked(900.0, 4, 4), 8, "never more than twice as many at once");
    assert_eq!(asked(150.0, 2, 4), 4, "those that start are not asked for twice");
    assert_eq!(asked(104.0, 4, 4), 4);
    assert_eq!(asked(60.0, 4, 4), 4);
    assert_eq!(asked(40.0, 4, 4), 3);
}

#[test]
fn steps_are_bounded_both_ways() {
    let mut town = town(1, 100, by_rate(10));
    town.run(990.0, 14);
    assert_eq!(town.wanted(), 5);
    town.run(990.0, 60);
    assert_eq!(town.wanted(), 99);
    town.story.clear();
    town.run(10.0, 600);
    let numbers: Vec<u32> = town.story.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(numbers, [99, 49, 24, 12, 6, 3, 1]);
}

#[test]
fn a_bound_holds_at_once() {
    let policy = by_rate(10);
    let mut track = Track::new(8);
    track.follow(8, &policy, (1, 4), Moment(1));
    assert_eq!(track.wanted, 4);
    track.follow(6, &policy, (6, 10), Moment(2));
    assert_eq!(track.wanted, 6);
}

/// A number alone, without a world of instances.
struct Bare {
    track: Track,
    bounds: (u32, u32),
    now: Moment,
    changes: u32,
}

impl Bare {
    fn new(min: u32, max: u32) -> Self {
        Bare { track: Track::new(min), bounds: (min, max), now: Moment(0), changes: 0 }
    }

    fn second(&mut self, rate: f64) {
        let (policy, before) = (by_rate(50), self.track.wanted);
        self.now = self.now + Millis::seconds(1);
        let asked = need(&policy, &load(rate), None, before).instances.clamp(self.bounds.0, self.bounds.1);
        self.track.follow(asked, &policy, self.bounds, self.now);
        self.changes += u32::from(self.track.wanted != before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_constant_load_with_noise_settles(base in 1.0..950.0f64, noise in prop::collection::vec(-0.04..0.04f64, 1_000)) {
        let mut bare = Bare::new(1, 20);
        (0..120).for_each(|_| bare.second(base));
        let settled = bare.changes;
        noise.iter().for_each(|part| bare.second(base * (1.0 + part)));
        prop_assert!(bare.changes <= settled + 1);
    }

    #[test]
    fn a_number_is_within_its_bounds_whatever_the_load(
        min in 1..5u32, more in 0..10u32, loads in prop::collection::vec(0.0..5_000.0f64, 1..300),
    ) {
        let mut bare = Bare::new(min, min + more);
        for load in loads {
            bare.second(load);
            prop_assert!((min..=min + more).contains(&bare.track.wanted));
        }
    }

    #[test]
    fn a_larger_load_never_asks_for_fewer(one in 0.0..3_000.0f64, more in 0.0..3_000.0f64, now in 0..50u32) {
        let policy = Autoscale { rps: Some(50), ..Autoscale::default() };
        prop_assert!(need(&policy, &load(one), None, now).instances <= need(&policy, &load(one + more), None, now).instances);
    }

    #[test]
    fn enough_is_asked_for(rate in 0.0..3_000.0f64, now in 1..50u32) {
        let policy = Autoscale { rps: Some(50), ..Autoscale::default() };
        let asked = need(&policy, &load(rate), None, now).instances;
        prop_assert!(f64::from(asked) * 50.0 * 1.1 + 0.01 >= rate);
    }
}
