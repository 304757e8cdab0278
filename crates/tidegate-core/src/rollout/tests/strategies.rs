//! Healthy rollouts: what each strategy promises about capacity and order.

use super::world::{GOOD, World, spec};
use crate::model::{Phase, Request, RevisionNo, RolloutKind, StrategyKind};
use crate::rollout::effective;

fn upgraded(kind: StrategyKind, instances: u32) -> World {
    let mut world = World::serving(kind, instances);
    world.deploy(2, spec(kind, instances), GOOD);
    world.run_until(120_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded, "{:#?}", world.story());
    assert_eq!(world.state.stable, Some(RevisionNo(2)));
    assert_eq!(world.state.previous, Some(RevisionNo(1)));
    world.settle();
    assert_eq!(world.process_count(), instances as usize);
    assert!(world.instances.iter().all(|i| i.revision == RevisionNo(2)));
    world
}

#[test]
fn blue_green_keeps_every_instance_in_rotation_and_swaps_once() {
    let world = upgraded(StrategyKind::BlueGreen, 2);
    assert_eq!(world.least_in_rotation, 2);
    assert_eq!(world.most_processes, 4);
}

#[test]
fn all_at_once_keeps_every_instance_in_rotation() {
    let world = upgraded(StrategyKind::AllAtOnce, 3);
    assert_eq!((world.least_in_rotation, world.most_processes), (3, 6));
}

#[test]
fn immutable_starts_one_candidate_before_the_others() {
    let mut world = World::serving(StrategyKind::Immutable, 3);
    world.deploy(2, spec(StrategyKind::Immutable, 3), GOOD);
    world.run_for(300);
    assert_eq!(world.process_count(), 4);
    world.run_until(60_000, |w| w.process_count() == 6);
    world.settle();
    assert_eq!(world.least_in_rotation, 3);
}

#[test]
fn rolling_never_runs_more_than_the_service_has() {
    for instances in [2, 3, 5] {
        let world = upgraded(StrategyKind::Rolling, instances);
        assert_eq!(world.least_in_rotation, instances as usize - 1);
        assert_eq!(world.most_processes, instances as usize);
    }
}

#[test]
fn rolling_with_extra_batch_never_loses_capacity() {
    for (instances, batch) in [(1, 1), (2, 1), (5, 2)] {
        let mut asked = spec(StrategyKind::RollingWithExtraBatch, instances);
        asked.strategy.batch = batch;
        let mut world = World::serving(StrategyKind::RollingWithExtraBatch, instances);
        world.deploy(2, asked, GOOD);
        world.run_until(120_000, |w| w.state.rollout.is_none());
        assert_eq!(world.last().phase, Phase::Succeeded);
        assert_eq!(world.least_in_rotation, instances as usize);
        assert_eq!(world.most_processes, (instances + batch) as usize);
    }
}

#[test]
fn every_strategy_scales_up_and_down_on_the_way() {
    for kind in StrategyKind::ALL {
        for (from, to) in [(1, 4), (4, 1), (2, 3), (3, 0)] {
            let mut world = World::serving(kind, from);
            world.deploy(2, spec(kind, to), GOOD);
            world.run_until(120_000, |w| w.state.rollout.is_none() && w.process_count() == to as usize);
            assert_eq!(world.last().phase, Phase::Succeeded, "{kind} {from} {to}");
        }
    }
}

#[test]
fn a_rollback_is_one_swap_back_and_can_itself_be_rolled_back() {
    let mut world = upgraded(StrategyKind::Rolling, 2);
    world.reset_extremes();
    world.roll_out(1, RolloutKind::Rollback);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.state.stable, Some(RevisionNo(1)));
    assert_eq!(world.least_in_rotation, 2);
    world.roll_out(2, RolloutKind::Rollback);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!((world.state.stable, world.state.previous), (Some(RevisionNo(2)), Some(RevisionNo(1))));
}

#[test]
fn pause_holds_and_resume_goes_on_and_promote_leaves_out_the_bake_time() {
    let mut world = World::serving(StrategyKind::Rolling, 3);
    world.deploy(2, spec(StrategyKind::Rolling, 3), GOOD);
    world.run_until(10_000, |w| w.instances.iter().any(|i| i.revision == RevisionNo(2) && i.is_ready()));
    world.ask(Request::Pause);
    world.run_for(1_000);
    let held: Vec<_> = world.instances.clone().into_iter().map(|i| i.id).collect();
    assert_eq!(world.last().phase, Phase::Paused);
    world.run_for(30_000);
    assert_eq!(held, world.instances.iter().map(|i| i.id.clone()).collect::<Vec<_>>());
    world.ask(Request::Promote);
    let start = world.now;
    world.run_until(20_000, |w| w.state.rollout.is_none());
    assert!(world.now.since(start).0 < 5_000, "no bake time");
    assert_eq!(world.last().phase, Phase::Succeeded);
}

#[test]
fn a_fixed_port_never_has_two_instances_and_says_that_requests_fail() {
    let mut fixed = spec(StrategyKind::BlueGreen, 1);
    fixed.port = crate::model::PortSpec::Fixed(3000);
    let said = effective(&fixed, 1, RolloutKind::Deploy, true);
    assert!(!said.zero_downtime && said.why.is_some());
    let mut world = World::serving(StrategyKind::BlueGreen, 1);
    world.deploy(2, fixed.clone(), GOOD);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    world.settle();
    world.reset_extremes();
    world.deploy(3, fixed, GOOD);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded);
    assert_eq!(world.most_processes, 1);
}

#[test]
fn rolling_one_instance_uses_an_extra_one_and_says_why() {
    let said = effective(&spec(StrategyKind::Rolling, 1), 1, RolloutKind::Deploy, true);
    assert_eq!(said.strategy.kind, StrategyKind::RollingWithExtraBatch);
    assert!(said.why.is_some() && said.zero_downtime);
}
