//! The number of instances follows the load, also while a rollout goes on, and no request is lost by it.

use std::time::{Duration, Instant};

use crate::support::figures::show;
use crate::support::{App, Load, Mix, SeenLog, Tidegate, eventually};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(90);
/// The lower bound, and what 200 requests a second ask for at 50 each.
const LEAST: u32 = 2;
const FULL: u32 = 4;

fn scaled(strategy: &str, down_after: &str) -> App {
    let mut app = App::new();
    let scale = format!("{{ min: 2, max: 6, rps: 50, up_after: 2s, down_after: {down_after} }}");
    app.set("scale", &scale).set("strategy", strategy);
    app
}

/// Every number that was wanted, oldest first, and what each followed.
fn numbers(tidegate: &Tidegate) -> Vec<(u32, u32)> {
    let events = tidegate.events().into_iter().filter(|event| event.kind == "service.autoscaled");
    let own = events.filter(|event| !event.message.contains("of the candidate"));
    own.map(|event| {
        let words: Vec<&str> = event.message.split(' ').collect();
        (words[1].parse().unwrap(), words[3].parse().unwrap())
    })
    .collect()
}

fn turns(numbers: &[(u32, u32)]) -> usize {
    numbers.windows(2).filter(|pair| (pair[0].1 > pair[0].0) != (pair[1].1 > pair[1].0)).count()
}

/// 10 → 200 → 10 requests a second while a rollout goes on.
fn up_and_down(strategy: &str, both_stay: bool) {
    let (tidegate, mut app) = (Tidegate::up(), scaled(strategy, "15s"));
    tidegate.deploy_well(&app);
    let calm = Load::start(&tidegate, HOST, 10.0, Mix::Plain, None);
    tidegate.deploy_begin(app.next_version());
    let busy = Load::start(&tidegate, HOST, 190.0, Mix::Plain, None);
    let stable_of = |number: u32| {
        move |service: &tidegate_core::view::ServiceStatus| {
            service.stable.as_ref().is_some_and(|stable| stable.ready == number)
        }
    };
    tidegate.wait_for("enough for 200 requests a second", LONG, |service| {
        let sides = [service.stable.as_ref(), service.candidate.as_ref()].into_iter().flatten();
        let ready = sides.clone().map(|side| side.ready).sum::<u32>();
        ready >= FULL && sides.map(|side| side.desired).max() >= Some(FULL)
    });
    let until = Instant::now() + Duration::from_secs(6);
    let mut least = u32::MAX;
    eventually("the load has lasted for a while", LONG, || {
        let service = tidegate.service();
        if both_stay && service.candidate.is_some() {
            // Stable could take everything back at any moment.
            least = least.min(service.stable.as_ref().unwrap().ready);
        }
        (Instant::now() >= until).then_some(())
    });
    let busy = busy.finish();
    tidegate.wait_for("the rollout is over", LONG, |service| service.candidate.is_none());
    tidegate.wait_for("few are left", LONG, stable_of(LEAST));
    tidegate.wait_for("the others have left", LONG, |service| service.instances.len() == LEAST as usize);
    let calm = calm.finish();
    let numbers = numbers(&tidegate);
    show(&[
        format!("10 → 200 → 10 requests/s, {strategy}"),
        format!("{} + {} requests, {} + {} lost", calm.sent, busy.sent, calm.failed, busy.failed),
        format!("{numbers:?}"),
    ]);
    for report in [&calm, &busy] {
        assert!(report.is_clean(), "lost requests:\n{report}\n{}", tidegate.story());
    }
    // Where the candidate is stable before the load is at its height, the number was its own until then.
    assert!(numbers.iter().any(|(before, now)| *before.max(now) >= FULL), "{numbers:?}");
    assert!(turns(&numbers) <= 3, "{numbers:?}\n{}", tidegate.story());
    assert!(!both_stay || least >= LEAST, "{least} of stable\n{}", tidegate.story());
}

#[test]
fn a_load_that_goes_up_and_down_during_a_canary_loses_nothing() {
    up_and_down("{ canary: { bake: 5s, steps: [10% for 12s, 50% for 12s] } }", true);
}

#[test]
#[ignore = "as the one before, for another strategy: bench/scaling"]
fn a_load_that_goes_up_and_down_during_a_blue_green_rollout_loses_nothing() {
    up_and_down("{ blue-green: { bake: 20s } }", true);
}

#[test]
#[ignore = "as the one before, for another strategy: bench/scaling"]
fn a_load_that_goes_up_and_down_during_a_rolling_rollout_loses_nothing() {
    up_and_down("{ rolling-with-extra-batch: { bake: 5s } }", false);
}

#[test]
fn the_number_survives_a_kill_of_the_control_plane_and_says_why_it_is_so() {
    let (mut tidegate, app) = (Tidegate::up(), scaled("{ blue-green: { bake: 1s } }", "1h"));
    tidegate.deploy_well(&app);
    let load = Load::start(&tidegate, HOST, 200.0, Mix::Plain, None);
    let enough = |service: &tidegate_core::view::ServiceStatus| {
        service.stable.as_ref().is_some_and(|stable| stable.desired >= FULL && stable.ready == stable.desired)
    };
    tidegate.wait_for("enough for 200 requests a second", LONG, enough);
    let before = numbers(&tidegate);
    tidegate.kill9_control();
    tidegate.restart();
    let service = tidegate.wait_for("it knows the load again", LONG, |service| {
        enough(service)
            && service.scaling.iter().any(|line| line.contains("requests/s, 50 per instance wanted"))
    });
    assert!(service.scaling[0].contains(" instances wanted, of 2 to 6: "), "{:?}", service.scaling);
    let after = numbers(&tidegate);
    assert!(after.starts_with(&before) && turns(&after) == 0, "{}", tidegate.story());
    assert!(load.finish().is_clean(), "{}", tidegate.story());
}

#[test]
fn a_number_by_hand_holds_until_it_is_given_back() {
    let (tidegate, app) = (Tidegate::up(), scaled("{ blue-green: { bake: 1s } }", "2s"));
    tidegate.deploy_well(&app);
    let ready = |number: u32| {
        move |service: &tidegate_core::view::ServiceStatus| {
            service.stable.as_ref().is_some_and(|stable| stable.ready == number)
                && service.instances.len() == number as usize
        }
    };
    assert!(tidegate.run(&["scale", "web=3"]).status.success());
    let service = tidegate.wait_for("three by hand", LONG, ready(3));
    eventually("it says so", LONG, || {
        tidegate.service().scaling.first().filter(|line| line.starts_with("3 by hand")).cloned()
    });
    assert_eq!(service.stable.unwrap().desired, 3);
    assert!(tidegate.run(&["scale", "web=auto"]).status.success());
    tidegate.wait_for("two by the load", LONG, ready(2));
}

#[test]
fn cpu_use_asks_for_instances() {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("scale", "{ min: 1, max: 2, cpu: 1%, up_after: 1s, down_after: 10m }");
    tidegate.deploy_well(&app);
    let load = Load::start(&tidegate, HOST, 100.0, Mix::Plain, None);
    let service = tidegate.wait_for("another for the CPU", LONG, |service| service.instances.len() == 2);
    load.finish();
    assert!(service.scaling.iter().any(|line| line.contains("CPU use of ")), "{:?}", service.scaling);
}

#[test]
fn a_queue_that_grows_asks_for_instances() {
    let (tidegate, mut app, folder) = (Tidegate::up(), App::new(), SeenLog::new());
    let length = folder.path().join("length");
    std::fs::write(&length, "5 messages\n").unwrap();
    let queue = format!("{{ command: cat {}, target: 10, every: 1s }}", length.display());
    app.set("scale", &format!("{{ min: 1, max: 3, queue: {queue}, up_after: 1s, down_after: 1s }}"));
    tidegate.deploy_well(&app);
    let told = |what: &str| {
        let what = what.to_owned();
        move |service: &tidegate_core::view::ServiceStatus| {
            service.scaling.iter().any(|line| line.contains(&what))
        }
    };
    tidegate.wait_for("the length is known", LONG, told("a queue of 5, 10 per instance wanted"));
    std::fs::write(&length, "25\n").unwrap();
    tidegate.wait_for("three for 25", LONG, |service| service.instances.len() == 3);
    std::fs::write(&length, "nobody knows\n").unwrap();
    tidegate.wait_for("it is not known any more", LONG, told("not everything could be measured"));
    assert_eq!(tidegate.service().stable.unwrap().desired, 3, "nothing is decided on nothing");
}
