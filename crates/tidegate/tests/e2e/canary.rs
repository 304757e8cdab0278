//! Going by steps with real processes: exact shares under load, the steps' clocks, what people can do, who is let in.

use std::time::{Duration, Instant};

use tidegate_core::view::RolloutView;
use tidegate_load::report::Report;

use crate::support::{App, Load, Mix, Tidegate, eventually, figures, get, get_with};

/// Requests a second.
const RATE: f64 = 200.0;
const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(60);
/// How far from a step's share the measured one may be, in percent of all requests.
const POINTS: f64 = 1.0;

/// The first version serves, the second comes by these steps.
fn rolling_out(steps: &str) -> (Tidegate, App) {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("strategy", &format!("{{ canary: {{ bake: 1s, steps: [{steps}] }} }}"));
    tidegate.deploy_well(&app);
    tidegate.deploy_begin(app.next_version());
    (tidegate, app)
}

/// Waits until this step, from 1, is in force.
fn in_force(tidegate: &Tidegate, step: u32) -> RolloutView {
    eventually(&format!("step {step} is in force"), LONG, || {
        Some(tidegate.rollout()).filter(|view| view.step == Some(step) && view.step_in_force)
    })
}

fn ask(tidegate: &Tidegate, verb: &str) {
    let output = tidegate.run(&["rollout", verb, "web"]);
    assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
}

fn phase(tidegate: &Tidegate, phase: &str) -> RolloutView {
    eventually(&format!("it is {phase}"), LONG, || {
        Some(tidegate.rollout()).filter(|view| view.phase == phase)
    })
}

/// The second version's share of the answers, in percent.
fn share(report: &Report) -> f64 {
    let of = |revision: &str| report.revisions.get(revision).map_or(0, |tally| tally.ok);
    let all: u64 = report.revisions.values().map(|tally| tally.ok).sum();
    of("2") as f64 * 100.0 / all as f64
}

/// Load for so long, and what came of it.
fn under_load(tidegate: &Tidegate, span: Duration) -> Report {
    let load = Load::start(tidegate, HOST, RATE, Mix::Plain, None);
    std::thread::sleep(span); // the time of a measurement
    let report = load.finish();
    assert!(report.is_clean(), "{report}\n{}", tidegate.story());
    report
}

/// The test's own second version has 5, 25 and 50 % of the requests in turn, each for the step's time.
#[test]
fn a_canary_goes_by_steps_of_time_with_exact_shares() {
    let hold = Duration::from_secs(9);
    let (tidegate, _app) = rolling_out("5% for 9s, 25% for 9s, 50% for 9s");
    for (step, percent) in [(1, 5), (2, 25), (3, 50)] {
        let view = in_force(&tidegate, step);
        assert_eq!((view.weight, view.steps.len()), (percent, 3));
        let left = view.step_seconds_left.unwrap();
        assert!(left > 0.0 && left <= hold.as_secs_f64(), "{left}");
        let report = under_load(&tidegate, Duration::from_secs(6));
        assert_eq!(tidegate.rollout().step, Some(step), "measured within the step: {}", tidegate.story());
        let measured = share(&report);
        figures::show(&[format!("step {percent} %"), format!("{measured:.2} % of {}", report.ok)]);
        assert!((measured - f64::from(percent)).abs() <= POINTS, "{measured} at {percent} %\n{report}");
    }
    phase(&tidegate, "succeeded");
    assert_eq!(get(tidegate.gateway(), HOST, "/version").unwrap().body, "2\n");
    let begun: Vec<_> = tidegate.events().into_iter().filter(|event| event.kind == "rollout.step").collect();
    assert_eq!(begun.len(), 3, "{}", tidegate.story());
}

#[test]
fn people_pause_approve_and_promote() {
    let (tidegate, _app) = rolling_out("20%, pause, 50% for 600s, approve");
    assert_eq!(phase(&tidegate, "paused").step, Some(2));
    ask(&tidegate, "resume");
    in_force(&tidegate, 3);
    ask(&tidegate, "pause");
    let view = phase(&tidegate, "paused");
    assert_eq!((view.step, view.weight), (Some(3), 50));
    ask(&tidegate, "resume");
    in_force(&tidegate, 3);
    let load = Load::start(&tidegate, HOST, RATE, Mix::Plain, None);
    ask(&tidegate, "promote");
    phase(&tidegate, "succeeded");
    let report = load.finish();
    assert!(report.is_clean(), "{report}\n{}", tidegate.story());
}

#[test]
fn an_abort_gives_stable_everything_at_once_and_loses_nothing() {
    let (tidegate, _app) = rolling_out("50% for 600s");
    in_force(&tidegate, 1);
    let load = Load::start(&tidegate, HOST, RATE, Mix::Plain, None);
    ask(&tidegate, "abort");
    let asked = Instant::now();
    eventually("stable has everything", LONG, || (tidegate.service().weight == 0).then_some(()));
    let took = asked.elapsed();
    phase(&tidegate, "aborted");
    let asked_by = |message: &str| message.starts_with("abort was asked") && message.contains(" by ");
    assert!(tidegate.events().iter().any(|event| asked_by(&event.message)), "{}", tidegate.story());
    let versions: Vec<String> =
        (0..20).map(|_| get(tidegate.gateway(), HOST, "/version").unwrap().body).collect();
    assert!(versions.iter().all(|version| version == "1\n"), "{versions:?}");
    let report = load.finish();
    assert!(report.is_clean(), "{report}\n{}", tidegate.story());
    figures::show(&["abort at 50 %, until stable has everything".to_owned(), format!("{took:?}")]);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_header_step_lets_in_who_sends_it_and_nobody_else() {
    let (tidegate, _app) = rolling_out("header x-preview=1, approve");
    let view = phase(&tidegate, "paused");
    assert_eq!((view.step, view.weight), (Some(2), 0));
    let version = |fields: &str| get_with(tidegate.gateway(), HOST, "/version", fields).unwrap().body;
    for _ in 0..30 {
        assert_eq!(version("x-preview: 1\r\n"), "2\n");
        assert_eq!(version("x-preview: 2\r\n"), "1\n");
        assert_eq!(version(""), "1\n");
    }
    ask(&tidegate, "abort");
    phase(&tidegate, "aborted");
    assert_eq!(version("x-preview: 1\r\n"), "1\n");
}

#[test]
fn the_steps_go_on_where_they_were_after_a_kill() {
    let (mut tidegate, _app) = rolling_out("20% for 8s, 50% for 600s");
    let before = in_force(&tidegate, 1);
    tidegate.kill9_control();
    let (away, report) = (Instant::now(), under_load(&tidegate, Duration::from_secs(3)));
    assert!((share(&report) - 20.0).abs() <= POINTS, "{report}");
    tidegate.restart();
    let away = away.elapsed();
    let view = tidegate.rollout();
    assert_eq!((view.id, view.weight), (before.id, if view.step == Some(1) { 20 } else { 50 }));
    in_force(&tidegate, 2);
    assert!(away < Duration::from_secs(30), "{away:?}");
}
