//! Steps of weight, time and instances: what is in force when, and what a person can do.

use super::world::{GOOD, World, spec};
use crate::model::{Candidates, Held, Phase, Request, RevisionNo, ServiceSpec, Step, StrategyKind};
use crate::time::{Millis, Moment};

pub fn weight(percent: u32, hold_s: u64) -> Step {
    Step::Weight { percent, hold: Millis::seconds(hold_s) }
}

pub fn canary(instances: u32, steps: Vec<Step>) -> ServiceSpec {
    let mut spec = spec(StrategyKind::Canary, instances);
    spec.strategy.steps = steps;
    spec
}

/// A service of so many instances whose second revision comes by these steps.
pub fn rolling_out(instances: u32, steps: Vec<Step>) -> World {
    let mut world = World::serving(StrategyKind::Canary, instances);
    world.deploy(2, canary(instances, steps), GOOD);
    world
}

pub fn ready(world: &World, revision: u32) -> usize {
    world.instances.iter().filter(|i| i.revision == RevisionNo(revision) && i.is_ready()).count()
}

/// Runs until this step is in force; when that was.
pub fn in_force(world: &mut World, step: u32) -> Moment {
    world.run_until(60_000, |w| w.last().position.step == step && w.last().position.since.is_some());
    world.last().position.since.unwrap()
}

fn succeeds(world: &mut World) {
    world.run_until(120_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded, "{:#?}", world.story());
    world.settle();
}

#[test]
fn each_step_has_its_share_its_instances_and_its_time() {
    let mut world = rolling_out(10, vec![weight(5, 20), weight(25, 30), weight(50, 0), weight(75, 10)]);
    let mut begun = Vec::new();
    for (step, percent, instances) in [(0, 5, 2), (1, 25, 3), (3, 75, 8)] {
        begun.push(in_force(&mut world, step));
        assert_eq!(world.state.routing.candidate_weight(), percent);
        assert_eq!((ready(&world, 1), ready(&world, 2)), (10, instances));
    }
    assert!(
        begun[1].since(begun[0]) >= Millis::seconds(20) && begun[1].since(begun[0]) < Millis::seconds(22)
    );
    assert!(begun[2].since(begun[1]) >= Millis::seconds(30));
    world.run_until(60_000, |w| w.last().phase == Phase::Promoting);
    assert_eq!((world.state.routing.candidate_weight(), ready(&world, 2)), (100, 10));
    succeeds(&mut world);
    assert_eq!((world.process_count(), world.least_in_rotation >= 10), (10, true));
}

#[test]
fn the_candidate_is_complete_before_it_has_everything() {
    let mut world = rolling_out(6, vec![weight(10, 5)]);
    while world.last().phase != Phase::Promoting {
        assert!(world.state.routing.candidate_weight() <= 10);
        world.step();
    }
    assert_eq!(ready(&world, 2), 6);
}

#[test]
fn a_share_waits_for_the_instances_it_needs() {
    let mut world = rolling_out(10, vec![weight(5, 5), weight(40, 5)]);
    in_force(&mut world, 0);
    world.run_until(20_000, |w| w.last().position.step == 1);
    assert_eq!((world.state.routing.candidate_weight(), ready(&world, 2)), (5, 2));
    in_force(&mut world, 1);
    assert_eq!((world.state.routing.candidate_weight(), ready(&world, 2)), (40, 4));
}

#[test]
fn a_step_begins_when_the_gateway_has_acknowledged_it() {
    let mut slow = rolling_out(2, vec![weight(20, 5), weight(50, 5)]);
    slow.settled = false;
    slow.run_for(60_000);
    assert_eq!(slow.state.routing.candidate_weight(), 20, "not acknowledged, so never more");
    slow.settled = true;
    let begun = in_force(&mut slow, 0);
    assert!(begun.since(slow.last().created_at) >= Millis::seconds(60));
    succeeds(&mut slow);
}

#[test]
fn a_silent_gateway_keeps_the_clock_and_stops_the_next_step() {
    let mut world = rolling_out(2, vec![weight(20, 5), weight(50, 5)]);
    let begun = in_force(&mut world, 0);
    world.settled = false;
    world.run_for(60_000);
    assert_eq!((world.last().position.since, world.state.routing.candidate_weight()), (Some(begun), 20));
    world.settled = true;
    world.run_for(200);
    assert_eq!(world.last().position.step, 1);
}

#[test]
fn a_candidate_that_is_away_has_no_share_and_its_step_begins_anew() {
    let mut world = rolling_out(1, vec![weight(20, 10)]);
    let first = in_force(&mut world, 0);
    let victim = world.instances.iter().find(|i| i.revision == RevisionNo(2)).unwrap().id.clone();
    world.run_for(6_000);
    world.kill(&victim);
    world.run_for(100);
    assert_eq!((world.state.routing.candidate_weight(), world.last().position.since), (0, None));
    let second = in_force(&mut world, 0);
    assert!(second > first);
    world.run_for(9_000);
    assert_eq!(world.last().position.since, Some(second));
    succeeds(&mut world);
}

#[test]
fn a_person_can_leave_out_the_rest_of_a_step_longer_than_the_deadline() {
    let mut world = rolling_out(2, vec![weight(20, 7_200)]);
    in_force(&mut world, 0);
    world.run_for(900_000);
    world.ask(Request::Promote);
    succeeds(&mut world);
}

#[test]
fn pause_and_approval_wait_for_a_person() {
    for (step, held) in [(Step::Pause { hold: None }, Held::Pause), (Step::Approve, Held::Approval)] {
        let mut world = rolling_out(2, vec![weight(20, 1), step, weight(50, 1)]);
        world.run_until(20_000, |w| w.last().phase == Phase::Paused);
        world.run_for(100_000);
        let position = world.last().position.clone();
        assert_eq!((position.step, position.held), (1, Some(held)));
        assert_eq!(world.state.routing.candidate_weight(), 20);
        world.ask(Request::Resume);
        in_force(&mut world, 2);
        succeeds(&mut world);
    }
}

#[test]
fn a_pause_with_a_time_ends_by_itself_or_by_a_person() {
    let pause = Step::Pause { hold: Some(Millis::seconds(30)) };
    let mut world = rolling_out(2, vec![weight(20, 0), pause.clone()]);
    let begun = in_force(&mut world, 1);
    world.run_until(60_000, |w| w.last().position.step == 2);
    let took = world.now.since(begun);
    assert!(took >= Millis::seconds(30) && took < Millis::seconds(32), "{took}");
    succeeds(&mut world);
    let mut world = rolling_out(2, vec![weight(20, 0), pause]);
    in_force(&mut world, 1);
    world.run_for(200);
    world.ask(Request::Resume);
    world.run_for(200);
    assert_eq!(world.last().position.step, 2);
    assert!(world.last().phase != Phase::Paused);
}

#[test]
fn a_person_can_pause_a_step_which_then_begins_anew() {
    let mut world = rolling_out(2, vec![weight(20, 10), weight(50, 1)]);
    in_force(&mut world, 0);
    world.run_for(8_000);
    world.ask(Request::Pause);
    world.run_for(60_000);
    let last = world.last();
    assert_eq!((last.phase, last.position.step, last.position.held), (Phase::Paused, 0, None));
    world.ask(Request::Resume);
    world.run_for(9_000);
    assert_eq!(world.last().position.step, 0);
    succeeds(&mut world);
}

#[test]
fn promote_leaves_out_the_rest_of_the_steps_and_the_bake_time() {
    for before in [0, 500, 1_000, 5_000] {
        let mut world = rolling_out(4, vec![weight(20, 600), Step::Approve, weight(50, 600)]);
        world.run_for(before);
        world.ask(Request::Promote);
        let asked = world.now;
        world.run_until(20_000, |w| w.state.rollout.is_none());
        assert_eq!(world.last().phase, Phase::Succeeded, "{before}");
        assert!(world.now.since(asked) < Millis::seconds(5));
        assert_eq!(world.least_in_rotation, 4);
    }
}

#[test]
fn a_scale_step_adds_instances_without_a_share() {
    let mut world = rolling_out(4, vec![Step::Scale(Candidates::Count(3)), weight(10, 5)]);
    in_force(&mut world, 1);
    assert_eq!((ready(&world, 2), world.state.routing.candidate_weight()), (3, 10));
    succeeds(&mut world);
}

#[test]
fn scaling_in_the_middle_moves_both_sides() {
    let mut world = rolling_out(4, vec![weight(50, 30)]);
    in_force(&mut world, 0);
    world.state.scale = Some(8);
    world.run_for(5_000);
    assert_eq!((ready(&world, 1), ready(&world, 2)), (8, 4));
    assert_eq!((world.state.routing.candidate_weight(), world.last().position.step), (50, 0));
    world.state.scale = Some(0);
    world.run_until(60_000, |w| w.state.rollout.is_none() && w.process_count() == 0);
    assert_eq!(world.last().phase, Phase::Succeeded);
}

#[test]
fn the_first_deploy_has_nothing_to_compare_with_and_goes_all_at_once() {
    let said = crate::rollout::effective(
        &canary(2, vec![weight(5, 60)]),
        2,
        crate::model::RolloutKind::Deploy,
        false,
    );
    assert_eq!((said.strategy.kind, said.strategy.steps.len()), (StrategyKind::AllAtOnce, 0));
    assert!(said.why.is_some_and(|why| why.contains("no stable revision")));
}

#[test]
fn where_stable_is_dead_the_candidate_serves_and_the_steps_go_on() {
    let mut world = rolling_out(2, vec![weight(10, 3), weight(50, 3)]);
    in_force(&mut world, 0);
    world.never_ready(1);
    world.run_for(200);
    assert_eq!(world.state.routing.candidate_weight(), 100);
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded);
}

#[test]
fn candidates_that_have_everything_stay_though_a_step_asks_for_fewer() {
    let mut world = rolling_out(4, vec![weight(75, 3), weight(25, 600)]);
    in_force(&mut world, 0);
    world.never_ready(1);
    in_force(&mut world, 1);
    world.run_for(2_000);
    assert_eq!((ready(&world, 2), world.state.routing.candidate_weight()), (3, 100));
    world.ready_again(1);
    world.run_until(60_000, |w| ready(w, 1) == 4);
    world.run_for(2_000);
    assert_eq!((ready(&world, 2), world.state.routing.candidate_weight()), (2, 25));
}
