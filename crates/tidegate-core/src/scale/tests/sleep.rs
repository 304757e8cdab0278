//! Services of which nothing runs while nobody asks for them.

use super::town::{Town, by_rate, scaled};
use crate::model::{Autoscale, RevisionNo, ServiceSpec, StrategyKind};
use crate::time::Millis;

fn sleepy() -> ServiceSpec {
    let autoscale = Autoscale { idle: Some(Millis::seconds(60)), ..by_rate(50) };
    scaled(StrategyKind::BlueGreen, (0, 4), autoscale)
}

fn asleep() -> Town {
    let mut town = Town::of(sleepy());
    town.run(0.0, 90);
    assert_eq!((town.wanted(), town.running(1)), (0, 0), "{:#?}", town.world.story());
    town
}

#[test]
fn without_a_request_for_so_long_the_last_instance_goes() {
    let mut town = Town::of(sleepy());
    town.run(0.0, 50);
    town.run(1.0, 5);
    town.run(0.0, 57);
    assert_eq!(town.wanted(), 1, "the time begins again with every request");
    town.run(0.0, 10);
    assert_eq!(town.wanted(), 0);
    town.run(0.0, 5_000);
    assert_eq!((town.wanted(), town.turns()), (0, 0));
}

#[test]
fn what_is_not_known_to_be_idle_stays() {
    let mut town = Town::of(sleepy());
    town.measured = false;
    town.run(0.0, 1_000);
    assert_eq!(town.wanted(), 1);
}

#[test]
fn a_request_that_waits_wakes_it_at_once_even_where_nothing_can_be_measured() {
    let mut town = asleep();
    (town.waiting, town.measured) = (3, false);
    town.run(0.0, 2);
    assert_eq!(town.running(1), 1);
    let told = town.world.story();
    assert!(told.iter().any(|line| line.ends_with("0 → 1 instances: 3 requests wait for it")), "{told:#?}");
}

#[test]
fn a_deploy_to_a_service_that_sleeps_shows_that_it_is_ready_and_lets_it_sleep_on() {
    let mut town = asleep();
    town.deploy(2, sleepy());
    town.run_until(30, |town| town.world.state.rollout.is_none());
    assert_eq!(town.world.state.stable, Some(RevisionNo(2)));
    assert!(town.world.story().iter().any(|line| line.starts_with("instance.ready")));
    town.run(0.0, 10);
    assert_eq!((town.wanted(), town.world.instances.len()), (0, 0), "{:#?}", town.world.story());
}

#[test]
fn a_deploy_to_a_service_that_sleeps_fails_where_the_candidate_is_never_ready() {
    let mut town = asleep();
    let never =
        crate::rollout::tests::world::Behaviour { ready_after: None, ..crate::rollout::tests::world::GOOD };
    town.world.deploy(2, sleepy(), never);
    town.run_until(60, |town| town.world.state.rollout.is_none());
    assert_eq!(town.world.state.stable, Some(RevisionNo(1)));
    assert_eq!(town.world.last().phase, crate::model::Phase::Aborted);
}

#[test]
fn scaled_to_nothing_by_hand_a_deploy_shows_that_it_is_ready_too() {
    let mut town =
        Town::of(ServiceSpec { autoscale: None, ..scaled(StrategyKind::Rolling, (2, 2), by_rate(1)) });
    town.world.state.scale = Some(0);
    town.run(0.0, 20);
    assert_eq!(town.world.instances.len(), 0);
    town.world.reset_extremes();
    town.deploy(2, crate::rollout::tests::world::spec(StrategyKind::Rolling, 2));
    town.run_until(30, |town| town.world.state.rollout.is_none());
    assert!(
        town.world.story().iter().any(|line| line.starts_with("instance.ready") && line.contains("web-3"))
    );
    town.run(0.0, 20);
    assert_eq!((town.world.instances.len(), town.world.most_processes), (0, 1));
}

#[test]
fn a_request_in_the_middle_of_a_deploy_to_a_service_that_sleeps_is_served() {
    let mut town = asleep();
    town.deploy(2, sleepy());
    town.step();
    town.waiting = 1;
    town.run_until(30, |town| !town.world.in_rotation().is_empty());
    town.waiting = 0;
    town.run(5.0, 60);
    assert_eq!(town.world.state.stable, Some(RevisionNo(2)));
    assert_eq!(town.running(2), 1);
}
