//! Two real services as one: `web` calls `api` through the gateway and passes the lane on; `examples/train` is the app.
//!
//! Every answer names the versions it met, so that a load sees whoever was answered by the wrong side.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tidegate_core::model::RevisionNo;
use tidegate_core::view::{RolloutView, TrainView};
use tidegate_load::report::Report;

use crate::support::{App, Load, Mix, Tidegate, eventually, figures, get, get_with};

/// Requests a second; each makes two more.
const RATE: f64 = 40.0;
const WEB: &str = "train.localhost";
const API: &str = "api.train.localhost";
const LONG: Duration = Duration::from_secs(60);

/// The first version serves. `steps` are those of `web`.
fn serving(steps: &str) -> (Tidegate, App) {
    let tidegate = Tidegate::up();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/train");
    let mut app = App::copy_of(&example, &["app.py", "tidegate.yaml"]);
    let text = std::fs::read_to_string(app.manifest()).unwrap().replace("bake: 10s", "bake: 2s");
    let text = text.replace("[20% for 2m, 50% for 2m]", &format!("[{steps}]"));
    std::fs::write(app.manifest(), text).unwrap();
    app.env("GATEWAY", &tidegate.gateway().to_string());
    tidegate.deploy_well(&app);
    (tidegate, app)
}

fn rollout(tidegate: &Tidegate, service: &str) -> RolloutView {
    let output = tidegate.run(&["rollout", "show", service, "--json"]);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn train(tidegate: &Tidegate, service: &str) -> TrainView {
    rollout(tidegate, service).train.unwrap_or_else(|| panic!("{service}: {}", tidegate.story()))
}

/// Both end like this, and neither is ever seen to end otherwise.
fn both_end(tidegate: &Tidegate, phase: &str) -> [RolloutView; 2] {
    eventually(&format!("both are {phase}"), LONG, || {
        let views = ["web", "api"].map(|service| rollout(tidegate, service));
        let other = if phase == "succeeded" { "aborted" } else { "succeeded" };
        assert!(views.iter().all(|view| view.phase != other), "{}", tidegate.story());
        views.iter().all(|view| view.phase == phase).then_some(views)
    })
}

/// Waits until the step of `web`, from 1, is in force.
fn in_force(tidegate: &Tidegate, step: u32) {
    eventually(&format!("step {step} is in force"), LONG, || {
        let view = rollout(tidegate, "web");
        (view.step == Some(step) && view.step_in_force).then_some(())
    });
}

/// Which versions answered together.
fn met(report: &Report) -> BTreeSet<&str> {
    report.revisions.keys().map(String::as_str).collect()
}

fn version(tidegate: &Tidegate, host: &str) -> String {
    get(tidegate.gateway(), host, "/").unwrap().body.trim().to_owned()
}

#[test]
fn candidates_call_candidates_and_all_are_promoted_together() {
    let (tidegate, mut app) = serving("30% for 4s, 60% for 3s");
    let load = Load::start(&tidegate, WEB, RATE, Mix::Plain, None);
    tidegate.deploy_begin(app.next_version());
    in_force(&tidegate, 1);
    // Whom nobody of the train sends stays with stable, and made-up lanes are nobody's word.
    for fields in
        ["", "tidegate-lane: candidate\r\n", "tidegate-lane: 1.candidate.3.AAAAAAAAAAAAAAAAAAAAAA\r\n"]
    {
        let answer = get_with(tidegate.gateway(), API, "/", fields).unwrap();
        assert_eq!(answer.body, "1\n", "{fields}");
    }
    let seen = train(&tidegate, "api");
    let members: Vec<(&str, &str)> =
        seen.members.iter().map(|member| (member.service.as_str(), member.leg.as_str())).collect();
    assert_eq!((seen.name.as_str(), members), ("shop", vec![("web", "going"), ("api", "waiting")]));
    both_end(&tidegate, "succeeded");
    let report = load.finish();
    assert!(report.is_clean(), "{report}\n{}", tidegate.story());
    assert_eq!(met(&report), BTreeSet::from(["1-1-1", "2-2-2"]), "{report}");
    assert_eq!(version(&tidegate, WEB), "2-2-2");
    assert_eq!(version(&tidegate, API), "2");
    // And back, as one.
    let load = Load::start(&tidegate, WEB, RATE, Mix::Plain, None);
    assert!(tidegate.run(&["rollback", "api"]).status.success());
    both_end(&tidegate, "succeeded");
    let report = load.finish();
    assert!(report.is_clean(), "{report}\n{}", tidegate.story());
    assert!(met(&report).is_subset(&BTreeSet::from(["1-1-1", "2-2-2"])), "{report}");
    assert_eq!(version(&tidegate, WEB), "1-1-1");
}

#[test]
fn a_bad_api_takes_web_back_with_it_and_nobody_meets_the_wrong_side() {
    let (tidegate, mut app) = serving("50% for 600s");
    let load = Load::start(&tidegate, WEB, RATE, Mix::Plain, None);
    app.next_version().env("API_ERROR_PERCENT", "40").env("BETWEEN_SECONDS", "0.5");
    tidegate.deploy_begin(&app);
    eventually("both have begun", LONG, || {
        ["web", "api"].iter().all(|service| rollout(&tidegate, service).to == RevisionNo(2)).then_some(())
    });
    let [web, api] = both_end(&tidegate, "aborted");
    let report = load.finish();
    let codes = [&web.code, &api.code].map(|code| code.clone().unwrap_or_default());
    // The judge of either sees the errors: whoever decides, the other one follows, where it has not decided in the same moment.
    assert!(codes.iter().any(|code| code == "error-rate"), "{codes:?}");
    assert!(codes.iter().all(|code| code == "error-rate" || code == "train"), "{codes:?}");
    assert_eq!(met(&report), BTreeSet::from(["1-1-1", "2-2-2"]), "{report}");
    assert_eq!((report.unfinished, report.unsent), (0, 0), "{report}");
    // Nothing but what the bad version itself answered: no connection was cut, nothing refused.
    let bad = report.statuses.get("5xx").copied().unwrap_or(0);
    assert_eq!(report.failed, bad, "{report}\n{}", tidegate.story());
    assert_eq!([WEB, API].map(|host| version(&tidegate, host)), ["1-1-1", "1"]);
    let story = tidegate.events();
    let aborted = |service: &str| {
        let of = |event: &&_| -> bool {
            let event: &tidegate_core::view::TimelineEvent = event;
            event.kind == "rollout.aborted" && event.service.as_deref() == Some(service)
        };
        story.iter().find(of).map(|event| event.seq).unwrap()
    };
    assert!(aborted("web") < aborted("api"), "callers leave first\n{}", tidegate.story());
    figures::show(&[
        "bad api in a train".to_owned(),
        format!("{} requests, {} bad", report.sent, bad),
        format!("{:.1} s", web.seconds),
    ]);
}

#[test]
fn what_is_asked_of_one_is_asked_of_all_over_a_kill() {
    let (mut tidegate, mut app) = serving("50% for 600s");
    tidegate.deploy_begin(app.next_version());
    in_force(&tidegate, 1);
    assert!(tidegate.run(&["rollout", "pause", "api"]).status.success());
    eventually("both are paused", LONG, || {
        let phases = ["web", "api"].map(|service| rollout(&tidegate, service).phase);
        (phases == ["paused", "paused"]).then_some(())
    });
    let shown = tidegate.run(&["rollout", "show", "web"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("train      shop: web (paused, going), api (paused, waiting)"), "{shown}");
    tidegate.kill9_control();
    tidegate.restart();
    assert!(tidegate.run(&["rollout", "resume", "web"]).status.success());
    in_force(&tidegate, 1);
    let load = Load::start(&tidegate, WEB, RATE, Mix::Plain, None);
    assert!(tidegate.run(&["rollout", "abort", "api"]).status.success());
    tidegate.kill9_control();
    tidegate.restart();
    let views = both_end(&tidegate, "aborted");
    assert!(views.iter().all(|view| view.code.is_some()), "{views:?}");
    let report = load.finish();
    assert!(report.is_clean(), "{report}\n{}", tidegate.story());
    assert!(met(&report).is_subset(&BTreeSet::from(["1-1-1", "2-2-2"])), "{report}");
    // Once more, together.
    assert!(tidegate.run(&["rollout", "retry", "web"]).status.success());
    in_force(&tidegate, 1);
    assert!(tidegate.run(&["rollout", "promote", "web"]).status.success());
    both_end(&tidegate, "succeeded");
    assert_eq!(version(&tidegate, WEB), "2-2-2");
}
