//! Requests that reach the candidate by what they are, and copies of requests.

use super::canary::{in_force, ready, rolling_out, weight};
use crate::model::{ArmRole, Audience, Match, MirrorTo, Phase, Request, Step};
use crate::time::Millis;

fn header(name: &str, hold_s: u64) -> Step {
    let any = vec![Match::Header { name: name.into(), value: Some("1".into()) }];
    let who = Audience { label: format!("header {name}=1"), any };
    Step::Audience { who, hold: Millis::seconds(hold_s) }
}

#[test]
fn an_audience_reaches_the_candidate_at_weight_0_and_later_steps_keep_it() {
    let mut world = rolling_out(4, vec![header("x-preview", 10), header("x-beta", 1), weight(20, 10)]);
    in_force(&mut world, 0);
    let routing = world.state.routing.clone();
    assert_eq!((routing.candidate_weight(), routing.arms.len(), routing.spare.len()), (0, 1, 1));
    assert_eq!((routing.spare[0].role, routing.spare[0].weight), (ArmRole::Candidate, 0));
    assert_eq!((routing.rules.len(), routing.rules[0].arm), (1, ArmRole::Candidate));
    assert_eq!(ready(&world, 2), 2);
    in_force(&mut world, 2);
    let routing = &world.state.routing;
    assert_eq!((routing.candidate_weight(), routing.spare.len(), routing.rules.len()), (20, 0, 2));
    world.run_until(60_000, |w| w.last().phase == Phase::Promoting);
    assert_eq!(world.state.routing.rules, []);
}

#[test]
fn an_abort_takes_the_audience_back_too() {
    let mut world = rolling_out(2, vec![header("x-preview", 600)]);
    in_force(&mut world, 0);
    world.ask(Request::Abort);
    world.run_for(50);
    assert!(world.state.routing.rules.is_empty() && !world.state.routing.has_candidate());
    world.run_until(30_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Aborted);
}

#[test]
fn copies_go_to_the_candidate_until_it_has_users() {
    let mirror = Step::Mirror { percent: 100, hold: Millis::seconds(10) };
    let mut world = rolling_out(4, vec![mirror, Step::Approve, weight(5, 5)]);
    in_force(&mut world, 0);
    let copies = world.state.routing.mirror.clone().unwrap();
    assert_eq!(
        (copies.to, copies.percent, world.state.routing.candidate_weight()),
        (MirrorTo::Candidate, 100, 0)
    );
    assert_eq!(ready(&world, 2), 4, "as many requests as stable has");
    world.run_until(60_000, |w| w.last().phase == Phase::Paused);
    assert!(world.state.routing.mirror.is_some());
    world.ask(Request::Resume);
    in_force(&mut world, 2);
    assert_eq!(world.state.routing.mirror, None);
    assert_eq!(ready(&world, 2), 2);
}

#[test]
fn a_pause_before_any_share_has_instances_that_nobody_meets() {
    let mut world = rolling_out(4, vec![Step::Pause { hold: None }, weight(20, 1)]);
    world.run_until(20_000, |w| w.last().phase == Phase::Paused);
    assert_eq!((ready(&world, 2), world.state.routing.has_candidate()), (2, false));
    world.ask(Request::Resume);
    in_force(&mut world, 1);
}
