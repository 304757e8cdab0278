//! What is said of a candidate: taken back, promoted, or held, at every step.

use super::canary::{in_force, ready, rolling_out, weight};
use super::world::World;
use crate::model::{
    Held, Inconclusive, InstanceId, Intent, Judged, Phase, Request, RevisionNo, Step, Verdict,
};
use crate::time::Millis;

const ANALYSE: Step = Step::Analyse { max: Millis::seconds(30) };

fn said(verdict: Verdict) -> Option<Judged> {
    let (code, message) = ("error-rate".to_owned(), "1.2 % instead of 0.1 %".to_owned());
    Some(Judged { verdict, code, message, instance: Some(InstanceId("web-9".into())) })
}

fn is_taken_back(world: &mut World) {
    world.run_for(50);
    assert!(matches!(world.last().phase, Phase::Aborting | Phase::Aborted));
    assert_eq!(world.state.routing.candidate_weight(), 0, "one swap");
    assert!(!world.state.routing.has_candidate());
    world.run_until(30_000, |w| w.state.rollout.is_none());
    let last = world.last();
    let cause = last.cause.as_ref().unwrap();
    assert_eq!((last.phase, cause.code.as_str()), (Phase::Aborted, "error-rate"));
    assert_eq!(cause.instance, Some(InstanceId("web-9".into())));
    world.judged = None;
    world.settle();
    assert_eq!((world.state.stable, world.process_count()), (Some(RevisionNo(1)), 4));
    assert!(world.least_in_rotation >= 4);
}

#[test]
fn a_bad_verdict_takes_the_candidate_back_at_every_step() {
    let steps = || vec![weight(10, 5), ANALYSE, Step::Approve, weight(50, 5)];
    for step in 0..3 {
        let mut world = rolling_out(4, steps());
        if step == 2 {
            world.judged = said(Verdict::Promote);
        }
        in_force(&mut world, step);
        world.run_for(200);
        world.judged = said(Verdict::Abort);
        is_taken_back(&mut world);
    }
    let mut world = rolling_out(4, vec![weight(10, 1)]);
    world.run_until(30_000, |w| w.last().phase == Phase::Promoting);
    world.run_for(3_000);
    world.judged = said(Verdict::Abort);
    is_taken_back(&mut world);
}

#[test]
fn a_good_verdict_ends_the_analysis_and_no_other_step() {
    let mut world = rolling_out(4, vec![weight(10, 20), ANALYSE, weight(50, 20)]);
    world.judged = said(Verdict::Promote);
    let first = in_force(&mut world, 0);
    let third = in_force(&mut world, 2);
    let took = third.since(first);
    assert!(took >= Millis::seconds(20) && took < Millis::seconds(23), "{took}");
    world.run_until(60_000, |w| w.state.rollout.is_none());
    assert_eq!(world.last().phase, Phase::Succeeded);
}

#[test]
fn an_analysis_that_decides_nothing_is_never_silently_a_success() {
    for judged in [None, said(Verdict::Inconclusive), said(Verdict::Continue)] {
        let mut world = rolling_out(4, vec![weight(10, 0), ANALYSE, weight(50, 1)]);
        world.judged = judged;
        let begun = in_force(&mut world, 1);
        world.run_until(60_000, |w| w.last().phase == Phase::Paused);
        assert!(world.now.since(begun) >= Millis::seconds(30));
        assert_eq!(world.last().position.held, Some(Held::Inconclusive));
        world.run_for(500_000);
        assert_eq!((world.last().phase, world.state.routing.candidate_weight()), (Phase::Paused, 10));
        assert!(
            world.story().last().unwrap().contains("nothing was decided within 30s"),
            "{:?}",
            world.story()
        );
        world.ask(Request::Resume);
        world.run_until(60_000, |w| w.state.rollout.is_none());
        assert_eq!(world.last().phase, Phase::Succeeded);
    }
}

#[test]
fn the_strategy_says_what_inconclusive_means() {
    for (policy, phase) in [(Inconclusive::Abort, Phase::Aborted), (Inconclusive::Promote, Phase::Succeeded)]
    {
        let mut world = World::serving(crate::model::StrategyKind::Canary, 4);
        let mut spec = super::canary::canary(4, vec![weight(10, 0), ANALYSE]);
        spec.strategy.inconclusive = policy;
        world.deploy(2, spec, super::world::GOOD);
        world.run_until(90_000, |w| w.state.rollout.is_none());
        assert_eq!(world.last().phase, phase);
        assert!(world.story().iter().any(|line| line.contains("nothing was decided within 30s")));
    }
}

#[test]
fn stable_short_of_capacity_leaves_the_candidate_what_it_had_and_no_more() {
    let mut world = rolling_out(4, vec![weight(10, 600)]);
    in_force(&mut world, 0);
    let victim = world.instances.iter().find(|i| i.revision == RevisionNo(1)).unwrap().id.clone();
    world.behaviours.get_mut(&RevisionNo(1)).unwrap().ready_after = Some(3_000);
    world.kill(&victim);
    world.judged = said(Verdict::Abort);
    world.run_for(1_000);
    assert_eq!((world.last().phase, world.state.routing.candidate_weight()), (Phase::Aborting, 10));
    world.run_until(30_000, |w| w.state.rollout.is_none());
    assert_eq!((world.last().phase, ready(&world, 1)), (Phase::Aborted, 4));
    assert_eq!(world.state.routing.candidate_weight(), 0);
}

#[test]
fn failed_instances_are_kept_out_of_rotation_to_be_looked_at() {
    let mut world = World::serving(crate::model::StrategyKind::Canary, 2);
    let mut spec = super::canary::canary(2, vec![weight(10, 600)]);
    spec.strategy.keep_failed = Millis::seconds(120);
    world.deploy(2, spec, super::world::GOOD);
    in_force(&mut world, 0);
    world.judged = said(Verdict::Abort);
    world.run_until(30_000, |w| w.state.rollout.is_none());
    world.judged = None;
    world.run_for(100_000);
    let kept: Vec<_> = world.instances.iter().filter(|i| i.revision == RevisionNo(2)).collect();
    assert!(kept.len() == 2 && kept.iter().all(|i| matches!(i.intent, Intent::Drain { .. })));
    assert!(kept.iter().all(|i| !world.state.routing.contains(&i.id)));
    world.run_until(60_000, |w| w.process_count() == 2);
    world.roll_out(2, crate::model::RolloutKind::Retry);
    in_force(&mut world, 0);
    assert!(world.instances.iter().all(|i| i.keep_until.is_none()));
}
