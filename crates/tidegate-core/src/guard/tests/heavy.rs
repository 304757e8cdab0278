//! Users who ask much more than others, and users who fail much more than others: they decide nothing.

use super::world::{WEB, World};

/// Robots are no users of the made-up ones.
const FIRST_ROBOT: u64 = 1_000_000;

/// One on the side of those who have the variant, or on the other one.
fn robot(world: &World, on: bool) -> u64 {
    (FIRST_ROBOT..).find(|robot| world.has(*robot) == on).unwrap()
}

/// Runs that are turned off, of so many: 50 requests a second of 300 users who meet a bad answer in 1 of 100, and what one robot does
/// in each look.
pub(super) fn beside_a_robot(runs: u64, on: bool, robots: (u64, u64)) -> u32 {
    let mut off = 0;
    for seed in 0..runs {
        let mut world = World::new(seed, 300, 0.2);
        let robot = robot(&world, on);
        for _ in 0..60 {
            world.count(WEB, robot, false, robots);
            world.requests(100, 2, |_, _, _| 0.01);
        }
        off += u32::from(world.is_off());
    }
    off
}

#[test]
fn a_robot_that_never_fails_condemns_nobody() {
    let without = beside_a_robot(40, false, (400, 0));
    assert!(without <= 1, "{without} of 40 turned off for a robot without the variant");
    assert_eq!(beside_a_robot(10, true, (400, 0)), 0);
}

#[test]
fn a_robot_that_always_fails_condemns_nobody() {
    let with = beside_a_robot(40, true, (400, 400));
    assert!(with <= 1, "{with} of 40 turned off for a robot with the variant");
    assert_eq!(beside_a_robot(10, false, (400, 400)), 0);
}

#[test]
fn a_robot_hides_no_variant_that_fails_and_lets_none_go_on() {
    for seed in 0..20 {
        let mut world = World::new(seed, 300, 0.2);
        let robot = robot(&world, true);
        let mut grows = false;
        while !world.is_off() {
            assert!(world.second < 400, "seed {seed} is not off: {:?}", world.watching.evidence());
            world.count(WEB, robot, false, (400, 0));
            world.requests(50, 1, |_, on, _| if on { 0.05 } else { 0.005 });
            grows |= world.watching.lacks().is_none();
        }
        assert!(!grows, "seed {seed} would have gone to more users");
    }
}

/// Every user has a rate of their own, of requests and of failures: a few do most of it.
pub(super) fn heavy_tails(seed: u64, users: u64, share: f64, worse: f64) -> World {
    let mut world = World::new(seed, users, share);
    let asks: Vec<f64> = (0..users).map(|_| 0.02 * world.dice.unit().powf(-0.9).min(20_000.0)).collect();
    let fails: Vec<f64> = (0..users).map(|_| (0.0003 * world.dice.unit().powf(-1.0)).min(1.0)).collect();
    for _ in 0..30 {
        for user in 0..users {
            let rate = 5.0 * asks[user as usize];
            let requests = rate as u64 + u64::from(world.dice.hits(rate.fract()));
            let chance = fails[user as usize] * if world.has(user) { worse } else { 1.0 };
            let bad = (0..requests.min(50)).filter(|_| world.dice.hits(chance)).count() as u64;
            if requests > 0 {
                world.count(WEB, user, false, (requests, bad));
            }
        }
        world.pass(5);
    }
    world
}

#[test]
fn where_a_few_users_do_most_of_it_no_flag_is_turned_off_for_them() {
    let off = (0..40).filter(|seed| heavy_tails(*seed, 400, 0.25, 1.0).is_off()).count();
    assert!(off <= 1, "{off} of 40");
    let found = (0..20).filter(|seed| heavy_tails(*seed, 400, 0.25, 30.0).is_off()).count();
    assert!(found >= 16, "{found} of 20 that fail thirty times as often are found");
}
