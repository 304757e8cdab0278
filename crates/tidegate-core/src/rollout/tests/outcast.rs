//! One bad instance of several is replaced; the rollout goes on.

use super::canary::{in_force, ready, rolling_out, weight};
use super::world::World;
use crate::model::{BAD_INSTANCE, InstanceId, Judged, Phase, RevisionNo, Verdict};

fn bad(id: &InstanceId) -> Option<Judged> {
    let message = format!("{id} errs and its siblings do not");
    Some(Judged {
        verdict: Verdict::Continue,
        code: BAD_INSTANCE.into(),
        message,
        instance: Some(id.clone()),
    })
}

fn first_of(world: &World, revision: u32) -> InstanceId {
    let of = |i: &&crate::model::Instance| i.revision == RevisionNo(revision) && i.is_ready();
    world.instances.iter().find(of).unwrap().id.clone()
}

#[test]
fn a_bad_instance_of_the_candidate_is_replaced_and_the_step_goes_on() {
    let mut world = rolling_out(4, vec![weight(10, 20), weight(50, 2)]);
    let begun = in_force(&mut world, 0);
    let named = first_of(&world, 2);
    world.judged = bad(&named);
    world.step();
    assert!(!world.in_rotation().contains(&named), "its siblings carry a tenth: it leaves at once");
    world.run_until(5_000, |w| w.instances.iter().all(|i| i.id != named) && ready(w, 2) == 2);
    let told: Vec<_> = world.story().into_iter().filter(|line| line.starts_with("instance.bad")).collect();
    assert_eq!(
        told,
        [format!("instance.bad {named} errs and its siblings do not; another one takes its place")]
    );
    let next = in_force(&mut world, 1);
    assert!(next.since(begun).0 < 21_000, "the step's clock ran on");
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded);
}

/// Half of the traffic needs two instances: the third comes before the bad one leaves.
#[test]
fn where_it_is_needed_its_successor_comes_first() {
    let mut world = rolling_out(4, vec![weight(50, 20)]);
    in_force(&mut world, 0);
    let named = first_of(&world, 2);
    world.judged = bad(&named);
    world.reset_extremes();
    world.step();
    assert!(world.in_rotation().contains(&named));
    world.run_until(5_000, |w| w.instances.iter().all(|i| i.id != named));
    assert_eq!(world.least_in_rotation, 6);
}

#[test]
fn stable_stays_whole_while_a_bad_instance_of_it_is_replaced() {
    let mut world = rolling_out(4, vec![weight(10, 20)]);
    in_force(&mut world, 0);
    let named = first_of(&world, 1);
    world.judged = bad(&named);
    world.reset_extremes();
    world.run_until(5_000, |w| w.instances.iter().all(|i| i.id != named));
    assert_eq!(world.least_in_rotation, 6, "four of stable and two of the candidate");
    world.judged = None;
    world.settle();
    assert_eq!((world.last().phase, world.process_count()), (Phase::Succeeded, 4));
}

#[test]
fn one_that_is_gone_already_is_not_asked_for_twice() {
    let mut world = rolling_out(4, vec![weight(10, 20)]);
    in_force(&mut world, 0);
    world.judged = bad(&InstanceId("web-999".into()));
    world.run_for(500);
    assert!(world.story().iter().all(|line| !line.starts_with("instance.bad")));
}
