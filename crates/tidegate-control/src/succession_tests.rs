//! r1 stays or comes back, r2 goes: what is defined then, and what becomes of what was released.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_core::model::{Build, BuildFlags, BuildId, Revision, ServiceState, Serving, Waiting};
use tidegate_core::time::Moment;
use tidegate_store::{EventFilter, Store};

use super::*;

const TIME: Time = Time { now: Moment(1_000), unix_ms: 5_000 };
const R1: RevisionNo = RevisionNo(1);
const R2: RevisionNo = RevisionNo(2);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn key(text: &str) -> FlagKey {
    text.parse().unwrap()
}

fn boolean() -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"})
}

fn text() -> Value {
    json!({"state": "ENABLED", "variants": {"on": "yes", "off": "no", "half": "so"}, "defaultVariant": "off"})
}

fn build(id: &str) -> Build {
    let build = json!({"id": id, "app": "shop", "snapshot": "", "run": null, "within_ms": 0, "phase": "ready", "content": null,
        "size": 0, "source": {"commit": null, "dirty": false}, "made_at_unix_ms": 0});
    serde_json::from_value(build).unwrap()
}

fn revision(number: RevisionNo, build: &str) -> Revision {
    let revision = json!({"app": "shop", "environment": "production", "number": number, "digest": build,
        "spec": {"build": build, "services": {}, "routes": [], "migrate": null}, "commit": null, "dirty": false,
        "made_at_unix_ms": 0});
    serde_json::from_value(revision).unwrap()
}

/// Two revisions with their flags; `web` is on r1, and what r2 brought is in force.
struct Shop(Store);

impl Shop {
    fn new(first: Value, second: Value) -> Self {
        let mut store = Store::in_memory().unwrap();
        let web = ServiceKey { app: name("shop"), environment: name("production"), service: name("web") };
        let state = ServiceState { stable: Some(R1), ..ServiceState::new(web) };
        let asked = BuildFlags { keys: [key("cart")].into_iter().collect(), partly: false };
        let written = store.transaction(|tx| {
            for (number, id, document) in [(R1, "b1", &first), (R2, "b2", &second)] {
                tx.put_build(&build(id))?;
                tx.next_revision(&name("shop"), &name("production"))?;
                tx.put_revision(&revision(number, id))?;
                tx.put_flag_document(&BuildId(id.to_owned()), document)?;
                tx.put_build_flags(&BuildId(id.to_owned()), &asked)?;
            }
            tx.put_service(&state)
        });
        written.unwrap();
        let mut shop = Shop(store);
        shop.in_force(R2, second);
        shop
    }

    fn in_force(&mut self, revision: RevisionNo, document: Value) {
        let (app, environment) = (name("shop"), name("production"));
        let definitions =
            FlagDefinitions { app, environment, deploy: None, revision: Some(revision), document };
        self.0.transaction(|tx| tx.put_flag_definitions(&definitions)).unwrap();
    }

    fn released(&mut self, flag: &str, serving: Serving) {
        let state = FlagState::untouched(key(flag));
        let step = tidegate_core::release::Step {
            after: serving,
            guard: None,
            cause: ReleaseCause::Asked,
            why: String::new(),
        };
        let (state, release) = tidegate_core::release::step(&state, step, 1);
        let place = (&name("shop"), &name("production"));
        self.0.transaction(|tx| put_release(tx, place.0, place.1, (&state, &release), TIME)).unwrap();
    }

    fn follow(&mut self, goals: &[RevisionNo]) {
        let place = (name("shop"), name("production"));
        let goals = goals.iter().copied().collect();
        let succession = follow(&self.0, (&place.0, &place.1), &goals, Vec::new(), TIME).unwrap();
        self.0.transaction(|tx| succession.write(tx, TIME)).unwrap();
    }

    fn defined(&self) -> Value {
        let found = self.0.flag_definitions(&name("shop"), &name("production")).unwrap().unwrap();
        found.document["flags"].clone()
    }

    fn serving(&self, flag: &str) -> Serving {
        self.0.flag_state(&name("shop"), &name("production"), &key(flag)).unwrap().serving
    }

    fn kinds(&self) -> Vec<String> {
        let events = self.0.events(0, &EventFilter::default(), 20).unwrap();
        events.into_iter().map(|event| event.event.kind).collect()
    }
}

#[test]
fn what_stays_is_defined_as_it_was() {
    let mut shop = Shop::new(
        json!({"flags": {"cart": boolean()}}),
        json!({"flags": {"cart": text(), "fresh": boolean()}}),
    );
    shop.released("fresh", Serving::Variant("on".to_owned()));
    shop.follow(&[R1, R2]);
    assert_eq!(shop.defined()["cart"], text(), "a service stays on r2");
    shop.follow(&[R1]);
    assert_eq!(shop.defined(), json!({"cart": boolean()}));
    assert_eq!(shop.serving("fresh"), Serving::Defined, "what was released of it ended with it");
    assert_eq!(shop.kinds()[1..], ["flag.put_back".to_owned(), "flag.undefined".to_owned()]);
    shop.follow(&[R1]);
    assert_eq!(shop.kinds().len(), 3, "nothing more happens");
    // r2 is tried once more.
    shop.follow(&[R2]);
    assert_eq!(shop.defined(), json!({"cart": text(), "fresh": boolean()}));
    assert_eq!(shop.serving("fresh"), Serving::Variant("on".to_owned()), "and so it is back");
}

#[test]
fn a_variant_that_r1_does_not_have_is_not_served_to_it() {
    let mut shop = Shop::new(json!({"flags": {"cart": boolean()}}), json!({"flags": {"cart": text()}}));
    shop.released("cart", Serving::Variant("half".to_owned()));
    shop.follow(&[R1]);
    assert_eq!(shop.serving("cart"), Serving::Killed("off".to_owned()));
    assert_eq!(shop.defined(), json!({"cart": boolean()}));
}

#[test]
fn what_waits_for_a_variant_that_r1_does_not_have_is_withdrawn_alone() {
    let mut shop = Shop::new(json!({"flags": {"cart": boolean()}}), json!({"flags": {"cart": text()}}));
    shop.released("cart", Serving::Variant("on".to_owned()));
    let place = (name("shop"), name("production"));
    let state = shop.0.flag_state(&place.0, &place.1, &key("cart")).unwrap();
    let serving = Serving::Variant("half".to_owned());
    let waiting = Waiting { serving, guard: None, by: "ann".to_owned(), why: None, at_unix_ms: 1 };
    let state = FlagState { waiting: Some(waiting), ..state };
    shop.0.transaction(|tx| tx.put_flag_state(&place.0, &place.1, &state)).unwrap();
    shop.follow(&[R1]);
    let state = shop.0.flag_state(&place.0, &place.1, &key("cart")).unwrap();
    assert_eq!((state.serving, state.waiting), (Serving::Variant("on".to_owned()), None));
}

#[test]
fn what_cannot_be_served_is_not_put_back() {
    let asks = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"if": [{"==": [{"flag": "gone"}, "on"]}, "on"]}});
    let second = json!({"flags": {"cart": text()}});
    let mut shop = Shop::new(json!({"flags": {"cart": asks}}), second.clone());
    shop.follow(&[R1]);
    assert_eq!(shop.defined(), second["flags"]);
    assert_eq!(shop.kinds(), ["flag.kept"]);
}

#[test]
fn flags_that_code_asks_for_stay_and_what_is_not_known_changes_nothing() {
    let mut shop = Shop::new(json!({"flags": {}}), json!({"flags": {"cart": text(), "fresh": boolean()}}));
    shop.follow(&[R1]);
    assert_eq!(shop.defined(), json!({"cart": text()}), "the code of r1 asks for it");
    shop.in_force(R2, json!({"flags": {"cart": boolean()}}));
    shop.0.transaction(|tx| tx.remove_flag_document(&BuildId("b1".to_owned()))).unwrap();
    shop.follow(&[R1]);
    assert_eq!(shop.defined(), json!({"cart": boolean()}));
}

#[test]
fn goals_are_where_services_go_or_stay() {
    let shop = Shop::new(json!({"flags": {}}), json!({"flags": {}}));
    let (app, environment) = (name("shop"), name("production"));
    let none = BTreeMap::new();
    assert_eq!(goals(&shop.0, (&app, &environment), &none).unwrap(), [R1].into_iter().collect());
    let web = ServiceKey { app: app.clone(), environment: environment.clone(), service: name("web") };
    let moved = BTreeMap::from([(web.clone(), Some(R2))]);
    assert_eq!(goals(&shop.0, (&app, &environment), &moved).unwrap(), [R2].into_iter().collect());
    let nowhere = BTreeMap::from([(web, None)]);
    assert!(goals(&shop.0, (&app, &environment), &nowhere).unwrap().is_empty());
}

#[test]
fn a_deploy_ends_what_it_does_not_define_and_tells_of_an_archived_key() {
    let both = json!({"flags": {"cart": boolean(), "old": boolean()}});
    let mut shop = Shop::new(json!({"flags": {}}), both);
    shop.released("old", Serving::Variant("on".to_owned()));
    let archived = FlagState { archived: true, version: 3, ..FlagState::untouched(key("back")) };
    let place = (name("shop"), name("production"));
    shop.0.transaction(|tx| tx.put_flag_state(&place.0, &place.1, &archived)).unwrap();
    let definitions = FlagDefinitions {
        app: place.0,
        environment: place.1,
        deploy: Some(3),
        revision: Some(RevisionNo(3)),
        document: json!({"flags": {"cart": boolean(), "back": boolean()}}),
    };
    let succession = by_deploy(&shop.0, &definitions, TIME).unwrap();
    shop.0.transaction(|tx| succession.write(tx, TIME)).unwrap();
    assert_eq!(shop.serving("old"), Serving::Defined);
    assert_eq!(shop.kinds()[1..], ["flag.archived_key".to_owned(), "flag.undefined".to_owned()]);
}
