//! A smoke test: the candidate is looked at before it gets a user.

use super::world::{Behaviour, GOOD, World, spec};
use crate::model::{ArmRole, Match, Phase, RevisionNo, Rollout, Smoke, SmokeEnd, StrategyKind};

fn smoked(kind: StrategyKind, behaviour: Behaviour) -> World {
    let mut world = World::serving(kind, 3);
    world.deploy(2, spec(kind, 3), behaviour);
    active(&mut world).smoke = Some(Smoke::new("s3cret".to_owned()));
    world
}

fn active(world: &mut World) -> &mut Rollout {
    world.rollouts.last_mut().unwrap()
}

fn ready(world: &World) -> bool {
    world.last().smoke.as_ref().is_some_and(|smoke| smoke.ready)
}

const KINDS: [StrategyKind; 5] = [
    StrategyKind::AllAtOnce,
    StrategyKind::Rolling,
    StrategyKind::Immutable,
    StrategyKind::BlueGreen,
    StrategyKind::Canary,
];

#[test]
fn nobody_but_who_knows_the_secret_reaches_it_until_it_passed() {
    for kind in KINDS {
        let mut world = smoked(kind, GOOD);
        world.run_until(30_000, ready);
        // Longer than its deadline: whoever tests has their own.
        world.run_for(if kind == StrategyKind::BlueGreen { 20 * 60_000 } else { 2_000 });
        assert_eq!(world.last().phase, Phase::Progressing, "{kind:?}");
        let routing = &world.state.routing;
        assert_eq!(routing.candidate_weight(), 0, "{kind:?}");
        assert!(routing.has_candidate(), "{kind:?}");
        let rule = &routing.rules[0];
        assert_eq!((routing.rules.len(), rule.arm), (1, ArmRole::Candidate));
        let secret = Match::Header { name: Smoke::FIELD.to_owned(), value: Some("s3cret".to_owned()) };
        assert_eq!(rule.when, [secret]);
        active(&mut world).smoke.as_mut().unwrap().end = Some(SmokeEnd::Passed);
        world.run_until(120_000, |world| world.state.rollout.is_none());
        assert_eq!(
            (world.last().phase, world.state.stable),
            (Phase::Succeeded, Some(RevisionNo(2))),
            "{kind:?}"
        );
        assert!(world.state.routing.rules.is_empty());
    }
}

#[test]
fn one_that_failed_is_taken_back_and_nobody_met_it() {
    for kind in KINDS {
        let mut world = smoked(kind, GOOD);
        world.run_until(30_000, ready);
        active(&mut world).smoke.as_mut().unwrap().end = Some(SmokeEnd::Failed("it says 500".to_owned()));
        world.run_until(60_000, |world| world.state.rollout.is_none());
        let cause = world.last().cause.as_ref().unwrap();
        assert_eq!((world.last().phase, cause.code.as_str()), (Phase::Aborted, "smoke-failed"), "{kind:?}");
        assert_eq!((cause.message.as_str(), world.state.stable), ("it says 500", Some(RevisionNo(1))));
    }
}

#[test]
fn a_candidate_that_never_gets_ready_is_not_waited_for() {
    let mut world = smoked(StrategyKind::BlueGreen, Behaviour { ready_after: None, ..GOOD });
    world.run_until(900_000, |world| world.state.rollout.is_none());
    assert_eq!((world.last().phase, ready(&world)), (Phase::Aborted, false));
}

#[test]
fn the_first_revision_serves_at_once() {
    let mut world = World::nothing("web");
    world.deploy(1, spec(StrategyKind::BlueGreen, 2), GOOD);
    active(&mut world).smoke = Some(Smoke::new("s3cret".to_owned()));
    world.run_until(60_000, |world| world.last().can_be_smoked());
    world.run_until(60_000, |world| world.state.rollout.is_none());
    assert_eq!(world.state.stable, Some(RevisionNo(1)));
}
