//! The third version of `fractional`, against flagd's evaluator for Python, which has no other.

use serde_json::{Value, json};
use tidegate_flags::{Context, FlagSet, Fractional, Options};

use crate::differential::evaluated_by;
use crate::generate::Dice;

const VARIANTS: [&str; 4] = ["a", "b", "c", "d"];

/// What is drawn by: everything that CBOR has a form of its own for.
fn values() -> Vec<Value> {
    let mut values = vec![
        json!(true),
        json!(false),
        json!(null),
        json!(""),
        json!("ä€𝄞"),
        json!("x".repeat(30)),
        json!("y".repeat(300)),
        json!(0),
        json!(23),
        json!(24),
        json!(255),
        json!(256),
        json!(65_536),
        json!(4_294_967_296_u64),
        json!(u64::MAX),
        json!(9_007_199_254_740_993_u64),
        json!(-1),
        json!(-25),
        json!(i64::MIN),
        json!(1.5),
        json!(-0.0),
        json!(5.0),
        json!(0.1),
        json!(1e300),
        json!(65504.5),
        json!(5.960_464_477_539_063e-8),
        json!(3.4028234663852886e38),
        json!(1e-40),
        json!(6.1e-5),
        json!(-1e18),
        json!(1.8e19),
        json!(2e19),
        json!(1e22),
        json!({}),
        json!({"b": 1, "a": [1, 2.5, "x"], "aa": null}),
        json!({"a": {"z": true}}),
        json!([]),
        json!(["a"]),
        json!([1, 2, 3]),
    ];
    values.extend((0..300).map(|n| json!(format!("user-{n}"))));
    values.extend((0..100).map(|n| json!(n * 7919)));
    values
}

fn set(seed: u64) -> Value {
    let mut dice = Dice::new(seed);
    let variants: serde_json::Map<_, _> =
        VARIANTS.iter().map(|name| ((*name).to_owned(), json!(name))).collect();
    let mut flag = |first: Option<Value>| {
        let mut args: Vec<Value> = first.into_iter().collect();
        args.extend(VARIANTS.iter().map(|name| json!([name, 1 + dice.below(1000)])));
        json!({"state": "ENABLED", "variants": variants, "defaultVariant": "d", "targeting": {"fractional": args}})
    };
    let (by_value, by_key) = (flag(Some(json!({"var": "by"}))), flag(None));
    let by_text = flag(Some(json!({"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]})));
    json!({"flags": {"by-value": by_value, "by-key": by_key, "by-text": by_text}})
}

#[test]
fn the_third_version_draws_as_flagds_evaluator_for_python() {
    let mut asks = Vec::new();
    for by in values() {
        asks.push(json!({"key": "by-value", "context": {"by": by}}));
        if by.as_str().is_some_and(str::is_ascii) {
            asks.push(json!({"key": "by-key", "context": {"targetingKey": by}}));
            asks.push(json!({"key": "by-text", "context": {"targetingKey": by}}));
        }
    }
    let cases: Vec<Value> = (0..3).map(|seed| json!({"set": set(seed), "asks": asks})).collect();
    let theirs = evaluated_by("python/bin/python", "evaluate.py", &cases);
    for (case, theirs) in cases.iter().zip(theirs.as_array().unwrap()) {
        let set = FlagSet::parse(&case["set"].to_string(), &Options { fractional: Fractional::V3 }).unwrap();
        for (ask, theirs) in asks.iter().zip(theirs.as_array().unwrap()) {
            let context = Context::new(ask["context"].as_object().unwrap().clone()).unwrap();
            let ours = set.resolve(ask["key"].as_str().unwrap(), &context, 0).unwrap();
            // A list from the context is what is drawn by for none of the two; the share that flagd takes it for has no weight.
            assert_eq!(
                json!({"variant": ours.variant, "reason": ours.reason.as_str()}),
                *theirs,
                "{ask} of {}",
                case["set"]
            );
        }
    }
}
