//! Services of which nothing runs while nobody asks for them: the first request starts an instance, and nobody but its
//! client notices.

use std::time::{Duration, Instant};

use tidegate_core::view::ServiceStatus;

use crate::speed::{CLOCK, began_and_listened};
use crate::support::figures::{hold, median, millis, show};
use crate::support::{App, Tidegate, eventually, full, get, kill};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(60);

fn sleepy(scale: &str) -> (Tidegate, App) {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("scale", scale);
    tidegate.deploy_well(&app);
    (tidegate, app)
}

fn sleeps(tidegate: &Tidegate) -> ServiceStatus {
    tidegate
        .wait_for("nothing runs", LONG, |service| service.instances.is_empty() && service.candidate.is_none())
}

/// Asks; status, body and how long it took.
fn ask(tidegate: &Tidegate) -> (u16, String, Duration) {
    let begun = Instant::now();
    let answer = get(tidegate.gateway(), HOST, "/").unwrap();
    (answer.status, answer.body, begun.elapsed())
}

fn events_of(tidegate: &Tidegate, kind: &str) -> usize {
    tidegate.events().iter().filter(|event| event.kind == kind).count()
}

#[test]
fn a_cold_start_costs_little_on_top_of_the_app() {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("run", &format!("{CLOCK}; exec python3 app.py")).set("scale", "{ min: 0, max: 2, idle: 1s }");
    tidegate.deploy_well(&app);
    let (mut cold, mut own, mut on_top) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..if full() { 9 } else { 4 } {
        sleeps(&tidegate);
        let (status, _, took) = ask(&tidegate);
        assert_eq!(status, 200);
        // Of this very start, so that both see the same machine.
        let (ran, listened) = began_and_listened(&tidegate);
        cold.push(millis(took));
        own.push(listened - ran);
        on_top.push(millis(took) - (listened - ran));
    }
    let least = on_top.iter().copied().fold(f64::INFINITY, f64::min);
    let own = median(own);
    show(&["the app's own start".to_owned(), format!("{own:.1} ms")]);
    show(&["first request to a service that sleeps".to_owned(), format!("{:.1} ms", median(cold))]);
    show(&["of it on top of the app's own start".to_owned(), format!("{:.1} ms", median(on_top))]);
    // What other work on the machine adds is not ours: it makes the app's own start as much longer.
    hold("cold start on top of the app's own, the least", least, 50.0, "ms", (own / 50.0).max(4.0));
}

#[test]
fn all_who_ask_while_it_starts_are_answered() {
    let (tidegate, _app) = sleepy("{ min: 0, max: 2, idle: 1s }");
    sleeps(&tidegate);
    let gateway = tidegate.gateway();
    let asking: Vec<_> =
        (0..50).map(|_| std::thread::spawn(move || get(gateway, HOST, "/").unwrap().status)).collect();
    assert!(asking.into_iter().all(|asked| asked.join().unwrap() == 200), "{}", tidegate.story());
    let asked_for = |said: &str| said.contains("waits for it") || said.contains("wait for it");
    assert!(asked_for(&tidegate.story()), "{}", tidegate.story());
    sleeps(&tidegate);
}

#[test]
fn a_deploy_to_a_service_that_sleeps_is_shown_to_work_and_sleeps_on() {
    let (tidegate, mut app) = sleepy("{ min: 0, max: 2, idle: 1s }");
    sleeps(&tidegate);
    let ready = events_of(&tidegate, "instance.ready");
    tidegate.deploy_well(app.next_version());
    assert_eq!(events_of(&tidegate, "instance.ready"), ready + 1, "{}", tidegate.story());
    sleeps(&tidegate);
    assert_eq!(ask(&tidegate).1, "hello from version 2\n");

    sleeps(&tidegate);
    app.behave("exits-at-once");
    let failed = tidegate.deploy(app.next_version());
    assert_ne!(failed.exit, 0, "{failed:?}\n{}", tidegate.story());
    sleeps(&tidegate);
    assert_eq!(ask(&tidegate).1, "hello from version 2\n");
}

#[test]
fn scaled_to_nothing_by_hand_a_deploy_is_shown_to_work_too() {
    let (tidegate, mut app) = sleepy("2");
    assert!(tidegate.run(&["scale", "web=0"]).status.success());
    sleeps(&tidegate);
    let ready = events_of(&tidegate, "instance.ready");
    tidegate.deploy_well(app.next_version());
    assert_eq!(events_of(&tidegate, "instance.ready"), ready + 1, "{}", tidegate.story());
    sleeps(&tidegate);
    assert_eq!(ask(&tidegate).0, 503, "by hand it stays away");
    app.behave("exits-at-once");
    assert_ne!(tidegate.deploy(app.next_version()).exit, 0);
}

#[test]
fn killed_while_it_sleeps_everything_wakes_up_again() {
    let (mut tidegate, _app) = sleepy("{ min: 0, max: 1, idle: 1s, hold: 1s }");
    sleeps(&tidegate);
    tidegate.kill9_control();
    let (status, body, took) = ask(&tidegate);
    assert_eq!(status, 503, "{body}");
    assert!(took >= Duration::from_millis(900), "it was held: {took:?}");
    assert!(body.contains("not ready in time"), "{body}");
    tidegate.restart();
    eventually("it wakes", LONG, || Some(ask(&tidegate)).filter(|(status, ..)| *status == 200));
    sleeps(&tidegate);
    kill(tidegate.gateway_pid().unwrap(), 9);
    eventually("it wakes by another gateway", LONG, || {
        get(tidegate.gateway(), HOST, "/").ok().filter(|answer| answer.status == 200)
    });
}
