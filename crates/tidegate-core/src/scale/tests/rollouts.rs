//! A load that changes while a rollout goes on.

use super::town::{CAPACITY, Town, by_rate, scaled};
use crate::model::{RevisionNo, StrategyKind};
use crate::time::{Millis, Moment};

const RPS: f64 = 50.0;
/// By then a load that stays has the instances it asks for: `up_after`, the steps and the start of the last instance.
const CARRIED_AFTER: Millis = Millis::seconds(20);

/// Loads over time, to know what has been asked for long enough.
struct Floor(Vec<(Moment, f64)>);

impl Floor {
    /// Instances that the smallest load of the last while needs.
    fn at(&self, now: Moment) -> u32 {
        let since = now - CARRIED_AFTER;
        let before = self.0.iter().rev().find(|(at, _)| *at <= since).map(|(_, load)| *load);
        let recent = self.0.iter().filter(|(at, _)| *at > since).map(|(_, load)| *load);
        let least = recent.chain(before).fold(f64::INFINITY, f64::min);
        ((least / RPS / 1.1).ceil() as u32).clamp(2, 10)
    }
}

/// A load that goes 10 → 200 → 10 requests a second during a rollout.
fn up_and_down(kind: StrategyKind) {
    let spec = || {
        let mut spec = scaled(kind, (2, 10), by_rate(RPS as u32));
        spec.strategy.bake = Millis::seconds(240);
        spec
    };
    let mut town = Town::of(spec());
    town.run(10.0, 30);
    town.deploy(2, spec());
    let mut floor = Floor(vec![(Moment(0), 10.0)]);
    let loads = [(10.0, 20), (80.0, 5), (140.0, 5), (200.0, 150), (120.0, 5), (60.0, 5), (10.0, 800)];
    let mut both = 0;
    for (load, seconds) in loads {
        floor.0.push((town.world.now, load));
        let end = town.world.now + Millis::seconds(seconds);
        town.load = load;
        while town.world.now < end {
            town.step();
            let least = floor.at(town.world.now);
            let serving = town.world.in_rotation().len() as u32;
            // Rolling replaces one of them at a time.
            let promised = if kind == StrategyKind::Rolling { 1 } else { 2 };
            assert!(serving >= promised, "{kind:?}: {serving} serve at {:?}", town.world.now);
            if town.world.active().is_some() && kind == StrategyKind::BlueGreen {
                both += 1;
                let stable = town.running(1);
                assert!(
                    stable >= least,
                    "{kind:?}: {stable} of stable, {least} needed at {:?}",
                    town.world.now
                );
            }
        }
    }
    assert!(kind != StrategyKind::BlueGreen || both > 4_000, "the rollout was there for most of it: {both}");
    assert_eq!(town.world.state.stable, Some(RevisionNo(2)));
    assert_eq!(town.lost, 0.0);
    assert!(town.turns() <= 3, "{:?}", town.story);
    assert_eq!(town.wanted(), 2, "{:?}", town.story);
}

#[test]
fn a_load_that_goes_up_and_down_during_a_blue_green_rollout_finds_its_instances() {
    up_and_down(StrategyKind::BlueGreen);
}

#[test]
fn a_load_that_goes_up_and_down_during_any_other_rollout_finds_its_instances() {
    use StrategyKind::{AllAtOnce, Immutable, Rolling, RollingWithExtraBatch};
    for kind in [Rolling, RollingWithExtraBatch, Immutable, AllAtOnce] {
        up_and_down(kind);
    }
}

#[test]
fn a_service_that_was_fixed_before_begins_with_what_it_had() {
    let mut fixed = scaled(StrategyKind::BlueGreen, (4, 4), by_rate(50));
    fixed.autoscale = None;
    let mut town = Town::of(fixed);
    town.run(200.0, 5);
    town.deploy(2, scaled(StrategyKind::BlueGreen, (1, 8), by_rate(50)));
    town.run_until(60, |town| town.world.state.rollout.is_none());
    town.run(200.0, 2);
    assert_eq!((town.wanted(), town.running(2), town.lost), (4, 4, 0.0));
    assert!(town.load <= f64::from(town.running(2)) * CAPACITY);
}

#[test]
fn a_rollout_that_is_taken_back_leaves_the_number_of_stable_alone() {
    let spec = || scaled(StrategyKind::BlueGreen, (1, 8), by_rate(50));
    let mut town = Town::of(spec());
    town.run(200.0, 60);
    town.story.clear();
    town.deploy(2, spec());
    town.run(200.0, 5);
    town.world.ask(crate::model::Request::Abort);
    town.run(200.0, 60);
    assert_eq!(town.world.state.stable, Some(RevisionNo(1)));
    assert_eq!((town.story.len(), town.wanted(), town.running(1)), (1, 4, 4));
}
