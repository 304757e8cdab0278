//! Several services, of which some do not know the flag.

use super::world::{WEB, World};
use super::*;

const API: &str = "shop/production/api";

/// A second of a service that does not know the flag, with many requests, and of one that does, with few.
fn second(world: &mut World, rates: (f64, f64)) {
    for _ in 0..200 {
        let user = world.dice.next() % world.users;
        let bad = world.dice.hits(0.001);
        world.count(API, user, false, (1, bad.into()));
    }
    for _ in 0..8 {
        let user = world.dice.next() % world.users;
        let bad = world.dice.hits(if world.has(user) { rates.1 } else { rates.0 });
        world.count(WEB, user, false, (1, bad.into()));
    }
    world.pass(1);
}

#[test]
fn a_service_that_does_not_know_the_flag_drowns_none_that_does() {
    let mut seconds = Vec::new();
    for seed in 0..20 {
        let mut world = World::new(seed, 2_000, 0.2).with(&["api"]);
        while !world.is_off() {
            assert!(world.second < 300, "seed {seed} is not off: {:?}", world.watching.evidence());
            second(&mut world, (0.001, 0.2));
            assert!(world.watching.lacks().is_some(), "seed {seed} would have gone to more users");
        }
        assert_eq!(world.watching.condemned().unwrap().service, WEB);
        seconds.push(world.second);
    }
    seconds.sort_unstable();
    assert!(seconds[10] <= 40, "{seconds:?}");
}

#[test]
fn it_goes_on_once_it_is_shown_for_each_service_that_matters() {
    let mut world = World::new(1, 2_000, 0.2).with(&["api", "admin"]);
    for _ in 0..60 {
        second(&mut world, (0.0, 0.0));
    }
    assert_eq!(world.watching.lacks(), Some(Held::TooLittleTraffic));
    let lacking: Vec<&str> = world.watching.unproven().collect();
    assert_eq!(lacking, [WEB], "the one without requests cannot make it worse");
    assert_eq!(
        Held::TooLittleTraffic.of(lacking.into_iter()),
        "there was too little traffic to show that it is not worse (web)"
    );
    // Two in a thousand requests are for another one: if all of them failed, who would see it?
    for n in 0..600 {
        second(&mut world, (0.0, 0.0));
        if n % 3 == 0 {
            let user = world.dice.next() % world.users;
            world.count("shop/production/admin", user, false, (1, 0));
        }
    }
    assert_eq!(world.watching.lacks(), None, "{:?}", world.watching.unproven().collect::<Vec<_>>());
}

/// Five services with the same users, of whom some fail everywhere.
pub(super) fn innocent(seed: u64) -> World {
    let names = ["a", "b", "c", "d", "e"];
    let mut world = World::new(seed, 500, 0.3).with(&names);
    for _ in 0..40 {
        for name in names {
            for _ in 0..20 {
                let user = world.dice.next() % world.users;
                let bad = user < 5 || world.dice.hits(0.005);
                world.count(&format!("shop/production/{name}"), user, false, (1, bad.into()));
            }
        }
        world.pass(3);
    }
    world
}

#[test]
fn several_innocent_services_turn_nothing_off() {
    let off = (0..20).filter(|seed| innocent(*seed).is_off()).count();
    assert!(off <= 1, "{off} of 20");
}

#[test]
fn a_service_that_comes_later_is_judged_as_well() {
    let mut world = World::new(1, 2_000, 0.2);
    world.requests(500, 5, |_, _, _| 0.0);
    for _ in 0..60 {
        for _ in 0..10 {
            let user = world.dice.next() % world.users;
            world.count(API, user, false, (1, world.has(user).into()));
        }
        world.pass(1);
    }
    assert_eq!(world.watching.condemned().unwrap().service, API);
}
