//! A worker's candidate takes a share of the instances.

use super::canary::{canary, in_force, ready, weight};
use super::world::{Behaviour, GOOD, World};
use crate::model::{Phase, PortSpec, RevisionNo, Step, StrategyKind};

fn world(instances: u32, behaviour: Behaviour) -> World {
    by_steps(instances, vec![weight(25, 5), weight(50, 5)], behaviour)
}

/// So many workers whose third revision comes by these steps.
fn by_steps(instances: u32, steps: Vec<Step>, behaviour: Behaviour) -> World {
    let mut world = World::serving(StrategyKind::Canary, instances);
    for (revision, behaviour) in [(2, GOOD), (3, behaviour)] {
        let mut spec = canary(instances, steps.clone());
        spec.port = PortSpec::None;
        world.deploy(revision, spec, behaviour);
        if revision == 2 {
            world.run_until(120_000, |w| w.state.rollout.is_none());
            world.settle();
        }
    }
    world
}

#[test]
fn stable_makes_room_for_the_candidates_instances() {
    let mut world = world(4, GOOD);
    in_force(&mut world, 0);
    world.run_for(1_000);
    assert_eq!((ready(&world, 2), ready(&world, 3)), (3, 1));
    in_force(&mut world, 1);
    world.run_for(1_000);
    assert_eq!((ready(&world, 2), ready(&world, 3)), (2, 2));
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded);
    world.settle();
    assert_eq!((world.process_count(), world.state.stable), (4, Some(RevisionNo(3))));
}

#[test]
fn fewer_candidates_are_asked_for_and_all_work_is_done_all_the_same() {
    let mut world = by_steps(4, vec![weight(50, 5), weight(25, 5)], GOOD);
    in_force(&mut world, 0);
    world.run_for(1_000);
    assert_eq!((ready(&world, 2), ready(&world, 3)), (2, 2));
    while (ready(&world, 2), ready(&world, 3)) != (3, 1) {
        assert!(ready(&world, 2) + ready(&world, 3) >= 4, "{:#?}", world.story());
        assert!(world.state.rollout.is_some(), "the second step was not taken: {:#?}", world.story());
        world.step();
    }
}

#[test]
fn a_single_instance_stays_beside_its_candidate() {
    let mut world = world(1, GOOD);
    in_force(&mut world, 1);
    world.run_for(1_000);
    assert_eq!((ready(&world, 2), ready(&world, 3)), (1, 1));
}

#[test]
fn how_its_instances_end_decides() {
    let bad = Behaviour { exits_after: Some(1_500), ..GOOD };
    let mut world = world(4, bad);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().cause.as_ref().unwrap().code, "crash-loop");
    world.settle();
    assert_eq!((world.process_count(), ready(&world, 2)), (4, 4));
}
