//! Scenarios for real that have no file of their own; `docs/scenarios.md` says which tests cover which.

use std::time::Duration;

use crate::judged::{Scene, candidate};
use crate::support::{Mix, SeenLog};

const RATE: f64 = 300.0;
const LONG: Duration = Duration::from_secs(60);
const STEPS: &str = "10% for 10s, analyse until decided (max 4m), 50% for 10s";

/// One request in five is a `POST /echo`, and of these alone one in five fails.
#[test]
fn s03_errors_on_one_route_only_are_found() {
    let mut scene = Scene::under(Mix::Everything, RATE, STEPS, |app| app).known();
    scene.app.env("ERROR_PATH", "/echo").env("ERROR_PERCENT", "20");
    let view = scene.roll_out("aborted");
    assert_eq!(view.code.as_deref(), Some("error-rate"), "{}", scene.tidegate.story());
    let (requests, bad) = candidate(&view);
    assert!(requests <= 900, "{requests} requests, {bad} bad");
    assert!(view.bad_requests.iter().all(|bad| bad.path == "/echo"), "{view:?}");
    scene.end("one route only", &view);
}

/// Every bad answer of the candidate is asked for again elsewhere, so that few clients see one. It is taken back all the same.
#[test]
fn s21_retries_hide_nothing_from_the_judge() {
    let traffic = "2\n    traffic: { retries: { attempts: 2, budget: 100%, on_5xx: true } }";
    let mut scene = Scene::new(RATE, STEPS, |app| app.set("scale", traffic)).known();
    scene.app.env("ERROR_PERCENT", "10").env("ERROR_STATUS", "503");
    let view = scene.roll_out("aborted");
    assert_eq!(view.code.as_deref(), Some("error-rate"), "{}", scene.tidegate.story());
    let (requests, bad) = candidate(&view);
    assert!(requests <= 600 && bad >= 3, "{requests} requests, {bad} bad");
    let report = scene.end("errors behind retries", &view);
    assert!(report.failed * 2 <= bad, "{bad} bad answers, of which clients saw\n{report}");
}

#[test]
fn s21_hung_requests_are_found() {
    let traffic = "2\n    traffic: { timeouts: { first_byte: 1s } }";
    let mut scene = Scene::new(RATE, STEPS, |app| app.set("scale", traffic)).known();
    scene.app.env("SLOW_PERCENT", "10").env("SLOW_MS", "5000");
    let view = scene.roll_out("aborted");
    assert_eq!(view.code.as_deref(), Some("error-rate"), "{}", scene.tidegate.story());
    let (requests, bad) = candidate(&view);
    assert!(requests <= 900, "{requests} requests, {bad} bad");
    assert!(view.bad_requests.iter().all(|bad| bad.status == 0), "nothing was answered: {view:?}");
    scene.end("hung requests", &view);
}

#[test]
fn one_bad_instance_of_two_is_replaced_and_not_the_revision() {
    let folder = SeenLog::new();
    let mut scene = Scene::new(RATE, "20% for 15s, 50% for 2s", |app| app).known();
    scene.app.env("ONE_BAD_FILE", folder.path().join("bad").to_str().unwrap());
    let view = scene.roll_out("succeeded");
    let events = scene.tidegate.events();
    let bad: Vec<_> = events.iter().filter(|event| event.kind == "instance.bad").collect();
    assert_eq!(bad.len(), 1, "{}", scene.tidegate.story());
    let named = bad[0].instance.as_ref().unwrap();
    let left =
        scene.tidegate.wait_for("stable's own have left", LONG, |service| service.instances.len() == 2);
    assert!(left.instances.iter().all(|instance| instance.id != *named), "{left:?}");
    scene.end("one bad instance of two", &view);
}
