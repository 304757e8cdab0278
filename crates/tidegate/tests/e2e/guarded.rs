//! Guarded releases under live traffic: a bad variant is turned off by itself, a good one goes to everybody.

use std::fs;
use std::time::{Duration, Instant};

use tidegate_core::model::Serving;
use tidegate_core::view::{FlagView, TimelineEvent};

use crate::support::{App, Load, Mix, Tidegate, eventually, figures, get_with};

const HOST: &str = "bad.localhost";
/// Requests a second, each of a user of its own.
const RATE: f64 = 300.0;
const LONG: Duration = Duration::from_secs(60);

/// An app with the flag `new-cart`, which nobody has yet.
fn with_flag() -> App {
    let app = App::new();
    let text = fs::read_to_string(app.manifest()).unwrap();
    let flags = "flags: { new-cart: { class: operational, owner: shop } }";
    fs::write(app.manifest(), format!("{flags}\n{text}")).unwrap();
    fs::write(app.path().join("cart.py"), "FLAG = \"new-cart\"\n").unwrap();
    app
}

/// A Tidegate that serves it.
fn serving(app: &App) -> Tidegate {
    let tidegate = Tidegate::up();
    tidegate.deploy_well(app);
    tidegate
}

fn release(tidegate: &Tidegate, args: &[&str]) {
    let who = ["--user", "header:x-load-id"];
    let output = tidegate.run(&[&["release"], args, &who].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn show(tidegate: &Tidegate) -> FlagView {
    serde_json::from_slice(&tidegate.run(&["flag", "show", "new-cart", "--json"]).stdout).unwrap()
}

fn told(tidegate: &Tidegate, kind: &str) -> TimelineEvent {
    let told = || tidegate.events().into_iter().find(|event| event.kind == kind);
    eventually(kind, LONG, told)
}

#[test]
fn a_bad_variant_is_turned_off_by_itself_also_across_a_kill_of_the_control_plane() {
    let mut app = with_flag();
    app.env("BAD_FLAG", "new-cart=on");
    let mut tidegate = serving(&app);
    let load = Load::start(&tidegate, HOST, RATE, Mix::Plain, None);
    let begun = Instant::now();
    release(&tidegate, &["to", "20%", "new-cart", "guard"]);
    tidegate.kill9_control();
    tidegate.restart();
    let event = told(&tidegate, "flag.guard.off");
    let took = begun.elapsed();
    let view = show(&tidegate);
    assert_eq!(view.run_time.serving, Serving::Off("off".to_owned()), "{}", event.message);
    assert_eq!((view.run_time.version, view.run_time.guard.is_some()), (2, false));
    let guard = view.guard.expect("it was guarded");
    assert_eq!((guard.at_work, guard.verdict.as_str()), (false, "abort"));
    assert_eq!((guard.on.bad, guard.off.bad), (guard.on.requests, 0));
    let meets = |user: u32| {
        let field = format!("x-load-id: u{user}\r\n");
        get_with(tidegate.gateway(), HOST, "/", &field).is_ok_and(|answer| answer.status == 500)
    };
    eventually("nobody meets it any more", LONG, || (!(0..40).any(meets)).then_some(()));
    let report = load.finish();
    let figure = [
        "a variant that always fails, at 20 %".to_owned(),
        (guard.on.requests + guard.off.requests).to_string(),
        guard.on.bad.to_string(),
        report.statuses.get("5xx").copied().unwrap_or_default().to_string(),
        format!("{:.1}", took.as_secs_f64()),
    ];
    figures::show(&figure);
    assert!(guard.on.bad <= 400, "{} bad answers until it was off", guard.on.bad);
}

#[test]
fn a_good_variant_goes_to_everybody_by_its_shares() {
    let tidegate = serving(&with_flag());
    let load = Load::start(&tidegate, HOST, RATE, Mix::Plain, None);
    release(&tidegate, &["to", "40%", "new-cart", "guard", "--steps", "80%,100%", "--hold", "1s"]);
    let event = told(&tidegate, "flag.guard.done");
    load.finish();
    let view = show(&tidegate);
    assert_eq!(view.run_time.serving, Serving::Variant("on".to_owned()), "{}", event.message);
    assert_eq!(view.run_time.version, 3, "40 %, 80 %, everybody");
    assert!(tidegate.events().iter().any(|event| event.kind == "flag.guard.grown"), "{}", tidegate.story());
    // An app without a client of its own knows of the flag by this alone: everybody has it now, and is told so.
    let told = |user: u32| get_with(tidegate.gateway(), HOST, "/flags", &format!("x-load-id: u{user}\r\n"));
    let all = || (0..20).all(|user| told(user).is_ok_and(|answer| answer.body.trim() == "new-cart=on"));
    eventually("everybody is told", LONG, || all().then_some(()));
    let text = tidegate.run(&["flag", "show", "new-cart"]).stdout;
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("its last guarded release: it is watched no more"), "{text}");
}

#[test]
fn a_guard_is_refused_where_the_rule_leaves_nobody_to_be_drawn() {
    let app = App::new();
    let text = fs::read_to_string(app.manifest()).unwrap();
    let rule = r#"targeting: { if: [{ "==": [{ var: plan }, pro] }, "on", "off"] }"#;
    fs::write(
        app.manifest(),
        format!("flags: {{ new-cart: {{ class: operational, owner: shop, {rule} }} }}\n{text}"),
    )
    .unwrap();
    fs::write(app.path().join("cart.py"), "FLAG = \"new-cart\"\n").unwrap();
    let tidegate = serving(&app);
    let refused = tidegate.run(&["release", "to", "20%", "new-cart", "guard"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("flag::nobody-to-draw"), "{said}");
}

#[test]
fn a_bad_revision_beside_a_good_flag_is_taken_back_and_the_flag_stays() {
    let mut app = with_flag();
    app.set("strategy", "{ canary: { bake: 1s, steps: [50% for 60s] } }");
    let tidegate = serving(&app);
    let load = Load::start(&tidegate, HOST, RATE, Mix::Plain, None);
    release(&tidegate, &["to", "30%", "new-cart", "guard"]);
    app.env("ERROR_PERCENT", "8");
    tidegate.deploy_begin(app.next_version());
    eventually("the revision is taken back", LONG, || (tidegate.rollout().phase == "aborted").then_some(()));
    load.finish();
    let view = show(&tidegate);
    assert_eq!((view.run_time.version, view.run_time.guard.is_some()), (1, true), "{}", tidegate.story());
    let guard = view.guard.expect("it is guarded");
    assert!(guard.at_work && guard.on.bad > 0, "{guard:?}");
    let beside = guard.beside.expect("there was a rollout");
    // The rollout's own judge may have been quicker than the comparison of both.
    assert!(["the revision", "not known yet"].contains(&beside.culprit.as_str()), "{beside:?}");
}
