//! The figures of the guide: thousands of made-up releases. `bench/guard` runs it; it takes minutes.

#![allow(clippy::print_stdout)] // a table for the people who work here

use super::heavy::{beside_a_robot, heavy_tails};
use super::services::innocent;
use super::world::World;
use super::*;

/// What is promised: the part of innocent releases that is ever turned off.
const PROMISED: f64 = 0.005;

/// How many releases of each kind; `RUNS` says so.
fn runs() -> u64 {
    std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2_000)
}

/// No more were turned off than may be by chance: the promise and three standard deviations.
fn row(what: &str, off: u64, of: u64) -> bool {
    let (expected, of_runs) = (PROMISED * of as f64, of as f64);
    let most = expected + 3.0 * (of_runs * PROMISED * (1.0 - PROMISED)).sqrt();
    let good = off as f64 <= most;
    println!("{what:<72} {off:>5} of {of}{}", if good { "" } else { "  <- more than promised" });
    good
}

fn middle(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all[all.len() / 2]
}

#[test]
#[ignore = "takes minutes: bench/guard"]
fn innocent_variants_are_turned_off_no_more_often_than_promised() {
    let runs = runs();
    let mut good = true;
    let off = |run: &dyn Fn(u64) -> bool| (0..runs).filter(|seed| run(*seed)).count() as u64;
    for (on, robots, what) in [
        (false, (400, 0), "a robot without the variant, 200 requests/s, none bad"),
        (true, (400, 0), "a robot with it, 200 requests/s, none bad"),
        (true, (400, 400), "a robot with it, 200 requests/s, all bad"),
    ] {
        good &= row(what, beside_a_robot(runs, on, robots).into(), runs);
    }
    for (worse, what) in
        [(1.0, "users of heavy tails, none worse"), (1.25, "the same, 1.25 times as bad with it")]
    {
        good &= row(what, off(&|seed| heavy_tails(seed, 400, 0.25, worse).is_off()), runs);
    }
    good &=
        row("heavy tails, 5 % of 400 users", off(&|seed| heavy_tails(seed, 400, 0.05, 1.0).is_off()), runs);
    good &=
        row("heavy tails, 75 % of 400 users", off(&|seed| heavy_tails(seed, 400, 0.75, 1.0).is_off()), runs);
    good &= row(
        "five services, the same users, some of whom always fail",
        off(&|seed| innocent(seed).is_off()),
        runs,
    );
    good &= row("an outage of everybody", off(&outage), runs);
    good &= row("a rollout beside it, both innocent", off(&|seed| rolled_out(seed, |_, _| false)), runs);
    good &=
        row("a rollout beside it, the revision at fault", off(&|seed| rolled_out(seed, |_, new| new)), runs);
    good &= row("a share that grows by 1 %, six users who always fail", off(&growing), runs);
    assert!(good);
}

fn outage(seed: u64) -> bool {
    let mut world = World::new(seed, 5_000, 0.2);
    for look in 0..20 {
        let rate = if (6..12).contains(&look) { 0.6 } else { 0.001 };
        world.requests(1_000, 5, |_, _, _| rate);
    }
    world.is_off()
}

fn rolled_out(seed: u64, fails: Fails) -> bool {
    let mut world = World::new(seed, 20_000, 0.3);
    world.weight = 0.3;
    for _ in 0..30 {
        world.requests(500, 10, |_, on, candidate| if fails(on, candidate) { 0.1 } else { 0.001 });
    }
    world.is_off()
}

fn growing(seed: u64) -> bool {
    always_failing(seed).is_off()
}

#[test]
#[ignore = "takes minutes: bench/guard"]
fn bad_variants_are_found() {
    let runs = (runs() / 10).max(20);
    println!("\n{:<44} {:>10} {:>9} {:>8}", "", "bad for it", "requests", "seconds");
    for (what, rates, share, a_second) in [
        ("5 %, always fails, 20 requests/s", (0.001, 1.0), 0.05, 20),
        ("20 %, always fails, 20 requests/s", (0.001, 1.0), 0.2, 20),
        ("20 %, always fails, 2 requests/s", (0.001, 1.0), 0.2, 2),
        ("10 %, 2 % instead of 0.1 %, 100 requests/s", (0.001, 0.02), 0.1, 100),
        ("20 %, 10 % instead of 1 %, 50 requests/s", (0.01, 0.1), 0.2, 50),
    ] {
        let found: Vec<[u64; 3]> = (0..runs).map(|seed| until_off(seed, rates, share, a_second)).collect();
        let of = |place: usize| middle(found.iter().map(|figures| figures[place]).collect());
        println!("{what:<44} {:>10} {:>9} {:>8}", of(0), of(1), of(2));
    }
}

/// Bad answers and requests of those with the variant, and seconds, until it is off.
fn until_off(seed: u64, (off, on): (f64, f64), share: f64, a_second: u64) -> [u64; 3] {
    let mut world = World::new(seed, 10_000, share);
    while !world.is_off() {
        assert!(world.second < 5_000, "seed {seed} is not off");
        world.requests(a_second, 1, |_, has, _| if has { on } else { off });
    }
    let (with, _) = world.watching.sides();
    [with.bad, with.requests, world.second]
}

#[test]
#[ignore = "takes minutes: bench/guard"]
fn a_variant_that_is_too_bad_goes_to_more_users_no_more_often_than_promised() {
    let runs = runs();
    let grows = |seed: u64| {
        let mut world = World::new(seed, 5_000, 0.2);
        // Twice as bad, and by a hundredth.
        (0..100).any(|_| {
            world.requests(200, 2, |_, on, _| if on { 0.02 } else { 0.01 });
            world.watching.lacks().is_none()
        })
    };
    let wrong = (0..runs).filter(|seed| grows(*seed)).count();
    println!("\ntwice as bad and by one in a hundred, and yet to more users: {wrong} of {runs}");
    let most = 0.05 * runs as f64 + 3.0 * (runs as f64 * 0.05 * 0.95).sqrt();
    assert!(wrong as f64 <= most);
    let needed = |seed| {
        let mut world = World::new(seed, 5_000, 0.2);
        while world.watching.lacks().is_some() {
            world.requests(20, 1, |_, _, _| 0.0);
        }
        world.watching.sides().0.requests
    };
    println!(
        "nothing fails, until more users get it: {} requests with it",
        middle((0..50).map(needed).collect())
    );
}
