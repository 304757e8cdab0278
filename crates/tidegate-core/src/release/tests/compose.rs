//! What a flag server makes of the composed set: the rules first, then what was released; a kill is for everybody.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_flags::{Context, FlagSet, Options};

use super::*;
use crate::model::Scheduled;

fn evaluated(document: &Value, context: &Value, now_s: u64) -> Option<String> {
    let set = FlagSet::parse(&document.to_string(), &Options::default()).unwrap();
    let context = Context::new(context.as_object().unwrap().clone()).unwrap();
    let resolved = set.resolve("new-cart", &context, i64::try_from(now_s).unwrap()).unwrap();
    resolved.variant.map(str::to_owned)
}

fn with(serving: Serving) -> Value {
    compose(&document(), [&FlagState { serving, ..untouched("new-cart") }])
}

fn variant_of(serving: Serving, context: Value) -> Option<String> {
    evaluated(&with(serving), &context, NOW / 1_000)
}

#[test]
fn a_flag_that_was_never_released_is_as_git_says() {
    assert_eq!(compose(&document(), [&untouched("new-cart"), &untouched("no-such-flag")]), document());
}

#[test]
fn the_rules_come_first() {
    let staff = json!({"targetingKey": "ann", "staff": true});
    let other = json!({"targetingKey": "bob"});
    assert_eq!(variant_of(variant("off"), staff.clone()).unwrap(), "on");
    assert_eq!(variant_of(variant("on"), other.clone()).unwrap(), "on");
    assert_eq!(variant_of(share("on", "off", 1), staff.clone()).unwrap(), "on");
    assert_eq!(variant_of(share("on", "off", 1), other).unwrap(), "off");
    assert_eq!(variant_of(Serving::Killed("off".to_owned()), staff).unwrap(), "off");
}

#[test]
fn nobody_is_drawn_who_is_not_told_apart() {
    let all_but_one = share("on", "off", 999_999);
    assert_eq!(variant_of(all_but_one.clone(), json!({})).unwrap(), "off");
    assert_eq!(variant_of(all_but_one.clone(), json!({"targetingKey": ""})).unwrap(), "off");
    let Serving::Share(share) = all_but_one else { unreachable!() };
    let by = Serving::Share(Share { by: Some("user.org".to_owned()), ..share });
    assert_eq!(variant_of(by.clone(), json!({"targetingKey": "ann"})).unwrap(), "off");
    assert_eq!(variant_of(by, json!({"user": {"org": 7}})).unwrap(), "on");
}

#[test]
fn a_share_is_a_share() {
    let document = with(share("on", "off", 250_000));
    let set = FlagSet::parse(&document.to_string(), &Options::default()).unwrap();
    let drawn = |user: u32| {
        let context = json!({"targetingKey": format!("user-{user}")});
        let context = Context::new(context.as_object().unwrap().clone()).unwrap();
        set.resolve("new-cart", &context, 0).unwrap().variant == Some("on")
    };
    let on = (0..10_000).filter(|user| drawn(*user)).count();
    assert!((2_300..2_700).contains(&on), "{on} of 10,000");
}

#[test]
fn a_schedule_goes_by_the_clock() {
    let step = |from_unix_ms, serving| Scheduled { from_unix_ms, serving };
    let steps = vec![
        step(10_001, variant("on")),
        step(20_000, Serving::Killed("off".to_owned())),
        step(
            30_000,
            Serving::Share(Share {
                variant: "on".to_owned(),
                otherwise: "off".to_owned(),
                of: Millionths(999_999),
                by: None,
            }),
        ),
        step(40_000, Serving::Defined),
    ];
    let document = with(Serving::Schedule(steps));
    let (staff, bob) = (json!({"staff": true}), json!({"targetingKey": "bob"}));
    for (now_s, of_staff, of_bob) in [
        (10, "on", "off"),
        (11, "on", "on"),
        (19, "on", "on"),
        (20, "off", "off"),
        (29, "off", "off"),
        (30, "on", "on"),
        (40, "on", "off"),
    ] {
        let both = [&staff, &bob].map(|context| evaluated(&document, context, now_s).unwrap());
        assert_eq!(both, [of_staff, of_bob], "at {now_s} s");
    }
}

#[test]
fn before_a_schedule_and_after_a_clock_jumps_back_what_was_served_stays() {
    let step = |from_unix_ms, serving| Scheduled { from_unix_ms, serving };
    let document = with(Serving::Schedule(vec![
        step(0, Serving::Killed("off".to_owned())),
        step(20_000, variant("on")),
    ]));
    let staff = json!({"staff": true});
    for (now_s, expected) in [(0, "off"), (19, "off"), (20, "on"), (10, "off")] {
        assert_eq!(evaluated(&document, &staff, now_s).unwrap(), expected, "at {now_s} s");
    }
}

#[test]
fn under_v3_another_flag_can_ask_for_one_that_goes_to_a_share() {
    let mut asks = document();
    asks["metadata"] = json!({"fractional": "v3"});
    asks["flags"]["plain"]["targeting"] = json!({"if": [{"==": [{"flag": "new-cart"}, "on"]}, "yes"]});
    let released = FlagState { serving: share("on", "off", 500_000), ..untouched("new-cart") };
    let set = FlagSet::parse(&compose(&asks, [&released]).to_string(), &Options::default()).unwrap();
    let mut on = 0;
    for user in 0..200 {
        let context = json!({"targetingKey": format!("user-{user}")});
        let context = Context::new(context.as_object().unwrap().clone()).unwrap();
        let of = |key: &str| set.resolve(key, &context, 0).unwrap().value == Some(&json!(true));
        assert_eq!(of("plain"), of("new-cart"), "user {user}");
        on += usize::from(of("new-cart"));
    }
    assert!((60..140).contains(&on), "{on} of 200");
}

#[test]
fn a_variant_that_git_dropped_is_never_served() {
    let context = json!({"targetingKey": "bob"});
    assert_eq!(variant_of(variant("gone"), context.clone()).unwrap(), "off");
    assert_eq!(variant_of(share("gone", "off", 500_000), context.clone()).unwrap(), "off");
    assert_eq!(
        variant_of(Serving::Killed(String::new()), context),
        None,
        "everybody gets the default in the code"
    );
}

#[test]
fn an_archived_flag_is_not_served() {
    let archived = FlagState { archived: true, ..untouched("new-cart") };
    let composed = compose(&document(), [&archived]);
    assert_eq!(composed["flags"].get("new-cart"), None);
    assert!(composed["flags"].get("plain").is_some());
}

/// A rule that says something of some and nothing of others.
fn any_rule() -> impl Strategy<Value = Value> {
    let chosen = prop_oneof![Just(json!("on")), Just(json!("off")), Just(Value::Null)];
    let draw = json!({"fractional": [["on", 30], ["off", 70]]});
    let leaf = prop_oneof![3 => chosen, 1 => Just(draw)];
    leaf.prop_recursive(3, 8, 3, |inner| {
        (0_u32..4, inner.clone(), inner)
            .prop_map(|(tier, then, other)| json!({"if": [{"==": [{"var": "tier"}, tier]}, then, other]}))
    })
}

fn any_serving() -> impl Strategy<Value = Serving> {
    let plain = prop_oneof![
        Just(Serving::Defined),
        Just(variant("on")),
        Just(variant("off")),
        (1_u32..1_000_000).prop_map(|of| share("on", "off", of)),
    ];
    let scheduled = prop::collection::vec(plain.clone(), 1..4).prop_map(|servings| {
        let at = |(place, serving)| Scheduled { from_unix_ms: NOW + 10_000 * place as u64, serving };
        Serving::Schedule(servings.into_iter().enumerate().map(at).collect())
    });
    prop_oneof![
        3 => plain,
        1 => Just(turned_off("off")),
        1 => Just(Serving::Killed("off".to_owned())),
        1 => scheduled
    ]
}

/// What is to come of it, said without flagd's language.
fn expected(rule: &Value, serving: &Serving, context: &Value, now_s: u64) -> Option<String> {
    if let Serving::Off(variant) | Serving::Killed(variant) = serving {
        return Some(variant.clone());
    }
    let mut of_rule = document();
    of_rule["flags"]["new-cart"]["targeting"] = json!({"if": [true, rule]});
    of_rule["flags"]["new-cart"].as_object_mut().unwrap().remove("defaultVariant");
    if let Some(said) = evaluated(&of_rule, context, now_s) {
        return Some(said);
    }
    match serving {
        Serving::Defined | Serving::Off(_) | Serving::Killed(_) => Some("off".to_owned()),
        Serving::Variant(variant) => Some(variant.clone()),
        Serving::Share(share) => {
            let mut draw = document();
            let rest = 1_000_000 - share.of.0;
            draw["flags"]["new-cart"]["targeting"] =
                json!({"fractional": [["on", share.of.0], ["off", rest]]});
            evaluated(&draw, context, now_s)
        }
        Serving::Schedule(steps) => {
            let begun = steps.iter().rev().find(|step| step.from_unix_ms <= now_s * 1_000);
            let now = begun.map_or(&Serving::Defined, |step| &step.serving);
            expected(&Value::Null, now, context, now_s)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rules_first_then_what_was_released(
        rule in any_rule(),
        serving in any_serving(),
        user in "[a-z]{0,6}",
        tier in 0_u32..5,
        later in 0_u64..40,
    ) {
        let mut document = document();
        document["flags"]["new-cart"]["targeting"] = rule.clone();
        let context = json!({"targetingKey": user, "tier": tier});
        let now_s = NOW / 1_000 + later;
        let composed = compose(&document, [&FlagState { serving: serving.clone(), ..untouched("new-cart") }]);
        let wanted = if user.is_empty() && matches!(serving, Serving::Share(_) | Serving::Schedule(_)) {
            // Nobody is drawn: only what the rule says counts, and that is another test's business.
            return Ok(());
        } else {
            expected(&rule, &serving, &context, now_s)
        };
        prop_assert_eq!(evaluated(&composed, &context, now_s), wanted, "{}", composed);
    }
}
