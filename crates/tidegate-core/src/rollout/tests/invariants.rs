//! Properties over random stories.

use proptest::prelude::*;

use super::world::{Behaviour, GOOD, World, spec};
use crate::model::{Request, RolloutKind, StrategyKind};

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Deploy { kind: usize, instances: u32, behaviour: Behaviour },
    Ask(Request),
    Kill(usize),
    Scale(u32),
    Rollback,
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let ready = prop_oneof![4 => (0u64..3_000).prop_map(Some), 1 => Just(None)];
    let exits = prop_oneof![3 => Just(None), 1 => (0u64..9_000).prop_map(Some)];
    (ready, exits, 0u64..2_000).prop_map(|(ready_after, exits_after, stops_after)| Behaviour {
        ready_after,
        exits_after,
        stops_after,
        ..GOOD
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u64..6_000).prop_map(Step::Wait),
        3 => (0usize..StrategyKind::ALL.len(), 0u32..5, behaviour())
            .prop_map(|(kind, instances, behaviour)| Step::Deploy { kind, instances, behaviour }),
        2 => prop_oneof![Just(Request::Pause), Just(Request::Resume), Just(Request::Promote), Just(Request::Abort)]
            .prop_map(Step::Ask),
        1 => (0usize..8).prop_map(Step::Kill),
        1 => (0u32..5).prop_map(Step::Scale),
        1 => Just(Step::Rollback),
    ]
}

fn play(steps: &[Step]) -> World {
    let mut world = World::serving(StrategyKind::BlueGreen, 2);
    let mut revision = 1;
    for step in steps {
        match step {
            Step::Wait(span) => world.run_for(*span),
            Step::Deploy { kind, instances, behaviour } => {
                revision += 1;
                world.deploy(revision, spec(StrategyKind::ALL[*kind], *instances), *behaviour);
            }
            Step::Ask(request) if world.state.rollout.is_some() => world.ask(*request),
            Step::Kill(n) => {
                if let Some(id) = world.instances.get(*n).map(|i| i.id.clone()) {
                    world.kill(&id);
                }
            }
            Step::Scale(n) => world.state.scale = Some(*n),
            Step::Rollback => {
                let to = world.state.previous.filter(|to| Some(*to) != world.state.stable);
                if let Some(to) = to.filter(|to| world.active().is_none_or(|r| r.to != *to)) {
                    world.roll_out(to.0, RolloutKind::Rollback);
                }
            }
            Step::Ask(_) => {}
        }
        world.step();
    }
    world
}

proptest! {
    /// Whatever happens, every rollout comes to an end, and what runs then is what the stable revision asks for.
    #[test]
    fn invariant_every_story_comes_to_rest(steps in prop::collection::vec(step(), 1..12)) {
        let mut world = play(&steps);
        if world.active().is_some_and(|r| r.phase == crate::model::Phase::Paused || r.request.is_some()) {
            world.ask(Request::Resume);
        }
        world.run_until(900_000, |w| w.state.rollout.is_none());
        // A stable revision that cannot serve is not waited for.
        let serves = |b: &Behaviour| b.ready_after.is_some() && b.exits_after.is_none();
        if !world.state.stable.is_none_or(|r| serves(&world.behaviours[&r])) {
            return Ok(());
        }
        let wanted = world.state.scale.unwrap_or_else(|| world.state.stable.map_or(0, |r| world.specs[&r].scale.min));
        let wanted = if world.state.stable.is_none() { 0 } else { wanted };
        world.run_until(200_000, |w| w.process_count() == wanted as usize && w.instances.len() == wanted as usize);
    }
}
