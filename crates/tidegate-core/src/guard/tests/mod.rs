//! Whole releases with made-up users: how often an innocent flag is turned off, how soon a bad one is, and who is blamed.

mod figures;
mod heavy;
mod services;
mod world;

use super::*;
use crate::model::{CountsReport, FlagState, Guard, GuardStep, Millionths, ReleaseCause, Serving, Share};
use crate::time::{Millis, Moment};
use world::{WEB, World};

const RUNS: u64 = 100;

#[test]
fn users_whose_every_request_fails_turn_no_flag_off() {
    let (mut off, mut naively) = (0, 0);
    for seed in 0..RUNS {
        let mut world = World::new(seed, 200, 0.2);
        // Three of 200 users are broken whatever they have.
        for _ in 0..60 {
            world.requests(100, 5, |user, _, _| if user < 3 { 1.0 } else { 0.001 });
        }
        off += u32::from(world.is_off());
        naively += u32::from(world.is_naively_off());
    }
    // At most half a percent in the long run.
    assert!(off <= 2, "{off} of {RUNS} turned off for nothing");
    assert!(naively >= 8, "requests taken one by one would have done it in {naively} of {RUNS}");
}

#[test]
fn an_outage_of_everybody_turns_no_flag_off() {
    let mut off = 0;
    for seed in 0..20 {
        let mut world = World::new(seed, 5_000, 0.2);
        for look in 0..20 {
            let rate = if (6..12).contains(&look) { 0.6 } else { 0.001 };
            world.requests(2_000, 5, |_, _, _| rate);
        }
        off += u32::from(world.is_off());
    }
    assert!(off <= 1, "{off} of 20");
}

#[test]
fn a_variant_that_fails_is_turned_off_after_a_few_users() {
    let (mut bad, mut requests) = (Vec::new(), Vec::new());
    for seed in 0..50 {
        let mut world = World::new(seed, 1_000, 0.2);
        while !world.is_off() {
            world.requests(20, 1, |_, on, _| if on { 1.0 } else { 0.001 });
            assert!(world.second < 120, "seed {seed} is not off");
        }
        let (on, off) = world.watching.sides();
        bad.push(on.bad);
        requests.push(on.requests + off.requests);
    }
    bad.sort_unstable();
    requests.sort_unstable();
    assert!(bad[25] <= 12, "median {} bad answers, {} requests", bad[25], requests[25]);
}

#[test]
fn a_variant_that_errs_a_little_is_found_by_requests_as_the_judge_finds_revisions() {
    let mut needed = Vec::new();
    for seed in 0..30 {
        let mut world = World::new(seed, 100_000, 0.1);
        while !world.is_off() {
            world.requests(500, 5, |_, on, _| if on { 0.02 } else { 0.001 });
            assert!(world.second < 3_000, "seed {seed} is not off");
        }
        needed.push(world.watching.sides().0.requests);
    }
    needed.sort_unstable();
    assert!(needed[15] <= 320, "median {} requests of the variant", needed[15]);
}

/// What is said at the end of 200 looks, run by run.
fn blamed(fails: impl Fn(bool, bool) -> f64 + Copy) -> Vec<Culprit> {
    let said = |seed| {
        let mut world = World::new(seed, 20_000, 0.3);
        world.weight = 0.3;
        for _ in 0..30 {
            world.requests(500, 10, |_, on, candidate| fails(on, candidate));
        }
        world.watching.culprit()
    };
    (0..20).map(said).collect()
}

/// Whether those with the variant, on the candidate, meet many bad answers.
type Fails = fn(bool, bool) -> bool;

#[test]
fn the_blame_goes_where_it_belongs() {
    let count = |said: &[Culprit], who| said.iter().filter(|said| **said == who).count();
    let rate = |bad| if bad { 0.1 } else { 0.001 };
    let truths: [(Culprit, Fails); 4] = [
        (Culprit::Flag, |on, _| on),
        (Culprit::Revision, |_, candidate| candidate),
        (Culprit::Together, |on, candidate| on && candidate),
        (Culprit::Neither, |_, _| false),
    ];
    for (truth, bad) in truths {
        let said = blamed(|on, candidate| rate(bad(on, candidate)));
        assert!(count(&said, truth) >= 16, "{truth:?}: {said:?}");
        let wrong = said.iter().filter(|said| **said != truth && **said != Culprit::Unknown).count();
        assert!(wrong <= 1, "{truth:?}: {said:?}");
    }
    let each = blamed(|on, candidate| rate(on) + rate(candidate));
    assert!(count(&each, Culprit::Each) >= 18, "{each:?}");
}

fn state(now: u64) -> FlagState {
    let step = |of| GuardStep { of: Millionths(of), hold: Millis::seconds(60) };
    let steps = vec![step(100_000), step(500_000), step(1_000_000)];
    let share = Share { variant: "on".into(), otherwise: "off".into(), of: Millionths(100_000), by: None };
    let guard = Guard { user: Vec::new(), steps, step: 0, since_unix_ms: now };
    let serving = Serving::Share(share);
    FlagState { serving, guard: Some(guard), version: 1, ..FlagState::untouched("new-cart".parse().unwrap()) }
}

#[test]
fn a_good_variant_goes_on_by_evidence_and_never_by_time_alone() {
    let mut world = World::new(1, 1_000, 0.1);
    let state = state(0);
    let guard = state.guard.as_ref().unwrap();
    let at = |world: &World, ms| decide(guard, &world.watching, Moment(ms));
    world.look();
    assert_eq!(at(&world, 59_999), Next::Stay(Moment(60_000)));
    assert_eq!(at(&world, 900_000_000), Next::Hold(Held::TooFewUsers));
    world.requests(1_000, 5, |_, _, _| 0.0);
    assert_eq!(at(&world, 900_000_000), Next::Hold(Held::TooLittleTraffic));
    world.requests(9_000, 50, |_, _, _| 0.0);
    assert_eq!((at(&world, 59_999), at(&world, 60_000)), (Next::Stay(Moment(60_000)), Next::Grow));

    let (grown, release) = follow(&state, &Next::Grow, 60_000).unwrap();
    assert_eq!((grown.version, release.version, release.cause.clone()), (2, 2, ReleaseCause::Guard));
    let Serving::Share(share) = &grown.serving else { panic!("{grown:?}") };
    assert_eq!((share.of, grown.guard.as_ref().map(|guard| guard.step)), (Millionths(500_000), Some(1)));
    world.watching.on_step(1, Moment(60_000));
    let guard = grown.guard.as_ref().unwrap();
    let at = |world: &World, ms| decide(guard, &world.watching, Moment(ms));
    assert_eq!(at(&world, 999_999), Next::Hold(Held::TooLittleTraffic));
    world.requests(1_000, 5, |_, _, _| 0.0);
    assert_eq!((at(&world, 119_999), at(&world, 120_000)), (Next::Stay(Moment(120_000)), Next::Arrive));
    assert_eq!(Next::Arrive.unless(|| Some(Held::Code)), Next::Hold(Held::Code));
    assert_eq!(Next::Arrive.unless(|| None), Next::Arrive);
    let (arrived, _) = follow(&grown, &Next::Arrive, 120_000).unwrap();
    assert_eq!((arrived.serving, arrived.guard), (Serving::Variant("on".into()), None));
}

#[test]
fn a_bad_variant_is_turned_off_for_all_with_the_figures() {
    let mut world = World::new(1, 1_000, 0.1);
    world.requests(3_000, 5, |_, on, _| if on { 1.0 } else { 0.0 });
    world.requests(3_000, 5, |_, on, _| if on { 1.0 } else { 0.0 });
    let state = state(0);
    let next = decide(state.guard.as_ref().unwrap(), &world.watching, Moment(1));
    assert_eq!(next.clone().unless(|| Some(Held::Experiment)), next, "nothing keeps it on");
    let (off, release) = follow(&state, &next, 7).unwrap();
    assert_eq!((off.serving, off.guard, off.version), (Serving::Off("off".into()), None, 2));
    let why = release.why.unwrap();
    assert!(why.starts_with("`on` errs more than `off` at web: of those with on "), "{why}");
    assert_eq!(release.by, "tidegate");
}

#[test]
fn what_is_read_back_goes_on_as_if_nothing_had_been() {
    let mut world = World::new(5, 500, 0.3);
    let mut again = World::new(5, 500, 0.3);
    for _ in 0..10 {
        for world in [&mut world, &mut again] {
            world.requests(50, 1, |_, on, _| if on { 0.02 } else { 0.01 });
        }
        let text = serde_json::to_string(&again.watching).unwrap();
        again.watching = serde_json::from_str(&text).unwrap();
        again.look();
        assert_eq!(world.watching, again.watching);
    }
}

#[test]
fn six_gateway_processes_are_counted_once_each() {
    let mut world = World::new(3, 1_000, 0.2);
    world.requests(600, 5, |_, _, _| 0.0);
    let named = |n: usize| CountsReport { incarnation: format!("g{n}"), ..world.report.clone() };
    let (own, reports) = (world.report.clone(), (0..6).map(named).collect::<Vec<_>>());
    let bystander = CountsReport { incarnation: "other".to_owned(), ..CountsReport::default() };
    let all: Vec<&CountsReport> = reports.iter().chain([&own, &bystander]).collect();
    let mut look = |reports: &[&CountsReport]| world.look_at(reports);
    assert!(look(&all));
    assert!(!look(&all), "nothing is new");
    assert!(!look(&[]), "the gateway is away");
    assert!(!look(&all[3..]), "some have ended");
    let (on, off) = world.watching.sides();
    assert_eq!(on.requests + off.requests, 7 * 600);
}

#[test]
fn what_waits_outlives_a_step_and_not_a_turning_off() {
    let waiting = crate::model::Waiting {
        serving: Serving::Variant("on".into()),
        guard: None,
        by: "ann".into(),
        why: None,
        at_unix_ms: 1,
    };
    let state = FlagState { waiting: Some(waiting.clone()), ..state(0) };
    let (grown, _) = follow(&state, &Next::Grow, 5).unwrap();
    assert_eq!(grown.waiting, Some(waiting));
    let mut world = World::new(1, 1_000, 0.1);
    world.requests(3_000, 5, |_, on, _| if on { 1.0 } else { 0.0 });
    let (off, release) =
        follow(&state, &Next::TurnOff(Box::new(world.watching.condemned().unwrap().clone())), 5).unwrap();
    assert_eq!(off.waiting, None);
    assert!(release.why.unwrap().ends_with("waits no more"));
}

#[test]
fn users_who_always_fail_are_not_counted_again_as_the_share_grows() {
    let runs = 200;
    let off = (0..runs).filter(|seed| always_failing(*seed).is_off()).count();
    assert!(off <= 3, "{off} of {runs} turned off for nothing");
}

/// A share that grows by little, so that nearly all of those who had the variant have it, again and again, and six users who are
/// broken whatever they have.
fn always_failing(seed: u64) -> World {
    let mut world = World::new(seed, 400, 0.4);
    for step in 0..20 {
        world.grow_to(0.4 + 0.01 * f64::from(step));
        (0..6).for_each(|user| world.count(WEB, user, false, (2, 2)));
        world.requests(60, 5, |user, _, _| if user < 6 { 1.0 } else { 0.001 });
    }
    world
}

/// What became of a release beside a rollout, run by run, at its end.
fn beside(fails: Fails) -> Vec<World> {
    let run = |seed| {
        let mut world = World::new(seed, 20_000, 0.3);
        world.weight = 0.3;
        for _ in 0..30 {
            world.requests(500, 10, |_, on, candidate| if fails(on, candidate) { 0.1 } else { 0.001 });
        }
        world
    };
    (0..10).map(run).collect()
}

#[test]
fn a_flag_that_fails_with_the_candidate_alone_is_turned_off_and_the_figures_say_so() {
    let mut named = 0;
    for world in beside(|on, candidate| on && candidate) {
        let charge = world.watching.condemned().expect("it is turned off");
        let why = charge.why("on", "off");
        named += u32::from(charge.blame.is_some());
        // Whoever is quicker: all of those who have it, or the comparison beside the rollout.
        assert!(charge.blame.is_none() || why.contains("to blame is the flag"), "{why}");
    }
    assert!(named >= 3, "{named} of 10");
}

#[test]
fn a_revision_that_fails_holds_a_release_and_turns_nothing_off() {
    for world in beside(|_, candidate| candidate) {
        assert_eq!((world.watching.lacks(), world.is_off()), (Some(Held::Revision), false));
    }
}
