//! Bad candidates: every one is taken back, stable keeps serving.

use super::world::{Behaviour, GOOD, World, spec};
use crate::model::{Phase, Request, RevisionNo, RolloutKind, StrategyKind};
use crate::rollout::Gate;

const NEVER_READY: Behaviour = Behaviour { ready_after: None, ..GOOD };
const EXITS_AT_ONCE: Behaviour = Behaviour { ready_after: None, exits_after: Some(100), ..GOOD };
const EXITS_AFTER_5S: Behaviour = Behaviour { exits_after: Some(5_000), ..GOOD };

fn taken_back(kind: StrategyKind, instances: u32, bad: Behaviour) -> World {
    let mut world = World::serving(kind, instances);
    world.deploy(2, spec(kind, instances), bad);
    world.run_until(120_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Aborted, "{kind}: {:#?}", world.story());
    assert_eq!(world.state.stable, Some(RevisionNo(1)));
    world.settle();
    assert_eq!(world.state.routing.candidate_weight(), 0);
    assert_eq!(world.process_count(), instances as usize);
    world
}

#[test]
fn a_candidate_that_does_not_boot_is_taken_back_by_every_strategy() {
    for kind in StrategyKind::ALL {
        let world = taken_back(kind, 2, EXITS_AT_ONCE);
        assert_eq!(world.last().cause.as_ref().unwrap().code, "crash-loop");
        let floor = if kind == StrategyKind::Rolling { 1 } else { 2 };
        assert!(world.least_in_rotation >= floor, "{kind}");
    }
}

#[test]
fn a_candidate_that_is_never_ready_is_taken_back_at_its_deadline() {
    for kind in StrategyKind::ALL {
        let world = taken_back(kind, 2, NEVER_READY);
        assert_eq!(world.last().cause.as_ref().unwrap().code, "start-deadline");
    }
}

#[test]
fn a_candidate_that_falls_in_the_bake_time_is_swapped_out_at_once() {
    for kind in [StrategyKind::BlueGreen, StrategyKind::Immutable, StrategyKind::AllAtOnce] {
        for instances in [1, 2] {
            let world = taken_back(kind, instances, EXITS_AFTER_5S);
            assert!(world.least_in_rotation >= 1, "{kind} {instances}");
        }
    }
    for kind in [StrategyKind::Rolling, StrategyKind::RollingWithExtraBatch] {
        taken_back(kind, 2, EXITS_AFTER_5S);
    }
}

#[test]
fn a_candidate_that_floods_its_output_is_taken_back_unless_stable_does_too() {
    let loud = Behaviour { floods: true, ..GOOD };
    for kind in StrategyKind::ALL {
        let world = taken_back(kind, 2, loud);
        assert_eq!(world.last().cause.as_ref().unwrap().code, "output-flood");
    }
    let mut world = World::serving(StrategyKind::BlueGreen, 2);
    world.behaviours.insert(RevisionNo(1), loud);
    world.kill(&world.instances[0].id.clone());
    world.run_for(5_000);
    world.deploy(2, spec(StrategyKind::BlueGreen, 2), loud);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded, "what both do is not the candidate's fault");
}

#[test]
fn a_failed_migration_leaves_stable_untouched() {
    let mut world = World::serving(StrategyKind::BlueGreen, 2);
    world.gate = Gate::Waiting;
    world.deploy(2, spec(StrategyKind::BlueGreen, 2), GOOD);
    world.run_for(5_000);
    assert_eq!((world.last().phase, world.process_count()), (Phase::Pending, 2));
    world.gate = Gate::Failed("exit code 3".into());
    world.run_until(5_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Aborted);
    assert_eq!((world.most_processes, world.least_in_rotation), (2, 2));
}

#[test]
fn a_first_deploy_that_does_not_boot_fails_and_leaves_nothing_running() {
    let mut world = World::serving(StrategyKind::BlueGreen, 1);
    world.state.stable = None;
    world.instances.clear();
    world.deploy(2, spec(StrategyKind::BlueGreen, 1), EXITS_AT_ONCE);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Failed);
    world.run_until(60_000, |w| w.instances.is_empty());
}

#[test]
fn a_person_can_abort_at_any_time_and_retry_without_an_edit() {
    for wait in [0, 100, 300, 500, 700, 1_000, 3_000] {
        for kind in StrategyKind::ALL {
            let mut world = World::serving(kind, 2);
            world.deploy(2, spec(kind, 2), GOOD);
            world.run_for(wait);
            world.ask(Request::Abort);
            world.run_until(60_000, |w| w.state.rollout.is_none());
            assert_eq!(world.last().phase, Phase::Aborted, "{kind} {wait}");
            world.roll_out(2, RolloutKind::Retry);
            world.run_until(60_000, |w| w.state.rollout.is_none());
            assert_eq!(world.last().phase, Phase::Succeeded, "{kind} {wait}: {:#?}", world.story());
            let floor = if kind == StrategyKind::Rolling { 1 } else { 2 };
            assert!(world.least_in_rotation >= floor, "{kind} {wait}");
        }
    }
}

#[test]
fn a_newer_rollout_takes_the_place_of_one_in_progress() {
    for wait in [0, 100, 300, 500, 700, 1_000, 3_000] {
        for kind in StrategyKind::ALL {
            let mut world = World::serving(kind, 2);
            world.deploy(2, spec(kind, 2), GOOD);
            world.run_for(wait);
            world.deploy(3, spec(kind, 2), GOOD);
            assert_eq!(world.rollouts[1].phase, Phase::Superseded);
            world.run_until(60_000, |w| w.state.rollout.is_none());
            assert_eq!((world.last().phase, world.state.stable), (Phase::Succeeded, Some(RevisionNo(3))));
            world.settle();
            assert_eq!(world.process_count(), 2, "{kind} {wait}");
            let floor = if kind == StrategyKind::Rolling { 1 } else { 2 };
            assert!(world.least_in_rotation >= floor, "{kind} {wait}: {}", world.least_in_rotation);
        }
    }
}

#[test]
fn a_stable_instance_that_dies_during_a_rollout_comes_back() {
    for kind in StrategyKind::ALL {
        let mut world = World::serving(kind, 2);
        world.deploy(2, spec(kind, 2), EXITS_AT_ONCE);
        let victim = world.instances[0].id.clone();
        world.run_for(200);
        if world.instances.iter().any(|i| i.id == victim && i.is_wanted()) {
            world.kill(&victim);
        }
        world.run_until(120_000, |w| w.state.rollout.is_none());
        assert_eq!(world.last().phase, Phase::Aborted);
        world.settle();
        assert_eq!(world.process_count(), 2);
    }
}
