//! What is written back to Git is served as what it was written from, and nothing is written that changes by itself.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_flags::{Context, FlagSet, Options};

use super::*;
use crate::model::{Guard, Scheduled, Waiting};

fn state(key: &str, serving: Serving) -> FlagState {
    FlagState { version: 3, serving, ..untouched(key) }
}

fn written(document: &Value, state: &FlagState) -> WrittenBack {
    write_back(document, state, false, NOW).unwrap().unwrap()
}

fn with_flag(document: &Value, key: &str, flag: Value) -> Value {
    let mut after = document.clone();
    after["flags"][key] = flag;
    after
}

fn evaluated(document: &Value, key: &str, context: &Value) -> Option<String> {
    let set = FlagSet::parse(&document.to_string(), &Options::default()).unwrap();
    let context = Context::new(context.as_object().unwrap().clone()).unwrap();
    let resolved = set.resolve(key, &context, i64::try_from(NOW / 1_000).unwrap()).unwrap();
    resolved.variant.map(str::to_owned)
}

#[test]
fn a_variant_becomes_the_default_and_a_kill_stays_safe() {
    let on = written(&document(), &state("new-cart", variant("on")));
    assert_eq!(
        (on.default.as_deref(), on.safe.as_deref(), &on.rule),
        (Some("on"), Some("off"), &RuleChange::Stays)
    );
    let after = with_flag(&document(), "new-cart", on.flag);
    assert_eq!(Definition::find(&after, &"new-cart".parse().unwrap()).unwrap().safe(), Some("off"));
    let green = written(&document(), &state("colour", variant("green")));
    assert_eq!((green.default.as_deref(), green.safe), (Some("green"), None), "what is safe is said already");
    let none = write_back(&document(), &state("new-cart", variant("off")), false, NOW);
    assert_eq!(none, Ok(None), "it is so already");
}

#[test]
fn what_is_off_for_everybody_has_no_rule() {
    for serving in [turned_off("off"), Serving::Killed("off".to_owned())] {
        let off = written(&document(), &state("new-cart", serving));
        assert_eq!((off.rule, off.default), (RuleChange::Goes, None));
        assert_eq!(off.flag.get("targeting"), None);
    }
}

#[test]
fn a_share_is_the_else_of_a_rule_that_has_none() {
    let quarter = written(&document(), &state("new-cart", share("on", "off", 250_000)));
    let draw = json!({"fractional": [["on", 25], ["off", 75]]});
    assert_eq!(quarter.rule, RuleChange::Else(draw.clone()));
    let fine = written(&document(), &state("plain", share("yes", "no", 1_234)));
    assert_eq!(fine.rule, RuleChange::Is(json!({"fractional": [["yes", 1_234], ["no", 998_766]]})));
}

#[test]
fn what_changes_by_itself_is_named_and_left_alone() {
    let later = Serving::Schedule(vec![Scheduled { from_unix_ms: NOW + 1, serving: variant("on") }]);
    let guard = Guard { user: Vec::new(), steps: Vec::new(), step: 0, since_unix_ms: 0 };
    let waiting =
        Waiting { serving: variant("on"), guard: None, by: "ann".to_owned(), why: None, at_unix_ms: 0 };
    let quarter = state("new-cart", share("on", "off", 250_000));
    for (state, why) in [
        (state("new-cart", later), Unwritten::Scheduled),
        (FlagState { guard: Some(guard), ..quarter.clone() }, Unwritten::Guarded),
        (FlagState { waiting: Some(waiting), ..quarter.clone() }, Unwritten::Waiting),
        (FlagState { archived: true, ..quarter.clone() }, Unwritten::Archived),
        (state("new-cart", variant("pink")), Unwritten::NoVariant("pink".to_owned())),
        (state("bare", Serving::Killed(String::new())), Unwritten::Nothing),
        (state("paid", variant("on")), Unwritten::Entitlement),
    ] {
        assert_eq!(write_back(&document(), &state, false, NOW), Err(why), "{state:?}");
    }
    assert_eq!(write_back(&document(), &quarter, true, NOW), Err(Unwritten::Experiment));
    let over = Serving::Schedule(vec![Scheduled { from_unix_ms: NOW - 1, serving: variant("on") }]);
    assert_eq!(written(&document(), &state("new-cart", over)).default.as_deref(), Some("on"), "it is over");
    assert_eq!(write_back(&document(), &state("elsewhere", variant("on")), false, NOW), Ok(None));
}

fn any_rule() -> impl Strategy<Value = Value> {
    let chosen = prop_oneof![Just(json!("on")), Just(json!("off")), Just(Value::Null)];
    let draw = json!({"fractional": [["on", 30], ["off", 70]]});
    let leaf = prop_oneof![3 => chosen, 1 => Just(draw)];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let tier = |tier: u32| json!({"==": [{"var": "tier"}, tier]});
        prop_oneof![
            (0_u32..4, inner.clone(), inner.clone())
                .prop_map(move |(at, then, other)| json!({"if": [tier(at), then, other]})),
            (0_u32..4, inner).prop_map(move |(at, then)| json!({"if": [tier(at), then]})),
        ]
    })
}

fn any_serving() -> impl Strategy<Value = Serving> {
    let by = prop::option::of(Just("org".to_owned()));
    prop_oneof![
        Just(variant("on")),
        Just(variant("off")),
        Just(turned_off("off")),
        Just(Serving::Killed("off".to_owned())),
        (1_u32..1_000_000, by.clone()).prop_map(|(of, by)| Serving::Share(Share {
            variant: "on".to_owned(),
            otherwise: "off".to_owned(),
            of: Millionths(of),
            by
        })),
        (1_u32..100, by).prop_map(|(of, by)| Serving::Share(Share {
            variant: "off".to_owned(),
            otherwise: "on".to_owned(),
            of: Millionths(of * 10_000),
            by
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Committed, deployed and reset: what is served is what was served, also while the release is still there.
    #[test]
    fn what_is_written_back_is_served_as_before(
        rule in any_rule(),
        serving in any_serving(),
        user in prop::option::of("[a-z]{0,6}"),
        org in prop::option::of(0_u32..40),
        tier in 0_u32..5,
        v3 in any::<bool>(),
    ) {
        let mut before = document();
        before["flags"]["new-cart"]["targeting"] = rule;
        if v3 {
            before["metadata"] = json!({"fractional": "v3"});
        }
        let released = state("new-cart", serving);
        let Some(back) = write_back(&before, &released, false, NOW).unwrap() else { return Ok(()) };
        let mut after = with_flag(&before, "new-cart", back.flag);
        after["flags"]["new-cart"]["metadata"].as_object_mut().unwrap().remove("experiment");
        let mut context = json!({"tier": tier});
        user.into_iter().for_each(|user| context["targetingKey"] = json!(user));
        org.into_iter().for_each(|org| context["org"] = json!(org));
        let wanted = evaluated(&compose(&before, [&released]), "new-cart", &context);
        for state in [&untouched("new-cart"), &released] {
            let got = evaluated(&compose(&after, [state]), "new-cart", &context);
            prop_assert_eq!(&got, &wanted, "{} {}", after, context);
        }
        let safe = |document: &Value| Definition::find(document, &released.key).unwrap().safe().map(str::to_owned);
        prop_assert_eq!(safe(&after), safe(&before));
    }
}
