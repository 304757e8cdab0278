//! Flags and the code that asks for them: what Git defines comes into force with a deploy, a flag is released only where its
//! code serves, and goes back with it.

use std::fs;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::model::RevisionNo;
use tidegate_core::view::FlagView;

use crate::support::{App, Tidegate, eventually};

const LONG: Duration = Duration::from_secs(20);
const FLAGS: &str = "flags:\n  new-cart: { class: operational, owner: shop }\n";
const ASKS: &str = "def cart(client):\n    return client.get_boolean_value(\"new-cart\", False)\n";

/// An app that defines the flag; its code does not ask for it yet.
fn app() -> App {
    let mut app = App::new();
    // One instance, and no migration: what takes time here is not what is tested.
    app.set("scale", "1");
    define(&app, FLAGS);
    app
}

fn define(app: &App, flags: &str) {
    let text = fs::read_to_string(app.manifest()).unwrap();
    let rest = text.split_once("app: bad").unwrap().1;
    fs::write(app.manifest(), format!("{flags}app: bad{rest}")).unwrap();
}

fn show(tidegate: &Tidegate) -> FlagView {
    serde_json::from_slice(&tidegate.run(&["flag", "show", "new-cart", "--json"]).stdout).unwrap()
}

fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn refused(output: &Output, code: &str) -> String {
    let said = said(output);
    assert!(!output.status.success() && said.contains(code), "{code}: {said}");
    said
}

/// What the gateway is given to serve of it.
fn effective(tidegate: &Tidegate) -> Value {
    let text = fs::read_to_string(tidegate.data().join("gateway/flags.json")).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    bundle["sets"]["bad/production"]["flags"]["new-cart"].clone()
}

fn back_to(tidegate: &Tidegate, revision: u32) {
    well(&tidegate.run(&["rollback", "web", &format!("r{revision}")]));
}

fn idle_at(tidegate: &Tidegate, revision: u32) {
    tidegate.wait_for("it is at rest", LONG, |service| {
        service.phase == "idle" && service.stable.as_ref().is_some_and(|s| s.revision == RevisionNo(revision))
    });
}

#[test]
fn a_flag_is_released_with_its_code_and_goes_back_with_it() {
    let (tidegate, mut app) = (Tidegate::up(), app());
    tidegate.deploy_well(&app);
    assert_eq!(effective(&tidegate)["defaultVariant"], "off", "the definition came with the deploy");
    let said = refused(&tidegate.run(&["release", "on", "new-cart"]), "flag::not-there");
    assert!(said.contains("r1") && said.contains("--when-ready"), "{said}");

    well(&tidegate.run(&["release", "on", "new-cart", "--when-ready"]));
    assert_eq!(show(&tidegate).state, "waiting");
    fs::write(app.path().join("cart.py"), ASKS).unwrap();
    tidegate.deploy_well(app.next_version());
    let released = show(&tidegate);
    assert_eq!((released.state.as_str(), released.served.as_str()), ("released", "on to everybody"));
    assert_eq!(released.code.mentioned, [RevisionNo(2)]);

    back_to(&tidegate, 1);
    // In the transaction that begins the rollback: it is there as soon as the command returns.
    assert_eq!(show(&tidegate).state, "killed");
    assert!(tidegate.story().contains("flag.rolled_back"), "{}", tidegate.story());
    refused(&tidegate.run(&["release", "undo", "new-cart"]), "flag::not-there");
    idle_at(&tidegate, 1);
    refused(&tidegate.run(&["release", "undo", "new-cart"]), "flag::not-there");

    back_to(&tidegate, 2);
    idle_at(&tidegate, 2);
    assert_eq!(show(&tidegate).state, "killed", "nobody turned it on again");
    well(&tidegate.run(&["release", "undo", "new-cart"]));
    assert_eq!(show(&tidegate).served, "on to everybody");
}

#[test]
fn what_a_deploy_defined_goes_with_it_when_it_is_taken_back() {
    let (tidegate, mut app) = (Tidegate::up(), app());
    fs::write(app.path().join("cart.py"), ASKS).unwrap();
    tidegate.deploy_well(&app);
    well(&tidegate.run(&["release", "on", "new-cart"]));
    let as_before = |what: &str, before: &Value| {
        eventually(what, LONG, || (effective(&tidegate) == *before).then_some(()));
    };
    eventually("it is on", LONG, || (effective(&tidegate)["defaultVariant"] == "on").then_some(()));
    let before = effective(&tidegate);
    assert_eq!(before["variants"]["on"], true);

    // The next one has another type, and does not start.
    let texts = "flags:\n  new-cart: { class: operational, owner: shop, type: string, variants: { on: \"yes\", off: \"no\" }, default: off }\n";
    define(&app, texts);
    app.behave("exits-at-once");
    let deployed = tidegate.deploy(app.next_version());
    assert_ne!(deployed.exit, 0);
    as_before("r1 has the flags it knows", &before);
    assert!(tidegate.story().contains("flag.put_back"), "{}", tidegate.story());

    // The same with one that was taken on, and goes back by hand.
    app.behave("good");
    tidegate.deploy_well(app.next_version());
    assert_eq!(effective(&tidegate)["variants"]["on"], "yes");
    back_to(&tidegate, 1);
    as_before("r1 has them again", &before);
}

#[test]
fn what_the_code_and_the_users_need_stays_defined() {
    let (tidegate, mut app) = (Tidegate::up(), app());
    fs::write(app.path().join("cart.py"), ASKS).unwrap();
    tidegate.deploy_well(&app);
    well(&tidegate.run(&["release", "on", "new-cart"]));
    let explained =
        tidegate.run(&["flag", "explain", "new-cart", "--context", "{\"targetingKey\": \"u1\"}", "--json"]);
    let explained: Value = serde_json::from_str(&well(&explained)).unwrap();
    assert_eq!((&explained["value"], &explained["variant"]), (&json!(true), &json!("on")));

    // A call for what nobody defines.
    fs::write(app.path().join("cart.py"), ASKS.replace("new-cart", "new-crat")).unwrap();
    let path = app.path().to_str().unwrap().to_owned();
    let said = refused(&tidegate.run(&["check", &path]), "flags::undefined");
    assert!(said.contains("cart.py:2: no flag `new-crat` is defined; did you mean `new-cart`?"), "{said}");
    refused(&tidegate.run(&["deploy", &path]), "flags::undefined");
    fs::write(app.path().join("cart.py"), ASKS).unwrap();

    // A variant that is served.
    let other = "flags:\n  new-cart: { class: operational, owner: shop, variants: { new: true, old: false }, default: old }\n";
    define(&app, other);
    let plan = well(&tidegate.run(&["plan", &path]));
    assert!(plan.contains("~ flag new-cart: defaultVariant, variants of its definition"), "{plan}");
    refused(&tidegate.run(&["deploy", &path]), "deploy::variant-in-use");

    // A flag that is gone from Git and from the next code serves those who still ask.
    define(&app, "flags: {}\n");
    fs::write(app.path().join("cart.py"), "").unwrap();
    let plan = well(&tidegate.run(&["plan", &path]));
    assert!(plan.contains("= flag new-cart: is gone from Git"), "{plan}");
    tidegate.deploy_well(app.next_version());
    assert_eq!(effective(&tidegate)["defaultVariant"], "on");
    tidegate.deploy_well(app.next_version());
    assert_eq!(effective(&tidegate), Value::Null, "nobody asks for it any more");
}
