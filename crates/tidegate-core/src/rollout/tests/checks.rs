//! Checks beside the judge: who is asked when, what is held, what is taken back.

use proptest::prelude::*;

use super::canary::{canary, in_force, weight};
use super::world::{GOOD, World, spec};
use crate::check::{Answer, Heard};
use crate::model::{
    CheckSource, CheckSpec, Figure, Held, Inconclusive, Phase, Request, RevisionNo, Rollout, RolloutKind,
    ServiceSpec, Step, StrategyKind, Unreachable,
};
use crate::rollout::counting;
use crate::time::{Millis, Moment};

pub fn check(guard: bool) -> CheckSpec {
    CheckSpec {
        source: CheckSource::Command("ask".to_owned()),
        min: None,
        max: Figure::new(0.01),
        every: Millis::seconds(1),
        timeout: Millis::seconds(1),
        failures: 2,
        unreachable: Unreachable::Hold,
        guard,
    }
}

fn with(mut service: ServiceSpec, checks: &[(&str, CheckSpec)]) -> ServiceSpec {
    service.strategy.checks =
        checks.iter().map(|(name, check)| ((*name).to_owned(), check.clone())).collect();
    service
}

/// A service whose second revision comes by these steps with these checks.
fn rolling(steps: Vec<Step>, checks: &[(&str, CheckSpec)]) -> World {
    let mut world = World::serving(StrategyKind::Canary, 4);
    world.deploy(2, with(canary(4, steps), checks), GOOD);
    world
}

fn at(name: &str, hold_s: u64, max_s: u64) -> Step {
    Step::Check { name: name.to_owned(), hold: Millis::seconds(hold_s), max: Millis::seconds(max_s) }
}

fn number(value: f64) -> Answer {
    Answer::Number(Figure::new(value).unwrap())
}

fn away() -> Answer {
    Answer::None("127.0.0.1:9090: connection refused".to_owned())
}

/// One step in which every check that is due is asked.
fn step(world: &mut World, says: &dyn Fn(&str) -> Answer) {
    let rollout = world.last().clone();
    for (name, check, state) in counting(&rollout) {
        if world.now >= state.next_ask(check) {
            world.heard.insert(name.to_owned(), Heard { asked_at: world.now, answer: says(name) });
        }
    }
    world.step();
}

fn run(world: &mut World, ms: u64, says: &dyn Fn(&str) -> Answer) {
    let until = world.now + Millis(ms);
    while world.now < until {
        step(world, says);
    }
}

fn until(world: &mut World, says: &dyn Fn(&str) -> Answer, done: impl Fn(&Rollout) -> bool) -> Moment {
    let begun = world.now;
    while !done(world.last()) {
        assert!(world.now.since(begun) < Millis::seconds(120), "{:#?}", world.story());
        step(world, says);
    }
    world.now
}

fn is_taken_back(rollout: &Rollout) -> bool {
    rollout.cause.is_some()
}

fn reports(world: &World) -> Vec<String> {
    world.reports.clone()
}

#[test]
fn a_guard_is_asked_from_the_first_request_until_the_end() {
    let steps = vec![Step::Scale(crate::model::Candidates::Count(2)), Step::Approve, weight(10, 5)];
    let mut world = rolling(steps, &[("errors", check(true))]);
    let fine = |_: &str| number(0.0);
    until(&mut world, &fine, |r| r.phase == Phase::Paused);
    run(&mut world, 5_000, &fine);
    assert!(world.last().checks.is_empty(), "nobody has met the candidate");
    world.ask(Request::Resume);
    until(&mut world, &fine, |r| r.position.since.is_some() && r.position.step == 2);
    run(&mut world, 200, &fine);
    assert!(world.last().checks["errors"].last.is_some());
    until(&mut world, &fine, |r| r.phase == Phase::Promoting);
    let asked = world.last().checks["errors"].last.as_ref().unwrap().asked_at;
    until(&mut world, &fine, |r| r.phase == Phase::Succeeded);
    let last = world.last().checks["errors"].last.as_ref().unwrap().asked_at;
    assert!(last.since(asked) >= Millis::seconds(8), "asked in the bake time");
}

#[test]
fn a_guard_that_fails_takes_the_candidate_back_at_every_phase() {
    for phase in [Phase::Progressing, Phase::Paused, Phase::Promoting] {
        let mut world = rolling(vec![weight(10, 5), Step::Approve], &[("errors", check(true))]);
        let fine = |_: &str| number(0.0);
        if phase == Phase::Promoting {
            until(&mut world, &fine, |r| r.phase == Phase::Paused);
            world.ask(Request::Resume);
        }
        until(&mut world, &fine, |r| r.phase == phase && !r.checks.is_empty());
        run(&mut world, 1_000, &fine);
        let since = world.now;
        let over = until(&mut world, &|_| number(0.03), is_taken_back);
        assert!(over.since(since) <= Millis(2_200), "two answers, a second apart");
        let cause = world.last().cause.clone().unwrap();
        assert_eq!(cause.code, "check-failed", "{phase}");
        assert_eq!(cause.message, "the check `errors` failed 2 times in a row: 0.03 is more than 0.01");
        world.run_until(30_000, |w| w.state.rollout.is_none());
        assert_eq!((world.last().phase, world.state.stable), (Phase::Aborted, Some(RevisionNo(1))));
        assert!(world.last().checks.contains_key("errors"), "what was seen is kept");
    }
}

#[test]
fn while_the_metrics_are_away_it_is_held_and_then_goes_on() {
    for steps in [vec![weight(10, 5), weight(50, 5)], vec![weight(10, 5)], vec![Step::Approve]] {
        let mut world = rolling(steps.clone(), &[("errors", check(true))]);
        if steps == [Step::Approve] {
            world.run_until(30_000, |w| w.last().phase == Phase::Paused);
            world.ask(Request::Resume);
        }
        run(&mut world, 1_300_000, &|_| away());
        let held = world.last().clone();
        assert!(matches!(held.phase, Phase::Progressing | Phase::Promoting), "{:#?}", world.story());
        assert_eq!(held.cause, None);
        let told = reports(&world);
        let why = "the check `errors` holds the rollout: 127.0.0.1:9090: connection refused";
        assert!(told.iter().any(|line| line == why), "{told:?}");
        assert_eq!(world.story().iter().filter(|line| line.starts_with("check.held")).count(), 1);
        until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
    }
}

#[test]
fn a_candidate_that_is_ready_for_everything_waits_for_an_answer_too() {
    let mut world = rolling(vec![weight(10, 2)], &[("errors", check(true))]);
    until(&mut world, &|_| number(0.0), |r| r.position.step == 1);
    run(&mut world, 1_300_000, &|_| away());
    // Nobody looks for longer than the deadline.
    world.now = world.now + Millis(700_000);
    run(&mut world, 1_000, &|_| away());
    let rollout = world.last();
    assert_eq!((rollout.phase, rollout.cause.clone()), (Phase::Progressing, None), "{:#?}", world.story());
    assert_eq!((world.state.routing.candidate_weight(), super::canary::ready(&world, 2)), (10, 4));
    until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
}

#[test]
fn a_guard_that_was_never_asked_holds_too() {
    let mut world = rolling(vec![weight(10, 1)], &[("errors", check(true))]);
    world.run_for(60_000);
    assert_eq!((world.last().phase, world.state.routing.candidate_weight()), (Phase::Progressing, 10));
    assert!(reports(&world).iter().any(|line| line.ends_with("it has not answered yet")));
}

#[test]
fn a_person_can_go_on_without_an_answer() {
    let mut world = rolling(vec![weight(10, 1)], &[("errors", check(true))]);
    run(&mut world, 30_000, &|_| away());
    world.ask(Request::Promote);
    until(&mut world, &|_| away(), |r| r.phase == Phase::Succeeded);
}

#[test]
fn a_pause_is_not_over_while_a_guard_holds() {
    let pause = Step::Pause { hold: Some(Millis::seconds(2)) };
    let mut world = rolling(vec![weight(10, 0), pause, weight(50, 1)], &[("errors", check(true))]);
    until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Paused);
    run(&mut world, 30_000, &|_| away());
    assert_eq!(world.last().position.held, Some(Held::Pause));
    until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
}

#[test]
fn strategies_without_steps_are_watched_and_held_at_their_end() {
    for kind in [StrategyKind::BlueGreen, StrategyKind::Rolling, StrategyKind::Immutable] {
        let deployed = || {
            let mut world = World::serving(kind, 3);
            world.deploy(2, with(spec(kind, 3), &[("errors", check(true))]), GOOD);
            world
        };
        let mut held = deployed();
        run(&mut held, 60_000, &|_| away());
        assert!(held.state.rollout.is_some(), "{kind}");
        until(&mut held, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
        let mut failing = deployed();
        until(&mut failing, &|_| number(1.0), is_taken_back);
    }
}

#[test]
fn a_rolling_update_stops_where_it_is_while_nobody_answers() {
    for kind in [StrategyKind::Rolling, StrategyKind::RollingWithExtraBatch, StrategyKind::Immutable] {
        let mut world = World::serving(kind, 4);
        world.deploy(2, with(spec(kind, 4), &[("errors", check(true))]), GOOD);
        run(&mut world, 1_300_000, &|_| away());
        let stable = super::canary::ready(&world, 1);
        assert_eq!((super::canary::ready(&world, 2), world.last().cause.clone()), (1, None), "{kind}");
        assert!(stable >= 3, "{kind}: {stable}");
        until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
    }
}

#[test]
fn a_share_is_not_raised_on_an_answer_that_is_not_good_any_more() {
    let mut world = rolling(vec![weight(10, 2), weight(75, 2)], &[("errors", check(true))]);
    until(&mut world, &|_| number(0.0), |r| r.position.step == 1);
    // Its instances start meanwhile.
    run(&mut world, 1_300_000, &|_| away());
    assert_eq!((world.state.routing.candidate_weight(), super::canary::ready(&world, 2)), (10, 3));
    assert_eq!((world.last().phase, world.last().cause.clone()), (Phase::Progressing, None));
    until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
}

#[test]
fn a_candidate_that_comes_back_has_no_more_than_before_while_nobody_answers() {
    let mut world = World::serving(StrategyKind::Canary, 1);
    world.deploy(2, with(canary(1, vec![weight(10, 2), weight(75, 60)]), &[("errors", check(true))]), GOOD);
    until(&mut world, &|_| number(0.0), |r| r.position.step == 1 && r.position.since.is_some());
    run(&mut world, 2_000, &|_| away());
    assert_eq!(world.state.routing.candidate_weight(), 75, "nothing is taken away for want of an answer");
    let candidate = world.instances.iter().find(|i| i.revision == RevisionNo(2)).unwrap().id.clone();
    world.kill(&candidate);
    run(&mut world, 100, &|_| away());
    assert_eq!(world.state.routing.candidate_weight(), 0);
    run(&mut world, 60_000, &|_| away());
    assert_eq!((world.state.routing.candidate_weight(), world.last().cause.clone()), (10, None));
    until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
}

#[test]
fn a_step_goes_on_once_its_check_passes() {
    let steps = vec![weight(10, 1), at("smoke", 0, 60), weight(50, 1)];
    let mut world = rolling(steps, &[("smoke", check(false))]);
    run(&mut world, 20_000, &|_| away());
    assert_eq!((world.last().position.step, world.last().phase), (1, Phase::Progressing));
    until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
    let told = world.story();
    let decided = told.iter().find(|line| line.starts_with("rollout.decided")).unwrap();
    assert!(decided.ends_with("the check `smoke` passed: 0 (at most 0.01)"), "{decided}");
    assert!(!told.iter().any(|line| line.contains("check.failed")), "{told:#?}");
}

#[test]
fn a_check_is_asked_only_at_its_step() {
    let mut world =
        rolling(vec![weight(10, 5), at("smoke", 0, 60), weight(50, 5)], &[("smoke", check(false))]);
    in_force(&mut world, 0);
    run(&mut world, 1_000, &|_| panic!("not yet"));
    until(&mut world, &|_| number(0.0), |r| r.position.step == 2);
    run(&mut world, 1_000, &|_| panic!("not any more"));
    assert!(world.last().checks["smoke"].last.is_some(), "what it said is kept");
}

#[test]
fn each_step_asks_anew() {
    let steps = vec![at("smoke", 0, 60), weight(10, 1), at("smoke", 0, 60)];
    let mut world = rolling(steps, &[("smoke", CheckSpec { failures: 1, ..check(false) })]);
    until(&mut world, &|_| number(0.0), |r| r.position.step == 1);
    until(&mut world, &|_| panic!("not now"), |r| r.position.step == 2);
    run(&mut world, 10_000, &|_| away());
    assert_eq!(
        (world.last().position.step, world.last().phase),
        (2, Phase::Progressing),
        "the first says nothing now"
    );
    until(&mut world, &|_| number(1.0), is_taken_back);
}

#[test]
fn a_step_can_want_its_check_to_pass_for_some_time() {
    let mut world = rolling(vec![weight(10, 0), at("smoke", 5, 60)], &[("smoke", check(false))]);
    let begun = in_force(&mut world, 1);
    run(&mut world, 3_000, &|_| number(0.0));
    run(&mut world, 1_000, &|_| number(0.5));
    let over = until(&mut world, &|_| number(0.0), |r| r.position.step == 2);
    assert!(over.since(begun) >= Millis::seconds(9), "a bad answer begins the time anew");
}

#[test]
fn a_step_whose_check_never_answers_is_inconclusive() {
    for (says, phase) in [
        (Inconclusive::Hold, Phase::Paused),
        (Inconclusive::Abort, Phase::Aborted),
        (Inconclusive::Promote, Phase::Promoting),
    ] {
        let mut service = with(canary(4, vec![at("smoke", 0, 10)]), &[("smoke", check(false))]);
        service.strategy.inconclusive = says;
        let mut world = World::serving(StrategyKind::Canary, 4);
        world.deploy(2, service, GOOD);
        until(&mut world, &|_| away(), |r| r.phase == phase);
        if phase == Phase::Paused {
            let why = "nothing was decided within 10s: the check `smoke`: 127.0.0.1:9090: connection refused";
            assert!(world.story().last().unwrap().contains(why), "{:?}", world.story());
            run(&mut world, 60_000, &|_| number(0.0));
            assert_eq!(world.last().phase, Phase::Paused, "it waits for a person");
        }
    }
}

#[test]
fn a_step_whose_check_fails_takes_the_candidate_back() {
    let mut world = rolling(vec![weight(10, 0), at("smoke", 0, 60)], &[("smoke", check(false))]);
    until(&mut world, &|_| number(7.0), is_taken_back);
    assert_eq!(world.last().cause.as_ref().unwrap().code, "check-failed");
}

#[test]
fn one_check_can_guard_and_be_a_step() {
    let mut world = rolling(vec![weight(10, 3), at("both", 0, 60), weight(50, 3)], &[("both", check(true))]);
    let fine = |_: &str| number(0.0);
    until(&mut world, &fine, |r| r.position.step == 2 && r.position.since.is_some());
    until(&mut world, &|_| number(1.0), is_taken_back);
}

#[test]
fn neither_a_rollback_nor_the_first_deploy_is_checked() {
    let service = with(spec(StrategyKind::BlueGreen, 2), &[("errors", check(true))]);
    let mut world = World::serving(StrategyKind::BlueGreen, 2);
    world.deploy(2, service.clone(), GOOD);
    until(&mut world, &|_| number(0.0), |r| r.phase == Phase::Succeeded);
    world.specs.insert(RevisionNo(1), service.clone());
    world.roll_out(1, RolloutKind::Rollback);
    until(&mut world, &|_| panic!("not asked"), |r| r.phase == Phase::Succeeded);
    let first = crate::rollout::effective(&service, 2, RolloutKind::Deploy, false);
    assert!(first.strategy.checks.is_empty());
}

#[test]
fn a_worker_is_checked_while_it_works() {
    let worker = |checks: &[(&str, CheckSpec)]| {
        let mut service = with(canary(4, vec![weight(25, 5)]), checks);
        service.port = crate::model::PortSpec::None;
        service.probes.ready = None;
        service
    };
    let mut world = World::serving(StrategyKind::Canary, 4);
    world.deploy(2, worker(&[]), GOOD);
    world.settle();
    world.deploy(3, worker(&[("errors", check(true))]), GOOD);
    until(&mut world, &|_| number(1.0), is_taken_back);
}

/// How far a rollout is.
fn way(rollout: &Rollout) -> (u32, bool, bool) {
    let over = rollout.phase == Phase::Succeeded;
    (rollout.position.step, rollout.phase == Phase::Promoting || over, over)
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![3 => Just(number(0.0)), 1 => Just(number(1.0)), 2 => Just(away())]
}

proptest! {
    /// Whatever is answered: only where the guard's last answer was good does the next step begin, does the candidate get more, does it become stable; and it is taken back for two bad ones in a row alone.
    #[test]
    fn invariant_nothing_is_given_without_a_good_answer(answers in prop::collection::vec(answers(), 1..60)) {
        let mut world = rolling(vec![weight(10, 2), weight(30, 2), weight(60, 2)], &[("errors", check(true))]);
        let next = std::cell::Cell::new(0);
        let says = |_: &str| {
            let at = next.get();
            next.set(at + 1);
            answers.get(at).cloned().unwrap_or_else(|| number(0.0))
        };
        while world.state.rollout.is_some() {
            let (before, weight) = (way(world.last()), world.state.routing.candidate_weight());
            step(&mut world, &says);
            let last = world.last();
            let good = last.checks.get("errors").is_some_and(|state| state.good_since.is_some());
            prop_assert!(good || way(last) <= before, "{:?}", world.story());
            let more = weight > 0 && world.state.routing.candidate_weight() > weight;
            prop_assert!(good || !more, "{:?}", world.story());
            prop_assert!(next.get() < 600, "it comes to an end");
        }
        let heard: Vec<&Answer> = answers.iter().take(next.get()).collect();
        let bad = |answer: &&&Answer| ***answer == number(1.0);
        let told: Vec<bool> =
            heard.iter().filter(|answer| !matches!(answer, Answer::None(_))).map(|answer| bad(&answer)).collect();
        let twice = told.windows(2).any(|pair| pair[0] && pair[1]);
        prop_assert_eq!(world.last().phase == Phase::Aborted, twice, "{:?}", world.story());
    }
}
