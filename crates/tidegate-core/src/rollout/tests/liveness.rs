//! Instances that were fit once: they fail their liveness probe, or end and do not get ready again.

use super::world::{Behaviour, GOOD, World, spec};
use crate::model::{Cause, Phase, PortSpec, RevisionNo, StrategyKind};
use crate::time::Millis;

const HANGS: Behaviour = Behaviour { hangs_after: Some(2_000), ..GOOD };

fn restarts(world: &World) -> u32 {
    world.instances.iter().map(|instance| instance.restarts).sum()
}

/// A single instance of a first revision that hangs, whose first stop gets lost. It failed its probe just now.
fn hung() -> World {
    let mut world = World::nothing("web");
    world.deploy(1, spec(StrategyKind::BlueGreen, 1), HANGS);
    world.lost_stops = 1;
    world.run_until(60_000, |w| w.lost_stops == 0);
    world
}

#[test]
fn whoever_hangs_is_told_again_to_stop_where_the_first_time_was_lost() {
    let mut world = hung();
    let (since, stop) = (world.now, world.specs[&RevisionNo(1)].stop);
    world.run_until(120_000, |w| restarts(w) > 0);
    let waited = world.now.since(since);
    let soonest = Millis(stop.grace.0 + 10_000);
    assert!(waited >= soonest && waited.0 < soonest.0 + 2_000, "{waited}: {:#?}", world.story());
    let told = |word: &str| world.story().iter().filter(|line| line.contains(word)).count();
    assert_eq!((told("fails its liveness probe"), told("is told again")), (1, 1));
}

#[test]
fn whoever_ends_in_its_grace_is_told_once() {
    let mut world = World::nothing("web");
    world.deploy(1, spec(StrategyKind::BlueGreen, 1), Behaviour { stops_after: 20_000, ..HANGS });
    world.run_until(60_000, |w| restarts(w) == 1);
    assert!(!world.story().iter().any(|line| line.contains("is told again")), "{:#?}", world.story());
}

/// The second revision is promoted and watched, and no stable instance is left that could take its place.
fn alone(behaviour: Behaviour) -> World {
    let mut world = World::serving(StrategyKind::Rolling, 1);
    let mut spec = spec(StrategyKind::Rolling, 1);
    spec.port = PortSpec::Fixed(8_000);
    world.deploy(2, spec, behaviour);
    world.run_until(60_000, |w| w.last().phase == Phase::Promoting);
    world
}

fn is_taken_back(world: &mut World) -> Cause {
    world.run_until(600_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Aborted, "{:#?}", world.story());
    let cause = world.last().cause.clone().unwrap();
    world.settle();
    cause
}

#[test]
fn a_candidate_that_hangs_again_is_taken_back_though_its_stop_is_lost() {
    let mut world = alone(HANGS);
    world.behaviours.insert(RevisionNo(2), Behaviour { ready_after: None, hangs_after: Some(500), ..GOOD });
    world.run_until(60_000, |w| restarts(w) == 1);
    world.lost_stops = 1;
    is_taken_back(&mut world);
}

#[test]
fn a_candidate_that_ended_once_and_never_gets_ready_again_is_taken_back() {
    let mut world = alone(Behaviour { exits_after: Some(2_000), ..GOOD });
    world.behaviours.insert(RevisionNo(2), Behaviour { ready_after: None, ..GOOD });
    let cause = is_taken_back(&mut world);
    assert_eq!(cause.code, "lost-readiness");
    assert!(cause.message.contains("was started again and was not ready within"), "{}", cause.message);
}
